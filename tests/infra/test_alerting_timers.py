"""What a timer brings about, job by job: the word it ends with, the next timer it sets, and what it says to SNS."""

import json
from dataclasses import replace
from datetime import time
from zoneinfo import ZoneInfo

import pytest

from infra.alerts.runtime.audience import Audience, Group, Language
from infra.alerts.runtime.closing import SWEEP_AFTER_S
from infra.alerts.runtime.facts import HeldEvent
from infra.alerts.runtime.jobs import CloseWindow, DeliverAgain, Job, SendDigest, SendWaiting
from infra.alerts.runtime.metrics import Metric
from infra.alerts.runtime.ports import Spot
from infra.alerts.runtime.quiet import QuietHours
from infra.alerts.runtime.turns import MOST_WAITING, ROUND_S, WaitingClosing
from infra.alerts.runtime.words.render import Purpose, alert_number
from smartcam.contract.event import EventKind, Severity
from smartcam.contract.ids import CameraId
from smartcam.contract.times import NS_PER_S, UtcNs
from tests.infra.sample import NOON, Deliveries, raised
from tests.infra.world import EVERYONE, Cloud

COOLDOWN_S = 300
CLOSE = CloseWindow(raised().thing, raised().camera_id, "everyone", "sighting")
DIGEST = SendDigest("everyone", NOON)
BERLIN = ZoneInfo("Europe/Berlin")


def after(seconds: float) -> UtcNs:
    return UtcNs(NOON + round(seconds * NS_PER_S))


def suppressed(*events: int, cooldown_s: int = COOLDOWN_S) -> Cloud:
    """A cloud whose cooldown is just over, with events that it has held back, and no timer set."""
    cloud = Cloud(cooldown_s)
    cloud.deliver(raised(1))
    for number in events:
        cloud.deliver(raised(number))
    cloud.timers.set.clear()
    cloud.now.at = after(cooldown_s)
    return cloud


def held(cloud: Cloud, *numbers: int, ends: UtcNs = NOON, group: str = "everyone") -> None:
    for number in numbers:
        cloud.digests.hold(group, ends, HeldEvent.of(raised(number)))


def all_turns_taken(cloud: Cloud, seconds: float = 60) -> UtcNs:
    """No mail may go out to the group before the returned time."""
    cloud.turns.free_at["everyone"] = UtcNs(cloud.now() + round(seconds * NS_PER_S))
    return cloud.turns.free_at["everyone"]


@pytest.mark.parametrize("job", [CLOSE, DIGEST, DeliverAgain(Deliveries().of(raised()))])
def test_a_job_that_a_queue_brings_before_its_time_goes_back_as_it_is(job: Job) -> None:
    cloud = Cloud(COOLDOWN_S)
    assert cloud.do(after(0.501), job) == "early"
    assert cloud.timers.set == [(after(0.501), job)]
    assert cloud.notifier.all == []


def test_half_a_second_too_soon_is_soon_enough() -> None:
    cloud = Cloud(COOLDOWN_S)
    assert cloud.do(after(0.5), DIGEST) == "nothing"
    assert cloud.timers.set == []


def test_a_job_of_a_group_that_is_gone_is_named_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    cloud = Cloud(COOLDOWN_S)
    assert cloud.do(NOON, replace(DIGEST, group="former")) == "gone"
    assert [record.message for record in caplog.records] == ["group_gone group=former job=SendDigest"]
    assert cloud.timers.set == []


def test_a_delivery_that_had_to_wait_is_taken_and_its_outcome_is_the_jobs_word() -> None:
    cloud = Cloud(COOLDOWN_S)
    assert cloud.do(NOON, DeliverAgain(Deliveries().of(raised()))) == "sent"
    assert len(cloud.alerts_of(raised())) == 1


def test_a_closing_message_is_followed_by_a_sweep_for_what_was_being_stored_meanwhile() -> None:
    cloud = suppressed(2)
    assert cloud.do(cloud.now(), replace(CLOSE, tries=3)) == "closed"
    sweep = replace(CLOSE, sweep=True)
    assert cloud.timers.set == [(after(COOLDOWN_S + SWEEP_AFTER_S), sweep)]
    assert cloud.tick(SWEEP_AFTER_S) == ["nothing"]
    assert cloud.timers.set == []  # a sweep is followed by none


def test_a_sweep_tells_what_was_stored_meanwhile() -> None:
    cloud = suppressed(2)
    cloud.do(cloud.now(), CLOSE)
    window = cloud.windows.items[(raised().thing, raised().camera_id), "everyone", "sighting"]
    window.held_back.add(HeldEvent.of(raised(3)))
    assert cloud.tick(SWEEP_AFTER_S) == ["closed"]
    assert [
        set(one.alert.document.split('"')) & {raised(2).event_id, raised(3).event_id} for one in cloud.notifier.all[1:]
    ] == [
        {raised(2).event_id},
        {raised(3).event_id},
    ]


