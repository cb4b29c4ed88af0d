"""Whose turn it is: the order of what waits, and what the port to the table promises, of the fake and of DynamoDB."""

from collections import Counter
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.alerts.runtime.aws.dynamo import Table
from infra.alerts.runtime.aws.turns import DynamoTurns
from infra.alerts.runtime.turns import (
    MOST_WAITING,
    OF_GROUP,
    OVERDUE_S,
    SPARE_NS,
    STEP_NS,
    ThingQueue,
    Turns,
    Waiting,
    WaitingAlert,
    WaitingClosing,
    WaitingDigest,
    due_in,
    from_text,
    in_turn,
    to_text,
)
from smartcam.contract.ids import CameraId, ThingName, new_event_id
from smartcam.contract.times import NS_PER_MS, NS_PER_S, UtcNs
from tests import strategies
from tests.fakes.aws import FakeTurns
from tests.infra.sample import NOON

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

YARD, SHED = ThingName("yard-1"), ThingName("shed-1")
GROUP = "everyone"


def later(seconds: float) -> UtcNs:
    return UtcNs(NOON + round(seconds * NS_PER_S))


def alert(number: int, *, critical: bool = False) -> WaitingAlert:
    event = new_event_id(UtcNs(NOON + number * NS_PER_MS), number.to_bytes(10))
    return WaitingAlert(critical, event, CameraId("gate"))


event_ids = st.builds(
    lambda at, seed: new_event_id(UtcNs(at * NS_PER_MS), seed),
    st.integers(0, 2**40),
    st.binary(min_size=10, max_size=10),
)
alerts = st.builds(WaitingAlert, st.booleans(), event_ids, strategies.camera_ids, st.integers(0, 99))
closings = st.builds(
    WaitingClosing,
    strategies.camera_ids,
    st.sampled_from(["sighting", "camera_lost"]),
    st.booleans(),
    st.integers(0, 99),
)
digests = st.builds(WaitingDigest, strategies.utc_ms, st.integers(0, 99))


@given(alerts | closings | digests)
def test_what_waits_comes_back_from_the_table_as_it_went(waiting: Waiting) -> None:
    assert from_text(to_text(waiting)) == waiting
    assert len(to_text(waiting)) < 130


@given(st.dictionaries(strategies.thing_names, st.lists(alerts, min_size=1, max_size=12), min_size=1, max_size=5))
def test_everything_goes_out_once_every_other_turn_is_for_alarms_and_things_take_turns(
    waits: dict[ThingName, list[WaitingAlert]],
) -> None:
    queues = [
        ThingQueue(thing, UtcNs(number), tuple(from_text(text) for text in sorted({to_text(one) for one in waiting})))
        for number, (thing, waiting) in enumerate(waits.items())
    ]
    order = list(in_turn(queues))
    assert Counter(order) == Counter((queue.thing, one) for queue in queues for one in queue.waiting)
    left, served = {queue.thing: list(queue.waiting) for queue in queues}, Counter[ThingName]()
    for number, (thing, one) in enumerate(order):
        rivals = [other for other, waiting in left.items() if waiting]
        alarms = [other for other in rivals if _is_critical(left[other][0])]
        if number % 2 == 0 and alarms:
            assert _is_critical(one)
            rivals = alarms
        assert one == left[thing].pop(0)
        assert served[thing] == min(served[other] for other in rivals)
        served[thing] += 1


def _is_critical(waiting: Waiting) -> bool:
    return isinstance(waiting, WaitingAlert) and waiting.critical


def test_who_has_waited_longest_comes_first_and_digests_have_their_turn_too() -> None:
    queues = [
        ThingQueue(YARD, later(1), (alert(1), alert(2))),
        ThingQueue(SHED, later(0), (WaitingClosing(CameraId("door"), "sighting"),)),
        ThingQueue(OF_GROUP, later(0.5), (WaitingDigest(NOON),)),
    ]
    assert [thing for thing, _ in in_turn(queues)] == [SHED, OF_GROUP, YARD, YARD]


@pytest.fixture(params=["fake", "dynamodb"])
def turns(request: pytest.FixtureRequest) -> Turns:
    if request.param == "fake":
        return FakeTurns()
    client: DynamoDBClient = request.getfixturevalue("dynamodb")
    return DynamoTurns(Table(client, "history"))


def waiting_of(turns: Turns) -> dict[ThingName, tuple[Waiting, ...]]:
    return {queue.thing: queue.waiting for queue in turns.queues(GROUP)}


