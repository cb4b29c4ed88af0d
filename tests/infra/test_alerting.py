from dataclasses import dataclass, replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.alerts.runtime import metrics
from infra.alerts.runtime.alerting import Outcome
from infra.alerts.runtime.audience import Audience, Group, Wanted
from infra.alerts.runtime.ports import AlertState, NotPublished
from infra.alerts.runtime.render import Purpose
from smartcam.contract.ack import Acknowledgement, AckStatus
from smartcam.contract.event import Event, EventKind, Phase, Severity
from smartcam.contract.ids import CameraId, ThingName
from smartcam.contract.times import NS_PER_S, UtcNs
from tests.fakes.aws import Crash, Interruption, crash
from tests.infra.sample import NOON, Deliveries, cleared, delivery, raised
from tests.infra.world import EVERYONE, RETRY_S, Cloud

COOLDOWN_S = 300
A_WHILE_S = 2 * 3600  # longer than anything that waits


def moments(event: Event, cooldown_s: int = 0) -> list[str]:
    """Every moment between two steps of a delivery that goes well."""
    between = Interruption()
    Cloud(cooldown_s).deliver(event, between)
    return between.names


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
    assert cloud.tick(60) == [Outcome.DEFERRED] * 3
    cloud.notifier.down = False
    assert cloud.tick(60) == [Outcome.SENT]
    assert len(cloud.alerts_of(raised())) == 1
    assert cloud.meter.counted[metrics.PUBLISH_FAILED] == 4
    assert cloud.meter.counted[metrics.UNDELIVERED_AGE] > 0
    assert cloud.limits.used.total() == 1  # SMS that certainly were not sent do not count


def test_a_topic_that_fails_for_longer_than_the_event_is_worth_an_alarm_leaves_it_stale() -> None:
    cloud = Cloud()
    cloud.notifier.down = True
    cloud.deliver(raised())
    assert cloud.tick(A_WHILE_S)[-1] == Outcome.STALE
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
        raised().event_id, Phase.RAISED, AckStatus.REFUSED, "thing: must be thief, as in the topic"
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
    assert cloud.refusals.kept[0][0].payload == b"\xff\x00"
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
    assert "closed" in cloud.tick(600)
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


def test_without_a_cooldown_every_event_alerts() -> None:
    cloud = Cloud(cooldown_s=0)
    assert [cloud.deliver(raised(number)) for number in range(5)] == [Outcome.SENT] * 5


def test_an_alert_that_failed_starts_no_cooldown() -> None:
    cloud = Cloud(COOLDOWN_S)
    cloud.notifier.down = True
    cloud.deliver(raised(1))
    cloud.notifier.down = False
    assert cloud.deliver(raised(2)) is Outcome.SENT


EXCEPTED = {"after publish", "before settle", "before mark"}
TWO_GROUPS = Audience((EVERYONE, Group("guards", "arn:guards", emails=3)))


@pytest.mark.parametrize("cooldown_s", [0, COOLDOWN_S])
def test_a_crash_between_any_two_steps_loses_nothing_and_doubles_only_between_publish_and_sent(
    cooldown_s: int,
) -> None:
    for at, name in enumerate(moments(raised(), cooldown_s)):
        cloud = Cloud(cooldown_s)
        with pytest.raises(Crash):
            cloud.deliver(raised(), Interruption(at, crash))
        cloud.now.advance(RETRY_S)
        cloud.deliver(raised())
        alerts = cloud.alerts_of(raised())
        assert len(alerts) == (2 if name in EXCEPTED else 1), name
        assert cloud.meter.counted[metrics.ALERTS_DOUBTFUL] >= len(alerts) - 1, name
        assert len(set(alerts)) == 1
        assert cloud.history.state(raised()) is AlertState.SENT
        assert cloud.acknowledged(raised())


def test_a_crash_between_two_groups_doubles_nothing_for_the_first() -> None:
    between = Interruption()
    Cloud(COOLDOWN_S, TWO_GROUPS).deliver(raised(), between)
    for at in range(len(between.names)):
        cloud = Cloud(COOLDOWN_S, TWO_GROUPS)
        interruption = Interruption(at, crash)
        with pytest.raises(Crash):
            cloud.deliver(raised(), interruption)
        cloud.now.advance(RETRY_S)
        cloud.deliver(raised())
        alerts = [one.group for one in cloud.notifier.published]
        assert set(alerts) == {"everyone", "guards"}
        assert len(alerts) == (3 if interruption.names[-1] in EXCEPTED else 2), interruption.names[-1]


