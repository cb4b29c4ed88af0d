"""Quiet hours, the guard of SMS and the pace of e-mail, from an event to the messages."""

from dataclasses import replace
from datetime import time
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from infra.alerts.runtime.alerting import Outcome
from infra.alerts.runtime.audience import Audience, Group, Language
from infra.alerts.runtime.jobs import CloseWindow
from infra.alerts.runtime.metrics import Metric
from infra.alerts.runtime.ports import AlertState, Decision
from infra.alerts.runtime.quiet import QuietHours
from infra.alerts.runtime.words.render import Purpose
from smartcam.contract.event import Event, Severity
from smartcam.contract.ids import CameraId, ThingName
from smartcam.contract.times import NS_PER_S, UtcNs
from tests.fakes.aws import FakeLimits, Interruption, crash
from tests.infra.sample import NOON, raised
from tests.infra.world import EVERYONE, Cloud

BERLIN = ZoneInfo("Europe/Berlin")
HOUR = 3600
COOLDOWN_S = 300
A_DAY_S = 24 * HOUR
SNS_EMAILS_PER_SECOND = 10
"""Above, SNS suspends the subscription."""
SLEEPERS = Group("sleepers", "arn:sleepers", Language.ENGLISH, QuietHours(time(22), time(7), BERLIN), 1, 0, zone=BERLIN)
EVENING = UtcNs(NOON + 10 * HOUR * NS_PER_S)  # 23:00 in Berlin
MORNING = UtcNs(NOON + 18 * HOUR * NS_PER_S)  # 07:00


def night_cloud(*groups: Group, cooldown_s: int = COOLDOWN_S) -> Cloud:
    cloud = Cloud(cooldown_s, Audience(groups or (SLEEPERS,)))
    cloud.now.at = EVENING
    return cloud


def test_what_comes_in_quiet_hours_is_held_and_becomes_one_digest_at_their_end() -> None:
    cloud = night_cloud()
    events = [raised(1), raised(2), raised(3, camera_id=CameraId("door"))]
    assert [cloud.deliver(event) for event in events] == [Outcome.HELD] * 3
    assert [cloud.history.state(event) for event in events] == [AlertState.HELD] * 3
    assert all(cloud.acknowledged(event) for event in events)
    assert cloud.notifier.all == []
    assert len(cloud.timers.set) == 1
    assert cloud.tick(A_DAY_S)[-1] == "digest"
    [digest] = cloud.notifier.all
    assert digest.alert.sms == "3 held until 07:00 CET by quiet hours: gate 2, door 1"
    assert digest.at == MORNING + 60 * NS_PER_S
    assert set(cloud.told_ids().values()) == {1}


def test_what_is_critical_is_never_held() -> None:
    cloud = night_cloud()
    assert cloud.deliver(raised(severity=Severity.CRITICAL)) is Outcome.SENT
    assert [one.at for one in cloud.notifier.published] == [EVENING]


def test_one_groups_sleep_does_not_keep_another_from_its_alert() -> None:
    cloud = night_cloud(SLEEPERS, EVERYONE)
    assert cloud.deliver(raised()) is Outcome.SENT
    assert [one.group for one in cloud.notifier.all] == ["everyone"]
    decided = {"sleepers": Decision(AlertState.HELD), "everyone": Decision(AlertState.SENT)}
    assert cloud.history.told(raised()) == decided
    cloud.tick(A_DAY_S)
    assert [one.group for one in cloud.notifier.all] == ["everyone", "sleepers"]


def test_a_quiet_night_without_events_sends_nothing() -> None:
    cloud = night_cloud()
    cloud.tick(A_DAY_S)
    assert cloud.notifier.all == []


def test_after_quiet_hours_an_event_alerts_at_once_again() -> None:
    cloud = night_cloud()
    cloud.deliver(raised(1))
    cloud.now.at = MORNING
    assert cloud.deliver(raised(2)) is Outcome.SENT


def test_what_a_cooldown_held_back_joins_the_digest_where_its_closing_message_would_wake_somebody() -> None:
    cloud = night_cloud()
    cloud.now.at = UtcNs(EVENING - HOUR * NS_PER_S - 60 * NS_PER_S)  # a minute before quiet
    assert cloud.deliver(raised(1)) is Outcome.SENT
    assert cloud.deliver(raised(2)) is Outcome.SUPPRESSED
    cloud.tick(A_DAY_S)
    assert cloud.sent(Purpose.CLOSING) == []
    [digest] = cloud.sent(Purpose.DIGEST)
    assert raised(2).event_id in digest.alert.document
    assert set(cloud.told_ids().values()) == {1}


def test_a_closing_message_about_what_is_critical_is_not_held() -> None:
    cloud = night_cloud()
    cloud.deliver(raised(1, severity=Severity.CRITICAL))
    cloud.deliver(raised(2, severity=Severity.CRITICAL))
    cloud.tick(COOLDOWN_S)
    assert len(cloud.sent(Purpose.CLOSING)) == 1


def test_a_crash_at_any_step_of_a_night_loses_nothing_and_doubles_only_after_publish() -> None:
    def night(cloud: Cloud, between: Interruption) -> None:
        try:
            cloud.deliver(raised(1), between)
        except BaseException:  # noqa: BLE001 - the crash
            cloud.now.advance(60)
            cloud.deliver(raised(1), between)
        cloud.deliver(raised(2), between)
        cloud.tick(A_DAY_S, between)

    whole = Interruption()
    night(night_cloud(), whole)
    assert "after publish" in whole.names
    for at, name in enumerate(whole.names):
        cloud, between = night_cloud(), Interruption(at, crash)
        try:
            night(cloud, between)
        except BaseException:  # noqa: BLE001 - in the second delivery
            cloud.now.advance(60)
            cloud.deliver(raised(2), between)
            cloud.tick(A_DAY_S, between)
        digests = cloud.sent(Purpose.DIGEST)
        assert len(digests) == (2 if name in {"after publish", "before sent"} else 1), (at, name)
        assert len({one.alert.number for one in digests}) == 1
        assert set(cloud.told_ids()) == {raised(1).event_id, raised(2).event_id}, (at, name)


