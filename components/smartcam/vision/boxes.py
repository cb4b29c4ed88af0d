"""Geometry of boxes in array code: rows of `x1, y1, x2, y2`, all in the same unit."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

Boxes = NDArray[np.float32]
Floats = NDArray[np.float64]
AnyBoxes = Boxes | Floats

TINY: Final = 1e-9


def overlaps(left: AnyBoxes, right: AnyBoxes) -> Floats:
    """Intersection over union of each left with each right box: (n, 4), (m, 4) -> (n, m)."""
    shared, left_area, right_area = _shared(left, right)
    union = np.maximum(left_area[:, None] + right_area[None, :] - shared, TINY)
    share: Floats = shared / union
    return share


def covers(left: AnyBoxes, right: AnyBoxes) -> Floats:
    """Which share of the smaller box lies in the other, for each left with each right: -> (n, m)."""
    shared, left_area, right_area = _shared(left, right)
    share: Floats = shared / np.maximum(np.minimum(left_area[:, None], right_area[None, :]), TINY)
    return share


def _shared(left: AnyBoxes, right: AnyBoxes) -> tuple[Floats, Floats, Floats]:
    a, b = left.astype(np.float64), right.astype(np.float64)
    wide = np.minimum.outer(a[:, 2], b[:, 2]) - np.maximum.outer(a[:, 0], b[:, 0])
    high = np.minimum.outer(a[:, 3], b[:, 3]) - np.maximum.outer(a[:, 1], b[:, 1])
    shared: Floats = np.maximum(wide, 0.0) * np.maximum(high, 0.0)
    return shared, areas(a), areas(b)


def areas(boxes: Floats) -> Floats:
    """Areas of boxes, none below 0: (n, 4) -> (n,)."""
    area: Floats = np.maximum(boxes[:, 2] - boxes[:, 0], 0) * np.maximum(boxes[:, 3] - boxes[:, 1], 0)
    return area


def centres(boxes: Floats) -> Floats:
    """Centres x, y of boxes: (n, 4) -> (n, 2)."""
    middle: Floats = (boxes[:, :2] + boxes[:, 2:]) / 2
    return middle


def sizes(boxes: Floats) -> Floats:
    """Sides of squares of the boxes' areas, above 0: (n, 4) -> (n,)."""
    sides: Floats = np.sqrt(np.maximum(areas(boxes), TINY))
    return sides
