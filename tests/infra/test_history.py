"""What the ports to the table promise, of the fakes and of DynamoDB alike."""

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError

from infra.alerts.runtime.aws.digests import DynamoDigests
from infra.alerts.runtime.aws.dynamo import Table
from infra.alerts.runtime.aws.guards import DynamoGuards
from infra.alerts.runtime.aws.history import DynamoHistory
from infra.alerts.runtime.aws.limits import DynamoLimits
from infra.alerts.runtime.aws.turns import DynamoTurns
from infra.alerts.runtime.aws.windows import DynamoWindows
from infra.alerts.runtime.clip_keys import CLIPS_NAMED, MOST_NAMED, named_clip
from infra.alerts.runtime.delivery import Delivery
from infra.alerts.runtime.facts import HeldEvent
from infra.alerts.runtime.ports import AlertState as State
from infra.alerts.runtime.ports import (
    Claim,
    Closing,
    Decision,
    Digests,
    History,
    Lease,
    Limits,
    NotYet,
    Record,
    SmsAnswer,
    SmsRequest,
    Spot,
    Windows,
)
from infra.alerts.runtime.words.render import alert_number
from infra.fleet.runtime.aws import DynamoRegistry
from infra.fleet.runtime.device import Device
from smartcam.contract.event import MOST_CLIPS, ClipPart, Event, Severity
from smartcam.contract.ids import CameraId, ThingName
from smartcam.contract.times import NS_PER_S, UtcNs, format_utc
from tests.fakes.aws import FakeDigests, FakeHistory, FakeLimits, FakeVerdictBook, FakeWindows
from tests.infra.sample import NOON, cleared, raised, recorded
from tools.alerts.history import HistoryReader, read_record
from tools.alerts.verdict import DynamoVerdictBook, VerdictBook

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


SPOT = Spot(raised().thing, raised().camera_id, "everyone", "sighting", COOLDOWN_S)
ENDS = UtcNs(NOON + 7 * 3600 * NS_PER_S)


@pytest.fixture
def table(dynamodb: "DynamoDBClient") -> Table:
    return Table(dynamodb, "history")


@pytest.fixture(params=["fake", "dynamodb"])
def history(request: pytest.FixtureRequest) -> History:
    if request.param == "fake":
        return FakeHistory(LEASE_S)
    return DynamoHistory(request.getfixturevalue("table"), LEASE_S, KEEP_S)


@pytest.fixture(params=["fake", "dynamodb"])
def book(request: pytest.FixtureRequest) -> VerdictBook:
    """Has two events of one camera."""
    if request.param == "fake":
        return FakeVerdictBook({("yard-1/gate", raised(number).event_id): None for number in (1, 2)})
    table = request.getfixturevalue("table")
    for number in (1, 2):
        DynamoHistory(table, LEASE_S, KEEP_S).record(raised(number), NOON)
    return DynamoVerdictBook(table)


@pytest.fixture(params=["fake", "dynamodb"])
def windows(request: pytest.FixtureRequest) -> Windows:
    if request.param == "fake":
        return FakeWindows(LEASE_S)
    return DynamoWindows(request.getfixturevalue("table"), LEASE_S, KEEP_S)


@pytest.fixture(params=["fake", "dynamodb"])
def digests(request: pytest.FixtureRequest) -> Digests:
    if request.param == "fake":
        return FakeDigests(LEASE_S)
    return DynamoDigests(request.getfixturevalue("table"), LEASE_S, KEEP_S)


@pytest.fixture(params=["fake", "dynamodb"])
def limits(request: pytest.FixtureRequest) -> Limits:
    if request.param == "fake":
        return FakeLimits(5, 5)
    return DynamoLimits(request.getfixturevalue("table"), 5, 5)


@pytest.fixture(params=["fake", "dynamodb"])
def wide_limits(request: pytest.FixtureRequest) -> Limits:
    """Those of a site by default: fifty a day, twenty of a thing."""
    if request.param == "fake":
        return FakeLimits(50, 20)
    return DynamoLimits(request.getfixturevalue("table"), 50, 20)


def leased(history: History, event: Event, at: UtcNs = NOON) -> Lease:
    lease = history.lease(event, at)
    assert lease is not None
    return lease