def test_a_digest_that_sns_does_not_take_is_tried_again() -> None:
    cloud = night_cloud()
    cloud.deliver(raised())
    cloud.notifier.down = True
    cloud.tick(9 * HOUR)
    cloud.notifier.down = False
    cloud.tick(HOUR)
    assert len(cloud.sent(Purpose.DIGEST)) == 1


def test_a_job_of_a_group_that_is_gone_is_dropped() -> None:
    cloud = night_cloud()
    job = CloseWindow(raised().thing, raised().camera_id, "former", "sighting")
    assert cloud.do(cloud.now(), job) == "gone"


def test_when_the_days_sms_are_used_up_the_mail_goes_out_alone_and_says_so() -> None:
    cloud = Cloud(0, limits=FakeLimits(texts_per_day=1))
    cloud.deliver(raised(1))
    cloud.deliver(raised(2))
    first, second = cloud.notifier.published
    assert (first.texts, second.texts) == (True, False)
    assert "limit of SMS is reached" in second.alert.email
    assert cloud.meter.counted[Metric.SMS_SENT] == 1
    assert cloud.meter.counted[Metric.SMS_WITHHELD] == 1


def test_sms_are_counted_by_the_phones_that_they_go_to() -> None:
    family = Group("family", "arn:family", emails=1, phones=3)
    cloud = Cloud(0, Audience((family,)), limits=FakeLimits(texts_per_day=5))
    cloud.deliver(raised(1))
    cloud.deliver(raised(2))
    assert [one.texts for one in cloud.notifier.published] == [True, False]
    assert set(cloud.limits.used.values()) == {3}


def test_fifty_cameras_at_once_are_told_of_at_a_pace_that_suspends_nobody() -> None:
    cloud = Cloud(COOLDOWN_S)
    events = [of_camera(number) for number in range(50)]
    for event in events:
        cloud.deliver(event)
        cloud.now.at = NOON
    assert all(cloud.acknowledged(event) for event in events)
    cloud.tick(60)
    times = sorted(one.at for one in cloud.notifier.published)
    assert len(times) == 50
    assert most_within_a_second(times) <= 10
    assert times[-1] - times[0] <= 25 * NS_PER_S
    assert set(cloud.told_ids().values()) == {1}


@pytest.mark.parametrize("stall_s", [1, 2, 3, 4, 60])
def test_alerts_that_a_queue_brings_late_and_at_once_take_their_turns_anew(stall_s: int) -> None:
    cloud = Cloud(COOLDOWN_S)
    events = [of_camera(number) for number in range(50)]
    for event in events:
        cloud.deliver(event)
        cloud.now.at = NOON
    cloud.tick(5)
    cloud.now.advance(stall_s)  # nobody looks at the timers
    for due, job in cloud.timers.due(cloud.now()):
        late = cloud.now()
        cloud.do(due, job)
        cloud.now.at = late
    cloud.tick(HOUR)
    times = sorted(one.at for one in cloud.notifier.published)
    assert len(times) == 50
    assert most_within_a_second(times) <= SNS_EMAILS_PER_SECOND
    assert set(cloud.told_ids().values()) == {1}


def test_while_an_alert_waits_for_its_turn_what_follows_is_held_back_and_takes_none() -> None:
    cloud = Cloud(COOLDOWN_S)
    for number in range(40):
        cloud.deliver(of_camera(number))
    waiting = of_camera(39)
    assert cloud.history.state(waiting) is AlertState.RECORDED
    follower = replace(raised(90), thing=waiting.thing, camera_id=waiting.camera_id)
    assert cloud.deliver(follower) is Outcome.SUPPRESSED
    cloud.tick(60)
    assert len(cloud.alerts_of(waiting)) == 1
    cloud.tick(HOUR)
    assert set(cloud.told_ids().values()) == {1}
    assert len(cloud.told_ids()) == 41


def test_closing_messages_keep_the_pace_too() -> None:
    cloud = Cloud(COOLDOWN_S)
    for number in range(60):
        cloud.deliver(of_camera(number))
    cloud.tick(30)
    for number in range(60):
        other = raised(number + 100)
        followed = replace(of_camera(number), event_id=other.event_id)
        assert cloud.deliver(followed) is Outcome.SUPPRESSED
    cloud.tick(2 * HOUR)
    assert len(cloud.sent(Purpose.CLOSING)) == 60
    assert most_within_a_second(sorted(one.at for one in cloud.notifier.all)) <= 10
    assert set(cloud.told_ids().values()) == {1}


def test_a_group_without_mailboxes_needs_no_pace() -> None:
    machines = Audience((Group("machines", "arn:machines"),))
    cloud = Cloud(COOLDOWN_S, machines)
    for number in range(50):
        assert cloud.deliver(raised(number, camera_id=CameraId(f"camera-{number}"))) is Outcome.SENT
    assert cloud.now() == NOON


def of_camera(number: int) -> Event:
    """An event of one of many cameras, four to a device."""
    return raised(number, thing=ThingName(f"yard-{number // 4}"), camera_id=CameraId(f"camera-{number}"))


def most_within_a_second(times: list[UtcNs]) -> int:
    assert all(later >= earlier for earlier, later in pairwise(times))
    return max(sum(begin <= one < begin + NS_PER_S for one in times) for begin in times)