def test_a_closing_message_that_must_wait_for_a_later_alert_sets_the_windows_timer_and_a_sweep_does_not() -> None:
    for sweep in (False, True):
        cloud = suppressed(2)
        cloud.now.at = after(100)
        job = replace(CLOSE, sweep=sweep)
        assert cloud.do(cloud.now(), job) == "early"
        assert cloud.timers.set == [(after(COOLDOWN_S), job)]
        window = cloud.windows.items[(raised().thing, raised().camera_id), "everyone", "sighting"]
        assert window.timer_at == after(COOLDOWN_S)
    cloud = suppressed(2)
    cloud.now.at = after(100)
    window = cloud.windows.items[(raised().thing, raised().camera_id), "everyone", "sighting"]
    window.timer_at = NOON
    cloud.do(cloud.now(), replace(CLOSE, sweep=True))
    assert window.timer_at == NOON


def test_a_closing_message_waits_for_its_groups_turn_and_is_followed_by_its_sweep() -> None:
    cloud = suppressed(2)
    all_turns_taken(cloud)
    assert cloud.do(cloud.now(), CLOSE) == "waits"
    assert cloud.timers.set == [(after(COOLDOWN_S + ROUND_S), SendWaiting("everyone"))]
    assert cloud.sent(Purpose.CLOSING) == []
    assert cloud.tick(ROUND_S) == ["sent 1"]
    assert [one.at for one in cloud.sent(Purpose.CLOSING)] == [after(COOLDOWN_S + ROUND_S)]
    assert [job for _, job in cloud.timers.set] == [replace(CLOSE, sweep=True)]


def test_a_closing_message_that_waits_for_its_turn_leaves_its_events_to_an_alert() -> None:
    cloud = suppressed(2)
    all_turns_taken(cloud)
    cloud.do(cloud.now(), CLOSE)
    cloud.deliver(raised(3))
    cloud.tick(ROUND_S)
    assert ", 1 more before" in cloud.notifier.published[-1].alert.sms
    assert cloud.sent(Purpose.CLOSING) == []


def test_a_closing_message_that_fails_leaves_its_events_to_an_alert_and_is_tried_again_later() -> None:
    cloud = suppressed(2)
    cloud.notifier.down = True
    assert cloud.do(cloud.now(), CLOSE) == "waits"
    assert cloud.timers.set == [(after(COOLDOWN_S + 5), SendWaiting("everyone"))]
    assert cloud.tick(5) == ["failed"]
    assert cloud.timers.set == [(after(COOLDOWN_S + 10), SendWaiting("everyone", 1))]
    cloud.notifier.down = False
    assert cloud.tick(5) == ["sent 1"]
    assert len(cloud.sent(Purpose.CLOSING)) == 1


def test_a_closing_message_that_finds_no_place_among_its_things_is_looked_at_again() -> None:
    cloud = suppressed(2)
    all_turns_taken(cloud)
    for number in range(MOST_WAITING):
        cloud.turns.join("everyone", CLOSE.thing, WaitingClosing(CameraId(f"camera-{number}"), "sighting"), cloud.now())
    assert cloud.do(cloud.now(), CLOSE) == "early"
    assert cloud.timers.set == [(after(COOLDOWN_S + 120), CLOSE)]
    assert cloud.windows.close(Spot(CLOSE.thing, CLOSE.camera, "everyone", "sighting", COOLDOWN_S), cloud.now())


def test_a_closing_message_says_whose_it_is_how_severe_and_in_which_zone() -> None:
    cloud = Cloud(COOLDOWN_S, Audience((EVERYONE,), zones={"yard-1/gate": BERLIN}))
    for number, severity in enumerate((Severity.CRITICAL, Severity.WARNING, Severity.CRITICAL, Severity.INFO)):
        cloud.deliver(raised(number, severity=severity))
    cloud.now.advance(COOLDOWN_S)
    cloud.do(cloud.now(), CLOSE)
    [closing] = cloud.sent(Purpose.CLOSING)
    assert closing.facts == {"thing": raised().thing, "camera_id": raised().camera_id, "severity": "critical"}
    assert "of 13:00:00 CET" in closing.alert.sms
    assert closing.group == "everyone"
    document = json.loads(closing.alert.document)
    assert (document["thing"], document["camera_id"]) == ("yard-1", "gate")


def test_a_closing_message_without_an_alert_before_it_has_the_number_of_its_first_event() -> None:
    cloud = Cloud(COOLDOWN_S)
    cloud.deliver(raised(1))
    cloud.deliver(raised(2))
    window = cloud.windows.items[(raised().thing, raised().camera_id), "everyone", "sighting"]
    window.number = window.sent_at = None
    cloud.do(cloud.now(), CLOSE)
    assert cloud.sent(Purpose.CLOSING)[0].alert.number == alert_number(raised(2).event_id)


