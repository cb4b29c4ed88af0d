import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from smartcam.vision.picture import Picture
from smartcam.vision.turn import AS_IT_IS, Turn, quarter_turn, turn_of, turned
from tests.clips import matrix_of

ONE = 1 << 16
EVERY_TURN = [Turn(*(bool(each) for each in flags)) for flags in np.ndindex(2, 2, 2)]
turns = st.builds(Turn, st.booleans(), st.booleans(), st.booleans())


@st.composite
def pictures(draw: st.DrawFn) -> Picture:
    """Small, of random pixels, with padded rows as a decoder gives them."""
    width, height, padding = (2 * draw(st.integers(least, 9)) for least in (1, 1, 0))
    random = np.random.default_rng(draw(st.integers(0, 1000)))
    y, u, v = (
        random.integers(0, 256, (height // by, (width + padding) // by), np.uint8)[:, : width // by] for by in (1, 2, 2)
    )
    return Picture(y, u, v)


def planes(picture: Picture) -> list[NDArray[np.uint8]]:
    return [picture.y, picture.u, picture.v]


@given(picture=pictures(), degrees=st.sampled_from([0, 90, 180, 270]), mirror=st.booleans())
def test_every_plane_is_turned_clockwise_and_then_mirrored(picture: Picture, degrees: int, *, mirror: bool) -> None:
    made = turned(picture, quarter_turn(degrees, mirror=mirror))
    for before, after in zip(planes(picture), planes(made), strict=True):
        clockwise = np.rot90(before, -degrees // 90)
        assert np.array_equal(after, clockwise[:, ::-1] if mirror else clockwise)


@given(pictures(), turns)
def test_a_turn_is_undone_by_turning_back(picture: Picture, turn: Turn) -> None:
    swaps = turn.swaps_left_right, turn.swaps_up_down
    back = Turn(turn.is_transposed, *(reversed(swaps) if turn.is_transposed else swaps))
    again = turned(turned(picture, turn), back)
    assert all(np.array_equal(*pair) for pair in zip(planes(picture), planes(again), strict=True))


@given(pictures(), turns)
def test_a_matrix_takes_each_pixel_to_where_it_is_to_be_seen(picture: Picture, turn: Turn) -> None:
    matrix = matrix_of(turn)
    made = turned(picture, turn_of(matrix))
    a, b, _, c, d = (each // ONE for each in matrix[:5])
    q, p = np.indices(picture.luma.shape)
    x, y = a * p + c * q, b * p + d * q
    assert np.array_equal(made.luma[y - y.min(), x - x.min()], picture.luma)


def test_a_picture_that_is_the_right_way_up_is_not_copied() -> None:
    picture = Picture.from_bgr(np.zeros((4, 6, 3), np.uint8))
    assert turned(picture, AS_IT_IS) is picture


def test_a_turned_picture_leaves_the_decoders_memory_alone() -> None:
    before = np.arange(24, dtype=np.uint8).reshape(4, 6)
    picture = Picture(before.copy(), np.zeros((2, 3), np.uint8), np.zeros((2, 3), np.uint8))
    for turn in EVERY_TURN:
        turned(picture, turn)
    assert np.array_equal(picture.luma, before)


@pytest.mark.parametrize(
    ("matrix", "turn"),
    [
        ([ONE, 0, 0, 0, ONE, 0, 0, 0, 1 << 30], AS_IT_IS),
        ([0] * 9, AS_IT_IS),
        ([0, 2 * ONE, 0, -2 * ONE, 0, 0, 0, 0, 1 << 30], quarter_turn(90)),
        ([ONE // 4, ONE, 0, -ONE, ONE // 4, 0, 0, 0, 1 << 30], quarter_turn(90)),
        ([-(1 << 31), 0, 0, 0, -(1 << 31), 0, 0, 0, 0], quarter_turn(180)),
    ],
)
def test_a_matrix_that_scales_is_slanted_or_says_nothing_is_taken_for_the_nearest_quarter(
    matrix: list[int], turn: Turn
) -> None:
    assert turn_of(matrix) == turn
