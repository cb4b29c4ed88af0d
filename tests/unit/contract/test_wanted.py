"""What the cloud wants of a device: what goes out comes back, the newest wish about a camera counts, ends are kept."""

import json
import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcam.contract.ack import Acknowledgement
from smartcam.contract.errors import ContractError
from smartcam.contract.ids import CameraId, EventId, new_event_id
from smartcam.contract.times import NS_PER_MS, UtcNs
from smartcam.contract.wanted import (
    HIGHEST_REPORTED,
    LARGEST_WANTED_BYTES,
    MOST_VERDICTS,
    MOST_WISHES,
    NOTHING_WANTED,
    Arming,
    Verdict,
    Wanted,
    is_wanted,
)
from tests.strategies import acknowledgements, wanteds, with_a_hostile_number

GATE, YARD = CameraId("gate"), CameraId("yard")
LATER, LATEST = UtcNs(10 * NS_PER_MS), UtcNs(20 * NS_PER_MS)
INBOUND_OF_LITE = 5000

times = st.integers(0, 40).map(lambda ms: UtcNs(ms * NS_PER_MS))
wishes = st.tuples(
    st.none() | st.sampled_from([GATE, YARD]), st.builds(Arming, armed=st.booleans(), until=st.none() | times)
)


def after(*wished: tuple[CameraId | None, Arming]) -> Wanted:
    wanted = NOTHING_WANTED
    for camera, wish in wished:
        wanted = wanted.wishing(camera, wish)
    return wanted


def event(number: int) -> EventId:
    return new_event_id(UtcNs(number * NS_PER_MS), bytes(10))


def said(count: int) -> tuple[Verdict, ...]:
    return tuple(Verdict(event(number), true=number % 3 == 0) for number in range(count))


def with_as_many_wishes_as_there_may_be(name_length: int) -> Wanted:
    until = UtcNs(2**60 // NS_PER_MS * NS_PER_MS)
    wanted = replace(after((None, Arming(armed=False, until=until))), revision=10**9)
    for number in range(MOST_WISHES):
        camera = CameraId(f"{number:02}".ljust(name_length, "x"))
        wanted = wanted.wishing(camera, Arming(armed=True, until=until))
    return wanted


def ends(wish: Arming) -> float:
    return math.inf if wish.until is None else wish.until


@given(wanteds)
def test_what_is_wanted_comes_back(wanted: Wanted) -> None:
    assert Wanted.from_json(wanted.to_json()) == wanted
    assert is_wanted(wanted.to_json())


@given(acknowledgements)
def test_an_acknowledgement_is_not_taken_for_it(acknowledgement: Acknowledgement) -> None:
    assert not is_wanted(acknowledgement.to_json())
    assert not is_wanted(b"half a mess")


@given(st.binary(max_size=64) | st.text(max_size=64))
def test_any_garbage_gives_a_contract_error(payload: bytes | str) -> None:
    with pytest.raises(ContractError):
        Wanted.from_json(payload)


@given(st.data())
def test_a_number_that_nobody_can_reckon_with_is_refused(drawn: st.DataObject) -> None:
    payload = drawn.draw(with_a_hostile_number(json.loads(drawn.draw(wanteds).to_json())))
    with pytest.raises(ContractError, match="wanted: is not JSON"):
        Wanted.from_json(payload)
    assert not is_wanted(payload)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"schema": 2}, "schema"),
        ({"revision": -1}, "revision"),
        ({"sent_at": "today"}, "sent_at"),
        ({"device": {"armed": "yes", "revision": 1}}, "device.armed"),
        ({"device": {"armed": True}}, "device.revision"),
        ({"cameras": {"a b": {"armed": True, "revision": 1}}}, "cameras"),
        ({"cameras": {"gate": {"armed": True, "until": "noon", "revision": 1}}}, "cameras.gate.until"),
        ({"cameras": {f"c{n}": {"armed": True, "revision": 1} for n in range(MOST_WISHES + 1)}}, "cameras"),
    ],
)
def test_a_wrong_field_is_named(changes: dict[str, object], field: str) -> None:
    with pytest.raises(ContractError) as caught:
        Wanted.from_json(json.dumps(json.loads(NOTHING_WANTED.to_json()) | changes))
    assert caught.value.field == field


