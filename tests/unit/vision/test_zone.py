import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from smartcam.contract.errors import SettingsError
from smartcam.contract.event import NormalBox
from smartcam.vision.zone import Zone, standing_point, zone, zone_of

YARD = Zone("yard", ((0.0, 0.5), (1.0, 0.5), (1.0, 1.0), (0.0, 1.0)))
GATE = Zone("gate", ((0.4, 0.4), (0.6, 0.4), (0.5, 0.8)))
CORNER_SHAPED = Zone("corner", ((0.0, 0.0), (1.0, 0.0), (1.0, 0.2), (0.2, 0.2), (0.2, 1.0), (0.0, 1.0)))


def test_an_object_stands_at_the_bottom_centre_of_its_box() -> None:
    assert standing_point(NormalBox(0.25, 0.1, 0.5, 0.9)) == (0.375, 0.9)


def test_a_box_that_reaches_into_a_zone_from_above_stands_in_it() -> None:
    assert zone_of([YARD], NormalBox(0.4, 0.0, 0.6, 0.7)) is YARD


def test_a_box_that_only_overlaps_a_zone_does_not_stand_in_it() -> None:
    assert zone_of([GATE], NormalBox(0.4, 0.4, 0.6, 0.95)) is None


def test_the_first_zone_that_holds_the_object_names_it() -> None:
    assert zone_of([GATE, YARD], NormalBox(0.4, 0.2, 0.6, 0.6)) is GATE
    assert zone_of([YARD, GATE], NormalBox(0.4, 0.2, 0.6, 0.6)) is YARD


def test_a_concave_zone_does_not_hold_what_lies_in_its_bay() -> None:
    assert CORNER_SHAPED.contains(0.1, 0.9)
    assert CORNER_SHAPED.contains(0.9, 0.1)
    assert not CORNER_SHAPED.contains(0.6, 0.6)


def test_a_point_on_the_edge_is_in_the_zone() -> None:
    assert YARD.contains(0.5, 1.0)
    assert YARD.contains(0.0, 0.5)
    assert YARD.contains(0.3, 0.5)


shares = st.floats(0, 1)


@given(shares, shares, shares, shares, shares, shares)
def test_a_rectangle_holds_what_lies_between_its_sides(
    x1: float, y1: float, x2: float, y2: float, x: float, y: float
) -> None:
    left, right, top, bottom = min(x1, x2), max(x1, x2), min(y1, y2), max(y1, y2)
    rectangle = Zone("r", ((left, top), (right, top), (right, bottom), (left, bottom)))
    if left < x < right and top < y < bottom:
        assert rectangle.contains(x, y)
    if x < left or x > right or y < top or y > bottom:
        assert not rectangle.contains(x, y)


@example([(1.0, 0.0), (1.0, 1.0), (1.9e-82, 0.0)], 0.0, 0.0)
@given(st.lists(st.tuples(shares, shares), min_size=3, max_size=6), shares, shares)
def test_the_direction_of_the_corners_does_not_matter(corners: list[tuple[float, float]], x: float, y: float) -> None:
    assert Zone("z", tuple(corners)).contains(x, y) == Zone("z", tuple(reversed(corners))).contains(x, y)


@pytest.mark.parametrize(
    ("corners", "remedy"),
    [
        ([(0.0, 0.0), (1.0, 1.0)], "3 to 64 corners"),
        ([(0.0, 0.0), (1.0, 1.0), (1.5, 0.0)], "must be normalised"),
        ([(0.0, 0.0), (0.5, 0.5), (1.0, 1.0)], "one line"),
        ([(0.0, 0.0), (1.0, 1.0), (0.0, 0.0)], "one line"),
    ],
)
def test_a_zone_that_encloses_nothing_is_refused_by_its_key(corners: list[tuple[float, float]], remedy: str) -> None:
    with pytest.raises(SettingsError, match=remedy) as caught:
        zone("gate", corners, "cameras.yard.zones.gate")
    assert caught.value.key == "cameras.yard.zones.gate"


def test_a_zone_without_a_printable_name_is_refused() -> None:
    with pytest.raises(SettingsError, match="name"):
        zone("a\nb", [(0, 0), (1, 0), (1, 1)], "cameras.yard.zones")


def test_a_right_zone_is_taken_as_it_is() -> None:
    assert zone("gate", GATE.corners, "k") == GATE


@pytest.mark.parametrize(
    "corners",
    [
        [(0.0, 0.0), (1.0, 1.0), (1.0, 0.0), (0.0, 1.0)],  # a bow tie
        [(0.0, 0.0), (0.6, 0.0), (0.6, 0.6), (0.3, -0.0), (0.0, 0.6)],  # a corner on another edge
        [(0.0, 0.0), (0.8, 0.0), (0.4, 0.0), (0.4, 0.8)],  # an edge that folds back
        [(0.0, 0.0), (1.0, 0.0), (0.5, 0.5), (1.0, 1.0), (0.0, 1.0), (0.5, 0.5)],  # two parts that touch
    ],
)
def test_a_zone_whose_edges_cross_or_touch_is_refused_by_its_key(corners: list[tuple[float, float]]) -> None:
    with pytest.raises(SettingsError, match="cross or touch") as caught:
        zone("gate", corners, "cameras.yard.zones.gate")
    assert caught.value.key == "cameras.yard.zones.gate"


def test_a_zone_that_repeats_a_corner_is_taken() -> None:
    assert zone("gate", [*GATE.corners, GATE.corners[0]], "k").contains(0.5, 0.5)


@given(st.lists(st.floats(0.05, 1), min_size=3, max_size=12))
def test_a_star_about_a_point_is_never_refused(radii: list[float]) -> None:
    turns = [2 * math.pi * place / len(radii) for place in range(len(radii))]
    corners = [
        (0.5 + 0.5 * radius * math.cos(turn), 0.5 + 0.5 * radius * math.sin(turn))
        for radius, turn in zip(radii, turns, strict=True)
    ]
    assert zone("star", corners, "k").contains(0.5, 0.5) or len(radii) == 3
