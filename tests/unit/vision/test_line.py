import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from smartcam.contract.errors import SettingsError
from smartcam.vision.line import MARGIN, Direction, Line, LineSide, cross, line

GATE = Line("gate", (0.2, 0.5), (0.8, 0.5))
"""From left to right: its left is above, its right below."""
Point = tuple[float, float]


def walk(*points: Point, over: Line = GATE) -> list[Direction]:
    side: LineSide | None = None
    crossed = []
    for point in points:
        side, direction = cross(over, side, point)
        crossed += [] if direction is None else [direction]
    return crossed


def test_coming_down_over_a_line_to_the_right_is_forward() -> None:
    assert walk((0.5, 0.3), (0.5, 0.45), (0.5, 0.55), (0.5, 0.7)) == [Direction.FORWARD]


def test_going_back_up_is_backward() -> None:
    assert walk((0.5, 0.7), (0.5, 0.3)) == [Direction.BACKWARD]


def test_the_same_line_drawn_the_other_way_counts_the_other_way() -> None:
    assert walk((0.5, 0.3), (0.5, 0.7), over=Line("gate", GATE.end, GATE.start)) == [Direction.BACKWARD]


def test_who_passes_beyond_the_end_of_the_line_does_not_cross_it() -> None:
    assert walk((0.9, 0.3), (0.9, 0.7)) == []
    assert walk((0.1, 0.7), (0.1, 0.3)) == []


def test_who_begins_beyond_the_line_has_not_crossed_it() -> None:
    assert walk((0.5, 0.7), (0.5, 0.8)) == []


def test_a_box_that_trembles_on_the_line_crosses_nothing() -> None:
    trembling = [(0.5, 0.5 + 0.8 * MARGIN * (-1) ** look) for look in range(20)]
    assert walk((0.5, 0.3), *trembling) == []
    assert walk((0.5, 0.3), *trembling, (0.5, 0.7)) == [Direction.FORWARD]


def test_to_and_fro_is_two_crossings() -> None:
    assert walk((0.5, 0.3), (0.5, 0.7), (0.5, 0.3)) == [Direction.FORWARD, Direction.BACKWARD]


shares = st.floats(0, 1)
points = st.tuples(shares, shares)


@given(points, points, points, points)
def test_a_walk_and_its_way_back_cross_in_opposite_directions(start: Point, end: Point, a: Point, b: Point) -> None:
    assume(abs(start[0] - end[0]) + abs(start[1] - end[1]) > 0.1)
    other = {Direction.FORWARD: Direction.BACKWARD, Direction.BACKWARD: Direction.FORWARD}
    over = Line("l", start, end)
    there, back = walk(a, b, over=over), walk(b, a, over=over)
    if there and back:
        assert [other[direction] for direction in there] == back


@pytest.mark.parametrize(
    ("given_points", "remedy"),
    [
        ((), "two points"),
        (((0.1, 0.1),), "two points"),
        (((0.1, 0.1), (0.2, 0.2), (0.3, 0.1)), "two points"),
        (((0.1, 0.1), (1.2, 0.2)), "from 0 to 1"),
        (((0.1, 0.1), (0.1, 0.1)), "not at the same place"),
    ],
)
def test_what_is_no_line_is_refused_by_its_key(given_points: tuple[Point, ...], remedy: str) -> None:
    with pytest.raises(SettingsError, match=remedy) as caught:
        line("gate", given_points, "cameras.yard.lines.gate")
    assert caught.value.key == "cameras.yard.lines.gate"


def test_a_right_line_is_taken_as_it_is() -> None:
    assert line("gate", (GATE.start, GATE.end), "k") == GATE
