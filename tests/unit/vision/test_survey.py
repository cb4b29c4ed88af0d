import math

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smartcam.vision.shrink import Light
from smartcam.vision.survey import Blocks, Survey, survey

ROWS, COLUMNS = 90, 160
NOISE = 1.0


def place(seed: int) -> Light:
    """Somewhere wide and high, with detail, in grey levels."""
    rng = np.random.default_rng(seed)
    coarse, fine = (rng.uniform(-1, 1, (4 * cells, 6 * cells)).astype(np.float32) for cells in (4, 24))
    size = 4 * COLUMNS, 4 * ROWS
    return np.asarray(120 + 60 * cv2.resize(coarse, size) + 25 * cv2.resize(fine, size), np.float32)


def view(of: Light, right: int = 0, down: int = 0) -> Light:
    return of[ROWS + down : 2 * ROWS + down, COLUMNS + right : 2 * COLUMNS + right].copy()


def fence(seed: int) -> Light:
    """Boards one below the other, the same ones wherever one looks, behind which something else shows."""
    rng = np.random.default_rng(seed)
    boards = 120 + 50 * np.sin(np.arange(ROWS, dtype=np.float32) * 0.9)[:, None]
    gaps = cv2.resize(rng.uniform(-1, 1, (8, 12)).astype(np.float32), (COLUMNS, ROWS), interpolation=cv2.INTER_NEAREST)
    behind = 60 * rng.standard_normal((ROWS, COLUMNS), np.float32)
    return np.asarray(np.where(gaps < 0, boards, boards + behind), np.float32)


def compared(now: Light, reference: Light, before: Light | None = None) -> Survey:
    blocks, usual = Blocks.of(now), Blocks.of(reference)
    return survey(blocks, usual, blocks if before is None else Blocks.of(before), usual.variance, NOISE)


@pytest.mark.parametrize("seed", range(8))
def test_what_looks_the_same_everywhere_is_not_taken_for_the_usual_view(seed: int) -> None:
    seen = compared(fence(seed + 100), fence(seed))
    assert seen.known is not None
    assert seen.known < 0.2
    assert seen.gone > 0.8


@pytest.mark.parametrize("seed", range(8))
def test_a_fence_of_which_somebody_hides_a_part_is_known(seed: int) -> None:
    hidden = fence(seed)
    hidden[30:, 40:80] = view(place(seed))[30:, 40:80]
    seen = compared(hidden, fence(seed))
    assert seen.known is not None
    assert seen.known > 0.6
    assert seen.gone < 0.5


@pytest.mark.parametrize(
    ("right", "down"), [(-0.6, 0), (-0.55, 0.1), (-0.3, 0), (0.3, 0), (0.6, 0), (0, -0.6), (0, 0.6)]
)
def test_a_view_that_has_moved_is_found_though_less_than_half_of_it_is_left(right: float, down: float) -> None:
    x, y = round(right * COLUMNS), round(down * ROWS)
    shifts = [compared(view(of, x, y), view(of)).shift for of in map(place, range(10))]
    found = [shift for shift in shifts if shift == pytest.approx(math.hypot(x, y) / COLUMNS, abs=0.02)]
    assert len(found) >= 8, shifts


@pytest.mark.parametrize("seed", range(12))
def test_another_place_is_found_nowhere(seed: int) -> None:
    assert compared(view(place(seed)), view(place(seed + 50))).shift == 0
    assert compared(fence(seed), fence(seed + 50)).shift == 0


@settings(max_examples=40)
@given(st.integers(0, 50), st.floats(0, 1), st.floats(0, 40), st.sampled_from([place, fence]))
def test_shares_are_shares_and_what_is_known_is_not_gone(seed: int, hidden: float, noise: float, draw: object) -> None:
    usual = view(place(seed)) if draw is place else fence(seed)
    rng = np.random.default_rng(seed)
    now = usual + np.float32(noise) * rng.standard_normal(usual.shape, np.float32)
    now[:, : round(hidden * COLUMNS)] = view(place(seed + 1))[:, : round(hidden * COLUMNS)]
    seen = compared(now, usual)
    assert seen.known is not None
    assert 0 <= seen.dull <= seen.gone <= 1
    assert 0 <= seen.known <= 1
    assert seen.known + seen.gone <= 1 + 1e-6


def test_the_usual_view_is_known() -> None:
    seen = compared(view(place(1)), view(place(1)))
    assert (seen.known, seen.dull, seen.gone, seen.shift) == (1.0, 0.0, 0.0, 0.0)