def test_an_event_is_recorded_once(history: History) -> None:
    assert history.record(raised(), NOON) == Record(State.RECORDED)
    lease = leased(history, raised())
    assert history.record(raised(), NOON).state is State.SENDING
    history.settle(raised(), lease, State.SENT, NOON)
    assert history.record(raised(), later(86_400)).state is State.SENT


def test_another_camera_or_thing_cannot_take_an_event_away(history: History) -> None:
    history.record(raised(), NOON)
    history.settle(raised(), leased(history, raised()), State.SENT, NOON)
    assert history.record(raised(camera_id=CameraId("door")), NOON).state is State.RECORDED
    assert history.record(raised(thing=ThingName("yard-2")), NOON).state is State.RECORDED


@pytest.mark.parametrize("first", ["raised", "cleared"])
def test_beginning_and_end_may_come_in_any_order(history: History, first: str) -> None:
    if first == "cleared":
        history.complete(cleared(), NOON)
    assert history.record(raised(), NOON) == Record(State.RECORDED)
    history.complete(cleared(), NOON)
    assert history.record(raised(), NOON) == Record(State.RECORDED)


@pytest.mark.parametrize("first", ["raised", "recorded"])
def test_what_was_filmed_may_come_at_any_time_and_takes_no_alert_away(history: History, first: str) -> None:
    if first == "recorded":
        history.film(recorded(1), NOON)
    assert history.record(raised(), NOON) == Record(State.RECORDED)
    history.settle(raised(), leased(history, raised()), State.SENT, NOON)
    history.film(recorded(2), NOON)
    history.complete(cleared(), NOON)
    assert history.record(raised(), NOON).state is State.SENT


def test_the_newest_record_of_clips_stays_whatever_comes_later(table: Table) -> None:
    history = DynamoHistory(table, LEASE_S, KEEP_S)
    for revision in (1, 3, 2, 3):
        history.film(recorded(revision), NOON)
    item = table.get((f"{raised().thing}/{raised().camera_id}", f"event#{raised().event_id}"), consistent=True)
    assert item is not None
    assert Event.from_json(item["recorded"]["S"]) == recorded(3)
    assert item["filmed_at"]["S"] == format_utc(NOON)
    assert "forget_at" in item


def test_with_the_clips_of_an_event_stands_which_keys_its_device_had_named_until_then(table: Table) -> None:
    history, registry = DynamoHistory(table, LEASE_S, KEEP_S), DynamoRegistry(table)
    reader, event = HistoryReader(table.client, table.name), recorded(1)
    first, second = "1" * 64, "2" * 64
    history.record(raised(), NOON)

    def known() -> dict[str, UtcNs]:
        record = reader.record((f"{event.thing}/{event.camera_id}", f"event#{event.event_id}"))
        assert record is not None
        return dict(record.clip_keys)

    history.film(event, NOON)
    assert (known(), reader.clip_keys(event.thing)) == ({}, {})
    device = registry.save(replace(Device(event.thing, NOON, NOON), clip_keys={first: NOON}))
    history.film(recorded(2), NOON)
    device = registry.save(replace(device, clip_keys={first: NOON, second: later(5)}))
    assert known() == {first: NOON}
    assert reader.clip_keys(event.thing) == {first: NOON, second: later(5)}
    history.film(recorded(1), NOON)  # an old one that comes again
    assert known() == {first: NOON}
    registry.save(replace(device, clip_keys={}))
    history.film(recorded(3), NOON)
    assert known() == {first: NOON}  # what was known stays: it cannot be pushed out afterwards


@pytest.mark.parametrize("false_revision", [1, 2**40])
def test_what_a_record_has_named_stays_named_whatever_its_device_says_later(table: Table, false_revision: int) -> None:
    history, reader = DynamoHistory(table, LEASE_S, KEEP_S), HistoryReader(table.client, table.name)
    true, late = ClipPart(1, 9, "a" * 64), ClipPart(2, 9, "b" * 64)
    history.record(raised(), NOON)
    history.film(replace(recorded(1), clips=(true,), clip_key="1" * 64), NOON)
    false = replace(recorded(1), revision=false_revision, clips=(ClipPart(1, 9, "f" * 64),), clip_key="6" * 64)
    history.film(false, later(5))
    history.film(replace(recorded(2), clips=(true, late), clip_key="1" * 64), later(6))
    record = reader.record((f"{raised().thing}/{raised().camera_id}", f"event#{raised().event_id}"))
    assert record is not None
    assert {named_clip(true, "1" * 64), named_clip(late, "1" * 64)} <= record.clips_named


