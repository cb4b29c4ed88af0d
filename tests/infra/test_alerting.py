from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.alerts.runtime.alerting import Alerting, Outcome
from infra.alerts.runtime.aws_cooldown import NoCooldown
from infra.alerts.runtime.delivery import Delivery
from infra.alerts.runtime.ports import AlertInProgress, AlertState, Cooldown, NotPublished
from smartcam.contract.ack import Acknowledgement, AckStatus
from smartcam.contract.event import Event, EventKind, Phase, Severity
from smartcam.contract.ids import CameraId, ThingName
from smartcam.contract.times import NS_PER_S, UtcNs
from tests.fakes.aws import (
    Crash,
    FakeCooldown,
    FakeHistory,
    FakeNotifier,
    FakeRefusals,
    FakeReplies,
    Interruption,
    crash,
)
from tests.infra.sample import NOON, Deliveries, Now, cleared, delivery, raised

RETRY_S = 60  # how long Lambda waits before it tries an asynchronous invocation again
COOLDOWN_S = 300


@dataclass
class Cloud:
    """The alerting on fakes; `run` is one invocation, interrupted where wanted."""

    cooldown_s: int = 0
    now: Now = field(default_factory=Now)
    history: FakeHistory = field(default_factory=FakeHistory)
    replies: FakeReplies = field(default_factory=FakeReplies)
    refusals: FakeRefusals = field(default_factory=FakeRefusals)

    def __post_init__(self) -> None:
        self.notifier = FakeNotifier(self.now)
        self.cooldown: Cooldown = FakeCooldown(self.cooldown_s) if self.cooldown_s else NoCooldown()

    def run(self, delivered: Delivery, interruption: Interruption | None = None) -> Outcome:
        between = interruption or Interruption()
        alerting = Alerting(
            history=between.around(self.history),
            cooldown=between.around(self.cooldown),
            notifier=between.around(self.notifier),
            replies=between.around(self.replies),
            refusals=between.around(self.refusals),
            now=self.now,
            zone=UTC,
        )
        return alerting.take(delivered)

    def deliver(self, event: Event, interruption: Interruption | None = None) -> Outcome:
        return self.run(Deliveries(self.now).of(event), interruption)

    def acknowledged(self, event: Event) -> bool:
        wanted = (event.thing, Acknowledgement(event.event_id, event.phase, AckStatus.ACCEPTED))
        return wanted in self.replies.sent

    def alerts_of(self, event: Event) -> list[str]:
        return [one.alert.number for one in self.notifier.published if one.event.event_id == event.event_id]


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


def test_when_the_topic_fails_the_event_stays_recorded_is_not_accepted_and_alerts_on_the_next_try() -> None:
    cloud = Cloud(COOLDOWN_S)
    cloud.notifier.down = True
    with pytest.raises(NotPublished):
        cloud.deliver(raised())
    assert cloud.history.state(raised()) is AlertState.RECORDED
    assert cloud.replies.sent == []
    cloud.notifier.down = False
    assert cloud.deliver(raised()) is Outcome.SENT
    assert cloud.acknowledged(raised())


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


def test_within_the_cooldown_events_are_held_back_and_the_next_alert_tells_how_many() -> None:
    cloud = Cloud(COOLDOWN_S)
    assert cloud.deliver(raised(1)) is Outcome.SENT
    cloud.now.advance(100)
    assert [cloud.deliver(raised(number)) for number in (2, 3)] == [Outcome.SUPPRESSED] * 2
    assert cloud.acknowledged(raised(2))
    assert cloud.history.state(raised(2)) is AlertState.SUPPRESSED
    cloud.now.advance(COOLDOWN_S - 100)
    assert cloud.deliver(raised(4)) is Outcome.SENT
    assert "2 more" in cloud.notifier.published[-1].alert.sms
    cloud.now.advance(COOLDOWN_S)
    cloud.deliver(raised(5))
    assert "more" not in cloud.notifier.published[-1].alert.sms


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


def test_cameras_and_kinds_and_things_have_cooldowns_of_their_own() -> None:
    cloud = Cloud(COOLDOWN_S)
    others = [
        raised(1),
        raised(2, camera_id=CameraId("door")),
        raised(3, thing=ThingName("yard-2")),
        raised(4, kind=EventKind.VEHICLE),
    ]
    assert [cloud.deliver(event) for event in others] == [Outcome.SENT] * 4


def test_without_a_cooldown_every_event_alerts() -> None:
    cloud = Cloud(cooldown_s=0)
    assert [cloud.deliver(raised(number)) for number in range(5)] == [Outcome.SENT] * 5


