import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcam.contract.times import NS_PER_S, MonotonicNs
from smartcam.vision.corners import Corners
from smartcam.vision.movers import (
    Mover,
    Movers,
    PurposePolicy,
    displacement,
    keeps_pace,
    leap,
    straightness,
    travel,
)
from smartcam.vision.passing import is_inside


def at(seconds: float) -> MonotonicNs:
    return MonotonicNs(round((50 + seconds) * NS_PER_S))


def follow(movers: Movers, *looks: Corners | None, start: int = 0) -> list[Mover]:
    """The movers after looks five times a second."""
    found: list[Mover] = []
    for look, box in enumerate(looks, start):
        found = movers.step(at(look / 5), [] if box is None else [box])
    return found


def across(looks: int, step: float = 0.04) -> list[Corners]:
    return [(0.1 + step * look, 0.3, 0.3 + step * look, 0.5) for look in range(looks)]


def test_what_crosses_the_picture_goes_somewhere() -> None:
    (mover,) = follow(Movers(), *across(6))
    assert mover.has_purpose(PurposePolicy())
    assert (mover.since, len(mover.boxes)) == (at(0), 6)
    assert mover.travel == pytest.approx(0.2)
    assert straightness(mover.boxes) == pytest.approx(1)


def test_what_leaps_is_something_else() -> None:
    """A hand that stays, and another one for which it is taken."""
    stays, elsewhere = (0.33, 0.0, 0.56, 0.4), (0.46, 0.1, 0.69, 0.5)
    (mover,) = follow(Movers(), *[stays] * 5, *[elsewhere] * 5)
    assert mover.travel > PurposePolicy().least_travel
    assert not mover.has_purpose(PurposePolicy())


def test_what_a_hand_sets_down_is_not_on_its_way() -> None:
    """As measured: it comes in from the edge, waits, and sets something down within three looks."""
    hand = [
        (0.299, 0.0, 0.583, 0.358),
        (0.34, 0.0, 0.569, 0.407),
        (0.354, 0.0, 0.562, 0.407),
        (0.347, 0.0, 0.562, 0.39),
    ]
    down = [(0.382, 0.0, 0.569, 0.506), (0.438, 0.074, 0.583, 0.679), (0.438, 0.272, 0.549, 0.926)]
    there = [(0.438, 0.519, 0.549, 0.926)] * 10
    movers, looks = Movers(), [*hand, *hand[-1:] * 2, *down, *there]
    for look in range(len(looks)):
        (mover,) = follow(movers, looks[look], start=look)
        assert not mover.has_purpose(PurposePolicy())
    assert mover.travel > PurposePolicy().least_travel


def test_what_stays_where_it_is_does_not() -> None:
    (mover,) = follow(Movers(), *across(1) * 20)
    assert (mover.travel, mover.has_purpose(PurposePolicy())) == (0, False)


def test_an_arm_that_reaches_in_from_the_edge_and_draws_back_does_not() -> None:
    movers = Movers()
    for look in range(16):
        length = 0.1 + 0.4 * math.sin(look / 16 * math.pi)
        (mover,) = movers.step(at(look / 5), [(0.4, 0.0, 0.6, length)])
        assert not mover.has_purpose(PurposePolicy())


def test_a_light_that_grows_on_the_spot_does_not() -> None:
    growing = [(0.5 - 0.03 * size, 0.5 - 0.03 * size, 0.5 + 0.03 * size, 0.5 + 0.03 * size) for size in range(3, 12)]
    movers = Movers()
    for look in range(9):
        (mover,) = movers.step(at(look / 5), [growing[look]])
        assert not mover.has_purpose(PurposePolicy())


def test_a_branch_that_swings_to_and_fro_does_not() -> None:
    movers = Movers()
    for look in range(60):
        x = 0.3 + 0.05 * math.sin(2 * math.pi * look / 9)
        (mover,) = movers.step(at(look / 5), [(x, 0.2, x + 0.4, 0.6)])
        assert not mover.has_purpose(PurposePolicy())


def test_what_is_small_does_not_matter_wherever_it_goes() -> None:
    (mover,) = follow(Movers(), *[(x, 0.3, x + 0.1, 0.45) for x, *_ in across(10)])
    assert mover.travel > 0.12
    assert not mover.has_purpose(PurposePolicy())
    assert mover.has_purpose(replace(PurposePolicy(), least_area=0.01))


