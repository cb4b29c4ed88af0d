"""How much of the usual view a picture still shows: the measurements behind the tamper alarm."""

import math
from dataclasses import dataclass
from itertools import product
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from smartcam.vision.shrink import Light

Grid = NDArray[np.float32]
"""One value per block, float32 (ROWS, COLUMNS)."""

COLUMNS: Final = 12
ROWS: Final = 8
_LEAST_CONTRAST: Final = 2.0
"""Standard deviation, in grey levels, from which a block has structure that can be recognised."""
_OF_NOISE: Final = 2.0
"""Twice the noise: with less, a block of noise alone would now and then count."""
_ALIKE: Final = 0.6
"""Correlation with the reference from which a block is recognised. The sky of another view has 0.5 often enough; a
lamp, rain, or night's noise leaves 0.8."""
_SAME_DETAIL: Final = np.float32(0.4)
"""The same of its fine detail, which another light leaves alone and another view never has."""
_SAME_SHADE: Final = 0.5
"""Correlation of the coarse light and shade from which it is the same."""
_MOST_BY_CHANCE: Final = 0.6
"""A fence, a horizon or rows of windows have half of their blocks in common with any other part of them."""
_TRACE: Final = 0.2
"""Correlation from which a block shows the same thing, at least in outline, so that its detail can be compared."""
_DOUBTFUL: Final = 0.75
"""If more of the view than this is recognised, nothing has been done to it."""
_LEAST_SHIFT: Final = 0.04
"""Half a block: wind shakes a camera less."""
_FOUND_AGAIN: Final = 0.4
"""Correlation of the detail at the new place; two different views have next to none."""
_LEAST_OVERLAP: Final = 0.2
"""Share of the picture that still shows the view; in less, a fence or a row of windows is found by chance."""
_BETTER: Final = 0.25
"""By so much the new place must be better: a fence looks like itself at each of its posts."""
_STILL: Final = 0.9
"""Correlation with the previous picture from which nothing moves in a block: somebody who stands there sways."""
_DULL: Final = 0.35
"""Share of its recent contrast below which a block has become dull. A hand on the lens is blurred and in its own shadow
and keeps less; a coat a step away keeps more."""
_BRIGHT: Final = 225.0
"""Grey levels of 255 from which a cell is nearly white."""
_FEWEST_BLOCKS: Final = 8
"""With fewer structured blocks, one view cannot be told from another."""
_BLUR: Final = (5, 5)
"""Cells over which detail is averaged away."""
_TINY: Final = np.float32(1e-3)
"""Keeps quotients of black pictures finite."""


@dataclass(frozen=True, slots=True)
class Blocks:
    """A small picture with its fine detail, the mean and variance of each block, and the share that is white.

    `fine` is the mean square of the detail in each block.
    """

    small: Light
    mean: Grid
    variance: Grid
    detail: Light
    fine: Grid
    bright: float

    @classmethod
    def of(cls, small: Light) -> "Blocks":
        """The blocks of a picture, float32 (height, width)."""
        mean = _block_means(small)
        variance = np.maximum(_block_means(cv2.multiply(small, small)) - mean * mean, 0)
        detail = np.asarray(cv2.subtract(small, cv2.blur(small, _BLUR)), np.float32)
        bright = np.count_nonzero(small > _BRIGHT) / small.size
        return cls(small, mean, variance, detail, _block_means(cv2.multiply(detail, detail)), bright)

    def structured(self, noise: float) -> NDArray[np.bool_]:
        """Which blocks have structure above this noise (standard deviation in grey levels)."""
        return is_structure(self.variance, noise)


@dataclass(frozen=True, slots=True)
class Survey:
    """A picture compared with the reference view and with the previous picture.

    `known`: share of the reference's structure that is recognised, less what any other view would seem to have in
    common with it, None if the reference has too little. `dull`: share of it that is lost because the blocks have lost
    their contrast. `gone`: that, and the share which is lost because the blocks hold something else that does not move;
    what moves in front of the lens only hides it. `flat`: share of blocks without structure. `sharpness`: the
    reference's fine detail that is still there, relative to its coarse structure; 1 is as sharp, None if unknown.
    `layout`: how much of the coarse light and shade is there: 1 as in the reference, 0 none. `brightness`: mean grey
    level. `glare`: share of the picture that is nearly white, less that of the reference. `contrast`: of all blocks
    that hold nothing else, as a multiple of the reference's. `shift`: how far the whole view has moved, as a share of
    the width.
    """

    known: float | None
    dull: float
    gone: float
    flat: float
    sharpness: float | None
    layout: float
    brightness: float
    glare: float
    contrast: float
    shift: float