def test_an_alert_that_failed_starts_no_cooldown() -> None:
    cloud = Cloud(COOLDOWN_S)
    cloud.notifier.down = True
    with pytest.raises(NotPublished):
        cloud.deliver(raised(1))
    cloud.notifier.down = False
    assert cloud.deliver(raised(2)) is Outcome.SENT


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
        assert len(alerts) == (2 if name in {"after publish", "before settle"} else 1), name
        assert len(set(alerts)) == 1
        assert cloud.history.state(raised()) is AlertState.SENT
        assert cloud.acknowledged(raised())


def test_after_a_crash_between_sent_and_the_cooldown_the_retry_starts_it() -> None:
    cloud = Cloud(COOLDOWN_S)
    at = moments(raised(), COOLDOWN_S).index("after settle")
    with pytest.raises(Crash):
        cloud.deliver(raised(1), Interruption(at, crash))
    cloud.now.advance(RETRY_S)
    cloud.deliver(raised(1))
    assert cloud.deliver(raised(2)) is Outcome.SUPPRESSED


def test_a_crash_while_holding_back_counts_the_event_once() -> None:
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
        cloud.now.advance(COOLDOWN_S)
        cloud.deliver(raised(3))
        assert ", 1 more" in cloud.notifier.published[-1].alert.sms, name


def test_a_second_delivery_at_any_moment_of_the_first_alerts_nobody_twice() -> None:
    for at in range(len(moments(raised(), COOLDOWN_S))):
        cloud = Cloud(COOLDOWN_S)

        def again(cloud: Cloud = cloud) -> None:
            try:
                cloud.deliver(raised())
            except AlertInProgress:
                assert cloud.history.state(raised()) is AlertState.SENDING

        with suppress(AlertInProgress):  # raised where the second came first
            cloud.deliver(raised(), Interruption(at, again))
        assert len(cloud.alerts_of(raised())) == 1
        assert cloud.acknowledged(raised())


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
    moment=st.none() | st.integers(0, 15),
    topic_down=st.booleans(),
    broker_down=st.booleans(),
    pause_s=st.sampled_from([0, 1, 44, 46, 60, 400]),
)


def live(cloud: Cloud, life: list[Step]) -> list[tuple[int, str]]:
    """Let it happen; returns which event's delivery crashed after it had been published, and where."""
    crashes = []
    for step in life:
        cloud.notifier.down, cloud.replies.down = step.topic_down, step.broker_down
        between = Interruption(step.moment, crash)
        try:
            cloud.deliver(raised(step.event), between)
        except Crash:
            if "after publish" in between.names:
                crashes.append((step.event, between.names[-1]))
        except (NotPublished, AlertInProgress):
            pass
        cloud.now.advance(step.pause_s)
    return crashes


def heal(cloud: Cloud, numbers: set[int]) -> None:
    """The devices send again what was not accepted, as they do until it is."""
    cloud.notifier.down = cloud.replies.down = False
    cloud.now.advance(RETRY_S)
    for number in sorted(numbers):
        if not cloud.acknowledged(raised(number)):
            cloud.deliver(raised(number))


@settings(deadline=None, max_examples=150)
@given(st.lists(steps, max_size=12))
def test_whatever_happens_every_event_alerts_at_least_once_and_doubles_only_where_excused(life: list[Step]) -> None:
    cloud = Cloud(cooldown_s=0)
    crashes = live(cloud, life)
    heal(cloud, {step.event for step in life})
    for number in {step.event for step in life}:
        alerts = cloud.alerts_of(raised(number))
        excused = sum(crashes.count((number, place)) for place in ("after publish", "before settle"))
        assert 1 <= len(alerts) <= 1 + excused
        assert len(set(alerts)) == 1
        assert cloud.acknowledged(raised(number))


@settings(deadline=None, max_examples=150)
@given(st.lists(steps, max_size=12))
def test_whatever_happens_the_cooldown_lies_between_alerts_and_nothing_is_held_back_without_one(
    life: list[Step],
) -> None:
    cloud = Cloud(COOLDOWN_S)
    crashes = live(cloud, life)
    heal(cloud, {step.event for step in life})
    for number in {step.event for step in life}:
        assert cloud.acknowledged(raised(number))
        assert cloud.history.state(raised(number)) in {AlertState.SENT, AlertState.SUPPRESSED}
    assert bool(cloud.notifier.published) is bool(life)
    cooldown_not_begun = {"after publish", "before settle", "after settle", "before sent"}
    if not cooldown_not_begun & {place for _, place in crashes}:
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
