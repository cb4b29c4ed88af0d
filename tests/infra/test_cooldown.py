"""What follows an alert: held back, counted, told once."""

from infra.alerts.runtime.alerting import Outcome
from infra.alerts.runtime.ports import AlertState
from infra.alerts.runtime.words.render import Purpose
from smartcam.contract.event import EventKind, Severity
from smartcam.contract.ids import CameraId, ThingName
from smartcam.contract.times import NS_PER_S
from tests.fakes.aws import Interruption
from tests.infra.sample import NOON, raised
from tests.infra.world import Cloud

COOLDOWN_S = 300
A_WHILE_S = 2 * 3600  # longer than anything that waits


def test_within_the_cooldown_events_are_held_back_and_one_closing_message_tells_how_many() -> None:
    cloud = Cloud(COOLDOWN_S)
    assert cloud.deliver(raised(1)) is Outcome.SENT
    cloud.now.advance(100)
    assert [cloud.deliver(raised(number)) for number in (2, 3)] == [Outcome.SUPPRESSED] * 2
    assert cloud.acknowledged(raised(2))
    assert cloud.history.state(raised(2)) is AlertState.SUPPRESSED
    assert len(cloud.timers.set) == 1
    assert cloud.tick(A_WHILE_S) == ["closed", "nothing"]
    [closing] = cloud.sent(Purpose.CLOSING)
    assert closing.at == NOON + COOLDOWN_S * NS_PER_S
    number = cloud.notifier.published[0].alert.number
    assert closing.alert.sms == f"gate: 2 more after alert {number} of 12:00:00 UTC (2 person)"
    assert closing.alert.number == number
    assert set(cloud.told_ids().values()) == {1}
    assert cloud.deliver(raised(4)) is Outcome.SENT


def test_an_alert_that_comes_before_the_closing_message_tells_what_was_held_back_and_nothing_is_left_to_close() -> None:
    cloud = Cloud(COOLDOWN_S)
    cloud.deliver(raised(1))
    cloud.deliver(raised(2))
    cloud.now.advance(COOLDOWN_S)
    assert cloud.deliver(raised(3)) is Outcome.SENT
    assert ", 1 more before" in cloud.notifier.published[-1].alert.sms
    assert raised(2).event_id in cloud.notifier.published[-1].alert.email
    assert cloud.tick(A_WHILE_S) == ["nothing", "nothing"]
    assert set(cloud.told_ids().values()) == {1}


def test_the_closing_message_waits_for_the_alert_that_passed_meanwhile() -> None:
    cloud = Cloud(COOLDOWN_S)
    cloud.deliver(raised(1))
    cloud.deliver(raised(2))
    cloud.now.advance(200)
    assert cloud.deliver(raised(3, severity=Severity.CRITICAL)) is Outcome.SENT
    cloud.deliver(raised(4))
    assert cloud.tick(A_WHILE_S) == ["early", "closed", "nothing"]
    [closing] = cloud.sent(Purpose.CLOSING)
    assert closing.at == NOON + (200 + COOLDOWN_S) * NS_PER_S
    assert closing.alert.number == cloud.alerts_of(raised(3))[0]
    assert set(cloud.told_ids().values()) == {1}


def test_a_closing_message_begins_no_cooldown() -> None:
    cloud = Cloud(COOLDOWN_S)
    cloud.deliver(raised(1))
    cloud.deliver(raised(2))
    cloud.tick(COOLDOWN_S)
    assert cloud.deliver(raised(3)) is Outcome.SENT


def test_a_closing_message_that_sns_does_not_take_is_tried_again() -> None:
    cloud = Cloud(COOLDOWN_S)
    cloud.deliver(raised(1))
    cloud.deliver(raised(2))
    cloud.notifier.down = True
    assert "failed" in cloud.tick(COOLDOWN_S + 60)
    assert cloud.sent(Purpose.CLOSING) == []
    cloud.notifier.down = False
    assert "sent 1" in cloud.tick(600)
    assert set(cloud.told_ids().values()) == {1}


def test_what_is_being_held_back_while_its_window_is_closed_is_told_too() -> None:
    cloud = Cloud(COOLDOWN_S)
    cloud.deliver(raised(1))
    between = Interruption()
    cloud.deliver(raised(2), between)
    for at, name in enumerate(between.names):
        cloud = Cloud(COOLDOWN_S)
        cloud.deliver(raised(1))
        cloud.deliver(raised(3))
        cloud.now.advance(COOLDOWN_S - 1)
        cloud.deliver(raised(2), Interruption(at, lambda cloud=cloud: cloud.tick(2)))  # type: ignore[misc]
        cloud.tick(A_WHILE_S)
        assert set(cloud.told_ids().values()) == {1}, name
        assert len(cloud.told_ids()) == 3, name