def test_what_creeps_as_clouds_do_does_not() -> None:
    (mover,) = follow(Movers(), *across(40, 0.005))
    assert not mover.has_purpose(PurposePolicy())


def test_two_things_that_become_one_and_part_again_have_not_travelled() -> None:
    bottle, hand_and_bottle, hand = (0.1, 0.3, 0.2, 0.9), (0.1, 0.0, 0.25, 0.9), (0.0, 0.0, 0.22, 0.5)
    movers = Movers()
    for look, box in enumerate([bottle] * 5 + [hand_and_bottle] * 5 + [hand] * 5):
        for mover in movers.step(at(look / 5), [box]):
            assert not mover.has_purpose(PurposePolicy())


@pytest.mark.parametrize(("times", "looks"), [(1.65, 6), (1.75, 1), (1 / 1.65, 6), (1 / 1.75, 1)])
def test_what_was_before_two_things_became_one_or_parted_no_longer_counts(times: float, looks: int) -> None:
    x1, y1, x2, y2 = across(6)[-1]
    grown = x1, y1, x2, y1 + times * (y2 - y1)
    (mover,) = follow(Movers(), *across(5), grown)
    assert (mover.since, len(mover.boxes)) == (at(0), looks)


def test_only_the_last_three_seconds_of_a_path_count() -> None:
    (mover,) = follow(Movers(), *across(30, 0.01))
    assert len(mover.boxes) == 16
    assert mover.travel == pytest.approx(0.15)


def test_a_mover_that_is_gone_is_no_part_of_the_next_one() -> None:
    movers = Movers()
    first, second = across(3), [(0.6, 0.6, 0.9, 0.9)] * 3
    for look in range(3):
        both = movers.step(at(look / 5), [first[look], second[look]])
    assert [mover.id for mover in both] == [1, 2]
    both = movers.step(at(2), [second[0]])
    assert [(mover.id, mover.since) for mover in both] == [(2, at(0))]


def test_what_stops_has_arrived_somewhere_and_is_not_on_its_way_any_more() -> None:
    (mover,) = follow(Movers(), *across(8), *across(8)[-1:] * 20)
    assert not mover.has_purpose(PurposePolicy())


def test_out_of_sight_for_a_moment_is_the_same_mover_and_longer_another() -> None:
    movers = Movers()
    follow(movers, *across(6))
    (mover,) = follow(movers, None, None, across(9)[-1], start=6)
    assert (mover.id, mover.seen) == (1, True)
    follow(movers, *[None] * 8, start=9)
    (mover,) = follow(movers, across(9)[-1], start=17)
    assert (mover.id, len(mover.boxes)) == (2, 1)


def test_forgotten_movers_begin_anew() -> None:
    movers = Movers()
    follow(movers, *across(6))
    movers.forget()
    (mover,) = follow(movers, across(7)[-1], start=6)
    assert (mover.id, mover.travel) == (2, 0)


def test_travel_needs_both_ends_to_go_the_same_way() -> None:
    assert travel([(0.1, 0.1, 0.2, 0.2), (0.4, 0.1, 0.5, 0.2)]) == pytest.approx(0.3)
    assert travel([(0.1, 0.1, 0.2, 0.2), (0.1, 0.1, 0.5, 0.2)]) == 0
    assert travel([(0.1, 0.1, 0.2, 0.2), (0.05, 0.1, 0.5, 0.2)]) == 0
    assert travel([(0.1, 0.1, 0.2, 0.2)]) == 0


sides = st.floats(0, 0.8)
boxes = st.tuples(sides, sides, st.floats(0.01, 0.2), st.floats(0.01, 0.2)).map(
    lambda box: (box[0], box[1], box[0] + box[2], box[1] + box[3])
)


@given(st.lists(boxes, min_size=1, max_size=12))
def test_straightness_is_a_share_and_travel_never_exceeds_the_picture(path: list[Corners]) -> None:
    assert 0 <= straightness(path) <= 1
    assert 0 <= travel(path) <= math.sqrt(2)


@given(st.lists(boxes, min_size=2, max_size=12))
def test_the_way_back_is_as_long_as_the_way_there(path: list[Corners]) -> None:
    assert straightness(path) == pytest.approx(straightness(path[::-1]))


def towards(looks: int, nearer: float) -> list[Corners]:
    """Something that comes nearer by so many times between looks, down and to the right."""
    boxes = []
    for look in range(looks):
        size = 0.04 * nearer**look
        boxes.append((0.3 + size, 0.2 + 2 * size, 0.3 + 2.2 * size, 0.2 + 3 * size))
    return boxes