RIGHT = {"event_id": event(1), "true": False}


@pytest.mark.parametrize(
    ("verdicts", "left_out"),
    [
        ([event(2), RIGHT], 1),
        ([{"event_id": event(2), "true": "no"}, RIGHT], 1),
        ([{"event_id": event(2)}, {"event_id": event(3), "true": None}, RIGHT], 2),
        ([RIGHT, {"event_id": "../x", "true": True}, None, 7, [], {}, {"event_id": {"true": 1}, "true": True}], 6),
        ([{"event_id": event(1), "true": True}, RIGHT], 1),
        ([{"event_id": event(2), "true": [[[]]]}, RIGHT | {"more": 1}], 1),
    ],
)
def test_a_verdict_that_cannot_be_read_is_left_out_and_costs_nothing_else(
    verdicts: list[object], left_out: int
) -> None:
    gate = {"armed": False, "revision": 3}
    document = json.loads(NOTHING_WANTED.to_json()) | {"revision": 3, "cameras": {"gate": gate}, "verdicts": verdicts}
    wanted = Wanted.from_json(json.dumps(document))
    assert wanted.verdicts == (Verdict(event(1), true=False),)
    assert (wanted.verdicts_left_out, wanted.armed(GATE, configured=True), wanted.more) == (left_out, False, {})
    assert Wanted.from_json(wanted.to_json()) == wanted


@pytest.mark.parametrize("verdicts", [{}, "all", 7, True, {"event_id": event(1)}])
def test_what_is_no_list_of_verdicts_at_all_is_none(verdicts: object) -> None:
    wanted = Wanted.from_json(json.dumps(json.loads(NOTHING_WANTED.to_json()) | {"verdicts": verdicts}))
    assert (wanted.verdicts, wanted.verdicts_left_out) == ((), 1)


def test_of_more_verdicts_than_a_message_has_the_newest_are_taken() -> None:
    many = [one.document() for one in said(3 * MOST_VERDICTS)]
    wanted = Wanted.from_json(json.dumps(json.loads(NOTHING_WANTED.to_json()) | {"verdicts": many}))
    assert wanted.verdicts == said(3 * MOST_VERDICTS)[-MOST_VERDICTS:]
    assert wanted.verdicts_left_out == 2 * MOST_VERDICTS


def test_where_the_wishes_have_hardly_room_they_go_without_the_times_when_they_were_said() -> None:
    full = with_as_many_wishes_as_there_may_be(64)
    assert full.device is not None
    cameras = {name: replace(wish, at=LATER) for name, wish in full.cameras.items()}
    timed = replace(full, device=replace(full.device, at=LATER), cameras=cameras)
    with pytest.raises(ContractError):
        timed.to_json()
    assert timed.fitting() == full
    few = after((GATE, Arming(armed=False, at=LATER)))
    assert Wanted.from_json(few.fitting().to_json()).cameras[GATE].at == LATER


def test_what_a_later_cloud_wants_besides_is_kept() -> None:
    wanted = Wanted.from_json(json.dumps(json.loads(NOTHING_WANTED.to_json()) | {"verdicts_since": 7}))
    assert wanted.more == {"verdicts_since": 7}
    assert Wanted.from_json(wanted.to_json()) == wanted


def test_as_many_wishes_as_there_may_be_reach_a_device_behind_nucleus_lite() -> None:
    wanted = with_as_many_wishes_as_there_may_be(64)
    assert len(wanted.to_json()) <= LARGEST_WANTED_BYTES < INBOUND_OF_LITE
    with pytest.raises(ContractError, match="at most 32 can have wishes; arm or disarm the whole device"):
        wanted.wishing(GATE, Arming(armed=True))