def test_one_groups_failing_topic_does_not_keep_the_others_waiting() -> None:
    cloud = Cloud(COOLDOWN_S, TWO_GROUPS)
    between = Interruption()
    publish = cloud.notifier.publish

    def first_fails(*arguments: object, **named: object) -> None:
        cloud.notifier.down = "publish" not in "".join(between.names)
        between.pass_by("publish")
        publish(*arguments, **named)  # type: ignore[arg-type]  # handed through

    cloud.notifier.publish = first_fails  # type: ignore[method-assign]  # a topic of one group fails
    assert cloud.deliver(raised()) is Outcome.DEFERRED
    assert [one.group for one in cloud.notifier.published] == ["guards"]
    assert cloud.tick(60) == [Outcome.SENT]
    assert [one.group for one in cloud.notifier.published] == ["guards", "everyone"]


def test_after_a_crash_between_sent_and_the_cooldown_the_retry_starts_it() -> None:
    cloud = Cloud(COOLDOWN_S)
    at = moments(raised(), COOLDOWN_S).index("after settle")
    with pytest.raises(Crash):
        cloud.deliver(raised(1), Interruption(at, crash))
    cloud.now.advance(RETRY_S)
    cloud.deliver(raised(1))
    assert cloud.deliver(raised(2)) is Outcome.SUPPRESSED


def test_a_crash_while_holding_back_counts_the_event_once_and_leaves_it_to_no_ones_memory() -> None:
    base = Cloud(COOLDOWN_S)
    base.deliver(raised(1))
    between = Interruption()
    base.deliver(raised(2), between)
    for at, name in enumerate(between.names):
        cloud = Cloud(COOLDOWN_S)
        cloud.deliver(raised(1))
        with pytest.raises(Crash):
            cloud.deliver(raised(2), Interruption(at, crash))
        cloud.now.advance(RETRY_S)
        cloud.deliver(raised(2))
        cloud.tick(A_WHILE_S)
        assert "1 more after" in cloud.sent(Purpose.CLOSING)[0].alert.sms, name
        assert set(cloud.told_ids().values()) == {1}


def test_a_crash_while_closing_loses_nothing_and_doubles_only_after_publish() -> None:
    def closing(cloud: Cloud, interruption: Interruption | None = None) -> None:
        cloud.deliver(raised(1))
        cloud.deliver(raised(2))
        cloud.tick(COOLDOWN_S, interruption)
        cloud.tick(A_WHILE_S)

    between = Interruption()
    closing(Cloud(COOLDOWN_S), between)
    assert "after publish" in between.names
    for at, name in enumerate(between.names):
        cloud = Cloud(COOLDOWN_S)
        closing(cloud, Interruption(at, crash))
        closings = cloud.sent(Purpose.CLOSING)
        assert len(closings) == (2 if name in {"after publish", "before closed"} else 1), name
        assert len({one.alert.number for one in closings}) == 1


def test_a_second_delivery_at_any_moment_of_the_first_alerts_nobody_twice() -> None:
    for at in range(len(moments(raised(), COOLDOWN_S))):
        cloud = Cloud(COOLDOWN_S)
        cloud.deliver(raised(), Interruption(at, lambda cloud=cloud: cloud.deliver(raised())))  # type: ignore[misc]
        cloud.tick(A_WHILE_S)
        assert len(cloud.alerts_of(raised())) == 1
        assert cloud.acknowledged(raised())
        assert cloud.meter.counted[metrics.ALERTS_DOUBTFUL] == 0


def test_another_event_at_any_moment_of_the_first_gives_one_alert_within_the_cooldown() -> None:
    for at, name in enumerate(moments(raised(), COOLDOWN_S)):
        cloud = Cloud(COOLDOWN_S)

        def other(cloud: Cloud = cloud) -> None:
            cloud.deliver(raised(2))

        cloud.deliver(raised(1), Interruption(at, other))
        assert len(cloud.notifier.published) == 1, name
        assert cloud.acknowledged(raised(1))
        assert cloud.acknowledged(raised(2))


