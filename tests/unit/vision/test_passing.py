import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcam.vision.corners import Corners
from smartcam.vision.passing import (
    Course,
    has_come_in,
    is_inside,
    is_on_its_way,
    is_passer,
    is_stirring,
    passers,
    same_thing,
    sets_off,
)


def shifted(box: Corners, right: float) -> Corners:
    return box[0] + right, box[1], box[2] + right, box[3]


CAR: Corners = (0.4, 0.5, 0.6, 0.65)
AFAR: Corners = (0.0, 0.48, 0.2, 0.66)
BEFORE_IT: Corners = (0.5, 0.48, 0.7, 0.66)


def test_who_came_from_elsewhere_passes_and_what_began_inside_does_not() -> None:
    door = (0.45, 0.52, 0.5, 0.6)
    assert passers([Course(BEFORE_IT, AFAR), Course(door, door)], CAR) == [BEFORE_IT]


def test_a_box_is_of_whom_it_fits_better() -> None:
    way = [Course(BEFORE_IT, AFAR)]
    assert is_passer((0.51, 0.49, 0.69, 0.65), CAR, way)
    assert not is_passer(CAR, CAR, way)
    assert not is_passer((0.51, 0.49, 0.69, 0.65), CAR, [Course(BEFORE_IT, CAR)])
    assert not is_passer((0.51, 0.49, 0.69, 0.65), CAR, [])


@pytest.mark.parametrize(
    ("motion", "origin", "stirs"),
    [
        (BEFORE_IT, AFAR, False),  # somebody passes
        (BEFORE_IT, BEFORE_IT, True),  # something begins to move there: nobody knows yet what
        ((0.41, 0.5, 0.6, 0.66), AFAR, True),  # it is what has come
        ((0.58, 0.5, 0.6, 0.66), CAR, False),  # too little of it
    ],
)
def test_a_thing_stirs_if_the_motion_may_be_its_own(motion: Corners, origin: Corners, *, stirs: bool) -> None:
    assert is_stirring(CAR, [motion], [Course(motion, origin)], 0.15) is stirs


def test_who_comes_in_over_the_edge_is_on_their_way_though_one_end_is_not() -> None:
    first, now = (0.0, 0.4, 0.04, 0.66), (0.0, 0.4, 0.15, 0.66)
    assert not is_stirring((0.09, 0.43, 0.24, 0.53), [now], [Course(now, first)], 0.15)


@pytest.mark.parametrize(
    ("origin", "since", "comes"),
    [(AFAR, 11, True), (AFAR, 10, False), (shifted(AFAR, 0.1), 11, False)],
    ids=["came in", "was there before", "set off inside"],
)
def test_who_came_in_over_the_edge_since_is_somebody_else(origin: Corners, since: int, *, comes: bool) -> None:
    way = Course(BEFORE_IT, origin, since)
    assert has_come_in((0.51, 0.49, 0.69, 0.65), 10, [way]) is comes
    assert not has_come_in(CAR, 10, [way])


def test_what_was_followed_there_is_on_its_way_and_what_only_appeared_is_not() -> None:
    assert is_on_its_way(CAR, [Course(CAR, AFAR)])
    assert not is_on_its_way(CAR, [Course(CAR, CAR), Course(BEFORE_IT, AFAR)])


sides = st.floats(0, 0.8)
boxes = st.tuples(sides, sides, st.floats(0.01, 0.2), st.floats(0.01, 0.2)).map(
    lambda box: (box[0], box[1], box[0] + box[2], box[1] + box[3])
)


@given(boxes, boxes, st.lists(st.tuples(boxes, boxes).map(lambda pair: Course(*pair)), max_size=5))
def test_what_is_known_of_the_motion_never_makes_more_of_it(one: Corners, other: Corners, ways: list[Course]) -> None:
    motion = [way.box for way in ways]
    assert is_stirring(one, motion, [], 0.15) or not is_stirring(one, motion, ways, 0.15)
    assert same_thing(one, other) == same_thing(other, one)
    assert not is_passer(one, one, ways)


THING: Corners = (0.4, 0.2, 0.6, 0.8)


@pytest.mark.parametrize(
    ("box", "other", "expected"),
    [
        (THING, THING, 1.0),
        (THING, (0.4, 0.2, 0.6, 0.5), 0.5),
        (THING, (0.4, 0.2, 0.6, 0.36), 0.16 / 0.6),
        (THING, (0.4, 0.2, 0.6, 0.34), 0.0),
        (THING, (0.48, 0.2, 0.68, 0.8), 0.12 / 0.28),
        (THING, (0.49, 0.2, 0.69, 0.8), 0.0),
        (THING, (0.9, 0.2, 1.1, 0.8), 0.0),
    ],
    ids=["the same", "a half of it", "a quarter of it", "less", "most of it beside", "half beside", "elsewhere"],
)
def test_two_boxes_are_the_same_thing_if_most_of_one_lies_in_the_other_and_it_is_not_much_smaller(
    box: Corners, other: Corners, expected: float
) -> None:
    assert same_thing(box, other) == same_thing(other, box) == pytest.approx(expected)


def test_what_only_appeared_beside_a_thing_passes_it_as_little_in_one_corner_as_in_the_other() -> None:
    beside = (0.55, 0.48, 0.75, 0.66)
    assert is_stirring(CAR, [beside], [Course(beside, beside)], 0.15)


def test_a_thing_that_stirs_while_somebody_passes_stirs() -> None:
    bonnet = (0.4, 0.5, 0.45, 0.65)
    assert is_stirring(CAR, [BEFORE_IT, bonnet], [Course(BEFORE_IT, AFAR)], 0.15)
    assert not is_stirring(CAR, [BEFORE_IT], [Course(BEFORE_IT, AFAR)], 0.15)


@pytest.mark.parametrize(
    "cut",
    [(0.01, 0.3, 0.5, 0.7), (0.3, 0.01, 0.7, 0.5), (0.5, 0.3, 0.99, 0.7), (0.3, 0.5, 0.7, 0.99), (0.3, 0.5, 0.7, 1.2)],
    ids=["left", "top", "right", "bottom", "beyond"],
)
def test_what_reaches_the_edge_on_any_side_is_cut_by_it_and_what_does_not_is_inside(cut: Corners) -> None:
    assert not is_inside(cut)
    assert is_inside((0.011, 0.011, 0.989, 0.989))


@pytest.mark.parametrize(
    ("box", "now", "origin", "sets"),
    [
        (BEFORE_IT, BEFORE_IT, CAR, True),
        (BEFORE_IT, BEFORE_IT, (0.45, 0.52, 0.5, 0.6), True),
        (BEFORE_IT, BEFORE_IT, AFAR, False),
        (CAR, shifted(CAR, 0.05), CAR, False),
        (CAR, shifted(CAR, 0.3), CAR, False),
    ],
    ids=["goes", "stirs and goes", "comes from elsewhere", "stirs", "somebody else sets off"],
)
def test_what_sets_off_was_followed_from_where_it_stood(
    box: Corners, now: Corners, origin: Corners, *, sets: bool
) -> None:
    assert sets_off(box, CAR, [Course(now, origin)]) is sets
