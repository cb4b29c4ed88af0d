import base64
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.alerts.runtime.alerting import Outcome
from infra.alerts.runtime.audience import Audience, EventFilter, Group
from infra.alerts.runtime.metrics import Metric
from infra.alerts.runtime.ports import AlertState, Decision, NotPublished
from smartcam.contract.ack import Acknowledgement, AckStatus
from smartcam.contract.event import EventKind, Phase, Severity
from smartcam.contract.times import NS_PER_S, UtcNs
from tests.fakes.aws import Crash, Interruption, crash
from tests.infra.sample import NOON, Deliveries, cleared, delivery, raised, recorded
from tests.infra.world import EVERYONE, Cloud

COOLDOWN_S = 300
A_WHILE_S = 2 * 3600  # longer than anything that waits


def test_a_raised_event_is_recorded_alerted_and_accepted() -> None:
    cloud = Cloud()
    assert cloud.deliver(raised()) is Outcome.SENT
    assert cloud.history.state(raised()) is AlertState.SENT
    assert len(cloud.alerts_of(raised())) == 1
    assert cloud.acknowledged(raised())


def test_the_same_event_again_alerts_nobody_and_is_accepted_again() -> None:
    cloud = Cloud()
    cloud.deliver(raised())
    assert cloud.deliver(raised()) is Outcome.REPEATED
    assert len(cloud.alerts_of(raised())) == 1
    assert len(cloud.replies.sent) == 2


def test_what_is_cleared_completes_the_history_and_alerts_nobody() -> None:
    cloud = Cloud()
    assert cloud.deliver(cleared()) is Outcome.COMPLETED
    assert cloud.notifier.published == []
    assert cloud.acknowledged(cleared())


def test_what_is_recorded_is_kept_and_alerts_nobody_whatever_order_it_comes_in() -> None:
    cloud = Cloud()
    for event in (recorded(2), raised(), recorded(1), recorded(3), recorded(3)):
        cloud.deliver(event)
        assert cloud.acknowledged(event)
    assert cloud.history.filmed == {next(iter(cloud.history.filmed)): recorded(3)}
    assert len(cloud.alerts_of(raised())) == 1
    assert cloud.history.state(raised()) is AlertState.SENT


def test_the_end_before_the_beginning_takes_no_alert_away() -> None:
    cloud = Cloud()
    cloud.deliver(cleared())
    assert cloud.deliver(raised()) is Outcome.SENT


def test_an_event_older_than_its_validity_is_recorded_and_alerts_nobody() -> None:
    cloud = Cloud()
    old = raised(age_ms=3_601_000)
    assert cloud.deliver(old) is Outcome.STALE
    assert cloud.history.state(old) is AlertState.STALE
    assert cloud.notifier.published == []
    assert cloud.acknowledged(old)


def test_a_clock_that_is_years_off_makes_nothing_stale() -> None:
    years_ago = UtcNs(NOON - 10**17)
    assert Cloud().deliver(raised(started_at=years_ago, expires_at=UtcNs(years_ago + NS_PER_S))) is Outcome.SENT


def test_an_event_of_unknown_age_alerts_and_says_so() -> None:
    cloud = Cloud()
    assert cloud.deliver(raised(age_ms=None, clock_synced=False)) is Outcome.SENT
    assert "uncertain" in cloud.notifier.published[0].alert.sms


def test_while_the_topic_fails_the_event_stays_recorded_is_accepted_and_a_timer_tries_again() -> None:
    cloud = Cloud(COOLDOWN_S)
    cloud.notifier.down = True
    assert cloud.deliver(raised()) is Outcome.DEFERRED
    assert cloud.history.state(raised()) is AlertState.RECORDED
    assert cloud.acknowledged(raised())
    assert cloud.tick(60) == ["failed"] * 4
    cloud.notifier.down = False
    assert cloud.tick(60) == ["sent 1"]
    assert len(cloud.alerts_of(raised())) == 1
    assert cloud.meter.counted[Metric.PUBLISH_FAILED] == 5
    assert cloud.meter.counted[Metric.UNDELIVERED_AGE] > 0
    assert set(cloud.limits.used.values()) == {1}  # SMS that certainly were not sent do not count


def test_a_topic_that_fails_for_longer_than_the_event_is_worth_an_alarm_leaves_it_stale() -> None:
    cloud = Cloud()
    cloud.notifier.down = True
    cloud.deliver(raised())
    cloud.tick(A_WHILE_S)
    assert cloud.history.state(raised()) is AlertState.STALE
    assert cloud.timers.set == []


def test_an_event_that_is_never_stale_is_tried_for_hours_and_then_given_up_to_the_dead_letter_queue() -> None:
    cloud = Cloud()
    cloud.notifier.down = True
    cloud.deliver(raised(age_ms=None))
    with pytest.raises(NotPublished):
        cloud.tick(24 * 3600)
    assert cloud.now() > NOON + 4 * 3600 * NS_PER_S
    assert cloud.history.state(raised()) is AlertState.RECORDED
    assert cloud.timers.set == []


def test_a_lost_reply_undoes_nothing_and_is_made_good_when_the_device_sends_again() -> None:
    cloud = Cloud()
    cloud.replies.down = True
    assert cloud.deliver(raised()) is Outcome.SENT
    cloud.replies.down = False
    assert cloud.deliver(raised()) is Outcome.REPEATED
    assert len(cloud.alerts_of(raised())) == 1
    assert cloud.acknowledged(raised())


def test_a_payload_that_names_another_thing_is_refused_to_the_thing_of_its_topic() -> None:
    cloud = Cloud()
    assert cloud.run(delivery(raised().to_json(), thing="thief")) is Outcome.REFUSED
    [(thing, reply)] = cloud.replies.sent
    assert thing == "thief"
    assert reply == Acknowledgement(
        raised().event_id, Phase.RAISED, AckStatus.REFUSED, "thing: must be thief, as in the topic", 0
    )
    assert cloud.history.states == {}
    assert cloud.notifier.published == []