@dataclass(frozen=True)
class Step:
    """One thing that happens to the cloud."""

    event: int
    moment: int | None
    topic_down: bool
    broker_down: bool
    pause_s: int


steps = st.builds(
    Step,
    event=st.integers(1, 4),
    moment=st.none() | st.integers(0, 25),
    topic_down=st.booleans(),
    broker_down=st.booleans(),
    pause_s=st.sampled_from([0, 1, 44, 46, 60, 400]),
)


def live(cloud: Cloud, life: list[Step]) -> list[str]:
    """Let it happen; returns where it crashed."""
    crashes = []
    for step in life:
        cloud.notifier.down, cloud.replies.down = step.topic_down, step.broker_down
        between = Interruption(step.moment, crash)
        try:
            cloud.deliver(raised(step.event), between)
            cloud.tick(step.pause_s, between)
        except Crash:
            cloud.tick(step.pause_s)
        if between.moment > (step.moment if step.moment is not None else between.moment):
            crashes.append(between.names[step.moment or 0])
    return crashes


def heal(cloud: Cloud, numbers: set[int]) -> None:
    """The devices send again what was not accepted, as they do until it is; then all timers ring."""
    cloud.notifier.down = cloud.replies.down = False
    cloud.tick(RETRY_S)
    for number in sorted(numbers):
        if not cloud.acknowledged(raised(number)):
            cloud.deliver(raised(number))
    cloud.tick(A_WHILE_S)


@settings(deadline=None, max_examples=150)
@given(st.lists(steps, max_size=12))
def test_whatever_happens_every_event_alerts_at_least_once_and_doubles_only_where_excused(life: list[Step]) -> None:
    cloud = Cloud(cooldown_s=0)
    crashes = live(cloud, life)
    heal(cloud, {step.event for step in life})
    doubled = 0
    for number in {step.event for step in life}:
        alerts = cloud.alerts_of(raised(number))
        if cloud.history.state(raised(number)) is not AlertState.STALE:
            assert len(alerts) >= 1
        doubled += max(len(alerts) - 1, 0)
        assert len(set(alerts)) <= 1
        assert cloud.acknowledged(raised(number))
    assert doubled <= sum(place in EXCEPTED for place in crashes)
    assert doubled <= cloud.meter.counted[metrics.ALERTS_DOUBTFUL]


@settings(deadline=None, max_examples=150)
@given(st.lists(steps, max_size=12))
def test_whatever_happens_the_cooldown_lies_between_alerts_and_every_event_is_told_of(life: list[Step]) -> None:
    cloud = Cloud(COOLDOWN_S)
    crashes = live(cloud, life)
    heal(cloud, {step.event for step in life})
    told = cloud.told_ids()
    for number in {step.event for step in life}:
        assert cloud.acknowledged(raised(number))
        state = cloud.history.state(raised(number))
        assert state in {AlertState.SENT, AlertState.SUPPRESSED, AlertState.STALE}
        assert told[raised(number).event_id] >= 1 or state is AlertState.STALE
    if not crashes:
        assert set(told.values()) <= {1}
        times = [one.at for one in cloud.notifier.published]
        assert all(later - earlier >= COOLDOWN_S * NS_PER_S for earlier, later in pairwise(times))


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
    guards = Group("guards", "arn:guards", emails=1, wanted=Wanted(kinds=frozenset({EventKind.PERSON})))
    cloud = Cloud(COOLDOWN_S, Audience((EVERYONE, guards)))
    cloud.deliver(raised(1, kind=EventKind.VEHICLE))
    cloud.deliver(raised(2))
    assert [(one.group, one.event_id) for one in cloud.notifier.published] == [
        ("everyone", raised(1).event_id),
        ("guards", raised(2).event_id),  # the car that it did not hear of holds no person back
    ]
    assert cloud.history.told(raised(1)) == {"everyone": AlertState.SENT, "guards": AlertState.UNWANTED}
    assert cloud.history.state(raised(2)) is AlertState.SENT


def test_what_nobody_wants_is_recorded_and_accepted() -> None:
    nobody = Audience((Group("none", "arn", wanted=Wanted(severity=Severity.CRITICAL)),))
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
    assert cloud.meter.counted[metrics.SCHEMA_UNKNOWN] == 1
    assert cloud.meter.counted[metrics.EVENTS_REFUSED] == 1
