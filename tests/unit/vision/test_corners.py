import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcam.vision import boxes
from smartcam.vision.corners import Corners, area, centre, cover, covered_by, overlap, shared, side

sides = st.floats(0, 0.5)
any_corners = st.tuples(st.floats(0, 0.9), st.floats(0, 0.9), sides, sides).map(
    lambda box: (box[0], box[1], box[0] + box[2], box[1] + box[3])
)


def row(box: Corners) -> boxes.Floats:
    return np.array([box])


@given(any_corners, any_corners)
def test_single_boxes_are_judged_as_arrays_of_boxes_are(one: Corners, other: Corners) -> None:
    assert overlap(one, other) == pytest.approx(float(boxes.overlaps(row(one), row(other))[0, 0]), abs=1e-9)
    assert cover(one, other) == pytest.approx(float(boxes.covers(row(one), row(other))[0, 0]), abs=1e-9)
    assert area(one) == pytest.approx(float(boxes.areas(row(one))[0]))
    assert side(one) == pytest.approx(float(boxes.sizes(row(one))[0]))
    assert centre(one) == pytest.approx(boxes.centres(row(one))[0].tolist())
    assert shared(one, other) == shared(other, one) <= min(area(one), area(other)) + 1e-12


def test_several_boxes_cover_a_box_together_but_never_more_than_wholly() -> None:
    box = (0.0, 0.0, 4.0, 4.0)
    assert covered_by(box, [(0, 0, 2, 4), (3, 0, 4, 4)]) == pytest.approx(0.75)
    assert covered_by(box, [(0, 0, 4, 4), (0, 0, 4, 4)]) == pytest.approx(1.0)
    assert covered_by(box, []) == 0


def test_what_has_no_area_overlaps_nothing() -> None:
    assert area((0.5, 0.5, 0.2, 0.2)) == 0
    assert overlap((1, 1, 1, 1), (0, 0, 4, 4)) == 0