def test_the_cooldown_counts_from_what_was_sent_not_from_what_was_held_back() -> None:
    cloud = Cloud(COOLDOWN_S)
    cloud.deliver(raised(1))
    cloud.now.advance(COOLDOWN_S - 1)
    cloud.deliver(raised(2))
    cloud.now.advance(1)
    assert cloud.deliver(raised(3)) is Outcome.SENT


def test_a_higher_severity_passes_the_cooldown_and_the_same_does_not() -> None:
    cloud = Cloud(COOLDOWN_S)
    cloud.deliver(raised(1))
    assert cloud.deliver(raised(2, severity=Severity.CRITICAL)) is Outcome.SENT
    assert cloud.deliver(raised(3, severity=Severity.CRITICAL)) is Outcome.SUPPRESSED
    assert cloud.deliver(raised(4)) is Outcome.SUPPRESSED


def test_cameras_and_things_have_cooldowns_of_their_own_and_so_has_what_befalls_a_camera() -> None:
    cloud = Cloud(COOLDOWN_S)
    others = [
        raised(1),
        raised(2, camera_id=CameraId("door")),
        raised(3, thing=ThingName("yard-2")),
        raised(4, kind=EventKind.CAMERA_LOST),
        raised(5, kind=EventKind.CAMERA_RESTORED),
    ]
    assert [cloud.deliver(event) for event in others] == [Outcome.SENT] * 5


def test_whatever_a_camera_sees_shares_one_cooldown_and_the_closing_message_says_what_it_was() -> None:
    cloud = Cloud(COOLDOWN_S)
    cloud.deliver(raised(1))
    assert cloud.deliver(raised(2, kind=EventKind.VEHICLE)) is Outcome.SUPPRESSED
    assert cloud.deliver(raised(3, kind=EventKind.MOTION, severity=Severity.INFO)) is Outcome.SUPPRESSED
    cloud.tick(COOLDOWN_S)
    assert cloud.sent(Purpose.CLOSING)[0].alert.sms.endswith("(1 vehicle, 1 motion)")


def test_a_test_alert_holds_the_next_one_back_for_seconds_only() -> None:
    cloud = Cloud(COOLDOWN_S)
    assert cloud.deliver(raised(1, kind=EventKind.TEST)) is Outcome.SENT
    assert cloud.deliver(raised(2, kind=EventKind.TEST)) is Outcome.SUPPRESSED
    cloud.now.advance(10)
    assert cloud.deliver(raised(3, kind=EventKind.TEST)) is Outcome.SENT


def test_how_many_tests_were_held_back_is_told_seconds_later_too() -> None:
    cloud = Cloud(COOLDOWN_S)
    for number in (1, 2):
        cloud.deliver(raised(number, kind=EventKind.TEST))
    assert cloud.tick(60) == ["closed", "nothing"]
    [closing] = cloud.sent(Purpose.CLOSING)
    assert closing.at == NOON + 10 * NS_PER_S


def test_without_a_cooldown_every_event_alerts() -> None:
    cloud = Cloud(cooldown_s=0)
    assert [cloud.deliver(raised(number)) for number in range(5)] == [Outcome.SENT] * 5


def test_an_alert_that_failed_starts_no_cooldown() -> None:
    cloud = Cloud(COOLDOWN_S)
    cloud.notifier.down = True
    cloud.deliver(raised(1))
    cloud.notifier.down = False
    assert cloud.deliver(raised(2)) is Outcome.DEFERRED  # as the first, it waits for a topic that has just failed
    assert cloud.tick(5) == ["sent 1"]
    assert len(cloud.notifier.published) == 1
    assert set(cloud.told_ids().values()) == {1}
    assert len(cloud.told_ids()) == 2


def test_an_alert_and_a_closing_message_at_the_same_moment_tell_nothing_twice() -> None:
    between = Interruption()
    closing_window(Cloud(COOLDOWN_S), between)
    for at, name in enumerate(between.names):
        cloud = Cloud(COOLDOWN_S)
        closing_window(cloud, Interruption(at, lambda cloud=cloud: cloud.deliver(raised(3))))  # type: ignore[misc]
        cloud.tick(A_WHILE_S)
        assert len(cloud.told_ids()) == 3, name
        assert set(cloud.told_ids().values()) == {1}, name


def closing_window(cloud: Cloud, between: Interruption) -> None:
    cloud.deliver(raised(1))
    cloud.deliver(raised(2))
    cloud.tick(COOLDOWN_S, between)
