import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcam.vision.corners import Corners
from smartcam.vision.pairing import Pair, choose, closeness, gathered, overlapping

LEAST = 0.2
A: Corners = (0.1, 0.1, 0.2, 0.2)
B: Corners = (0.6, 0.6, 0.8, 0.8)


def shifted(box: Corners, by: float) -> Corners:
    return box[0] + by, box[1], box[2] + by, box[3]


def ranked(*worths: tuple[float, int, int]) -> list[Pair]:
    return sorted((-worth, row, index) for worth, row, index in worths)


def chosen(pairs: list[Pair], rows_of: list[int]) -> list[int]:
    choose(pairs, rows_of)
    return rows_of


def test_the_worthiest_pair_is_made_first_and_nobody_is_in_two() -> None:
    pairs = ranked((0.9, 0, 0), (0.8, 0, 1), (0.85, 1, 0), (0.1, 1, 1))
    assert chosen(pairs, [-1, -1]) == [0, 1]


def test_who_is_taken_stays_taken() -> None:
    assert chosen(ranked((0.9, 0, 0), (0.8, 1, 0)), [-1, 0]) == [1, 0]
    assert chosen(ranked((0.9, 1, 0)), [0]) == [0]


def test_the_order_of_the_pairs_decides_whatever_their_worth() -> None:
    assert chosen([(-0.3, 1, 0), (-0.9, 0, 0)], [-1]) == [1]


def test_closeness_is_one_at_the_same_place_and_nothing_at_the_end_of_the_reach() -> None:
    assert closeness(A, A, shifted(A, 0.5), reach=2.0) == pytest.approx(1)
    assert closeness(shifted(A, 0.1), A, shifted(A, -0.5), reach=2.0) == pytest.approx(0.5)
    assert closeness(shifted(A, 0.1), shifted(A, -0.5), A, reach=2.0) == pytest.approx(0.5)
    assert closeness(shifted(A, 0.2), A, A, reach=2.0) == pytest.approx(0)
    assert closeness(shifted(A, 0.3), A, A, reach=2.0) < 0


def test_the_reach_counts_in_sizes_of_the_larger_box() -> None:
    large: Corners = (0.1, 0.075, 0.25, 0.225)
    assert closeness(shifted(large, 0.15), A, A, reach=2.0) == closeness(
        A, shifted(large, 0.15), shifted(large, 0.15), 2.0
    )
    assert closeness(shifted(large, 0.125), A, A, reach=1.0) == pytest.approx(1 - 0.15 / 0.15, abs=1e-9)


def test_what_is_not_half_as_large_is_not_close_wherever_it_is() -> None:
    half: Corners = (0.1, 0.1, 0.15, 0.15)
    more: Corners = (0.1, 0.1, 0.151, 0.151)
    assert closeness(A, half, half, reach=10.0) == closeness(half, A, A, reach=10.0) == 0
    assert closeness(A, more, more, reach=10.0) > 0
    assert closeness(more, A, A, reach=10.0) > 0


def test_a_box_is_met_where_it_was_or_where_it_should_be_by_now() -> None:
    places = [(shifted(A, 0.3), A), (B, shifted(B, -0.5))]
    pairs = overlapping(places, [A, B], LEAST)
    assert [(row, index) for _, row, index in pairs] == [(0, 0), (1, 1)]


@given(st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), min_size=9, max_size=12))
def test_many_are_paired_as_few_are(found: list[tuple[int, int]]) -> None:
    boxes: list[Corners] = [(x / 10, y / 10, x / 10 + 0.17, y / 10 + 0.13) for x, y in found]
    places = [(box, shifted(box, 0.05)) for box in boxes]
    together = overlapping(places, boxes, LEAST)
    one_by_one = [
        (worth, row, index)
        for row in range(len(boxes))
        for index in range(len(boxes))
        for worth, _, _ in overlapping([places[row]], [boxes[index]], LEAST)
    ]
    assert {(row, index, round(worth, 9)) for worth, row, index in together} == {
        (row, index, round(worth, 9)) for worth, row, index in one_by_one
    }
    assert together == sorted(together)


REAR: Corners = (0.3, 0.5, 0.4, 0.6)
FRONT: Corners = (0.42, 0.5, 0.5, 0.6)
CAR: Corners = (0.3, 0.5, 0.5, 0.6)


@pytest.mark.parametrize(
    ("places", "expected"),
    [
        ([CAR], [A, CAR]),
        ([], [A, REAR, FRONT]),
        ([CAR, FRONT], [A, REAR, FRONT]),
        ([(0.3, 0.5, 0.48, 0.6)], [A, FRONT, REAR]),
    ],
    ids=["parts of one", "nobody is expected", "each is expected", "one is elsewhere"],
)
def test_boxes_where_one_thing_is_expected_are_one(places: list[Corners], expected: list[Corners]) -> None:
    assert sorted(gathered([A, REAR, FRONT], places)) == sorted(expected)


def test_what_leaves_much_open_between_is_not_one() -> None:
    assert gathered([(0.3, 0.5, 0.35, 0.6), (0.45, 0.5, 0.5, 0.6)], [CAR]) == [
        (0.3, 0.5, 0.35, 0.6),
        (0.45, 0.5, 0.5, 0.6),
    ]