def test_however_many_clips_a_device_invents_for_an_event_its_item_does_not_grow_without_end(table: Table) -> None:
    history = DynamoHistory(table, LEASE_S, KEEP_S)
    own = ClipPart(1, 9, "a" * 64)
    history.film(replace(recorded(1), clips=(own,), clip_key="1" * 64), NOON)
    before = [named_clip(ClipPart(part, 9, "b" * 64), "1" * 64) for part in range(2, MOST_NAMED - 4 * MOST_CLIPS)]
    key = f"{raised().thing}/{raised().camera_id}", f"event#{raised().event_id}"
    table.update(key, f"ADD {CLIPS_NAMED} :named", {":named": {"SS": before}})
    for first in range(2000, 2000 + 6 * MOST_CLIPS, MOST_CLIPS):
        clips = tuple(ClipPart(part, 9, f"{part:064x}") for part in range(first, first + MOST_CLIPS))
        history.film(replace(recorded(first), clips=clips, clip_key="1" * 64), NOON)
        history.film(replace(recorded(1), clips=clips, clip_key="2" * 64), NOON)  # an old one that comes again
    item = table.get(key, consistent=True)
    assert item is not None
    assert MOST_NAMED - MOST_CLIPS < len(item[CLIPS_NAMED]["SS"]) <= MOST_NAMED
    assert named_clip(own, "1" * 64) in item[CLIPS_NAMED]["SS"]
    assert Event.from_json(item["recorded"]["S"]).clips == clips  # what is newest is known all the same


def test_a_lease_is_given_to_one_until_it_ends(history: History) -> None:
    history.record(raised(), NOON)
    leased(history, raised())
    assert history.lease(raised(), later(LEASE_S - 1)) is None
    assert history.lease(raised(), later(LEASE_S)) is not None
    assert history.lease(raised(), later(LEASE_S)) is None


def test_a_lease_that_was_given_back_is_free_at_once(history: History) -> None:
    history.record(raised(), NOON)
    history.release(raised(), leased(history, raised()))
    assert history.record(raised(), NOON) == Record(State.RECORDED)
    assert history.lease(raised(), NOON) is not None


def test_who_lost_the_lease_changes_nothing(history: History) -> None:
    history.record(raised(), NOON)
    old = leased(history, raised())
    new = leased(history, raised(), later(LEASE_S))
    history.release(raised(), old)
    history.settle(raised(), old, State.STALE, later(LEASE_S))
    assert history.record(raised(), NOON).state is State.SENDING
    history.settle(raised(), new, State.SENT, later(LEASE_S))
    assert history.record(raised(), NOON).state is State.SENT


@pytest.mark.parametrize("final", [State.SENT, State.HELD, State.SUPPRESSED, State.STALE, State.UNWANTED])
def test_what_is_settled_is_leased_to_nobody(history: History, final: State) -> None:
    history.record(raised(), NOON)
    history.settle(raised(), leased(history, raised()), final, NOON)
    assert history.lease(raised(), later(10 * LEASE_S)) is None
    assert history.record(raised(), NOON).state is final


def test_what_was_decided_for_a_group_is_known_to_the_next_holder_of_the_lease(history: History) -> None:
    history.record(raised(), NOON)
    lease = leased(history, raised())
    assert not lease.doubtful
    history.mark(raised(), lease, "everyone", State.SENT)
    again = leased(history, raised(), later(LEASE_S))
    assert (again.told, again.doubtful) == ({"everyone": Decision(State.SENT)}, True)
    history.mark(raised(), lease, "guards", State.SENT)  # the first holder has lost it
    history.settle(raised(), again, State.SENT, NOON, ("family", State.HELD))
    told = {"everyone": Decision(State.SENT), "family": Decision(State.HELD)}
    assert history.record(raised(), NOON) == Record(State.SENT, told)


def test_a_lease_that_was_given_back_leaves_no_doubt(history: History) -> None:
    history.record(raised(), NOON)
    history.release(raised(), leased(history, raised()))
    assert not leased(history, raised()).doubtful