def is_structure(variance: Grid, noise: float) -> NDArray[np.bool_]:
    """Which blocks of this variance have structure above the noise."""
    return variance > max(_LEAST_CONTRAST, _OF_NOISE * noise) ** 2


def survey(now: Blocks, reference: Blocks, before: Blocks, recent: Grid, noise: float) -> Survey:
    """Compare a picture with the reference view and the previous picture.

    `recent`: the variance that each block had lately.
    """
    usual, here = reference.structured(noise), now.structured(noise)
    structured = np.count_nonzero(usual)
    known, dull, gone, sharpness, contrast, shift = None, 0.0, 0.0, None, 1.0, 0.0
    if structured >= _FEWEST_BLOCKS:
        likeness, common, alike = _compare(now, reference)
        lost, same = usual & ~alike, usual
        known = 1.0 - np.count_nonzero(lost) / structured
        if known <= _DOUBTFUL:
            other, dulled = lost & here, lost & _is_dull(now.variance, recent, noise)
            dull = np.count_nonzero(dulled) / structured
            replaced = np.count_nonzero(_still(other, now, before, noise) & ~dulled) / structured
            telling = 1.0 - _by_chance(now, reference, noise)
            known = max(1.0 - (1.0 - known) / telling, 0.0)
            gone = min(dull + replaced / telling, 1.0)
            same = usual & ~other
            shift = _shift(now, reference)
        sharpness = _sharpness(now, reference, common, usual & (likeness > _TRACE), noise)
        contrast = math.sqrt(_ratio(now.variance[same], reference.variance[same])) if same.any() else 1.0
    return Survey(
        known=known,
        dull=dull,
        gone=gone,
        flat=1.0 - np.count_nonzero(here) / here.size,
        sharpness=sharpness,
        layout=_layout(now.mean, reference.mean),
        brightness=mean_of(now.mean),
        glare=now.bright - reference.bright,
        contrast=contrast,
        shift=shift,
    )


def mean_of(values: NDArray[np.float32]) -> float:
    """The mean. numpy's own takes ten times as long for so few values."""
    return float(np.add.reduce(values, None)) / values.size


