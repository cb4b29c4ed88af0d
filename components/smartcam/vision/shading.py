"""Shadows and patches of light: they darken or brighten the ground, but have no structure of their own."""

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np

from smartcam.contract.event import NormalBox
from smartcam.contract.notice import PixelBox
from smartcam.contract.times import NS_PER_S, MonotonicNs
from smartcam.vision.shrink import Light, Luma, Shrinker

_LEARN_EVERY_S: Final = 1.0
_WEIGHT: Final = 0.2
_CHANGED: Final = 6.0
"""Difference to the backdrop, in grey levels, from which a cell counts as changed."""
_FEWEST_CELLS: Final = 40
_DARKEST: Final = 0.5
"""A shadow leaves at least this share of the light; anything darker is an object."""
_BRIGHTEST: Final = 2.5
_GENTLE_CELLS: Final = 2.0
_FLAT: Final = 3.0
"""Grey levels: less than this, or than `_FLAT_SHARE` of the brightness, is not structure."""
_FLAT_SHARE: Final = 0.05
_KNOWN_AGAIN: Final = 0.4
"""If less than this share of the structure differs from the ground's, it is the ground under a shadow."""
_DARK: Final = 8.0
_EDGE: Final = np.ones((3, 3), np.uint8)


class Backdrop:
    """A small picture of the background behind movers, to tell shadows from objects. Not thread-safe."""

    def __init__(self) -> None:
        self._shrinker = Shrinker()
        self._still: Light | None = None
        self._learnt_at: MonotonicNs | None = None

    def learn(self, at: MonotonicNs, luma: Luma, motion: Sequence[PixelBox]) -> None:
        """Learn what does not move, at most once a second."""
        if self._learnt_at is not None and at - self._learnt_at < _LEARN_EVERY_S * NS_PER_S:
            return
        self._learnt_at = at
        small = self._shrinker.shrink(luma)
        if self._still is None or self._still.shape != small.shape:
            self._still = small
            return
        quiet = np.ones(small.shape, np.uint8)
        scale = small.shape[1] / luma.shape[1]
        for box in motion:
            y1, y2, x1, x2 = (round(side * scale) for side in (box.y1, box.y2, box.x1, box.x2))
            quiet[y1:y2, x1:x2] = 0
        cv2.accumulateWeighted(small, self._still, _WEIGHT, quiet)

    def is_object(self, luma: Luma, box: NormalBox) -> bool:
        """Whether what is in the box has a structure of its own; True as well if the backdrop is not known yet."""
        if self._still is None:
            return True
        small = self._shrinker.shrink(luma)
        if small.shape != self._still.shape:
            return True
        height, width = small.shape
        rows = slice(int(box.y1 * height), max(int(np.ceil(box.y2 * height)), int(box.y1 * height) + 1))
        columns = slice(int(box.x1 * width), max(int(np.ceil(box.x2 * width)), int(box.x1 * width) + 1))
        return not is_shade(small[rows, columns], self._still[rows, columns])


def is_shade(now: Light, before: Light) -> bool:
    """Whether two patches show the same place under different light."""
    changed = (np.abs(now - before) > _CHANGED).astype(np.uint8)
    inside = np.asarray(cv2.erode(changed, _EDGE), np.bool_)
    if int(inside.sum()) < _FEWEST_CELLS:
        return False
    light = float(np.median((now[inside] + _DARK) / (before[inside] + _DARK)))
    if not _DARKEST <= light <= _BRIGHTEST:
        return False
    weights = inside.astype(np.float32)
    # The light may change smoothly from cell to cell; the outline of the shadow plays no part.
    gentle = _blurred(now * weights) / np.maximum(_blurred(before * weights), np.float32(1e-3))
    left_over = float(np.std((now - before * gentle)[inside]))
    ground = before - _blurred(before * weights) / np.maximum(_blurred(weights), np.float32(1e-3))
    least = max(_FLAT, _FLAT_SHARE * float(np.mean(before[inside])))
    return left_over < max(least, _KNOWN_AGAIN * light * float(np.std(ground[inside])))


def _blurred(cells: Light) -> Light:
    return np.asarray(cv2.GaussianBlur(cells, (0, 0), _GENTLE_CELLS), np.float32)