def test_an_item_tells_a_person_what_happened_and_is_forgotten_in_time(table: Table) -> None:
    history = DynamoHistory(table, LEASE_S, KEEP_S)
    history.record(raised(), NOON)
    history.settle(raised(), leased(history, raised()), State.SENT, later(1), ("everyone", State.SENT))
    history.complete(cleared(), later(5))
    [item] = table.client.scan(TableName="history")["Items"]
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
        "event_revision": "0",
        "told": ["everyone=SENT"],
        "raised": raised().to_json().decode(),
        "cleared": cleared().to_json().decode(),
        "forget_at": str((later(5) // NS_PER_S) + KEEP_S),
    }


def test_an_event_is_found_by_its_id_alone_and_judged_as_often_as_somebody_likes(book: VerdictBook) -> None:
    event = raised().event_id
    assert list(book.places(event, NOON)) == ["yard-1/gate"]
    assert list(book.places(raised(3).event_id, NOON)) == []
    for true in (False, False, True, None, None, True):
        assert book.judge("yard-1/gate", event, NOON, true=true)
        assert not book.judge("yard-1/door", event, NOON, true=true)
        assert not book.judge("yard-1/gate", raised(3).event_id, NOON, true=true)


def test_a_verdict_stands_with_its_event_until_it_is_taken_back_and_the_first_of_equal_ones_counts(
    table: Table,
) -> None:
    history, book = DynamoHistory(table, LEASE_S, KEEP_S), DynamoVerdictBook(table)
    key, event = ("yard-1/gate", f"event#{raised().event_id}"), raised().event_id
    history.record(raised(), NOON)
    book.judge("yard-1/gate", event, later(60), true=False)
    book.judge("yard-1/gate", event, later(90), true=False)
    history.complete(cleared(), later(95))
    history.film(recorded(), later(96))
    assert history.record(raised(), later(97)) == Record(State.RECORDED)
    item = table.get(key, consistent=True)
    assert item is not None
    assert (read_record(key, item).verdict, item["judged_at"]["S"]) == (False, "2026-03-01T12:01:00.000Z")
    book.judge("yard-1/gate", event, later(99), true=None)
    item = table.get(key, consistent=True)
    assert item is not None
    assert read_record(key, item).verdict is None
    assert not {"verdict", "judged_at"} & item.keys()


def test_a_verdict_makes_no_event_of_what_has_never_arrived(table: Table) -> None:
    book = DynamoVerdictBook(table)
    DynamoHistory(table, LEASE_S, KEEP_S).complete(cleared(), NOON)  # its beginning is still on its way
    assert not book.judge("yard-1/gate", raised().event_id, NOON, true=True)
    assert not book.judge("yard-2/gate", raised().event_id, NOON, true=True)
    [item] = table.client.scan(TableName="history")["Items"]
    assert "verdict" not in item


@pytest.mark.parametrize("arrived_days_later", [-40, -1, 0, 1, 30])
def test_an_event_is_found_however_wrong_the_clock_was_that_made_its_id(table: Table, arrived_days_later: int) -> None:
    arrived, now = later(arrived_days_later * 86_400), later(45 * 86_400)
    DynamoHistory(table, LEASE_S, KEEP_S).record(raised(), arrived)
    reader = HistoryReader(table.client, table.name)
    assert reader.places(raised().event_id, now) == ["yard-1/gate"]
    assert reader.places(raised(2).event_id, now) == []


def test_an_event_id_that_two_devices_have_sent_is_found_at_both(table: Table) -> None:
    for thing in ("yard-1", "yard-2"):
        DynamoHistory(table, LEASE_S, KEEP_S).record(raised(thing=ThingName(thing)), NOON)
    found = HistoryReader(table.client, table.name).places(raised().event_id, NOON)
    assert sorted(found) == ["yard-1/gate", "yard-2/gate"]


def test_a_missing_table_is_an_error_and_not_a_repetition(dynamodb: "DynamoDBClient") -> None:
    elsewhere = Table(dynamodb, "elsewhere")
    history = DynamoHistory(elsewhere, LEASE_S, KEEP_S)
    with pytest.raises(ClientError):
        history.record(raised(), NOON)
    with pytest.raises(ClientError):
        history.lease(raised(), NOON)
    with pytest.raises(ClientError):
        DynamoWindows(elsewhere, LEASE_S, KEEP_S).claim(SPOT, raised(), NOON)
    with pytest.raises(ClientError):
        DynamoTurns(elsewhere).take("everyone", NOON)
    with pytest.raises(ClientError):
        DynamoGuards(elsewhere).guard(raised().thing)


def test_a_cooldown_runs_from_what_was_sent(windows: Windows) -> None:
    assert windows.claim(SPOT, MIDDLE, NOON) == Claim()
    windows.sent(SPOT, MIDDLE, Claim(), later(1))
    assert windows.claim(SPOT, raised(9), later(COOLDOWN_S)) is None
    assert windows.claim(SPOT, raised(9), later(COOLDOWN_S + 1)) == Claim()


def test_a_claim_keeps_others_back_until_it_ends_or_is_given_back(windows: Windows) -> None:
    windows.claim(SPOT, MIDDLE, NOON)
    assert windows.claim(SPOT, raised(9), later(LEASE_S - 1)) is None
    assert windows.claim(SPOT, MIDDLE, later(1)) is not None
    windows.release(SPOT, raised(9))
    assert windows.claim(SPOT, raised(9), later(2)) is None
    windows.release(SPOT, MIDDLE)
    assert windows.claim(SPOT, raised(9), later(2)) is not None
    assert windows.claim(SPOT, MIDDLE, later(2 + LEASE_S)) is not None


def test_a_claim_may_be_kept_for_longer_by_its_holder_alone(windows: Windows) -> None:
    windows.claim(SPOT, MIDDLE, NOON)
    windows.keep(SPOT, raised(9), later(900))
    windows.keep(SPOT, MIDDLE, later(600))
    assert windows.claim(SPOT, raised(9), later(599)) is None
    assert windows.claim(SPOT, raised(9), later(600)) is not None


def test_a_higher_severity_passes_a_claim_and_a_cooldown(windows: Windows) -> None:
    windows.claim(SPOT, LOW, NOON)
    assert windows.claim(SPOT, MIDDLE, NOON) is not None
    windows.sent(SPOT, MIDDLE, Claim(), NOON)
    assert windows.claim(SPOT, LOW, later(1)) is None
    assert windows.claim(SPOT, HIGH, later(1)) is not None


def test_who_lost_the_claim_begins_no_cooldown(windows: Windows) -> None:
    windows.claim(SPOT, LOW, NOON)
    windows.claim(SPOT, HIGH, NOON)
    windows.sent(SPOT, LOW, Claim(), NOON)
    windows.release(SPOT, HIGH)
    assert windows.claim(SPOT, LOW, later(1)) is not None


def test_what_was_held_back_is_counted_once_and_told_once(windows: Windows) -> None:
    for event in (LOW, LOW, HIGH):
        windows.hold_back(SPOT, event, NOON)
    claim = windows.claim(SPOT, MIDDLE, NOON)
    assert claim == Claim((HeldEvent.of(LOW), HeldEvent.of(HIGH)))
    windows.hold_back(SPOT, raised(9), NOON)
    windows.sent(SPOT, MIDDLE, claim, NOON)
    assert windows.claim(SPOT, raised(10), later(COOLDOWN_S)) == Claim((HeldEvent.of(raised(9)),))


def test_groups_and_cameras_and_families_do_not_keep_one_another_back(windows: Windows) -> None:
    windows.claim(SPOT, raised(1), NOON)
    others = [
        Spot(SPOT.thing, CameraId("door"), "everyone", "sighting", COOLDOWN_S),
        Spot(SPOT.thing, SPOT.camera, "guards", "sighting", COOLDOWN_S),
        Spot(SPOT.thing, SPOT.camera, "everyone", "camera_lost", COOLDOWN_S),
    ]
    assert all(windows.claim(spot, raised(2), NOON) is not None for spot in others)


def test_the_first_that_is_held_back_asks_for_a_timer_at_the_windows_end(windows: Windows) -> None:
    windows.claim(SPOT, LOW, NOON)
    windows.sent(SPOT, LOW, Claim(), NOON)
    assert windows.hold_back(SPOT, raised(9), later(10)) == later(COOLDOWN_S)
    assert windows.hold_back(SPOT, raised(9), later(10)) == later(COOLDOWN_S)  # it was not set: a crash, say
    windows.timer_set(SPOT, later(COOLDOWN_S))
    assert windows.hold_back(SPOT, raised(10), later(11)) is None
    assert windows.hold_back(SPOT, raised(11), later(COOLDOWN_S + 5)) == later(2 * COOLDOWN_S + 5)


def test_a_window_is_closed_once_when_it_is_over(windows: Windows) -> None:
    assert windows.close(SPOT, NOON) is None
    windows.claim(SPOT, LOW, NOON)
    windows.sent(SPOT, LOW, Claim(), NOON)
    windows.hold_back(SPOT, MIDDLE, later(1))
    assert windows.close(SPOT, later(10)) == NotYet(later(COOLDOWN_S))
    closing = windows.close(SPOT, later(COOLDOWN_S))
    assert closing == Closing((HeldEvent.of(MIDDLE),), alert_number(LOW.event_id), NOON)
    assert windows.close(SPOT, later(COOLDOWN_S + 1)) == NotYet(later(COOLDOWN_S + LEASE_S))
    windows.closed(SPOT, closing)
    assert windows.close(SPOT, later(COOLDOWN_S + 2)) is None


def test_a_closing_that_failed_can_be_opened_again_and_holds_up_no_event(windows: Windows) -> None:
    windows.hold_back(SPOT, MIDDLE, NOON)
    closing = windows.close(SPOT, NOON)
    assert closing == Closing((HeldEvent.of(MIDDLE),), None, None)
    windows.reopen(SPOT)
    assert windows.close(SPOT, later(1)) == closing
    assert windows.claim(SPOT, LOW, later(1)) == Claim()  # the closing message is telling it
    windows.closed(SPOT, closing)
    assert windows.claim(SPOT, raised(9, severity=Severity.INFO), later(2)) is None  # the event's claim has stayed
    windows.sent(SPOT, LOW, Claim(), later(2))
    assert windows.close(SPOT, later(1000)) is None


def test_the_count_stops_before_the_item_grows_too_large(table: Table) -> None:
    windows = DynamoWindows(table, LEASE_S, KEEP_S, most=3)
    dues = [windows.hold_back(SPOT, raised(number), NOON) for number in range(5)]
    assert dues[3:] == [None, None]
    claim = windows.claim(SPOT, raised(9), NOON)
    assert claim is not None
    assert len(claim.held_back) == 3


def test_a_night_holds_each_event_once_and_is_told_once(digests: Digests) -> None:
    held = [HeldEvent.of(event) for event in (LOW, HIGH, LOW)]
    for one in held:
        digests.hold("everyone", ENDS, one)
    digests.hold("guards", ENDS, held[0])
    assert digests.open("everyone", ENDS, ENDS) == [held[0], held[1]]
    assert digests.open("everyone", ENDS, later(7 * 3600 + 1)) == NotYet(later(7 * 3600 + LEASE_S))
    digests.release("everyone", ENDS)
    assert digests.open("everyone", ENDS, ENDS) == [held[0], held[1]]
    digests.sent("everyone", ENDS)
    assert digests.open("everyone", ENDS, later(10**6)) is None
    assert digests.open("guards", ENDS, ENDS) == [held[0]]


def test_a_night_without_events_has_no_digest(digests: Digests) -> None:
    assert digests.open("everyone", ENDS, ENDS) is None
    digests.hold("everyone", ENDS, HeldEvent.of(LOW))
    assert digests.open("everyone", ENDS, ENDS) == [HeldEvent.of(LOW)]


def test_a_night_of_the_same_id_at_two_cameras_holds_both(digests: Digests) -> None:
    for camera in ("gate", "door"):
        digests.hold("everyone", ENDS, HeldEvent.of(raised(camera_id=CameraId(camera))))
    held = digests.open("everyone", ENDS, ENDS)
    assert isinstance(held, list)
    assert len(held) == 2


def test_of_one_thing_a_night_holds_no_more_than_people_are_told_of_and_leaves_room_for_the_others(
    digests: FakeDigests | DynamoDigests,
) -> None:
    few = replace(digests, most=3)
    for number in range(5):
        few.hold("everyone", ENDS, HeldEvent.of(raised(number)))
        few.hold("everyone", ENDS, HeldEvent.of(raised(10 + number, thing=ThingName("yard-2"))))
    held = few.open("everyone", ENDS, ENDS)
    assert isinstance(held, list)
    assert Counter(one.thing for one in held) == {"yard-1": 3, "yard-2": 3}


def test_a_night_has_one_timer(digests: Digests) -> None:
    assert digests.needs_timer("everyone", ENDS)
    digests.timer_set("everyone", ENDS)
    assert not digests.needs_timer("everyone", ENDS)
    assert digests.needs_timer("everyone", UtcNs(ENDS + 86_400 * NS_PER_S))


def text(phones: int, thing: str = "yard-1", *, critical: bool = True) -> SmsRequest:
    return SmsRequest(phones, thing, critical)


def test_sms_are_counted_by_the_day_and_no_more_than_the_limit(limits: Limits) -> None:
    assert limits.may_text(text(3), NOON).allowed
    assert not limits.may_text(text(3), NOON).allowed
    assert limits.may_text(text(2), NOON).allowed
    assert not limits.may_text(text(1), later(11 * 3600)).allowed
    limits.give_back(text(2), later(11 * 3600))
    assert limits.may_text(text(1), later(11 * 3600)).allowed
    assert limits.may_text(text(5), later(12 * 3600)).allowed  # another day in UTC
    assert not limits.may_text(text(6), later(86_400 * 3)).allowed


def test_one_things_sms_leave_those_of_the_others(wide_limits: Limits) -> None:
    assert [wide_limits.may_text(text(1), NOON).allowed for _ in range(21)] == [True] * 20 + [False]
    assert wide_limits.may_text(text(1, "yard-2"), NOON).allowed
    wide_limits.give_back(text(1), NOON)
    assert wide_limits.may_text(text(1), NOON).allowed


def test_the_last_fifth_of_both_numbers_is_for_critical_alarms(wide_limits: Limits) -> None:
    ordinary = [wide_limits.may_text(text(1, critical=False), NOON).allowed for _ in range(17)]
    assert ordinary == [True] * 16 + [False]
    assert [wide_limits.may_text(text(1), NOON).allowed for _ in range(5)] == [True] * 4 + [False]
    for other in ("yard-2", "yard-3"):
        for _ in range(16):
            wide_limits.may_text(text(1, other, critical=False), NOON)
    assert not wide_limits.may_text(text(1, "yard-4", critical=False), NOON).allowed  # 40 ordinary ones are used
    assert wide_limits.may_text(text(1, "yard-4"), NOON) == SmsAnswer(allowed=True, nearly_used_up=True)


def test_critical_alarms_alone_do_not_use_up_what_ordinary_ones_may_use(wide_limits: Limits) -> None:
    for thing in ("stolen", "stolen-2"):
        assert [wide_limits.may_text(text(1, thing), NOON).allowed for _ in range(21)] == [True] * 20 + [False]
    assert [wide_limits.may_text(text(1, critical=False), NOON).allowed for _ in range(11)] == [True] * 10 + [False]


def test_a_message_to_more_phones_than_a_limit_has_sms_uses_none_of_it(wide_limits: Limits) -> None:
    assert not wide_limits.may_text(text(21), NOON).allowed
    assert not wide_limits.may_text(text(17, critical=False), NOON).allowed
    assert wide_limits.may_text(text(20), NOON).allowed


def test_what_finds_the_sites_number_used_up_uses_nothing_of_its_things(wide_limits: Limits) -> None:
    for number in range(50):
        wide_limits.may_text(text(1, f"other-{number}"), NOON)
    assert not wide_limits.may_text(text(1), NOON).allowed
    wide_limits.give_back(text(1, "other-1"), NOON)
    assert wide_limits.may_text(text(1), NOON).allowed


def test_digests_are_of_no_thing_and_have_all_of_the_sites_number(wide_limits: Limits) -> None:
    assert [wide_limits.may_text(text(1, "", critical=False), NOON).allowed for _ in range(41)] == [True] * 40 + [False]


def test_a_waiting_event_is_found_as_it_was_recorded_in_its_newest_name(history: History) -> None:
    better = raised(revision=1, severity=Severity.CRITICAL)
    history.record(raised(), NOON)
    history.record(better, later(9))
    found = history.delivery(raised().thing, raised().camera_id, raised().event_id)
    assert found == Delivery(raised().thing, raised().camera_id, better.to_json(), NOON)
    assert history.delivery(raised().thing, raised().camera_id, raised(2).event_id) is None