@pytest.mark.parametrize("nearer", [1.35, 1.5])
def test_who_comes_nearer_fast_keeps_their_path(nearer: float) -> None:
    (mover,) = follow(Movers(), *towards(4, nearer))
    assert (mover.id, len(mover.boxes)) == (1, 4)


@pytest.mark.parametrize(("nearer", "same"), [(1.95, True), (2.05, False)])
def test_nobody_comes_more_than_twice_as_near_between_two_looks(nearer: float, *, same: bool) -> None:
    far, near = towards(2, nearer)
    assert PurposePolicy().is_same(far, near) is same
    assert PurposePolicy().is_same(near, far) is same


def path(step: float) -> tuple[Corners, ...]:
    return tuple(across(6, step))


def test_parts_of_one_thing_go_about_equally_far_as_far_as_is_known() -> None:
    mover, parts = Mover(1, True, at(0), path(0.03)), Mover(2, True, at(0), path(0.03))
    assert keeps_pace(mover, parts)
    assert keeps_pace(mover, Mover(3, True, at(0), path(0.011)))
    assert not keeps_pace(mover, Mover(3, True, at(0), path(0.009)))
    assert not keeps_pace(Mover(3, True, at(0), path(0.0)), mover)
    assert keeps_pace(mover, Mover(3, True, at(0), path(0.0)[:2]))


def test_who_is_seen_in_two_parts_for_a_moment_goes_on_as_one() -> None:
    """As measured: behind a post the rear of a car went on as the car, and its front began as another one."""
    movers = Movers()
    for look in range(14):
        x = 0.06 * look
        parts = [(x, 0.6, x + 0.11, 0.75), (x + 0.12, 0.6, x + 0.2, 0.75)]
        found = movers.step(at(look / 5), parts if look in {6, 9, 10} else [(x, 0.6, x + 0.2, 0.75)])
    assert [(mover.id, mover.seen) for mover in found] == [(1, True)]
    assert found[0].travel > 0.7


def test_two_who_part_are_two_as_soon_as_they_are_apart() -> None:
    movers = Movers()
    for look in range(20):
        near, far = 0.03 * look, 0.03 * look + 0.02 * max(look - 6, 0)
        apart = [(near, 0.3, near + 0.08, 0.6), (far, 0.3, far + 0.08, 0.6)]
        found = movers.step(at(look / 5), apart if look > 10 else [(near, 0.3, far + 0.08, 0.6)])
    assert len([mover for mover in found if mover.seen]) == 2


def test_a_tree_that_sways_does_not_swallow_who_passes_it() -> None:
    movers, tree = Movers(), (0.2, 0.1, 0.7, 0.9)
    for look in range(30):
        walker = (0.02 * look, 0.5, 0.02 * look + 0.06, 0.7)
        found = movers.step(at(look / 5), [tree, walker])
    assert sorted(round(mover.travel, 1) for mover in found) == [0.0, 0.3]


def along_the_road(seconds: float, fps: float) -> list[Corners]:
    """As seen from a bridge: a car of a ninth of its size comes out of the distance, and is cut by the lower edge."""
    boxes = []
    for look in range(round(seconds * fps) + 1):
        distance = 9 - 8 * look / (seconds * fps)
        x, foot, size = 0.5 - 0.27 / distance, 0.25 + 1.0 / distance, 0.5 / distance
        boxes.append((x - 0.33 * size, foot - size, x + 0.33 * size, min(foot, 1.0)))
    return boxes


@pytest.mark.parametrize(("seconds", "fps"), [(1.0, 10), (1.2, 10), (1.6, 7.5), (2.0, 7.5)])
@pytest.mark.parametrize("away", [False, True])
def test_who_comes_out_of_the_distance_or_drives_away_has_a_purpose(seconds: float, fps: float, *, away: bool) -> None:
    path, movers = along_the_road(seconds, fps), Movers()
    purposes: list[bool] = []
    for look, box in enumerate(reversed(path) if away else path):
        purposes += [mover.has_purpose(PurposePolicy()) for mover in movers.step(at(look / fps), [box])]
    assert any(purposes)


