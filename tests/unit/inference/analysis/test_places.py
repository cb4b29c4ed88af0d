"""Boxes between pixels and shares of the picture."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcam.contract.event import NormalBox
from smartcam.contract.notice import PixelBox
from smartcam.inference.analysis.places import corners, normal, normalised, pixels, within
from smartcam.vision.corners import Corners
from tests.unit.inference.stage import HEIGHT, WIDTH, frame

FRAME = frame(0)


@st.composite
def boxes_in_the_picture(draw: st.DrawFn) -> PixelBox:
    x1, y1 = draw(st.integers(0, WIDTH - 1)), draw(st.integers(0, HEIGHT - 1))
    return PixelBox(x1, y1, draw(st.integers(x1 + 1, WIDTH)), draw(st.integers(y1 + 1, HEIGHT)))


@given(boxes_in_the_picture())
def test_a_box_in_pixels_is_the_same_after_the_way_there_and_back(box: PixelBox) -> None:
    (there,) = normalised([box], FRAME.picture)
    assert pixels(there, FRAME) == box
    inside = normal(there)
    assert inside is not None
    assert corners(inside) == there == within(there)


@pytest.mark.parametrize(
    ("box", "inside"),
    [
        ((-3.0, 0.2, 0.3, 0.9), (0.0, 0.2, 0.3, 0.9)),
        ((0.2, -1.0, 5.0, 2.0), (0.2, 0.0, 1.0, 1.0)),
        ((1.0, 0.2, 1.4, 0.9), None),
        ((0.5, 0.2, 0.5, 0.9), None),
        ((0.6, 0.2, 0.5, 0.9), None),
        ((math.nan, 0.2, 0.5, 0.9), None),
        ((0.2, 0.2, math.inf, 0.9), (0.2, 0.2, 1.0, 0.9)),
    ],
    ids=["to the left", "on all sides", "outside", "a line", "inside out", "no number", "without end"],
)
def test_of_a_box_only_what_is_inside_the_picture_counts(box: Corners, inside: Corners | None) -> None:
    assert within(box) == inside
    assert normal(box) == (None if inside is None else NormalBox(*inside))


def test_a_box_thinner_than_a_pixel_has_no_pixels() -> None:
    assert pixels((0.101, 0.2, 0.103, 0.9), FRAME) is None
    assert pixels((2.0, 0.2, 3.0, 0.9), FRAME) is None
