"""The steps from a delivery to an answer: what is kept, counted, answered and left to a timer at each of them."""

import json
import logging
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import pytest

from infra.alerts.runtime.agreed import LEASE_S
from infra.alerts.runtime.alerting import Outcome
from infra.alerts.runtime.audience import Audience, EventFilter, Group
from infra.alerts.runtime.deciding import KEPT_WAITING_S
from infra.alerts.runtime.delivery import Delivery, refused
from infra.alerts.runtime.jobs import (
    CloseWindow,
    DeliverAgain,
    Job,
    SendDigest,
    SendWaiting,
    job_from_json,
    job_to_json,
)
from infra.alerts.runtime.metrics import Metric
from infra.alerts.runtime.ports import AlertState, Decision, Lease, NotPublished, Record
from infra.alerts.runtime.sending import MOST_TRIES
from infra.alerts.runtime.turns import OVERDUE_S, ROUND_S
from smartcam.contract.ack import Acknowledgement, AckStatus
from smartcam.contract.errors import ContractError
from smartcam.contract.event import LARGEST_EVENT_BYTES, Event, EventKind, Phase, Severity
from smartcam.contract.ids import CameraId
from smartcam.contract.reading import DEEPEST
from smartcam.contract.times import NS_PER_MS, NS_PER_S, UtcNs
from tests.fakes.aws import FakeHistory, Interruption
from tests.infra.sample import NOON, Deliveries, cleared, delivery, raised
from tests.infra.world import EVERYONE, Cloud

COOLDOWN_S = 300


def after(seconds: float) -> UtcNs:
    return UtcNs(NOON + round(seconds * NS_PER_S))


@dataclass
class KeepingHistory(FakeHistory):
    """A history that remembers the arguments that the plain one has no use for."""

    arrivals: list[UtcNs] = field(default_factory=list)
    settled: list[tuple[AlertState, UtcNs, tuple[str, AlertState] | None]] = field(default_factory=list)

    def record(self, event: Event, arrived_at: UtcNs) -> Record:
        self.arrivals.append(arrived_at)
        return super().record(event, arrived_at)

    def complete(self, event: Event, arrived_at: UtcNs) -> None:
        self.arrivals.append(arrived_at)
        super().complete(event, arrived_at)

    def settle(
        self, event: Event, lease: Lease, state: AlertState, now: UtcNs, last: tuple[str, AlertState] | None = None
    ) -> None:
        self.settled.append((state, now, last))
        super().settle(event, lease, state, now, last)


def again(event: Event, **changes: object) -> DeliverAgain:
    return replace(DeliverAgain(Deliveries().of(event)), **changes)  # type: ignore[arg-type]