def _block_means(values: cv2.typing.MatLike) -> Grid:
    # Blocks of whole cells: area sampling by other factors costs five times as much.
    down, across = max(values.shape[0] // ROWS, 1), max(values.shape[1] // COLUMNS, 1)
    whole = values[: down * ROWS, : across * COLUMNS]
    return np.asarray(cv2.resize(whole, (COLUMNS, ROWS), interpolation=cv2.INTER_AREA), np.float32)


def _is_dull(variance: Grid, recent: Grid, noise: float) -> NDArray[np.bool_]:
    most = np.float32(_DULL * _DULL)
    return is_structure(recent, noise) & (variance < most * recent + (1 - most) * np.float32(noise * noise))


def _still(where: NDArray[np.bool_], now: Blocks, before: Blocks, noise: float) -> NDArray[np.bool_]:
    """In which of these blocks nothing moves."""
    both = where & before.structured(noise)
    if not both.any():
        return both
    # Of two pictures of the same thing, the noise is in each variance but not in what they have in common.
    common = np.sqrt(now.variance * before.variance) - np.float32(noise * noise)
    return np.asarray(both & (_together(now, before) > np.float32(_STILL) * common), np.bool_)


def _compare(now: Blocks, reference: Blocks) -> tuple[Grid, Grid, NDArray[np.bool_]]:
    """The correlation of each block, the detail that both have in common, and which blocks are recognised."""
    likeness = np.asarray(_together(now, reference) / np.sqrt(now.variance * reference.variance + _TINY), np.float32)
    common = _block_means(cv2.multiply(now.detail, reference.detail))
    return likeness, common, (likeness > _ALIKE) | (common > _SAME_DETAIL * np.sqrt(now.fine * reference.fine))


def _by_chance(now: Blocks, reference: Blocks, noise: float) -> float:
    """The share of blocks that a picture of somewhere else would seem to have in common with this reference.

    It is what the picture has in common with the reference moved on by a quarter, a half and three quarters of its
    width. What is recognised and what is lost are told beyond that, as Cohen's kappa does (1960).
    """
    width, shares = reference.small.shape[1], 0.0
    for quarters in (1, 2, 3):
        elsewhere = Blocks.of(np.roll(reference.small, quarters * width // 4, axis=1))
        usual = elsewhere.structured(noise)
        _, _, alike = _compare(now, elsewhere)
        shares += np.count_nonzero(usual & alike) / max(np.count_nonzero(usual), 1)
    return min(shares / 3, _MOST_BY_CHANCE)


def _together(one: Blocks, other: Blocks) -> Grid:
    """The covariance of each block."""
    return _block_means(cv2.multiply(one.small, other.small)) - one.mean * other.mean


def _sharpness(now: Blocks, reference: Blocks, common: Grid, there: NDArray[np.bool_], noise: float) -> float | None:
    """Fine detail over coarse structure, both as multiples of the reference's, because light changes both alike.

    Detail is measured by correlation with the reference, which noise does not raise, and by energy, so that leaves and
    wet asphalt, whose detail never looks the same twice, are not taken for blur. The larger of the two counts.
    """
    mine, usual = now.fine[there], reference.fine[there]
    coarse = _ratio(now.variance[there], reference.variance[there])
    if coarse <= float(_TINY):
        return None
    energy = max(_ratio(mine - noise * noise, usual), 0.0)
    return max(_ratio(common[there], usual), math.sqrt(energy)) / math.sqrt(coarse)


def _ratio(one: Grid, other: Grid) -> float:
    return float(np.add.reduce(one, None)) / (float(np.add.reduce(other, None)) + float(_TINY))


def _shift(now: Blocks, reference: Blocks) -> float:
    """How far the view has moved, as a share of the width; 0 unless it matches much better there than here.

    Phase correlation takes a picture for periodic: 0.4 of a width to the left may be 0.6 to the right as well.
    """
    rows, columns = now.small.shape
    (right, down), _ = cv2.phaseCorrelate(reference.detail, now.detail)
    x, y = round(right), round(down)
    least = max(_likeness(now.detail, reference.detail) + _BETTER, _FOUND_AGAIN)
    for across, below in product((x, x - columns if x > 0 else x + columns), (y, y - rows if y > 0 else y + rows)):
        if _found_at(across, below, now, reference) >= least:
            return math.hypot(across, below) / columns
    return 0.0


def _found_at(x: int, y: int, now: Blocks, reference: Blocks) -> float:
    """How well the picture matches the reference moved by so many cells; 0 if that is no move, or leaves too little."""
    rows, columns = now.small.shape
    left = max(columns - abs(x), 0) * max(rows - abs(y), 0) / now.small.size
    if math.hypot(x, y) < _LEAST_SHIFT * columns or left < _LEAST_OVERLAP:
        return 0.0
    here = now.detail[max(y, 0) : rows + min(y, 0), max(x, 0) : columns + min(x, 0)]
    there = reference.detail[max(-y, 0) : rows - max(y, 0), max(-x, 0) : columns - max(x, 0)]
    return _likeness(here, there)


def _likeness(one: Light, other: Light) -> float:
    together, here, there = (float(np.vdot(a, b)) for a, b in ((one, other), (one, one), (other, other)))
    return together / (math.sqrt(here * there) + float(_TINY))


def _layout(now: Grid, reference: Grid) -> float:
    """The gain of the reference's light and shade, 0 if the correlation is below `_SAME_SHADE`."""
    here, usual = now - np.float32(mean_of(now)), reference - np.float32(mean_of(reference))
    together, there = float(np.vdot(here, usual)), float(np.vdot(usual, usual)) + float(_TINY)
    alike = together / (math.sqrt(float(np.vdot(here, here)) * there) + float(_TINY))
    return together / there if alike > _SAME_SHADE else 0.0
