"""One stay: at its place, elsewhere, seen and not seen."""

import pytest

from smartcam.contract.event import EventKind
from smartcam.contract.times import NS_PER_S, MonotonicNs
from smartcam.inference.analysis.stays import Stay, begin, is_same_place, is_same_size
from smartcam.vision.corners import Corners

HEAD_AND_TORSO: Corners = (0.45, 0.20, 0.60, 0.55)
TORSO_AND_CHAIR: Corners = (0.43, 0.38, 0.65, 0.80)
DOOR: Corners = (0.02, 0.10, 0.20, 0.95)


def at(seconds: float) -> MonotonicNs:
    return MonotonicNs(round((100 + seconds) * NS_PER_S))


def watched(boxes: list[Corners], kind: EventKind = EventKind.PERSON, step_s: float = 0.2) -> Stay:
    stay = begin(kind, boxes[0], at(0))
    for look, box in enumerate(boxes):
        stay.see(box, at(look * step_s))
    return stay


def test_whoever_is_seen_as_two_alternating_shapes_rests_all_the_same() -> None:
    stay = watched([HEAD_AND_TORSO, TORSO_AND_CHAIR] * 30)
    assert (stay.is_settled, stay.resident, stay.arrived) == (True, True, False)


def test_one_odd_box_is_no_departure_and_a_second_elsewhere_is() -> None:
    stay = watched([HEAD_AND_TORSO] * 20 + [DOOR] + [HEAD_AND_TORSO] * 2)
    assert (stay.is_settled, stay.arrived) == (True, False)
    stay = watched([HEAD_AND_TORSO] * 20 + [DOOR] * 7)
    assert (stay.is_settled, stay.arrived, stay.place) == (False, True, DOOR)
    assert stay.former is not None
    assert is_same_place(stay.former, HEAD_AND_TORSO)


def test_whoever_walks_never_settles() -> None:
    stay = watched([(0.02 * look, 0.2, 0.02 * look + 0.1, 0.8) for look in range(45)])
    assert (stay.is_settled, stay.resident) == (False, False)


@pytest.mark.parametrize(("kind", "told"), [(EventKind.VEHICLE, False), (EventKind.PERSON, True)])
def test_a_vehicle_that_drives_off_after_long_is_told_of_again_and_somebody_who_gets_up_is_not(
    kind: EventKind, *, told: bool
) -> None:
    stay = watched([HEAD_AND_TORSO] * 200, kind)
    stay.tell()
    for look in range(200, 210):
        stay.see(DOOR, at(look * 0.2))
    assert stay.told is told


def test_motion_at_its_place_does_not_move_it_and_motion_away_does() -> None:
    stay = watched([HEAD_AND_TORSO] * 30)
    stay.follow((0.5, 0.3, 0.55, 0.4), at(7))
    assert (stay.box, stay.seen_at) == (HEAD_AND_TORSO, at(29 * 0.2))
    stay.follow(DOOR, at(8))
    assert (stay.box, stay.seen_at, stay.is_settled, stay.arrived) == (DOOR, at(8), False, True)


def test_what_is_many_times_as_large_is_another_thing() -> None:
    assert is_same_size(HEAD_AND_TORSO, TORSO_AND_CHAIR)
    assert not is_same_size(HEAD_AND_TORSO, (0.0, 0.0, 1.0, 1.0))


@pytest.mark.parametrize(
    ("looks", "kind", "expected"),
    [(200, EventKind.VEHICLE, True), (20, EventKind.VEHICLE, False), (200, EventKind.PERSON, False)],
)
def test_a_parked_vehicle_drives_off_from_the_first_look_elsewhere(
    looks: int, kind: EventKind, *, expected: bool
) -> None:
    assert not watched([HEAD_AND_TORSO] * looks, kind).drives_off
    assert watched([HEAD_AND_TORSO] * looks + [DOOR], kind).drives_off is expected


def test_a_hand_that_moves_beside_it_does_not_take_it_away_and_its_own_motion_does() -> None:
    stay = watched([HEAD_AND_TORSO] * 60)
    stay.follow((0.62, 0.3, 0.66, 0.36), at(13))
    assert (stay.box, stay.is_settled) == (HEAD_AND_TORSO, True)
    stay.follow((0.0, 0.2, 0.2, 0.7), at(14))
    assert not stay.is_settled


