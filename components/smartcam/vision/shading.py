"""Shadows and patches of light: they darken or brighten what is there, and bring nothing of their own."""

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from smartcam.contract.event import NormalBox
from smartcam.contract.notice import PixelBox
from smartcam.contract.times import NS_PER_S, MonotonicNs
from smartcam.vision.motion import Light, Luma, shrunk

_LEARN_EVERY_S: Final = 1.0
_WEIGHT: Final = 0.2
_CHANGED: Final = 10.0
"""Grey levels by which a cell differs from the backdrop where something is."""
_FEWEST_CELLS: Final = 40
_DARKEST: Final = 0.5
"""A shadow is not darker than this share of the light; what is darker is an object."""
_BRIGHTEST: Final = 2.5
_SAME_TEXTURE: Final = 0.8
_FLAT: Final = 4.0
"""Grey levels: less contrast than this is no texture to be known again."""
_DARK: Final = 8.0
_EDGE: Final = np.ones((3, 3), np.uint8)


class Backdrop:
    """What is behind the movers, in little, so that shadows can be told from objects. Not for several threads."""

    def __init__(self) -> None:
        self._still: Light | None = None
        self._learnt_at: MonotonicNs | None = None

    def learn(self, at: MonotonicNs, luma: Luma, motion: Sequence[PixelBox]) -> None:
        """Take in what does not move, once a second at most."""
        if self._learnt_at is not None and at - self._learnt_at < _LEARN_EVERY_S * NS_PER_S:
            return
        self._learnt_at = at
        small = shrunk(luma)
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
        """Whether what differs from the backdrop within the box has an inside of its own; also where nobody knows."""
        if self._still is None:
            return True
        small = shrunk(luma)
        if small.shape != self._still.shape:
            return True
        height, width = small.shape
        rows = slice(int(box.y1 * height), max(int(np.ceil(box.y2 * height)), int(box.y1 * height) + 1))
        columns = slice(int(box.x1 * width), max(int(np.ceil(box.x2 * width)), int(box.x1 * width) + 1))
        return not is_shade(small[rows, columns], self._still[rows, columns])


def is_shade(now: NDArray[np.float32], before: NDArray[np.float32]) -> bool:
    """Whether the difference of two patches is the same place in another light."""
    changed = (np.abs(now - before) > _CHANGED).astype(np.uint8)
    inside = np.asarray(cv2.erode(changed, _EDGE), np.bool_)
    if int(inside.sum()) < _FEWEST_CELLS:
        return False
    ratio = (now[inside] + _DARK) / (before[inside] + _DARK)
    light = float(np.median(ratio))
    if not _DARKEST <= light <= _BRIGHTEST:
        return False
    new, old = now[inside], before[inside] * light
    if float(np.std(old)) < _FLAT:
        return float(np.std(new)) < _FLAT
    return float(np.std(new)) > 0 and float(np.corrcoef(new, old)[0, 1]) > _SAME_TEXTURE
