"""Geometry of single boxes in plain numbers: where there are few, array code costs more than what it computes."""

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
    """Its middle, x and y."""
    return (box[0] + box[2]) / 2, (box[1] + box[3]) / 2


def shared(one: Corners, other: Corners) -> float:
    """The area that both cover."""
    wide = min(one[2], other[2]) - max(one[0], other[0])
    high = min(one[3], other[3]) - max(one[1], other[1])
    return wide * high if wide > 0 and high > 0 else 0.0


def overlap(one: Corners, other: Corners) -> float:
    """Intersection over union."""
    both = shared(one, other)
    return both / max(area(one) + area(other) - both, TINY) if both else 0.0


def cover(one: Corners, other: Corners) -> float:
    """Which share of the smaller box lies in the other."""
    return shared(one, other) / max(min(area(one), area(other)), TINY)


def covered_by(box: Corners, others: Iterable[Corners]) -> float:
    """Which share of the box the others cover, counted twice where they overlap."""
    return min(sum(shared(box, other) for other in others) / max(area(box), TINY), 1.0)
