"""What a History and a Cooldown promise, of the fakes and of DynamoDB alike."""

from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError

from infra.alerts.runtime.aws_cooldown import DynamoCooldown
from infra.alerts.runtime.aws_history import DynamoHistory
from infra.alerts.runtime.ports import AlertState as State
from infra.alerts.runtime.ports import Claim, Cooldown, History, Lease
from smartcam.contract.event import Event, EventKind, Severity
from smartcam.contract.ids import CameraId, ThingName
from smartcam.contract.times import NS_PER_S, UtcNs
from tests.fakes.aws import FakeCooldown, FakeHistory
from tests.infra.sample import NOON, cleared, raised

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

LEASE_S = 45
COOLDOWN_S = 300
KEEP_S = 90 * 86_400
LOW, MIDDLE, HIGH = (
    raised(1, severity=Severity.INFO),
    raised(2, severity=Severity.WARNING),
    raised(3, severity=Severity.CRITICAL),
)


def later(seconds: float) -> UtcNs:
    return UtcNs(NOON + int(seconds * NS_PER_S))


@pytest.fixture(params=["fake", "dynamodb"])
def history(request: pytest.FixtureRequest) -> History:
    if request.param == "fake":
        return FakeHistory(LEASE_S)
    return DynamoHistory(request.getfixturevalue("dynamodb"), "history", LEASE_S, KEEP_S)


@pytest.fixture(params=["fake", "dynamodb"])
def cooldown(request: pytest.FixtureRequest) -> Cooldown:
    if request.param == "fake":
        return FakeCooldown(COOLDOWN_S, LEASE_S)
    return DynamoCooldown(request.getfixturevalue("dynamodb"), "history", COOLDOWN_S, LEASE_S, KEEP_S)


def leased(history: History, event: Event, at: UtcNs = NOON) -> Lease:
    lease = history.lease(event, at)
    assert lease is not None
    return lease


def test_an_event_is_recorded_once(history: History) -> None:
    assert history.record(raised(), NOON) is State.RECORDED
    lease = leased(history, raised())
    assert history.record(raised(), NOON) is State.SENDING
    history.settle(raised(), lease, State.SENT, NOON)
    assert history.record(raised(), later(86_400)) is State.SENT


def test_another_camera_or_thing_cannot_take_an_event_away(history: History) -> None:
    history.record(raised(), NOON)
    history.settle(raised(), leased(history, raised()), State.SENT, NOON)
    assert history.record(raised(camera_id=CameraId("door")), NOON) is State.RECORDED
    assert history.record(raised(thing=ThingName("yard-2")), NOON) is State.RECORDED


@pytest.mark.parametrize("first", ["raised", "cleared"])
def test_beginning_and_end_may_come_in_any_order(history: History, first: str) -> None:
    if first == "cleared":
        history.complete(cleared(), NOON)
    assert history.record(raised(), NOON) is State.RECORDED
    history.complete(cleared(), NOON)
    assert history.record(raised(), NOON) is State.RECORDED


def test_a_lease_is_given_to_one_until_it_ends(history: History) -> None:
    history.record(raised(), NOON)
    leased(history, raised())
    assert history.lease(raised(), later(LEASE_S - 1)) is None
    assert history.lease(raised(), later(LEASE_S)) is not None
    assert history.lease(raised(), later(LEASE_S)) is None


def test_a_lease_that_was_given_back_is_free_at_once(history: History) -> None:
    history.record(raised(), NOON)
    history.release(raised(), leased(history, raised()))
    assert history.record(raised(), NOON) is State.RECORDED
    assert history.lease(raised(), NOON) is not None


def test_who_lost_the_lease_changes_nothing(history: History) -> None:
    history.record(raised(), NOON)
    old = leased(history, raised())
    new = leased(history, raised(), later(LEASE_S))
    history.release(raised(), old)
    history.settle(raised(), old, State.STALE, later(LEASE_S))
    assert history.record(raised(), NOON) is State.SENDING
    history.settle(raised(), new, State.SENT, later(LEASE_S))
    assert history.record(raised(), NOON) is State.SENT


@pytest.mark.parametrize("final", [State.SENT, State.SUPPRESSED, State.STALE])
def test_what_is_settled_is_leased_to_nobody(history: History, final: State) -> None:
    history.record(raised(), NOON)
    history.settle(raised(), leased(history, raised()), final, NOON)
    assert history.lease(raised(), later(10 * LEASE_S)) is None
    assert history.record(raised(), NOON) is final


