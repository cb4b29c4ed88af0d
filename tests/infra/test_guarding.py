"""How much the cloud does for one thing, by the second and the day."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.alerts.runtime.aws.dynamo import Table
from infra.alerts.runtime.aws.guards import DynamoGuards
from infra.alerts.runtime.guarding import (
    BURST,
    CRITICAL_BURST,
    CRITICAL_RESERVE,
    MOST_A_DAY,
    MOST_CAMERAS,
    Admission,
    Admitted,
    Asked,
    DenialReason,
    Denied,
    ThingGuard,
    admit,
)
from smartcam.contract.ids import CameraId, ThingName
from smartcam.contract.times import NS_PER_S, UtcNs
from tests.fakes.aws import FakeGuards, FakeTroubles
from tests.infra.sample import NOON, Now

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

GATE, YARD, SHED = CameraId("gate"), ThingName("yard-1"), ThingName("shed-1")
DAY_S = 86_400


def later(seconds: float) -> UtcNs:
    return UtcNs(NOON + round(seconds * NS_PER_S))


def admitted(guard: ThingGuard, times: list[UtcNs], *, critical: bool = False) -> tuple[int, ThingGuard]:
    """How many of the messages at those times are taken, and the guard afterwards."""
    taken = 0
    for at in times:
        answer = admit(guard, GATE, at, critical=critical)
        if isinstance(answer, Admitted):
            taken, guard = taken + 1, answer.guard
    return taken, guard


def test_a_backlog_comes_at_once_up_to_the_burst_and_then_one_a_second() -> None:
    taken, guard = admitted(ThingGuard(), [NOON] * 500)
    assert taken == BURST
    assert admitted(guard, [later(number / 10) for number in range(1, 101)])[0] == 10
    assert admitted(guard, [later(BURST + 1)] * 500)[0] == BURST


def test_a_devices_own_backlog_does_not_hold_up_its_fresh_alarm() -> None:
    _, guard = admitted(ThingGuard(), [NOON] * 500)
    taken, guard = admitted(guard, [NOON] * 500, critical=True)
    assert taken == CRITICAL_BURST
    assert isinstance(admit(guard, GATE, NOON, critical=True), Denied)


def test_a_day_has_an_end_and_the_next_one_begins_with_nothing_used() -> None:
    seconds = [later(number) for number in range(6 * 3600)]
    taken, guard = admitted(ThingGuard(), seconds)
    assert taken == MOST_A_DAY
    denied = admit(guard, GATE, seconds[-1], critical=False)
    assert denied == Denied(DenialReason.DAY, UtcNs(seconds[-1] + 60 * NS_PER_S))
    assert isinstance(admit(guard, GATE, seconds[-1], critical=True), Admitted)
    assert isinstance(admit(guard, GATE, later(12 * 3600), critical=False), Admitted)


def test_a_denial_is_not_remembered_over_midnight() -> None:
    guard = ThingGuard("2026-03-01", MOST_A_DAY + CRITICAL_RESERVE, NOON)
    denied = admit(guard, GATE, later(12 * 3600 - 5), critical=True)
    assert denied == Denied(DenialReason.DAY, later(12 * 3600))


def test_a_thing_names_a_few_dozen_cameras_a_day_and_each_of_them_counts() -> None:
    guard = ThingGuard()
    known = []
    for number in range(MOST_CAMERAS + 3):
        answer = admit(guard, CameraId(f"camera-{number}"), later(number), critical=False)
        assert isinstance(answer, Admitted)
        known.append(answer.knows_camera)
        guard = answer.guard
    assert known == [True] * MOST_CAMERAS + [False] * 3
    assert guard.used == MOST_CAMERAS + 3
    again = admit(guard, CameraId("camera-5"), later(99), critical=False)
    tomorrow = admit(guard, CameraId("camera-99"), later(DAY_S), critical=False)
    assert isinstance(again, Admitted)
    assert isinstance(tomorrow, Admitted)
    assert again.knows_camera
    assert tomorrow.knows_camera


def test_of_a_revoked_thing_nothing_is_taken() -> None:
    for critical in (False, True):
        answer = admit(ThingGuard(revoked=True), GATE, NOON, critical=critical)
        assert isinstance(answer, Denied)
        assert answer.reason is DenialReason.REVOKED


@given(st.lists(st.tuples(st.floats(0, 3000), st.booleans()), max_size=400))
def test_whatever_comes_when_no_stretch_of_time_takes_more_than_the_burst_and_one_a_second(
    messages: list[tuple[float, bool]],
) -> None:
    guard, taken = ThingGuard(), list[float]()
    for at, critical in sorted(messages):
        answer = admit(guard, GATE, later(at), critical=critical)
        if isinstance(answer, Admitted):
            assert answer.guard.free_at > guard.free_at
            guard = answer.guard
            taken.append(at)
        else:
            assert answer.until > later(at)
    for first, at in enumerate(taken):
        within = [one for one in taken[first:] if one <= at + 60]
        assert len(within) <= BURST + CRITICAL_BURST + 61


@pytest.fixture(params=["fake", "dynamodb"])
def guards(request: pytest.FixtureRequest) -> FakeGuards | DynamoGuards:
    if request.param == "fake":
        return FakeGuards()
    client: DynamoDBClient = request.getfixturevalue("dynamodb")
    return DynamoGuards(Table(client, "history"))


def test_what_is_saved_is_found_again_by_its_thing(guards: FakeGuards | DynamoGuards) -> None:
    assert guards.guard(YARD) == ThingGuard()
    after = ThingGuard("2026-03-01", 3, later(2), frozenset({GATE, CameraId("door")}))
    assert guards.save(YARD, ThingGuard(), after, NOON)
    assert guards.guard(YARD) == after
    assert guards.guard(SHED) == ThingGuard()


def test_of_two_processes_that_read_the_same_one_saves(guards: FakeGuards | DynamoGuards) -> None:
    first = ThingGuard("2026-03-01", 1, later(1), frozenset({GATE}))
    assert guards.save(YARD, ThingGuard(), first, NOON)
    assert not guards.save(YARD, ThingGuard(), first, NOON)
    assert guards.save(YARD, first, replace(first, used=2, free_at=later(2)), NOON)
    assert not guards.save(YARD, first, replace(first, used=2, free_at=later(2)), NOON)


def test_a_thing_stays_revoked_until_it_is_reinstated(guards: FakeGuards | DynamoGuards) -> None:
    known = ThingGuard("2026-03-01", 1, later(1), frozenset({GATE}))
    guards.save(YARD, ThingGuard(), known, NOON)
    for thing in (YARD, SHED):  # one that was heard of, and one that never was
        guards.revoke(thing)
        assert guards.is_revoked(thing)
        assert not guards.save(thing, replace(guards.guard(thing), revoked=False), known, NOON)
        assert guards.reinstate(thing)
        assert not guards.reinstate(thing)
        assert not guards.is_revoked(thing)


@dataclass
class Door:
    """A process at the door, its guards counted."""

    now: Now = field(default_factory=Now)
    guards: FakeGuards = field(default_factory=FakeGuards)
    troubles: FakeTroubles = field(default_factory=FakeTroubles)
    calls: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.admission = Admission(self, self.troubles, self.now)

    def guard(self, thing: ThingName) -> ThingGuard:
        self.calls.append("read")
        return self.guards.guard(thing)

    def save(self, thing: ThingName, before: ThingGuard, after: ThingGuard, now: UtcNs) -> bool:
        self.calls.append("write")
        return self.guards.save(thing, before, after, now)

    def is_revoked(self, thing: ThingName) -> bool:
        return self.guards.is_revoked(thing)

    def ask(self, thing: ThingName = YARD, critical: Callable[[], bool] = lambda: False) -> Admitted | Denied:
        [answer] = self.admission.ask(thing, [Asked(GATE, critical)])
        return answer


def test_beyond_the_bound_nothing_is_read_and_nothing_written_by_the_message() -> None:
    door = Door()
    for _ in range(BURST):
        door.ask()
    door.calls.clear()
    for _ in range(1000):  # ten seconds of a hundred a second
        door.ask()
        door.now.advance(0.01)
    assert len(door.calls) <= 3 * 11
    assert door.troubles.counted["over_bound", YARD] >= 980
    assert isinstance(door.ask(SHED), Admitted)


def test_what_comes_together_is_asked_and_stored_together() -> None:
    door = Door()
    answers = door.admission.ask(YARD, [Asked(GATE, lambda: False)] * (BURST + 5))
    assert [isinstance(one, Admitted) for one in answers] == [True] * BURST + [False] * 5
    assert door.calls == ["read", "write"]
    assert door.guards.guard(YARD).used == BURST
    assert door.troubles.counted["over_bound", YARD] == 5
    mixed = door.admission.ask(YARD, [Asked(GATE, lambda: False), Asked(GATE, lambda: True)])
    assert [isinstance(one, Admitted) for one in mixed] == [False, True]


def test_a_remembered_denial_lets_an_alarm_pass_and_does_not_even_look_at_what_no_alarm_could_pass() -> None:
    door = Door()
    for _ in range(BURST + 1):
        door.ask()
    assert isinstance(door.ask(critical=lambda: True), Admitted)
    for _ in range(CRITICAL_BURST):
        door.ask(critical=lambda: True)

    def never() -> bool:
        raise AssertionError("the payload was read")

    assert isinstance(door.ask(critical=never), Denied)


def test_who_keeps_losing_to_others_is_denied_for_a_moment_and_not_for_ever() -> None:
    door = Door()
    door.guards.save = lambda *_: False  # type: ignore[method-assign]  # another process is always first
    denied = door.ask()
    assert denied == Denied(DenialReason.CONTENDED, later(1))
    assert len(door.calls) <= 20


def test_what_is_remembered_of_many_things_is_bounded() -> None:
    door = Door()
    for number in range(3000):
        thing = ThingName(f"thing-{number}")
        door.guards.revoke(thing)
        door.ask(thing)
    assert len(door.admission.ordinary) <= 1000
    assert door.troubles.counted.total() == 0  # a person knows already that they are revoked