def test_what_was_large_in_one_look_only_is_small() -> None:
    small = [(0.1 + 0.04 * look, 0.3, 0.2 + 0.04 * look, 0.42) for look in range(6)]
    x1, y1, x2, y2 = small[3]
    small[3] = x1, y1, x1 + 1.5 * (x2 - x1), y1 + 1.12 * (y2 - y1)
    (mover,) = follow(Movers(), *small)
    assert len(mover.boxes) == 6
    assert not mover.has_purpose(PurposePolicy())
    assert mover.has_purpose(PurposePolicy(least_area=0.012))


def test_who_comes_in_over_the_edge_keeps_their_path() -> None:
    coming = [(0.0, 0.4, 0.05 * (look + 1), 0.7) for look in range(4)]
    (mover,) = follow(Movers(), *coming)
    assert (mover.id, len(mover.boxes), mover.origin) == (1, 4, coming[0])


def out_and_in(*, back_on: float = 0.4, merged: bool = False) -> list[Corners]:
    """As measured: a car leaves over the right edge, and another one comes in there."""
    out = [(0.7 + 0.05 * look, 0.55, min(0.9 + 0.05 * look, 1.0), 0.7) for look in range(6)]
    into = [(max(0.95 - 0.06 * look, 0.1), back_on, min(1.15 - 0.06 * look, 1.0), back_on + 0.15) for look in range(9)]
    if merged:
        out[4], out[5] = (0.863, 0.4, 1.0, 0.7), (0.894, 0.4, 1.0, 0.72)
        into = [(0.863, 0.4, 1.0, 0.72), (0.8, 0.4, 1.0, 0.72), *into[3:]]
    return out + into


def gone_and_come(looks: Sequence[Corners], *, mirrored: bool) -> Iterator[tuple[Mover, Mover]]:
    """Who is followed in the first six looks, and in the others: over a side edge, and over the upper or lower one."""
    if mirrored:
        looks = [(1 - x2, y1, 1 - x1, y2) for x1, y1, x2, y2 in looks]
    for turned in (looks, [(y1, x1, y2, x2) for x1, y1, x2, y2 in looks]):
        movers = Movers()
        (gone,) = follow(movers, *turned[:6])
        (come,) = follow(movers, *turned[6:], start=6)
        yield gone, come


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("looks", [out_and_in(back_on=0.55), out_and_in(merged=True), out_and_in(back_on=0.56)])
def test_who_comes_in_over_the_edge_is_not_who_has_left_there(looks: list[Corners], *, mirrored: bool) -> None:
    for gone, come in gone_and_come(looks, mirrored=mirrored):
        assert come.id != gone.id
        assert come.since > gone.since
        assert come.has_purpose(PurposePolicy())
        assert not is_inside(come.origin)


@pytest.mark.parametrize("mirrored", [False, True])
def test_who_is_half_out_at_once_and_comes_in_again_is_somebody_else(*, mirrored: bool) -> None:
    looks = [(0.4, 0.3, 0.6, 0.7), (0.25, 0.3, 0.45, 0.7), (0.1, 0.3, 0.3, 0.7)]
    looks += [(0.0, 0.3, x, 0.7) for x in (0.12, 0.06, 0.12, 0.18, 0.22)]
    for gone, come in gone_and_come(looks, mirrored=mirrored):
        assert (gone.id, come.id) == (1, 2)


def test_who_stands_at_the_edge_and_reaches_in_stays_who_they_are() -> None:
    movers = Movers()
    for look in range(40):
        reach = 0.12 + 0.1 * abs(math.sin(look / 3))
        (mover,) = follow(movers, (0.0, 0.2, reach, 0.9), start=look)
        assert mover.id == 1


def test_where_somebody_came_from_is_known_whatever_they_met_since() -> None:
    x1, y1, x2, y2 = across(6)[-1]
    (mover,) = follow(Movers(), *across(5), (x1, y1, x2, y1 + 1.75 * (y2 - y1)))
    assert (len(mover.boxes), mover.origin) == (1, across(1)[0])


def test_what_has_stopped_does_not_go_any_more_though_it_still_moves() -> None:
    movers = Movers()
    assert follow(movers, *across(1))[0].is_going
    assert follow(movers, *across(8)[1:], start=1)[0].is_going
    stands = across(8)[-1:]
    assert follow(movers, *stands * 4, start=8)[0].is_going
    assert not follow(movers, *stands * 2, start=12)[0].is_going
    assert not follow(movers, None, start=14)[0].is_going


def test_four_looks_are_enough_for_a_purpose_and_three_are_not() -> None:
    for looks, enough in ((3, False), (4, True)):
        (mover,) = follow(Movers(), *across(looks, 0.07))
        assert mover.has_purpose(PurposePolicy()) is enough