def test_an_item_tells_a_person_what_happened_and_is_forgotten_in_time(dynamodb: "DynamoDBClient") -> None:
    history = DynamoHistory(dynamodb, "history", LEASE_S, KEEP_S)
    history.record(raised(), NOON)
    history.settle(raised(), leased(history, raised()), State.SENT, later(1))
    history.complete(cleared(), later(5))
    [item] = dynamodb.scan(TableName="history")["Items"]
    assert {key: next(iter(value.values())) for key, value in item.items()} == {
        "camera": "yard-1/gate",
        "item": f"event#{raised().event_id}",
        "thing": "yard-1",
        "kind": "person",
        "severity": "warning",
        "arrived_day": "2026-03-01",
        "started_at": "2026-03-01T11:59:59.500Z",
        "recorded_at": "2026-03-01T12:00:00.000Z",
        "settled_at": "2026-03-01T12:00:01.000Z",
        "ended_at": "2026-03-01T12:00:05.000Z",
        "alert_state": "SENT",
        "raised": raised().to_json().decode(),
        "cleared": cleared().to_json().decode(),
        "forget_at": str((later(5) // NS_PER_S) + KEEP_S),
    }


def test_a_missing_table_is_an_error_and_not_a_repetition(dynamodb: "DynamoDBClient") -> None:
    history = DynamoHistory(dynamodb, "elsewhere", LEASE_S, KEEP_S)
    with pytest.raises(ClientError):
        history.record(raised(), NOON)
    with pytest.raises(ClientError):
        history.lease(raised(), NOON)
    with pytest.raises(ClientError):
        DynamoCooldown(dynamodb, "elsewhere", COOLDOWN_S, LEASE_S, KEEP_S).claim(raised(), NOON)


def test_a_cooldown_runs_from_what_was_sent(cooldown: Cooldown) -> None:
    assert cooldown.claim(MIDDLE, NOON) == Claim()
    cooldown.sent(MIDDLE, Claim(), later(1))
    assert cooldown.claim(raised(9), later(COOLDOWN_S)) is None
    assert cooldown.claim(raised(9), later(COOLDOWN_S + 1)) == Claim()


def test_a_claim_keeps_others_back_until_it_ends_or_is_given_back(cooldown: Cooldown) -> None:
    cooldown.claim(MIDDLE, NOON)
    assert cooldown.claim(raised(9), later(LEASE_S - 1)) is None
    assert cooldown.claim(MIDDLE, later(1)) is not None
    cooldown.release(raised(9))
    assert cooldown.claim(raised(9), later(2)) is None
    cooldown.release(MIDDLE)
    assert cooldown.claim(raised(9), later(2)) is not None
    assert cooldown.claim(MIDDLE, later(2 + LEASE_S)) is not None


def test_a_higher_severity_passes_a_claim_and_a_cooldown(cooldown: Cooldown) -> None:
    cooldown.claim(LOW, NOON)
    assert cooldown.claim(MIDDLE, NOON) is not None
    cooldown.sent(MIDDLE, Claim(), NOON)
    assert cooldown.claim(LOW, later(1)) is None
    assert cooldown.claim(HIGH, later(1)) is not None


def test_who_lost_the_claim_begins_no_cooldown(cooldown: Cooldown) -> None:
    cooldown.claim(LOW, NOON)
    cooldown.claim(HIGH, NOON)
    cooldown.sent(LOW, Claim(), NOON)
    cooldown.release(HIGH)
    assert cooldown.claim(LOW, later(1)) is not None


def test_what_was_held_back_is_counted_once_and_told_once(cooldown: Cooldown) -> None:
    for event in (LOW, LOW, HIGH):
        cooldown.hold_back(event, NOON)
    claim = cooldown.claim(MIDDLE, NOON)
    assert claim == Claim(frozenset({LOW.event_id, HIGH.event_id}))
    cooldown.hold_back(raised(9), NOON)
    cooldown.sent(MIDDLE, claim, NOON)
    assert cooldown.claim(raised(10), later(COOLDOWN_S)) == Claim(frozenset({raised(9).event_id}))


def test_kinds_and_cameras_do_not_keep_one_another_back(cooldown: Cooldown) -> None:
    cooldown.claim(raised(1), NOON)
    assert cooldown.claim(raised(2, kind=EventKind.VEHICLE), NOON) is not None
    assert cooldown.claim(raised(3, camera_id=CameraId("door")), NOON) is not None


def test_the_count_stops_before_the_item_grows_too_large(
    dynamodb: "DynamoDBClient", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infra.alerts.runtime.aws_cooldown.MOST_COUNTED", 3)
    cooldown = DynamoCooldown(dynamodb, "history", COOLDOWN_S, LEASE_S, KEEP_S)
    for number in range(5):
        cooldown.hold_back(raised(number), NOON)
    claim = cooldown.claim(raised(9), NOON)
    assert claim is not None
    assert len(claim.held_back) == 3
