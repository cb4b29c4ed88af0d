"""Geometry of many boxes as arrays with rows of `x1, y1, x2, y2`, all in the same unit."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from smartcam.vision.corners import TINY

Boxes = NDArray[np.floating[Any]]
Floats = NDArray[np.float64]


def overlaps(left: Boxes, right: Boxes) -> Floats:
    """Intersection over union of each left with each right box: (n, 4), (m, 4) -> (n, m)."""
    a, b = left.astype(np.float64), right.astype(np.float64)
    wide = np.minimum.outer(a[:, 2], b[:, 2]) - np.maximum.outer(a[:, 0], b[:, 0])
    high = np.minimum.outer(a[:, 3], b[:, 3]) - np.maximum.outer(a[:, 1], b[:, 1])
    shared = np.maximum(wide, 0.0) * np.maximum(high, 0.0)
    union = _areas(a)[:, None] + _areas(b)[None, :] - shared
    share: Floats = shared / np.maximum(union, TINY)
    return share


def _areas(boxes: Floats) -> Floats:
    area: Floats = np.maximum(boxes[:, 2] - boxes[:, 0], 0) * np.maximum(boxes[:, 3] - boxes[:, 1], 0)
    return area