def test_a_closing_message_of_tests_waits_seconds_and_one_of_sightings_its_whole_cooldown() -> None:
    cloud = Cloud(COOLDOWN_S)
    for number in (1, 2):
        cloud.deliver(raised(number, kind=EventKind.TEST))
    cloud.now.at = after(10)
    assert cloud.do(cloud.now(), replace(CLOSE, family="test")) == "closed"


def test_in_quiet_hours_a_closing_message_goes_to_the_digest_unless_something_in_it_is_critical() -> None:
    nap = QuietHours(time(12, 5), time(14), ZoneInfo("UTC"))
    for severity, word in ((Severity.WARNING, "held"), (Severity.CRITICAL, "closed")):
        cloud = Cloud(COOLDOWN_S, Audience((replace(EVERYONE, quiet=nap),)))
        cloud.deliver(raised(1, severity=Severity.CRITICAL))
        cloud.deliver(raised(2))
        cloud.deliver(raised(3, severity=severity))
        cloud.timers.set.clear()
        cloud.now.at = after(COOLDOWN_S)
        assert cloud.do(cloud.now(), CLOSE) == word
        night = cloud.digests.nights.get(("everyone", after(2 * 3600)))
        assert (len(night.held) if night else 0) == (2 if word == "held" else 0)
        digests = [(due, job) for due, job in cloud.timers.set if isinstance(job, SendDigest)]
        expected = [(after(2 * 3600 + 60), SendDigest("everyone", after(2 * 3600)))] if word == "held" else []
        assert digests == expected
        assert cloud.do(cloud.now(), CLOSE) == "nothing"


def test_a_digest_that_was_sent_or_has_nothing_to_tell_is_nothing() -> None:
    cloud = Cloud()
    assert cloud.do(NOON, DIGEST) == "nothing"
    held(cloud, 1)
    assert cloud.do(NOON, DIGEST) == "digest"
    assert cloud.do(NOON, DIGEST) == "nothing"
    assert len(cloud.sent(Purpose.DIGEST)) == 1
    assert cloud.timers.set == []


def test_a_digest_that_another_invocation_is_sending_is_looked_at_again_when_that_must_have_ended() -> None:
    cloud = Cloud()
    held(cloud, 1)
    cloud.digests.open("everyone", NOON, NOON)
    assert cloud.do(NOON, DIGEST) == "early"
    assert cloud.timers.set == [(after(45), DIGEST)]
    assert cloud.tick(45) == ["digest"]


def test_a_digest_waits_for_its_groups_turn_and_can_be_sent_then() -> None:
    cloud = Cloud()
    held(cloud, 1)
    all_turns_taken(cloud, 30)
    assert cloud.do(NOON, DIGEST) == "waits"
    assert cloud.timers.set == [(after(ROUND_S), SendWaiting("everyone"))]
    assert cloud.tick(30) == ["sent 1"]
    assert [one.at for one in cloud.sent(Purpose.DIGEST)] == [after(ROUND_S)]


def test_a_digest_that_fails_is_tried_again_after_a_growing_pause() -> None:
    cloud = Cloud()
    held(cloud, 1)
    cloud.notifier.down = True
    assert cloud.do(NOON, DIGEST) == "waits"
    assert cloud.tick(5) == ["failed"]
    assert cloud.tick(5) == ["failed"]
    assert cloud.timers.set == [(after(20), SendWaiting("everyone", tries=2))]
    cloud.notifier.down = False
    assert cloud.tick(10) == ["sent 1"]
    assert len(cloud.sent(Purpose.DIGEST)) == 1


def test_a_digest_tells_its_groups_people_in_their_language_and_zone() -> None:
    sleepers = Group("sleepers", "arn:sleepers", Language.CHINESE, emails=1, phones=2, zone=BERLIN)
    cloud = Cloud(0, Audience((EVERYONE, sleepers)))
    held(cloud, 4, 3, group="sleepers")
    assert cloud.do(NOON, SendDigest("sleepers", NOON)) == "digest"
    [digest] = cloud.notifier.all
    assert (digest.group, digest.texts, digest.facts) == ("sleepers", True, {})
    assert digest.alert.number == alert_number(raised(3).event_id)
    assert "13:00" in digest.alert.sms
    assert digest.alert.sms.isascii() is False
    assert cloud.meter.counted[Metric.SMS_SENT] == 2


def test_two_cameras_close_their_windows_each() -> None:
    cloud = suppressed(2)
    assert cloud.do(cloud.now(), replace(CLOSE, camera=CameraId("door"))) == "nothing"
    assert cloud.do(cloud.now(), replace(CLOSE, family="camera_lost")) == "nothing"
    assert cloud.do(cloud.now(), CLOSE) == "closed"