def test_a_payload_that_names_another_camera_is_refused() -> None:
    cloud = Cloud()
    assert cloud.run(delivery(raised().to_json(), camera="cellar")) is Outcome.REFUSED
    assert cloud.replies.sent[0][1].reason == "camera_id: must be cellar, as in the topic"


def test_a_payload_that_is_no_event_is_kept_and_cannot_be_answered() -> None:
    cloud = Cloud()
    assert cloud.run(delivery(b"\xff\x00")) is Outcome.REFUSED
    assert cloud.refusals.kept[0][0]["payload"] == base64.b64encode(b"\xff\x00").decode()
    assert cloud.replies.sent == []


def test_a_schema_of_tomorrow_is_refused_with_the_reason() -> None:
    cloud = Cloud()
    payload = raised().to_json().replace(b'"schema":1', b'"schema":2')
    assert cloud.run(delivery(payload)) is Outcome.REFUSED
    assert cloud.replies.sent[0][1].reason.startswith("schema: must be 1")


def test_an_event_over_four_kilobytes_is_refused() -> None:
    cloud = Cloud()
    payload = raised().to_json()[:-1] + b',"x":"' + b"x" * 4096 + b'"}'
    assert cloud.run(delivery(payload)) is Outcome.REFUSED
    assert "bytes" in cloud.replies.sent[0][1].reason


@pytest.mark.parametrize("value", [b"1e999", rb'"\ud800"', b"[" * 1500 + b"]" * 1500, b"9" * 3000, b"null", b"[1E5]"])
def test_unknown_fields_of_any_kind_are_kept_or_refused_and_never_an_error(value: bytes) -> None:
    cloud = Cloud()
    payload = raised().to_json()[:-1] + b',"later":' + value + b"}"
    outcome = cloud.run(delivery(payload))
    answers = [reply.status for _, reply in cloud.replies.sent]
    assert (outcome, answers) in (
        (Outcome.SENT, [AckStatus.ACCEPTED]),
        (Outcome.REFUSED, [AckStatus.REFUSED]),
        (Outcome.REFUSED, []),  # nested so deep that not even its id can be read
    )


@settings(deadline=None)
@given(st.binary(max_size=8), st.integers(0, 600), st.integers(0, 8))
def test_a_damaged_event_is_taken_or_refused_and_never_an_error(noise: bytes, place: int, length: int) -> None:
    payload = raised().to_json()
    damaged = payload[:place] + noise + payload[place + length :]
    assert Cloud().run(delivery(damaged)) in {Outcome.SENT, Outcome.REFUSED, Outcome.STALE}


def test_what_could_not_be_kept_is_not_answered() -> None:
    cloud = Cloud()
    with pytest.raises(Crash):
        cloud.run(delivery(b'{"event_id": 1}'), Interruption(at=0, act=crash))
    assert cloud.replies.sent == []


def test_a_delivery_hours_after_its_arrival_is_judged_by_now() -> None:
    cloud = Cloud()
    arrived = Deliveries(cloud.now).of(raised())
    cloud.now.advance(3601)
    assert cloud.run(arrived) is Outcome.STALE


def test_the_arrival_counts_where_the_clock_was_wrong() -> None:
    cloud = Cloud()
    event = replace(raised(), clock_synced=False, age_ms=60_000)
    cloud.deliver(event)
    assert "11:59:00" in cloud.notifier.published[0].alert.sms


def test_a_group_is_told_only_of_what_it_wants() -> None:
    guards = Group("guards", "arn:guards", emails=1, wanted=EventFilter(kinds=frozenset({EventKind.PERSON})))
    cloud = Cloud(COOLDOWN_S, Audience((EVERYONE, guards)))
    cloud.deliver(raised(1, kind=EventKind.VEHICLE))
    cloud.deliver(raised(2))
    assert [(one.group, one.event_id) for one in cloud.notifier.published] == [
        ("everyone", raised(1).event_id),
        ("guards", raised(2).event_id),  # the car that it did not hear of holds no person back
    ]
    decided = {"everyone": Decision(AlertState.SENT), "guards": Decision(AlertState.UNWANTED)}
    assert cloud.history.told(raised(1)) == decided
    assert cloud.history.state(raised(2)) is AlertState.SENT


def test_what_nobody_wants_is_recorded_and_accepted() -> None:
    nobody = Audience((Group("none", "arn", wanted=EventFilter(severity=Severity.CRITICAL)),))
    cloud = Cloud(COOLDOWN_S, nobody)
    assert cloud.deliver(raised()) is Outcome.UNWANTED
    assert cloud.history.state(raised()) is AlertState.UNWANTED
    assert cloud.acknowledged(raised())


def test_without_any_group_events_are_still_recorded_and_accepted() -> None:
    cloud = Cloud(COOLDOWN_S, Audience(()))
    assert cloud.deliver(raised()) is Outcome.UNWANTED
    assert cloud.acknowledged(raised())


def test_an_event_of_unknown_fields_passes_and_an_unknown_schema_is_counted() -> None:
    cloud = Cloud()
    newer = raised().to_json()[:-1] + b',"mood":"calm"}'
    assert cloud.run(delivery(newer)) is Outcome.SENT
    assert cloud.run(delivery(newer.replace(b'"schema":1', b'"schema":2'))) is Outcome.REFUSED
    assert cloud.meter.counted[Metric.SCHEMA_UNKNOWN] == 1
    assert cloud.meter.counted[Metric.EVENTS_REFUSED] == 1
