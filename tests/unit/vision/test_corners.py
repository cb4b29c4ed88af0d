import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcam.vision.corners import Corners, area, centre, cover, covered_by, overlap, shared, side

sides = st.floats(0, 0.5)
any_corners = st.tuples(st.floats(0, 0.9), st.floats(0, 0.9), sides, sides).map(
    lambda box: (box[0], box[1], box[0] + box[2], box[1] + box[3])
)


@given(any_corners, any_corners)
def test_what_two_boxes_share_is_the_same_from_both_sides_and_never_more_than_the_smaller(
    one: Corners, other: Corners
) -> None:
    assert shared(one, other) == shared(other, one) <= min(area(one), area(other)) + 1e-12
    assert 0 <= overlap(one, other) <= cover(one, other) <= 1 + 1e-9
    assert overlap(one, other) == pytest.approx(overlap(other, one))


def test_a_box_has_an_area_a_side_and_a_middle() -> None:
    box = (1.0, 2.0, 5.0, 3.0)
    assert (area(box), side(box), centre(box)) == (4, 2, (3, 2.5))


def test_a_box_within_a_larger_one_is_covered_by_it_in_both_directions() -> None:
    small, large = (1.0, 1.0, 2.0, 2.0), (0.0, 0.0, 4.0, 4.0)
    assert cover(small, large) == cover(large, small) == 1
    assert overlap(small, large) == pytest.approx(1 / 16)


def test_several_boxes_cover_a_box_together_but_never_more_than_wholly() -> None:
    box = (0.0, 0.0, 4.0, 4.0)
    assert covered_by(box, [(0, 0, 2, 4), (3, 0, 4, 4)]) == pytest.approx(0.75)
    assert covered_by(box, [(0, 0, 4, 4), (0, 0, 4, 4)]) == pytest.approx(1.0)
    assert covered_by(box, []) == 0


def test_what_has_no_area_overlaps_nothing() -> None:
    assert area((0.5, 0.5, 0.2, 0.2)) == 0
    assert overlap((1, 1, 1, 1), (0, 0, 4, 4)) == 0