@given(wished=st.lists(wishes, max_size=8), now=times, configured=st.booleans())
def test_the_newest_wish_about_a_camera_or_its_device_that_has_not_ended_counts(
    *, wished: list[tuple[CameraId | None, Arming]], now: UtcNs, configured: bool
) -> None:
    wanted = after(*wished).at(now)
    for camera in (GATE, YARD):
        latest: dict[CameraId | None, Arming] = {}
        for place, wish in wished:
            if place is None:  # forgets a camera's that would end no later
                latest = {name: one for name, one in latest.items() if ends(one) > ends(wish)}
            if place in (None, camera):
                latest.pop(place, None)
                latest[place] = wish
        lasting = [wish.armed for wish in latest.values() if ends(wish) > now]
        assert wanted.armed(camera, configured=configured) is [configured, *lasting][-1]


@given(st.lists(wishes, max_size=8), wishes)
def test_the_same_wish_again_changes_nothing(
    wished: list[tuple[CameraId | None, Arming]], last: tuple[CameraId | None, Arming]
) -> None:
    wanted = after(*wished, last)
    assert wanted.wishing(*last) is wanted
    assert wanted.revision <= len(wished) + 1


def test_a_wish_that_ends_leaves_the_one_before_it_in_force() -> None:
    wanted = after((GATE, Arming(armed=False)), (None, Arming(armed=True, until=LATER)))
    assert wanted.armed(GATE, configured=True)
    assert not wanted.at(LATER).armed(GATE, configured=True)
    assert wanted.at(LATER).armed(YARD, configured=True)


def test_a_wish_about_the_device_forgets_what_can_never_count_again() -> None:
    wanted = after((GATE, Arming(armed=False, until=LATER)), (YARD, Arming(armed=False)))
    assert set(wanted.wishing(None, Arming(armed=True, until=LATEST)).cameras) == {YARD}
    assert wanted.wishing(None, Arming(armed=True)).cameras == {}


def test_a_new_revision_is_above_the_one_that_the_device_has() -> None:
    assert NOTHING_WANTED.wishing(GATE, Arming(armed=False), after=41).revision == 42


def test_a_wish_that_a_restored_cloud_believes_to_be_so_already_still_reaches_a_device_that_knows_more() -> None:
    restored = after((None, Arming(armed=True)))
    assert restored.wishing(None, Arming(armed=True), after=7).revision == 8
    assert restored.wishing(None, Arming(armed=True), after=restored.revision) is restored


def test_a_revision_that_no_device_was_ever_given_does_not_make_the_next_one_unreadable() -> None:
    wanted = NOTHING_WANTED.wishing(GATE, Arming(armed=False), after=2**63 - 1)
    assert Wanted.from_json(wanted.to_json()) == wanted
    assert wanted.revision == HIGHEST_REPORTED + 1


@pytest.mark.parametrize(("name_length", "fewest"), [(5, MOST_VERDICTS // 2), (64, 0)])
def test_where_wishes_leave_no_room_for_all_verdicts_the_oldest_go_first(name_length: int, fewest: int) -> None:
    wanted = replace(with_as_many_wishes_as_there_may_be(name_length), verdicts=said(MOST_VERDICTS))
    with pytest.raises(ContractError, match="bytes"):
        wanted.to_json()
    fitting = wanted.fitting()
    kept = len(fitting.verdicts)
    assert fitting == replace(wanted, verdicts=wanted.verdicts[MOST_VERDICTS - kept :])
    assert fewest <= kept < MOST_VERDICTS
    assert len(fitting.to_json()) <= LARGEST_WANTED_BYTES
    if kept < MOST_VERDICTS:
        with pytest.raises(ContractError, match="bytes"):
            replace(wanted, verdicts=wanted.verdicts[MOST_VERDICTS - kept - 1 :]).to_json()


def test_as_many_verdicts_as_there_may_be_fit_beside_a_wish_or_two() -> None:
    wanted = replace(after((None, Arming(armed=False)), (GATE, Arming(armed=True))), verdicts=said(MOST_VERDICTS))
    assert wanted.fitting() is wanted
    assert Wanted.from_json(wanted.to_json()).verdicts == said(MOST_VERDICTS)


def test_what_is_beside_the_wishes_gets_a_revision_above_the_one_that_the_device_has() -> None:
    wanted = after((GATE, Arming(armed=False)))
    assert wanted.renewed() == replace(wanted, revision=2)
    assert wanted.renewed(41) == replace(wanted, revision=42)
    assert wanted.renewed(2**63 - 1).revision == HIGHEST_REPORTED + 1
