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
    x1, y1, x2, y2 = one
    left, top, right, bottom = other
    # Most boxes are apart, and comparing them first takes a third of the time; `min` and `max` would double it.
    if x2 <= left or right <= x1 or y2 <= top or bottom <= y1:
        return 0.0
    wide = (x2 if x2 < right else right) - (x1 if x1 > left else left)  # noqa: FURB136
    return wide * ((y2 if y2 < bottom else bottom) - (y1 if y1 > top else top))  # noqa: FURB136


def overlap(one: Corners, other: Corners) -> float:
    """Intersection over union."""
    both = shared(one, other)
    return both / max(area(one) + area(other) - both, TINY) if both else 0.0


def cover(one: Corners, other: Corners) -> float:
    """The intersection over the area of the smaller box."""
    both = shared(one, other)
    return both / max(min(area(one), area(other)), TINY) if both else 0.0


def covered_by(box: Corners, others: Iterable[Corners]) -> float:
    """The share of the box that the others cover, at most 1; where they overlap, it counts twice."""
    return min(sum(shared(box, other) for other in others) / max(area(box), TINY), 1.0)


def went(one: Corners, other: Corners) -> float:
    """How far both ends of a box went the same way, from one place to the other."""
    right = _common(other[0] - one[0], other[2] - one[2])
    return math.hypot(right, _common(other[1] - one[1], other[3] - one[3]))


def _common(low: float, high: float) -> float:
    return min(abs(low), abs(high)) if low * high > 0 else 0.0