def test_a_few_turns_are_taken_at_once_and_then_so_many_a_second(turns: Turns) -> None:
    at_once = SPARE_NS // STEP_NS + 1
    assert [turns.take(GROUP, NOON) for _ in range(at_once + 2)] == [True] * at_once + [False] * 2
    assert turns.take("guards", NOON)
    taken = sum(turns.take(GROUP, UtcNs(NOON + number * NS_PER_S // 20)) for number in range(200))
    assert taken == 10 * NS_PER_S // STEP_NS - 1


def test_while_a_round_is_set_or_held_nobody_takes_a_turn_beside_it(turns: Turns) -> None:
    turns.arm(GROUP, later(1), NOON)
    assert not turns.take(GROUP, later(10))
    assert turns.open(GROUP, later(1), later(1))
    assert not turns.take(GROUP, later(10))
    turns.close(GROUP, later(2))
    assert not turns.take(GROUP, later(2))  # a round has just sent something
    assert turns.take(GROUP, later(3))


def test_what_joins_twice_waits_once(turns: Turns) -> None:
    assert turns.join(GROUP, YARD, alert(1), NOON)
    assert turns.join(GROUP, YARD, alert(1), later(5))
    [queue] = turns.queues(GROUP)
    assert queue == ThingQueue(YARD, NOON, (alert(1),))


def test_a_things_places_are_few_and_its_critical_alarms_have_some_of_their_own(turns: Turns) -> None:
    assert [turns.join(GROUP, YARD, alert(number), NOON) for number in range(25)] == [True] * 20 + [False] * 5
    assert turns.join(GROUP, YARD, alert(3), NOON)  # it waits already
    critical = [turns.join(GROUP, YARD, alert(number, critical=True), NOON) for number in range(30, 55)]
    assert critical == [True] * MOST_WAITING + [False] * 5
    assert turns.join(GROUP, SHED, alert(99), NOON)
    assert waiting_of(turns)[YARD][0] == alert(30, critical=True)


def test_whose_message_went_out_waits_for_the_others(turns: Turns) -> None:
    for number in (1, 2):
        turns.join(GROUP, YARD, alert(number), NOON)
    turns.join(GROUP, SHED, alert(3), later(1))
    turns.leave(GROUP, YARD, alert(1), later(2))
    assert [thing for thing, _ in in_turn(turns.queues(GROUP))] == [SHED, YARD]
    turns.rotate(GROUP, SHED, later(3))
    assert [thing for thing, _ in in_turn(turns.queues(GROUP))] == [YARD, SHED]
    turns.leave(GROUP, YARD, alert(2), later(4))
    turns.leave(GROUP, YARD, alert(2), later(4))
    assert waiting_of(turns) == {SHED: (alert(3),)}
    turns.rotate(GROUP, YARD, later(5))
    turns.drop(GROUP, SHED)
    assert turns.queues(GROUP) == []


def test_a_group_has_one_timer(turns: Turns) -> None:
    assert not turns.is_armed(GROUP, NOON)
    turns.arm(GROUP, later(1), NOON)
    turns.arm(GROUP, later(2), NOON)  # of one who looked at the same moment
    assert turns.is_armed(GROUP, later(1))
    assert not turns.open(GROUP, later(2), later(2))
    assert turns.open(GROUP, later(1), later(2))


def test_a_round_is_held_once_however_often_its_timer_is_handed_out(turns: Turns) -> None:
    turns.arm(GROUP, later(1), NOON)
    assert [turns.open(GROUP, later(1), later(1)) for _ in range(2)] == [True, False]
    turns.set_next(GROUP, later(2))
    assert not turns.open(GROUP, later(1), later(2))
    assert turns.open(GROUP, later(2), later(2))


def test_a_round_whose_timer_is_lost_or_whose_process_died_is_begun_anew(turns: Turns) -> None:
    turns.arm(GROUP, later(1), NOON)
    assert turns.is_armed(GROUP, later(OVERDUE_S))
    assert not turns.is_armed(GROUP, later(1 + OVERDUE_S))
    turns.arm(GROUP, later(60), later(59))
    assert turns.open(GROUP, later(60), later(60))
    assert not turns.open(GROUP, later(60), later(60 + OVERDUE_S - 1))
    assert turns.open(GROUP, later(60), later(61 + OVERDUE_S))


def test_a_timers_time_is_whole_milliseconds_and_never_early() -> None:
    assert due_in(1, UtcNs(NOON + 1)) == NOON + NS_PER_S + NS_PER_MS
    assert due_in(1, NOON) == NOON + NS_PER_S
