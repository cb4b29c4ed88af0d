"""Lines: directed, crossed by the point where an object stands."""

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from smartcam.contract.errors import SettingsError
from smartcam.vision.zone import Corner, check_name

MARGIN: Final = 0.01
"""Normalised distance from which an object is clearly on one side, so that a jittering box does not cross the line."""


class Direction(StrEnum):
    """Which crossings count. Forward is from the line's left to its right, seen from its first point to its second."""

    FORWARD = "forward"
    BACKWARD = "backward"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class Line:
    """From `start` to `end`, each (x, y) normalised; the right of a line that points right is below it."""

    name: str
    start: Corner
    end: Corner

    def distance(self, point: Corner) -> float:
        """How far the point lies to the right of the infinite line; negative to its left."""
        along = self.end[0] - self.start[0], self.end[1] - self.start[1]
        to = point[0] - self.start[0], point[1] - self.start[1]
        return (along[0] * to[1] - along[1] * to[0]) / math.hypot(*along)

    def is_between(self, before: Corner, after: Corner) -> bool:
        """Whether the path from one side to the other leads through the line, not past its ends."""
        way = Line("", before, after)
        return way.distance(self.start) * way.distance(self.end) <= 0


@dataclass(frozen=True, slots=True)
class LineSide:
    """Where an object was last seen clearly on one side of a line."""

    point: Corner
    is_right: bool


def cross(line: Line, before: LineSide | None, point: Corner) -> tuple[LineSide | None, Direction | None]:
    """The side after the step to `point`, and the direction in which that step crossed the line, if it did."""
    distance = line.distance(point)
    if abs(distance) < MARGIN:
        return before, None
    now = LineSide(point, distance > 0)
    if before is None or before.is_right == now.is_right or not line.is_between(before.point, point):
        return now, None
    return now, Direction.FORWARD if now.is_right else Direction.BACKWARD


def line(name: str, points: tuple[Corner, ...], key: str) -> Line:
    """A validated line; `key` is its place in the configuration.

    Raises:
        SettingsError: naming the key, unless there are two separate points in the picture.
    """
    check_name(name, key, "line")
    if len(points) != 2 or not all(0 <= side <= 1 for point in points for side in point):  # noqa: PLR2004
        raise SettingsError(key, [list(point) for point in points], "must be two points [x, y], each from 0 to 1")
    if math.dist(*points) < 2 * MARGIN:
        raise SettingsError(key, [list(point) for point in points], "must be two points that are not at the same place")
    return Line(name, points[0], points[1])
