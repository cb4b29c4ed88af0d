"""Where something odd is, and why, in a word."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from smartcam.vision.normal.look import COLUMNS, PLACES, ROWS
from smartcam.vision.normal.reason import Reason, box_of, reason_of, region_of


def places(*at: tuple[int, int], value: float = 5.0) -> NDArray[np.float32]:
    grid = np.zeros((ROWS, COLUMNS), np.float32)
    for row, column in at:
        grid[row, column] = value
    return grid.reshape(-1)


def test_the_region_is_what_hangs_together_around_the_oddest_place() -> None:
    odd = places((2, 3), (2, 4), (3, 5), value=5) + places((7, 15), value=4)
    region = region_of(odd)
    assert region is not None
    assert np.flatnonzero(region).tolist() == [2 * COLUMNS + 3, 2 * COLUMNS + 4, 3 * COLUMNS + 5]
    box = box_of(region)
    assert (box.x1, box.y1, box.x2, box.y2) == (3 / 16, 2 / 8, 6 / 16, 4 / 8)


def test_where_nothing_is_odd_there_is_no_region() -> None:
    assert region_of(np.zeros(PLACES, np.float32)) is None


@given(arrays(np.float32, PLACES, elements=st.floats(0, 1000, width=32)))
def test_every_region_has_a_box_within_the_picture(odd: NDArray[np.float32]) -> None:
    region = region_of(odd)
    if region is not None:
        assert region[np.argmax(odd)]
        box = box_of(region)
        assert 0 <= box.x1 < box.x2 <= 1
        assert 0 <= box.y1 < box.y2 <= 1


def test_a_reason_is_the_most_telling_that_is_true() -> None:
    region = places((4, 4), (4, 5)) > 0
    usual = np.ones(PLACES, np.float32)
    quiet = np.where(region, 0.3, 1.0).astype(np.float32)
    still, fastest = np.zeros(PLACES, np.float32), np.full(PLACES, 10, np.float32)
    runs = np.where(region, 30, 0).astype(np.float32)
    assert reason_of(region, usual, still, fastest) is Reason.LOOKS
    assert reason_of(region, quiet, still, fastest) is Reason.NOWHERE
    assert reason_of(region, quiet, runs, fastest) is Reason.FAST
    assert reason_of(region, usual, runs * np.float32(0.1), still) is Reason.LOOKS, "noise is not fast"
