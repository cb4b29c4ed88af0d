"""Geometry of single boxes in plain Python: for a few boxes, array code has more overhead than work."""

import math
from collections.abc import Iterable
from typing import Final

TINY: Final = 1e-9

Corners = tuple[float, float, float, float]
"""A box: x1, y1, x2, y2."""


def area(box: Corners) -> float:
    """Never below 0."""
    wide, high = box[2] - box[0], box[3] - box[1]
    return wide * high if wide > 0 and high > 0 else 0.0


def side(box: Corners) -> float:
    """The side of a square of the same area, above 0."""
    return math.sqrt(max(area(box), TINY))


def centre(box: Corners) -> tuple[float, float]:
    """The centre of the box, x and y."""
    return (box[0] + box[2]) / 2, (box[1] + box[3]) / 2


def shared(one: Corners, other: Corners) -> float:
    """The area of the intersection."""
    wide = min(one[2], other[2]) - max(one[0], other[0])
    high = min(one[3], other[3]) - max(one[1], other[1])
    return wide * high if wide > 0 and high > 0 else 0.0


def overlap(one: Corners, other: Corners) -> float:
    """Intersection over union."""
    both = shared(one, other)
    return both / max(area(one) + area(other) - both, TINY) if both else 0.0


def cover(one: Corners, other: Corners) -> float:
    """The intersection over the area of the smaller box."""
    return shared(one, other) / max(min(area(one), area(other)), TINY)


def covered_by(box: Corners, others: Iterable[Corners]) -> float:
    """The share of the box that the others cover, at most 1; where they overlap, it counts twice."""
    return min(sum(shared(box, other) for other in others) / max(area(box), TINY), 1.0)
