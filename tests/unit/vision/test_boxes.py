import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcam.vision.boxes import Boxes, overlaps
from smartcam.vision.corners import overlap


def boxes(*rows: tuple[float, float, float, float]) -> Boxes:
    return np.array(rows, np.float32).reshape(-1, 4)


@st.composite
def any_boxes(draw: st.DrawFn) -> Boxes:
    rows = []
    for _ in range(draw(st.integers(0, 6))):
        x1, y1 = draw(st.floats(0, 0.9)), draw(st.floats(0, 0.9))
        rows.append((x1, y1, x1 + draw(st.floats(0.01, 0.5)), y1 + draw(st.floats(0.01, 0.5))))
    return boxes(*rows)


def test_a_box_overlaps_itself_wholly_and_a_distant_one_not_at_all() -> None:
    left, right = boxes((0, 0, 2, 2)), boxes((0, 0, 2, 2), (3, 3, 4, 4), (1, 0, 3, 2))
    assert overlaps(left, right)[0].tolist() == pytest.approx([1.0, 0.0, 1 / 3])


def test_a_box_without_area_overlaps_nothing() -> None:
    assert overlaps(boxes((1, 1, 1, 1)), boxes((0, 0, 4, 4)))[0, 0] == 0


@given(any_boxes(), any_boxes())
def test_overlap_is_a_share_the_same_from_both_sides_as_for_single_ones(left: Boxes, right: Boxes) -> None:
    share = overlaps(left, right)
    assert share.shape == (len(left), len(right))
    assert ((share >= 0) & (share <= 1 + 1e-9)).all()
    np.testing.assert_allclose(share, overlaps(right, left).T)
    one_by_one = [[overlap(tuple(one), tuple(other)) for other in right.tolist()] for one in left.tolist()]
    np.testing.assert_allclose(share, np.array(one_by_one).reshape(share.shape), atol=1e-9)