def messages(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    return [(record.levelname, record.message) for record in caplog.records]


def test_what_is_taken_is_named_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    Cloud().deliver(raised())
    assert messages(caplog) == [("INFO", f"event_taken outcome=sent event_id={raised().event_id} phase=raised")]


def test_beginnings_and_ends_are_kept_with_the_time_of_their_arrival() -> None:
    history = KeepingHistory()
    cloud = Cloud(history=history)
    cloud.run(Deliveries().of(raised()))
    cloud.now.advance(7)
    cloud.deliver(cleared())
    assert history.arrivals == [NOON, after(7)]


def test_the_last_groups_decision_is_stored_together_with_the_events() -> None:
    history = KeepingHistory()
    first = replace(EVERYONE, name="first", wanted=EventFilter(severity=Severity.CRITICAL))
    cloud = Cloud(history=history, audience=Audience((first, EVERYONE)))
    cloud.deliver(raised())
    assert history.settled == [(AlertState.SENT, NOON, ("everyone", AlertState.SENT))]
    assert history.told(raised()) == {
        "first": Decision(AlertState.UNWANTED),
        "everyone": Decision(AlertState.SENT),
    }


def test_an_event_without_any_group_is_settled_as_unwanted() -> None:
    history = KeepingHistory()
    assert Cloud(history=history, audience=Audience(())).deliver(raised()) is Outcome.UNWANTED
    assert history.settled == [(AlertState.UNWANTED, NOON, None)]


def test_the_best_that_any_group_got_is_the_events_outcome() -> None:
    groups = (EVERYONE, replace(EVERYONE, name="others", wanted=EventFilter(kinds=frozenset({EventKind.TAMPER}))))
    cloud = Cloud(COOLDOWN_S, Audience(groups))
    assert cloud.deliver(raised(1)) is Outcome.SENT
    assert cloud.deliver(raised(2)) is Outcome.SUPPRESSED
    assert cloud.history.state(raised(2)) is AlertState.SUPPRESSED


def test_what_is_refused_is_kept_with_its_reason_counted_and_named(caplog: pytest.LogCaptureFixture) -> None:
    cloud = Cloud()
    bad = delivery(raised().to_json().replace(b'"score":0.91', b'"score":"high"'))
    assert cloud.run(bad) is Outcome.REFUSED
    [(document, reason)] = cloud.refusals.kept
    assert document == bad.document()
    assert reason.startswith("score: ")
    assert messages(caplog) == [("WARNING", f"event_refused thing=yard-1 camera=gate reason={reason}")]
    assert cloud.meter.counted == {Metric.EVENTS_REFUSED: 1, Metric.SCHEMA_UNKNOWN: 0}
    expected = Acknowledgement(raised().event_id, Phase.RAISED, AckStatus.REFUSED, reason, 0)
    assert cloud.replies.sent == [("yard-1", expected)]


def test_an_unknown_schema_is_counted_apart() -> None:
    cloud = Cloud()
    cloud.run(delivery(raised().to_json().replace(b'"schema":1', b'"schema":99')))
    assert cloud.meter.counted == {Metric.EVENTS_REFUSED: 1, Metric.SCHEMA_UNKNOWN: 1}


def test_an_answer_that_is_lost_is_named_in_the_log_and_the_outcome_stands(caplog: pytest.LogCaptureFixture) -> None:
    cloud = Cloud()
    cloud.replies.down = True
    assert cloud.deliver(raised()) is Outcome.SENT
    text = f"reply_lost thing=yard-1 event_id={raised().event_id} error=the broker is down"
    assert ("WARNING", text) in messages(caplog)


def test_an_event_that_another_invocation_decides_is_looked_at_again_when_that_must_have_ended() -> None:
    cloud = Cloud()
    cloud.history.record(raised(), NOON)
    cloud.history.lease(raised(), NOON)
    job = again(raised(), tries=2)
    assert cloud.wire(Interruption()).alerting.take_again(job) is Outcome.DEFERRED
    assert cloud.timers.set == [(after(LEASE_S), job)]
    assert cloud.acknowledged(raised())


def test_a_stale_event_is_settled_counted_and_alerts_nobody() -> None:
    history = KeepingHistory()
    cloud = Cloud(history=history)
    assert cloud.deliver(raised(age_ms=7200 * 1000)) is Outcome.STALE
    assert history.settled == [(AlertState.STALE, NOON, None)]
    assert cloud.meter.counted == {Metric.EVENTS_STALE: 1}
    assert cloud.notifier.all == []


def test_what_waits_in_a_timer_ages_while_it_waits() -> None:
    cloud = Cloud()
    cloud.now.advance(3601)
    assert cloud.wire(Interruption()).alerting.take_again(again(raised())) is Outcome.STALE


def test_a_failure_lets_the_alert_wait_and_its_group_tries_again_with_one_timer() -> None:
    cloud = Cloud(COOLDOWN_S)
    cloud.notifier.down = True
    assert cloud.deliver(raised()) is Outcome.DEFERRED
    assert cloud.timers.set == [(after(5), SendWaiting("everyone"))]
    assert cloud.history.state(raised()) is AlertState.RECORDED  # whoever comes next may decide at once
    assert cloud.tick(5) == ["failed"]
    assert cloud.timers.set == [(after(10), SendWaiting("everyone", tries=1))]
    assert cloud.meter.counted[Metric.UNDELIVERED_AGE] == 5
    assert cloud.deliver(raised(2, camera_id=CameraId("door"))) is Outcome.DEFERRED
    assert len(cloud.timers.set) == 1


def test_an_alert_that_finds_no_turn_waits_in_its_thing_and_what_follows_is_held_back() -> None:
    cloud = Cloud(COOLDOWN_S)
    cloud.turns.free_at["everyone"] = after(30)
    assert cloud.deliver(raised()) is Outcome.DEFERRED
    assert cloud.acknowledged(raised())
    assert cloud.timers.set == [(after(ROUND_S), SendWaiting("everyone"))]
    window = cloud.windows.items[(raised().thing, raised().camera_id), "everyone", "sighting"]
    assert (window.held_by, window.held_until) == (raised().event_id, after(KEPT_WAITING_S))
    assert cloud.deliver(raised(2)) is Outcome.SUPPRESSED
    assert cloud.tick(ROUND_S) == ["sent 1"]
    assert [one.at for one in cloud.notifier.published] == [after(ROUND_S)]


def test_each_group_of_several_has_a_round_of_its_own() -> None:
    groups = tuple(Group(name, f"arn:{name}", emails=1) for name in ("one", "two", "three"))
    cloud = Cloud(0, Audience(groups))
    cloud.turns.free_at.update({"one": after(50), "two": after(20)})
    assert cloud.deliver(raised()) is Outcome.DEFERRED
    assert sorted(job.group for _, job in cloud.timers.set if isinstance(job, SendWaiting)) == ["one", "two"]
    assert [one.group for one in cloud.notifier.published] == ["three"]
    cloud.tick(60)
    assert sorted(one.group for one in cloud.notifier.published) == ["one", "three", "two"]
    assert cloud.history.state(raised()) is AlertState.SENT
    assert cloud.timers.set == []


def test_what_fails_for_hours_is_left_to_a_person_and_kept_for_whoever_comes_next() -> None:
    cloud = Cloud(COOLDOWN_S)
    cloud.notifier.down = True
    cloud.deliver(raised(age_ms=None))
    [(due, job)] = cloud.timers.set
    cloud.timers.set.clear()
    cloud.now.at = due
    with pytest.raises(NotPublished, match="the topic is down"):
        cloud.do(due, replace(job, tries=MOST_TRIES))
    assert cloud.timers.set == []
    assert cloud.history.state(raised()) is AlertState.RECORDED
    cloud.notifier.down = False
    cloud.now.advance(OVERDUE_S + 1)
    assert cloud.deliver(raised(2, camera_id=CameraId("door"))) is Outcome.DEFERRED
    cloud.tick(ROUND_S)
    assert {one.event_id for one in cloud.notifier.published} == {raised().event_id, raised(2).event_id}


def test_a_failed_alert_lets_the_next_event_alert_at_once() -> None:
    cloud = Cloud(COOLDOWN_S)
    cloud.notifier.down = True
    cloud.deliver(raised(1))
    window = cloud.windows.items[(raised().thing, raised().camera_id), "everyone", "sighting"]
    assert window.held_by is None


def test_an_event_that_was_being_sent_when_its_invocation_died_is_counted_as_doubtful() -> None:
    cloud = Cloud()
    cloud.history.record(raised(), NOON)
    cloud.history.lease(raised(), NOON)
    cloud.now.advance(LEASE_S + 1)
    assert cloud.deliver(raised()) is Outcome.SENT
    assert cloud.meter.counted[Metric.ALERTS_DOUBTFUL] == 1
    other = Cloud()
    other.deliver(raised())
    assert other.meter.counted[Metric.ALERTS_DOUBTFUL] == 0


def test_what_is_held_and_what_is_suppressed_are_counted_each() -> None:
    cloud = Cloud(COOLDOWN_S)
    for number in (1, 2, 3):
        cloud.deliver(raised(number))
    assert cloud.meter.counted[Metric.ALERTS_SUPPRESSED] == 2
    assert cloud.meter.counted[Metric.ALERTS_HELD] == 0


def test_what_is_held_back_sets_one_timer_for_its_own_camera_group_and_family() -> None:
    cloud = Cloud(COOLDOWN_S)
    for number in (1, 2, 3):
        cloud.deliver(raised(number, camera_id=CameraId("door"), kind=EventKind.CAMERA_LOST))
    job = CloseWindow(raised().thing, CameraId("door"), "everyone", "camera_lost")
    assert cloud.timers.set == [(after(COOLDOWN_S), job)]


@pytest.mark.parametrize(("cooldown_s", "test_s"), [(300, 10), (7, 7), (0, 0)])
def test_a_tests_cooldown_is_ten_seconds_at_most(cooldown_s: int, test_s: int) -> None:
    cloud = Cloud(cooldown_s)
    cloud.deliver(raised(1, kind=EventKind.TEST))
    cloud.now.advance(test_s - 1 if test_s else 0)
    assert cloud.deliver(raised(2, kind=EventKind.TEST)) is (Outcome.SUPPRESSED if test_s else Outcome.SENT)
    cloud.now.advance(1)
    assert cloud.deliver(raised(3, kind=EventKind.TEST)) is Outcome.SENT


def test_an_event_may_have_4096_bytes_and_no_more() -> None:
    room = LARGEST_EVENT_BYTES - len(raised(more={"note": ""}).to_json())
    largest = raised(more={"note": "x" * room}).to_json()
    assert delivery(largest).event().more["note"] == "x" * room
    with pytest.raises(ContractError, match=r"^event: has 4097 bytes, at most 4096 are allowed$"):
        delivery(largest.replace(b"xx", b"xxx", 1)).event()


@pytest.mark.parametrize(
    ("other", "field", "text"),
    [
        (delivery(raised().to_json(), thing="yard-2"), "thing", "must be yard-2, as in the topic"),
        (delivery(raised().to_json(), camera="door"), "camera_id", "must be door, as in the topic"),
    ],
)
def test_a_payload_that_names_another_thing_or_camera_is_refused(other: Delivery, field: str, text: str) -> None:
    with pytest.raises(ContractError) as error:
        other.event()
    assert (error.value.field, str(error.value)) == (field, f"{field}: {text}")


def test_however_deep_a_payload_nests_it_can_be_written_again_or_is_refused() -> None:
    refusals, near_pythons_limit = set(), range(sys.getrecursionlimit() - 200, sys.getrecursionlimit() + 100)
    for depth in (*range(1, 2 * DEEPEST), *near_pythons_limit):
        nest = b"[" * depth + b"]" * depth
        try:
            event = delivery(raised().to_json()[:-1] + b',"more":' + nest + b"}").event()
        except ContractError as error:
            refusals.add(str(error).partition("(")[0])
        else:
            event.to_json()
    assert refusals == {"event: is not JSON "}


def test_a_payload_that_is_no_object_gets_no_answer() -> None:
    assert refused(b"[]", "no event") is None
    assert refused(b"{}", "no event") is None


def wire(job: Job) -> Mapping[str, object]:
    document: Mapping[str, object] = json.loads(job_to_json(after(1), job))
    return document


def test_jobs_on_the_wire_keep_their_words() -> None:
    close = CloseWindow(raised().thing, raised().camera_id, "everyone", "sighting", 2, sweep=True)
    common = {"schema": 1, "due_ms": after(1) // NS_PER_MS, "tries": 2}
    place = {"thing": "yard-1", "camera": "gate", "group": "everyone", "family": "sighting"}
    assert wire(close) == common | place | {"job": "close", "sweep": True}
    assert wire(SendDigest("everyone", after(4), 2)) == common | {
        "job": "digest",
        "group": "everyone",
        "ends_ms": after(4) // NS_PER_MS,
    }
    job = again(raised(), tries=2)
    assert wire(job) == common | {"job": "deliver", "delivery": job.delivery.document()}
    assert wire(SendWaiting("everyone", 2)) == common | {"job": "waiting", "group": "everyone"}


def test_a_job_of_another_version_or_kind_says_what_it_must_be() -> None:
    text = job_to_json(NOON, SendDigest("everyone", NOON))
    with pytest.raises(ContractError, match=r"^schema: must be 1$"):
        job_from_json(text.replace('"schema":1', '"schema":2'))
    with pytest.raises(ContractError, match=r"^job: must be one of close, digest, deliver, waiting$"):
        job_from_json(text.replace('"digest"', '"dance"'))
    with pytest.raises(ContractError, match=r"^job: "):
        job_from_json("[]")
