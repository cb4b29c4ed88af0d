"""What the cloud wants of a device: what goes out comes back, the newest wish about a camera counts, ends are kept."""

import json
import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcam.contract.ack import Acknowledgement
from smartcam.contract.errors import ContractError
from smartcam.contract.ids import CameraId
from smartcam.contract.times import NS_PER_MS, UtcNs
from smartcam.contract.wanted import (
    HIGHEST_REPORTED,
    LARGEST_WANTED_BYTES,
    MOST_WISHES,
    NOTHING_WANTED,
    Arming,
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


def test_what_a_later_cloud_wants_besides_is_kept() -> None:
    wanted = Wanted.from_json(json.dumps(json.loads(NOTHING_WANTED.to_json()) | {"verdicts_since": 7}))
    assert wanted.more == {"verdicts_since": 7}
    assert Wanted.from_json(wanted.to_json()) == wanted


def test_as_many_wishes_as_there_may_be_reach_a_device_behind_nucleus_lite() -> None:
    until = UtcNs(2**60 // NS_PER_MS * NS_PER_MS)
    wanted = replace(after((None, Arming(armed=False, until=until))), revision=10**9)
    for number in range(MOST_WISHES):
        wanted = wanted.wishing(CameraId(f"{number:02}".ljust(64, "x")), Arming(armed=True, until=until))
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