def test_a_place_follows_within_seconds_and_not_with_a_look() -> None:
    shifted = (0.48, 0.20, 0.63, 0.55)
    stay = watched([HEAD_AND_TORSO] + [shifted] * 5)
    gone = (stay.place[0] - HEAD_AND_TORSO[0]) / (shifted[0] - HEAD_AND_TORSO[0])
    assert 0.1 < gone < 0.3
    assert stay.place[1::2] == HEAD_AND_TORSO[1::2]
    assert watched([HEAD_AND_TORSO] + [shifted] * 150).place == pytest.approx(shifted, abs=0.001)


def test_a_long_pause_counts_as_a_second_for_the_place() -> None:
    stay = watched([HEAD_AND_TORSO])
    shifted = (0.50, 0.20, 0.65, 0.55)
    stay.see(shifted, at(500))
    assert stay.place[0] == pytest.approx(0.46)


def test_whoever_is_elsewhere_for_less_than_a_second_has_not_left() -> None:
    stay = watched([HEAD_AND_TORSO] * 20 + [DOOR] * 5)
    assert (stay.is_settled, stay.arrived, stay.box) == (True, False, DOOR)
    stay = watched([HEAD_AND_TORSO] * 20 + [DOOR] * 4 + [HEAD_AND_TORSO] * 2 + [DOOR] * 4)
    assert stay.arrived is False
    assert watched([HEAD_AND_TORSO] * 20 + [DOOR] * 6).arrived is True


def test_whoever_did_not_rest_before_has_no_place_to_come_back_to() -> None:
    assert watched([HEAD_AND_TORSO] * 8 + [DOOR] * 7).former is None
    rested = watched([HEAD_AND_TORSO] * 16 + [DOOR] * 7)
    assert rested.former is not None


def test_what_is_seen_is_no_longer_missed_by_the_detector_or_by_the_gate() -> None:
    stay = watched([HEAD_AND_TORSO] * 30)
    stay.miss(3.0)
    stay.miss(4.0)
    assert stay.empty_s == 7.0
    stay.see(HEAD_AND_TORSO, at(10), 5)
    assert (stay.empty_s, stay.seen_by) == (0.0, 5)
    stay.miss(3.0)
    stay.follow(DOOR, at(11))
    assert (stay.empty_s, stay.place) == (0.0, DOOR)


def test_whoever_was_seen_to_come_has_arrived_and_it_is_known_of_whom_there_was_an_event() -> None:
    stay = watched([HEAD_AND_TORSO])
    assert (stay.arrived, stay.told) == (False, False)
    stay.come()
    stay.tell()
    assert (stay.arrived, stay.told) == (True, True)


@pytest.mark.parametrize(("looks", "told"), [(100, True), (20, False)], ids=["resident", "passer"])
def test_of_two_that_were_taken_for_one_the_other_begins_where_it_is_seen(looks: int, *, told: bool) -> None:
    stay = watched([HEAD_AND_TORSO] * looks + [DOOR])
    stay.tell()
    other = stay.elsewhere(TORSO_AND_CHAIR, at(50), 7)
    assert (other.box, other.place, other.seen_at, other.since) == (TORSO_AND_CHAIR, TORSO_AND_CHAIR, at(50), at(50))
    assert (other.seen_by, other.away_since, other.kind) == (7, None, stay.kind)
    assert other.told is told
    assert (stay.box, stay.seen_at) == (DOOR, at(looks * 0.2))


@pytest.mark.parametrize(("looks", "told"), [(140, True), (160, False)])
def test_a_vehicle_that_stopped_for_less_than_half_a_minute_is_not_told_of_again(looks: int, *, told: bool) -> None:
    stay = watched([HEAD_AND_TORSO] * looks, EventKind.VEHICLE)
    stay.tell()
    for look in range(looks, looks + 7):
        stay.see(DOOR, at(look * 0.2))
    assert (stay.told, stay.place) == (told, DOOR)