def test_what_was_large_in_two_looks_is_large() -> None:
    small = [(0.1 + 0.04 * look, 0.3, 0.2 + 0.04 * look, 0.45) for look in range(6)]
    for look in (2, 3):
        x1, y1, x2, y2 = small[look]
        small[look] = x1, y1, x1 + 1.25 * (x2 - x1), y1 + 1.12 * (y2 - y1)
    (mover,) = follow(Movers(), *small)
    assert mover.has_purpose(PurposePolicy())


def test_what_counts_as_a_purpose_can_be_set_from_the_start() -> None:
    (mover,) = follow(Movers(PurposePolicy(window_s=1.0)), *across(10))
    assert len(mover.boxes) == 6


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize(("edge", "same"), [(0.0, True), (0.01, True), (0.02, False)])
def test_only_what_the_edge_cuts_may_grow_to_twice_its_length_on_that_side(
    edge: float, *, same: bool, mirrored: bool
) -> None:
    before, now = (edge, 0.4, edge + 0.1, 0.7), (edge, 0.4, edge + 0.2, 0.7)
    if mirrored:
        before, now = ((1 - x2, y1, 1 - x1, y2) for x1, y1, x2, y2 in (before, now))
    for one, other in ((before, now), (now, before)):
        assert PurposePolicy().is_same(one, other) is same
        assert (
            PurposePolicy().is_same((one[1], one[0], one[3], one[2]), (other[1], other[0], other[3], other[2])) is same
        )


def test_what_does_not_move_goes_and_leaps_nowhere_and_one_step_is_all_of_the_way() -> None:
    here, there = across(2)
    assert leap([here] * 3) == leap([here]) == straightness([here] * 3) == 0.0
    assert leap([here, there]) == 1.0


def test_the_way_from_the_first_box_to_the_last_counts_whatever_lies_between() -> None:
    here, around, there = (0.1, 0.1, 0.3, 0.3), (0.6, 0.6, 0.8, 0.8), (0.2, 0.4, 0.4, 0.6)
    assert displacement([here, around, there]) == pytest.approx((0.1, 0.3))
    assert displacement([there, around, here]) == pytest.approx((-0.1, -0.3))


@pytest.mark.parametrize("mirrored", [False, True])
def test_who_came_in_and_goes_to_and_fro_inside_stays_who_they_are(*, mirrored: bool) -> None:
    lefts = [-0.1, -0.05, 0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.2, 0.15, 0.1, 0.05, 0.1, 0.15, 0.2, 0.25]
    looks = [(max(left, 0.0), 0.3, left + 0.2, 0.7) for left in lefts]
    if mirrored:
        looks = [(1 - x2, y1, 1 - x1, y2) for x1, y1, x2, y2 in looks]
    movers = Movers()
    follow(movers, *looks)
    (mover,) = follow(movers, looks[-1], start=len(looks))
    assert (mover.id, mover.origin) == (1, looks[0])


AT_THE_EDGE, COME_IN = (0.24, 0.78, 0.4, 1.0), (0.28, 0.49, 0.56, 1.0)


def came_from(movers: Movers, *looks: Corners | None) -> tuple[Corners, MonotonicNs]:
    (here,) = [mover for mover in follow(movers, *looks) if mover.seen]
    return here.origin, here.since


def test_who_grows_too_much_while_coming_in_to_be_followed_has_come_in_all_the_same() -> None:
    """As measured before a camera that sends five pictures a second."""
    assert came_from(Movers(), AT_THE_EDGE, COME_IN) == (AT_THE_EDGE, at(0))
    assert came_from(Movers(), AT_THE_EDGE, None, COME_IN) == (AT_THE_EDGE, at(0))


@pytest.mark.parametrize(
    "looks",
    [
        [AT_THE_EDGE] * 7,
        [(0.24, 0.7, 0.4, 0.9)],
        [AT_THE_EDGE, *[None] * 6],
        [(0.1, 0.78, 0.26, 1.0)],
    ],
    ids=["a bush at the edge", "somebody inside", "somebody of more than a second ago", "somebody beside them"],
)
def test_what_was_seen_elsewhere_before_does_not_say_where_somebody_came_in(looks: list[Corners | None]) -> None:
    origin, since = came_from(Movers(), *looks, COME_IN)
    assert (origin, since) == (COME_IN, at(len(looks) / 5))
