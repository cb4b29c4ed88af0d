"""Who was there before."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcam.contract.event import EventKind
from smartcam.contract.times import NS_PER_S, MonotonicNs, UtcNs
from smartcam.inference.analysis.identity import FirstSight
from smartcam.inference.analysis.known import EMPTY_S, LONGEST_S, MOST, KnownStays
from smartcam.inference.analysis.stays import ABSENCE_S, Stay
from smartcam.vision.corners import Corners
from smartcam.vision.movers import Mover
from tests.fakes.clock import SOME_DAY

DESK: Corners = (0.45, 0.3, 0.65, 0.8)
DOOR: Corners = (0.0, 0.1, 0.2, 0.95)
WINDOW: Corners = (0.8, 0.1, 1.0, 0.95)


def at(seconds: float) -> MonotonicNs:
    return MonotonicNs(round((10_000 + seconds) * NS_PER_S))


def resident(known: KnownStays, kind: EventKind = EventKind.PERSON, *, told: bool = True) -> Stay:
    """Somebody who sat at the desk for a minute and was told of."""
    stay = known.begin(kind, DESK, at(0))
    stay.come()
    for second in range(60):
        stay.see(DESK, at(second), 1)
    if told:
        stay.tell()
    return stay


def left_by_the_door(known: KnownStays) -> Stay:
    stay = resident(known)
    for look in range(10):
        stay.see(DOOR, at(60 + look / 5), 1)
    return stay


def first(box: Corners, seconds: float, entry: Corners | None = None) -> FirstSight:
    return FirstSight(box, at(seconds), entry)


def test_whoever_rests_is_the_same_after_minutes_unseen_whatever_the_box() -> None:
    known = KnownStays()
    stay = resident(known)
    assert known.of(EventKind.PERSON, first((0.48, 0.25, 0.62, 0.55), 500), at(500)) is stay
    assert known.of(EventKind.ANIMAL, first(DESK, 500), at(500)) is None


def test_somebody_who_comes_in_while_the_first_stays_is_somebody_else() -> None:
    known = KnownStays()
    resident(known)
    assert known.of(EventKind.PERSON, first(DOOR, 59), at(59)) is None
    assert known.of(EventKind.PERSON, first(DOOR, 70), at(70)) is None
    came_to_the_desk = first(DESK, 70, entry=DOOR)
    assert known.of(EventKind.PERSON, came_to_the_desk, at(72)) is None


@pytest.mark.parametrize(
    ("box", "seconds", "same"),
    [(DOOR, 30, True), (DOOR, ABSENCE_S + 5, False), (WINDOW, 30, False), (DESK, 30, True)],
)
def test_a_resident_comes_back_the_same_way_within_an_absence(box: Corners, seconds: float, *, same: bool) -> None:
    known = KnownStays()
    stay = left_by_the_door(known)
    now = 62 + seconds
    assert (known.of(EventKind.PERSON, first(box, now), at(now)) is stay) is same


def test_whoever_comes_in_at_the_other_end_of_an_edge_is_not_a_resident_who_left_in_its_corner() -> None:
    """As measured: of who walks out to the right the last that is seen is a foot in the lower corner."""
    known = KnownStays()
    stay = resident(known)
    for look, box in enumerate([(0.72, 0.05, 1.0, 0.93), (0.91, 0.57, 1.0, 0.99), (0.93, 0.82, 1.0, 1.0)] * 2):
        stay.see(box, at(60 + look / 5), 1)
    newcomer = first((0.22, 0.58, 0.52, 0.99), 65, entry=(0.26, 0.73, 0.41, 1.0))
    assert known.of(EventKind.PERSON, newcomer, at(65)) is None
    returned = first((0.8, 0.3, 1.0, 0.99), 65, entry=(0.88, 0.7, 1.0, 1.0))
    assert known.of(EventKind.PERSON, returned, at(65)) is stay


def test_whoever_only_passed_is_not_expected_back() -> None:
    known = KnownStays()
    stay = known.begin(EventKind.PERSON, DOOR, at(0))
    stay.tell()
    for look in range(10):
        stay.see(DOOR, at(look / 5), 1)
    assert known.of(EventKind.PERSON, first(DOOR, 20), at(20)) is None


def test_a_passer_lost_inside_walks_on_and_cannot_have_gone_farther_than_one_walks() -> None:
    known = KnownStays()
    stay = known.begin(EventKind.PERSON, (0.40, 0.4, 0.45, 0.6), at(0))
    stay.tell()
    near, far = (0.5, 0.4, 0.55, 0.6), (0.8, 0.4, 0.85, 0.6)
    assert known.of(EventKind.PERSON, first(near, 1), at(1)) is stay
    assert known.of(EventKind.PERSON, first(far, 1), at(1)) is None


def test_a_vehicle_in_the_place_of_another_minutes_later_is_another_one() -> None:
    known = KnownStays()
    resident(known, EventKind.VEHICLE)
    for second in range(60, 240):
        known.search(at(second), None)
    assert known.of(EventKind.VEHICLE, first(DESK, 240), at(240)) is None


def test_a_place_is_empty_once_it_was_searched_in_vain_for_long_and_not_while_nobody_looked() -> None:
    known = KnownStays()
    stay = resident(known)
    for second in range(60, 60 + 2 * round(EMPTY_S)):
        known.search(at(second), [DOOR])
    assert known.stays == [stay]
    later = 60 + 2 * round(EMPTY_S)
    for second in range(later, later + round(EMPTY_S) + 5):
        known.search(at(second), None)
    assert known.stays == []


def test_there_are_never_more_than_so_many_and_none_older_than_a_night() -> None:
    known = KnownStays()
    for number in range(2 * MOST):
        known.begin(EventKind.PERSON, DESK, at(number))
    assert len(known.stays) == MOST
    known = KnownStays()
    resident(known)
    known.search(at(LONGEST_S + 100), [])
    assert known.stays == []


def test_a_restart_forgets_nobody_who_is_there() -> None:
    known, later = KnownStays(), KnownStays()
    resident(known)
    stored = known.pack(at(60), UtcNs(SOME_DAY))
    # Another boot: another monotonic clock, two minutes later.
    now = MonotonicNs(50 * NS_PER_S)
    later.unpack(stored, now, UtcNs(SOME_DAY + 120 * NS_PER_S))
    (stay,) = later.stays
    assert (now - stay.seen_at) / NS_PER_S == pytest.approx(121)
    assert (stay.told, stay.resident, stay.is_settled) == (True, True, True)
    assert stay.place == pytest.approx(DESK)
    assert later.of(EventKind.PERSON, FirstSight(DESK, now), now) is stay


@given(
    st.one_of(st.binary(max_size=60), st.sampled_from([b"", b"{}", b"[1]", b'[{"kind": "person"}]', b"[[]]", b"null"]))
)
def test_what_is_none_of_ours_is_nobody(content: bytes) -> None:
    known = KnownStays()
    known.unpack(content, at(0), UtcNs(SOME_DAY))
    assert known.stays == []


def test_what_begins_within_whoever_is_there_is_they_and_beside_them_is_not() -> None:
    known = KnownStays()
    stay = known.begin(EventKind.PERSON, DESK, at(0))
    stay.tell()
    assert known.of(EventKind.PERSON, first((0.47, 0.3, 0.63, 0.6), 0), at(0)) is stay
    assert known.of(EventKind.PERSON, first((0.6, 0.3, 0.8, 0.8), 0), at(0)) is None


@pytest.mark.parametrize("rests", [True, False])
def test_two_shapes_of_a_resident_that_part_were_told_of_and_two_walkers_that_part_are_two(*, rests: bool) -> None:
    known = KnownStays()
    stay = resident(known) if rests else known.begin(EventKind.PERSON, DESK, at(0))
    stay.tell()
    other = known.part(stay, DOOR, at(60), 2)
    assert (other.told, other.place, other.seen_by, other in known.stays) == (rests, DOOR, 2, True)


def test_what_moves_from_where_somebody_rests_is_they_and_what_comes_in_is_not() -> None:
    known = KnownStays()
    stay = resident(known)
    arm = (0.5, 0.4, 0.55, 0.5)
    assert known.of(None, first(arm, 65), at(65)) is stay
    assert known.of(None, first(DOOR, 65), at(65)) is None
    assert KnownStays().of(None, first(arm, 65), at(65)) is None


SMALL: Corners = (0.45, 0.4, 0.49, 0.6)
"""Somebody far away, whose every metre is a small share of the picture."""


@pytest.mark.parametrize(
    ("box", "entry", "same"),
    [
        ((0.42, 0.45, 0.6, 1.0), None, True),
        ((0.42, 0.45, 0.6, 1.0), DOOR, False),
        ((0.42, 0.45, 0.6, 1.0), (0.45, 0.6, 0.65, 1.0), True),
        ((0.6, 0.3, 0.8, 0.8), None, False),
    ],
    ids=["torso and chair", "whoever came in", "the legs that move", "somebody beside"],
)
def test_nobody_is_first_seen_where_somebody_is_without_coming_in(
    box: Corners, entry: Corners | None, *, same: bool
) -> None:
    known = KnownStays()
    stay = known.begin(EventKind.PERSON, DESK, at(0))
    stay.tell()
    for look in range(20):
        stay.see(DESK, at(look / 5), 1)
    assert (known.of(EventKind.PERSON, first(box, 4, entry), at(4), [stay]) is stay) is same


@pytest.mark.parametrize(("box", "same"), [((0.6, 0.4, 0.64, 0.6), True), ((0.9, 0.4, 0.94, 0.6), False)])
def test_a_resident_who_is_lost_on_the_way_cannot_be_farther_than_one_walks(box: Corners, *, same: bool) -> None:
    known = KnownStays()
    stay = known.begin(EventKind.PERSON, SMALL, at(0))
    stay.tell()
    for look in range(60):
        stay.see(SMALL, at(look / 5), 1)
    for look in range(8):
        stay.see((0.53, 0.4, 0.57, 0.6), at(12 + look / 5), 1)
    assert (known.of(EventKind.PERSON, first(box, 15), at(15)) is stay) is same


def test_whoever_another_track_sees_in_this_look_has_not_walked_on() -> None:
    known = KnownStays()
    stay = known.begin(EventKind.PERSON, SMALL, at(0))
    stay.tell()
    elsewhere = first((0.52, 0.4, 0.56, 0.6), 1)
    assert known.of(EventKind.PERSON, elsewhere, at(1)) is stay
    assert known.of(EventKind.PERSON, elsewhere, at(1), [stay]) is None


@pytest.mark.parametrize(("seconds", "rests", "same"), [(300, True, True), (300, False, False), (900, True, False)])
def test_nobody_comes_without_moving_so_that_whoever_sits_where_one_was_lost_is_they(
    seconds: float, *, rests: bool, same: bool
) -> None:
    """Somebody who was seen to walk to the desk, and no more once they sat there."""
    known = KnownStays()
    stay = known.begin(EventKind.PERSON, DOOR, at(0))
    stay.tell()
    stay.see((0.3, 0.1, 0.5, 0.9), at(1), 1)
    stay.see(DESK, at(2), 1)
    for second in range(3, round(seconds)):
        known.search(at(second), None)
    there = FirstSight((0.46, 0.32, 0.64, 0.75), at(seconds), rests=rests)
    assert (known.of(EventKind.PERSON, there, at(seconds)) is stay) is same


def walks(start: Corners, end: Corners) -> Mover:
    return Mover(1, seen=True, since=at(0), boxes=(start, end), origin=start)


@pytest.mark.parametrize(
    ("mover", "quiet_s", "kind", "told"),
    [
        (walks(DESK, DOOR), 60, EventKind.PERSON, False),
        (walks(DESK, DOOR), 59, EventKind.PERSON, True),
        (walks(DOOR, DESK), 600, EventKind.PERSON, True),
        (walks((0.45, 0.1, 0.65, 0.6), (0.45, 0.6, 0.65, 1.0)), 600, EventKind.PERSON, True),
        (walks(DESK, DOOR), 600, EventKind.VEHICLE, True),
        (walks(DESK, WINDOW), 60, EventKind.PERSON, False),
        (walks(WINDOW, DESK), 600, EventKind.PERSON, True),
        (walks((0.0, 0.1, 0.2, 0.5), (0.0, 0.5, 0.2, 0.9)), 600, EventKind.PERSON, True),
        (walks((0.8, 0.1, 1.0, 0.5), (0.8, 0.5, 1.0, 0.9)), 600, EventKind.PERSON, True),
    ],
    ids=[
        "somebody went out",
        "only just",
        "somebody came in",
        "somebody sat down",
        "a parked car",
        "out on the right",
        "in from the right",
        "along the left edge",
        "along the right edge",
    ],
)
def test_what_is_seen_on_after_somebody_went_out_and_nobody_walks_is_furniture(
    mover: Mover, quiet_s: int, kind: EventKind, *, told: bool
) -> None:
    known = KnownStays()
    stay = resident(known, kind)
    known.watch(at(60), [mover])
    for second in range(61, 61 + quiet_s):
        stay.see(DESK, at(second), 1)
        known.watch(at(second), [walks(DESK, DESK)])
    assert (stay.told, stay.arrived) == (told, told)


@pytest.mark.parametrize(
    ("origin", "box", "told"),
    [(DOOR, DESK, True), (WINDOW, DESK, True), (DESK, DESK, False), ((0.4, 0.0, 0.6, 0.3), DESK, False)],
    ids=["in from the left", "in from the right", "stirs there", "down from the top"],
)
def test_whoever_walked_in_again_is_no_furniture_though_their_path_began_anew_on_the_way(
    origin: Corners, box: Corners, *, told: bool
) -> None:
    """They met the place that they had left: a moving picture of an empty chair."""
    known = KnownStays()
    stay = resident(known)
    known.watch(at(60), [walks(DESK, DOOR)])
    known.watch(at(75), [Mover(2, seen=True, since=at(72), boxes=(box,), origin=origin)])
    for second in range(76, 200):
        stay.see(DESK, at(second), 1)
        known.watch(at(second), [])
    assert stay.told is told


def test_whoever_went_out_is_expected_back_though_nobody_walks() -> None:
    known = KnownStays()
    stay = left_by_the_door(known)
    known.watch(at(62), [walks(DESK, DOOR)])
    known.watch(at(100), [])
    assert known.of(EventKind.PERSON, first(DOOR, 103), at(103)) is stay


@pytest.mark.parametrize(
    ("box", "seconds", "entry", "same"),
    [
        ((0.5, 0.4, 0.54, 0.6), 1.0, None, True),
        ((0.5, 0.4, 0.54, 0.6), 0.0, None, False),
        ((0.5, 0.4, 0.54, 0.6), 4.0, None, False),
        ((0.8, 0.4, 0.84, 0.6), 1.0, None, False),
        ((0.5, 0.4, 0.54, 0.6), 1.0, DOOR, False),
    ],
    ids=["close by", "seen just now", "too long ago", "too far", "came in by itself"],
)
def test_of_whom_the_detector_lost_sight_a_moment_ago_may_be_what_another_track_shows(
    box: Corners, seconds: float, entry: Corners | None, *, same: bool
) -> None:
    known = KnownStays()
    stay = known.begin(EventKind.PERSON, SMALL, at(0))
    shown = first(box, seconds, entry)
    assert known.lost(EventKind.PERSON, shown, at(seconds), []) is None
    stay.tell()
    assert (known.lost(EventKind.PERSON, shown, at(seconds), []) is stay) is same
    assert known.lost(EventKind.PERSON, shown, at(seconds), [stay]) is None
    assert known.lost(EventKind.VEHICLE, shown, at(seconds), []) is None


def test_when_there_are_too_many_somebody_told_of_is_kept_and_of_the_others_the_latest() -> None:
    known = KnownStays()
    told = known.begin(EventKind.PERSON, DESK, at(0))
    told.tell()
    oldest = known.begin(EventKind.PERSON, DESK, at(1))
    others = [known.begin(EventKind.PERSON, DESK, at(number)) for number in range(2, MOST)]
    assert known.stays == [told, oldest, *others]
    newest = known.begin(EventKind.PERSON, DESK, at(MOST))
    assert known.stays == [told, *others, newest]


def test_of_two_who_may_be_meant_it_is_who_was_told_of_and_then_who_was_seen_last() -> None:
    known = KnownStays()
    told, later = resident(known), resident(known, told=False)
    later.see(DESK, at(100), 2)
    assert known.of(EventKind.PERSON, first(DESK, 200), at(200)) is told
    later.tell()
    assert known.of(EventKind.PERSON, first(DESK, 200), at(200)) is later


def test_a_pause_in_which_nobody_looked_is_no_search_and_who_is_seen_is_not_missed() -> None:
    known = KnownStays()
    stay = resident(known)
    known.search(at(60), None)
    before = stay.empty_s
    known.search(at(60 + EMPTY_S), None)
    assert stay.empty_s - before == 1.0
    known.search(at(60.25 + EMPTY_S), None)
    assert stay.empty_s - before == 1.25
    stay.see(DESK, at(61 + EMPTY_S), 1)
    known.search(at(61 + EMPTY_S), None)
    assert stay.empty_s == 0.0


@pytest.mark.parametrize(("searched", "missed"), [((0.45, 0.3, 0.56, 0.8), True), ((0.45, 0.3, 0.54, 0.8), False)])
def test_a_place_is_searched_if_half_of_it_was_looked_at(searched: Corners, *, missed: bool) -> None:
    known = KnownStays()
    stay = resident(known)
    known.search(at(60), [searched])
    assert bool(stay.empty_s) is missed


def glimpse(known: KnownStays, kind: EventKind = EventKind.PERSON, *, told: bool) -> Stay:
    stay = known.begin(kind, DOOR, at(0))
    if told:
        stay.tell()
    return stay


@pytest.mark.parametrize(("told", "seconds"), [(True, ABSENCE_S), (False, 3.0)])
def test_who_only_passed_is_forgotten_after_an_absence_and_what_raised_nothing_after_a_moment(
    seconds: float, *, told: bool
) -> None:
    known = KnownStays()
    stay = glimpse(known, told=told)
    known.search(at(seconds), [])
    assert known.stays == [stay]
    known.search(at(seconds + 0.1), [])
    assert known.stays == []


def test_a_resident_who_was_lost_inside_is_remembered_through_a_night_and_one_who_left_by_the_door_is_not() -> None:
    inside, outside = KnownStays(), KnownStays()
    stay = resident(inside)
    for look in range(10):
        stay.see((0.7, 0.3, 0.85, 0.8), at(60 + look / 5), 1)
    left_by_the_door(outside)
    for known in (inside, outside):
        known.search(at(1000), [])
    assert (inside.stays, outside.stays) == ([stay], [])
    inside.search(at(61.8 + LONGEST_S), [])
    assert inside.stays == [stay]
    inside.search(at(61.9 + LONGEST_S), [])
    assert inside.stays == []


@pytest.mark.parametrize(("kind", "seconds"), [(EventKind.VEHICLE, 60), (EventKind.PERSON, round(EMPTY_S))])
def test_a_place_is_empty_after_a_minute_for_a_vehicle_and_after_ten_for_somebody(
    kind: EventKind, seconds: int
) -> None:
    known = KnownStays()
    stay = resident(known, kind)
    for second in range(60, 60 + seconds):
        known.search(at(second), None)
    assert known.stays == [stay]
    known.search(at(60 + seconds), None)
    assert known.stays == []


def test_who_only_flashed_by_is_not_stored_and_nobody_comes_back_from_the_future_or_from_long_ago() -> None:
    known, now = KnownStays(), at(60)
    resident(known, told=False)
    told, glimpsed = glimpse(known, told=True), glimpse(known, told=False)
    assert glimpsed in known.stays
    stored = known.pack(now, UtcNs(SOME_DAY))
    later = KnownStays()
    later.unpack(stored, now, UtcNs(SOME_DAY))
    assert [(each.told, each.since, each.seen_at) for each in later.stays] == [
        (False, at(0), at(59)),
        (True, told.since, told.seen_at),
    ]
    for jump_s in (-3600.0, LONGEST_S + 60):
        none = KnownStays()
        none.unpack(stored, now, UtcNs(SOME_DAY + round(jump_s * NS_PER_S)))
        assert none.stays == []


def test_a_stored_place_outside_of_the_picture_is_cut_and_one_that_is_no_place_is_nobody() -> None:
    known, now = KnownStays(), at(60)
    resident(known)
    stored = known.pack(now, UtcNs(SOME_DAY)).decode()
    place = json.loads(stored)[0]["boxes"][1]
    for there, kept in (([-0.5, 0.3, 1.5, 2.0], (0.0, 0.3, 1.0, 1.0)), ([0.6, 0.3, 0.6, 0.8], None), ([0, 0, 1], None)):
        later = KnownStays()
        later.unpack(stored.replace(json.dumps(place), json.dumps(there)).encode(), now, UtcNs(SOME_DAY))
        assert [stay.place for stay in later.stays] == ([] if kept is None else [kept])


def test_of_what_is_stored_no_more_are_taken_than_are_ever_kept() -> None:
    known, later, now = KnownStays(), KnownStays(), at(60)
    resident(known)
    rows = json.loads(known.pack(now, UtcNs(SOME_DAY)))
    later.unpack(json.dumps(rows * (MOST + 5)).encode(), now, UtcNs(SOME_DAY))
    assert len(later.stays) == MOST


def test_whoever_was_last_seen_at_an_edge_has_left_and_is_not_who_stands_there_later() -> None:
    known = KnownStays()
    stay = known.begin(EventKind.PERSON, DESK, at(0))
    stay.tell()
    stay.see(WINDOW, at(1), 1)
    there = FirstSight((0.8, 0.15, 0.99, 0.9), at(16), rests=True)
    assert known.of(EventKind.PERSON, there, at(16)) is None


def test_a_resident_has_not_come_back_in_a_further_box_of_whoever_came_in_elsewhere() -> None:
    known = KnownStays()
    stay = left_by_the_door(known)
    assert known.of(EventKind.PERSON, FirstSight(DOOR, at(75)), at(75)) is stay
    somebody = known.begin(EventKind.PERSON, WINDOW, at(74))
    assert known.of(EventKind.PERSON, FirstSight(DOOR, at(75), whose=somebody), at(75)) is None


def test_a_resident_who_was_lost_at_the_lower_edge_is_who_shows_up_there_in_their_own_motion() -> None:
    """The mover was named by a track that is lost since: it is not the motion of somebody else."""
    known = KnownStays()
    stay = resident(known)
    seat = (0.45, 0.55, 0.65, 1.0)
    for look in range(10):
        stay.see(seat, at(60 + look / 5), 1)
    assert known.of(EventKind.PERSON, FirstSight((0.46, 0.53, 0.66, 0.95), at(70), whose=stay), at(70)) is stay


@pytest.mark.parametrize(("seconds", "same"), [(11, True), (9, False)], ids=["sits there", "is about to leave"])
@pytest.mark.parametrize("edge", ["lower", "left and lower"])
def test_whoever_has_sat_for_long_at_the_lower_edge_is_still_there_minutes_later(
    edge: str, seconds: int, *, same: bool
) -> None:
    seat = (0.25 if edge == "lower" else 0.05, 0.55, 0.45, 1.0)
    known = KnownStays()
    stay = known.begin(EventKind.PERSON, seat, at(0))
    stay.tell()
    for second in range(seconds + 1):
        stay.see(seat, at(second), 1)
    known.search(at(seconds + 300), [])
    is_there = known.of(EventKind.PERSON, first(seat, seconds + 300), at(seconds + 300)) is stay
    assert is_there is (same and edge == "lower")


def test_what_was_forgotten_and_is_seen_again_is_known_again_and_only_once() -> None:
    known = KnownStays()
    stay = resident(known)
    known.search(at(59.5 + LONGEST_S), [])
    assert known.stays == []
    for _ in range(2):
        known.recall(stay)
    assert known.stays == [stay]


@pytest.mark.parametrize(
    ("box", "seconds", "same"),
    [(DOOR, 30, True), (DOOR, ABSENCE_S, True), (DOOR, ABSENCE_S + 5, False), (DOOR, 0, False), (WINDOW, 30, False)],
    ids=["by the same door", "just in time", "long after", "seen just now", "elsewhere"],
)
def test_a_track_may_be_a_resident_who_comes_back_the_same_way(box: Corners, seconds: float, *, same: bool) -> None:
    known = KnownStays()
    stay = left_by_the_door(known)
    now = MonotonicNs(stay.seen_at + round(seconds * NS_PER_S))
    assert (known.lost(EventKind.PERSON, FirstSight(box, now), now, []) is stay) is same


def test_a_passer_who_was_lost_long_ago_is_not_what_a_track_shows_where_they_were() -> None:
    known = KnownStays()
    known.begin(EventKind.PERSON, SMALL, at(0)).tell()
    assert known.lost(EventKind.PERSON, first(SMALL, 30), at(30), []) is None


@pytest.mark.parametrize(
    ("right", "seconds", "same"),
    [(0.2, 0.6, False), (0.2, 1.0, True), (0.35, 2.0, True), (0.35, 1.5, False), (0.2, 3.0, True), (0.2, 3.1, False)],
)
def test_the_longer_somebody_is_lost_the_farther_they_may_have_walked_until_they_are_somebody_else(
    right: float, seconds: float, *, same: bool
) -> None:
    known = KnownStays()
    stay = known.begin(EventKind.PERSON, SMALL, at(0))
    stay.tell()
    there = first((SMALL[0] + right, SMALL[1], SMALL[2] + right, SMALL[3]), seconds)
    assert (known.lost(EventKind.PERSON, there, at(seconds), []) is stay) is same
    assert (known.of(EventKind.PERSON, there, at(seconds)) is stay) is same


def test_whoever_was_lost_inside_is_who_shows_up_there_within_an_absence() -> None:
    known = KnownStays()
    stay = known.begin(EventKind.PERSON, SMALL, at(0))
    stay.tell()
    assert known.of(EventKind.PERSON, first(SMALL, 20), at(20)) is stay
    assert known.of(EventKind.PERSON, first(SMALL, ABSENCE_S + 1), at(ABSENCE_S + 1)) is None


@pytest.mark.parametrize("is_lost_at_the_edge", [True, False])
def test_who_is_lost_at_an_edge_has_left_and_who_shows_up_there_has_come(*, is_lost_at_the_edge: bool) -> None:
    inside, edge = (0.80, 0.4, 0.86, 0.6), (0.88, 0.4, 0.94, 0.6)
    before, now = (edge, inside) if is_lost_at_the_edge else (inside, edge)
    known = KnownStays()
    known.begin(EventKind.PERSON, before, at(0)).tell()
    assert known.of(EventKind.PERSON, first(now, 1), at(1)) is None


def test_a_resident_who_left_at_a_corner_may_come_in_at_either_edge_of_it() -> None:
    known = KnownStays()
    stay = left_by_the_door(known)
    low = (0.0, 0.55, 0.2, 0.98)
    assert known.of(EventKind.PERSON, first(low, 80), at(80)) is stay


def test_a_resident_who_was_lost_on_the_way_out_may_come_in_by_any_door() -> None:
    known = KnownStays()
    stay = resident(known)
    for look in range(8):
        stay.see((0.2, 0.3, 0.4, 0.8), at(60 + look / 5), 1)
    assert known.of(EventKind.PERSON, first(WINDOW, 90), at(90)) is stay


def test_of_two_who_are_lost_it_is_whoever_was_seen_last() -> None:
    known = KnownStays()
    for seconds in (0.2, 0.8, 0.5):
        known.begin(EventKind.PERSON, SMALL, at(seconds)).tell()
    assert known.lost(EventKind.PERSON, first(SMALL, 1), at(1), []) is known.stays[1]


def test_what_is_told_apart_from_a_stay_begins_in_the_look_in_which_it_is_seen() -> None:
    known = KnownStays()
    other = known.part(resident(known), DOOR, at(60), 2)
    assert (other.since, other.seen_at) == (at(60), at(60))


def test_who_has_come_before_the_restart_has_come_and_who_is_there_already_is_not_forgotten() -> None:
    known, later, now = KnownStays(), KnownStays(), at(60)
    resident(known).see(DESK, now, 1)
    known.begin(EventKind.VEHICLE, WINDOW, at(0)).see(WINDOW, at(59), 2)
    here = later.begin(EventKind.PERSON, DOOR, now)
    later.unpack(known.pack(now, UtcNs(SOME_DAY)), now, UtcNs(SOME_DAY))
    assert later.stays[0] is here
    assert [(stay.kind, stay.arrived, stay.told) for stay in later.stays[1:]] == [
        (EventKind.PERSON, True, True),
        (EventKind.VEHICLE, False, False),
    ]


@pytest.mark.parametrize(("seen_after_s", "told"), [(-0.2, True), (1, True), (5, False)])
def test_whoever_was_seen_at_an_edge_as_the_last_one_went_out_went_out_and_what_is_seen_there_later_is_furniture(
    seen_after_s: float, *, told: bool
) -> None:
    known = KnownStays()
    stay = left_by_the_door(known)
    known.watch(at(62), [walks(DESK, DOOR)])
    stay.see(DOOR, at(62 + seen_after_s), 1)
    known.watch(at(122), [])
    assert stay.told is told


def test_who_is_told_of_after_everybody_went_out_is_not_taken_for_furniture_again() -> None:
    known = KnownStays()
    stay = resident(known)
    known.watch(at(60), [walks(DESK, DOOR)])
    known.watch(at(120), [])
    stay.tell()
    known.watch(at(121), [])
    assert stay.told


def test_who_was_not_told_of_is_not_who_shows_up_further_on() -> None:
    known = KnownStays()
    known.begin(EventKind.PERSON, SMALL, at(0))
    assert known.of(EventKind.PERSON, first((0.5, 0.4, 0.54, 0.6), 1), at(1)) is None


@pytest.mark.parametrize(
    "box", [(0.15, 0.3, 0.35, 0.8), (0.5, 0.5, 0.54, 0.54)], ids=["as large, elsewhere", "a thing on the desk"]
)
def test_what_rests_elsewhere_or_is_much_smaller_is_not_who_was_lost(box: Corners) -> None:
    known = KnownStays()
    known.begin(EventKind.PERSON, DESK, at(0)).tell()
    assert known.of(EventKind.PERSON, FirstSight(box, at(300), rests=True), at(300)) is None


@pytest.mark.parametrize(
    ("box", "seconds", "same"),
    [((0.55, 0.4, 0.59, 0.6), 0.2, True), ((0.5, 0.4, 0.54, 0.6), 0.0, False)],
    ids=["a step on", "beside, in the same look"],
)
def test_who_shows_up_beside_a_walker_is_they_a_moment_later_and_another_one_in_the_same_look(
    box: Corners, seconds: float, *, same: bool
) -> None:
    known = KnownStays()
    stay = known.begin(EventKind.PERSON, SMALL, at(0))
    stay.tell()
    assert (known.of(EventKind.PERSON, first(box, seconds), at(seconds)) is stay) is same


@pytest.mark.parametrize(("entry", "same"), [(None, True), ((0.45, 0.6, 0.65, 1.0), False)])
def test_a_box_that_half_covers_somebody_is_they_unless_it_comes_in_from_the_edge_beside_them(
    entry: Corners | None, *, same: bool
) -> None:
    known = KnownStays()
    stay = known.begin(EventKind.PERSON, DESK, at(0))
    stay.tell()
    half = (0.55, 0.3, 0.75, 0.8)
    assert (known.of(EventKind.PERSON, first(half, 0.2, entry), at(0.2)) is stay) is same


@pytest.mark.parametrize(("entry", "same"), [(None, True), (DOOR, False)])
def test_in_one_look_a_box_that_half_covers_somebody_is_theirs_unless_it_came_in_where_they_stand(
    entry: Corners | None, *, same: bool
) -> None:
    known = KnownStays()
    stay = known.begin(EventKind.PERSON, DOOR, at(0))
    stay.tell()
    half = (0.1, 0.1, 0.3, 0.95)
    assert (known.of(EventKind.PERSON, first(half, 0, entry), at(0)) is stay) is same


@pytest.mark.parametrize(("looks", "same"), [(60, True), (3, False)], ids=["rests", "passed"])
def test_a_hand_where_somebody_rests_is_theirs_though_their_last_box_is_odd(looks: int, *, same: bool) -> None:
    known, hand = KnownStays(), (0.5, 0.4, 0.54, 0.44)
    stay = known.begin(EventKind.PERSON, DESK, at(0))
    stay.tell()
    for look in range(looks):
        stay.see(DESK, at(look / 5), 1)
    now = looks / 5
    stay.see((0.75, 0.3, 0.85, 0.8), at(now), 1)
    assert (known.of(EventKind.PERSON, first(hand, now), at(now)) is stay) is same


ASIDE: Corners = (0.15, 0.3, 0.35, 0.8)


def stepped_aside(known: KnownStays, rested_s: int, to: Corners = ASIDE, *, told: bool = True) -> Stay:
    """Somebody who rested at the desk, went elsewhere, and was lost there."""
    stay = known.begin(EventKind.PERSON, DESK, at(-rested_s - 2))
    for look in range(rested_s * 5):
        stay.see(DESK, at(-rested_s - 2 + look / 5), 1)
    for look in range(11):
        stay.see(to, at(-2 + look / 5), 1)
    if told:
        stay.tell()
    return stay


@pytest.mark.parametrize(
    ("rested_s", "seconds", "told", "same"),
    [
        (5, 30, True, True),
        (5, ABSENCE_S, True, True),
        (5, 65, True, False),
        (5, 30, False, False),
        (12, 500, True, True),
    ],
    ids=["soon", "just in time", "too late", "never told of", "a resident"],
)
def test_who_stepped_aside_is_expected_back_where_they_rested(
    rested_s: int, seconds: float, *, told: bool, same: bool
) -> None:
    known = KnownStays()
    stay = stepped_aside(known, rested_s, told=told)
    assert (known.of(EventKind.PERSON, first(DESK, seconds), at(seconds)) is stay) is same


def test_who_comes_in_where_a_passer_left_is_somebody_else_though_they_go_where_that_one_rested() -> None:
    known = KnownStays()
    stay = stepped_aside(known, 5, DOOR)
    assert known.of(EventKind.PERSON, first(DESK, 10), at(10)) is stay
    assert known.of(EventKind.PERSON, first(DESK, 10, DOOR), at(10)) is None


@pytest.mark.parametrize(("entry", "told", "same"), [(DESK, True, True), (DESK, False, False), (ASIDE, True, False)])
def test_who_sets_off_from_where_somebody_rests_is_they_wherever_they_are_first_seen(
    entry: Corners, *, told: bool, same: bool
) -> None:
    known = KnownStays()
    stay = resident(known, told=told)
    away = (0.7, 0.3, 0.85, 0.8)
    assert (known.of(EventKind.PERSON, first(away, 500, entry), at(500)) is stay) is same


@pytest.mark.parametrize(("kind", "same"), [(EventKind.VEHICLE, True), (EventKind.PERSON, False)])
def test_a_vehicle_parks_at_the_edge_of_the_picture_and_somebody_who_lingers_there_is_about_to_leave(
    kind: EventKind, *, same: bool
) -> None:
    known = KnownStays()
    stay = known.begin(kind, DOOR, at(0))
    stay.tell()
    for second in range(6):
        stay.see(DOOR, at(second), 1)
    assert (known.of(kind, first(DOOR, 100), at(100)) is stay) is same
