"""Zones: named parts of a picture, tested at the point where an object stands."""

from collections.abc import Sequence
from dataclasses import dataclass

from smartcam.contract.errors import SettingsError
from smartcam.contract.event import NormalBox

Corner = tuple[float, float]
_FEWEST_CORNERS = 3
_MOST_CORNERS = 64
_LONGEST_NAME = 64
_LEAST_AREA = 1e-6


@dataclass(frozen=True, slots=True)
class Zone:
    """A polygon of corners (x, y), normalised to 0..1; it closes itself and may be concave."""

    name: str
    corners: tuple[Corner, ...]

    def contains(self, x: float, y: float) -> bool:
        """Whether the point lies in the zone or on its edge."""
        inside = False
        for edge in zip(self.corners, (*self.corners[1:], self.corners[0]), strict=True):
            # Rounding must not depend on the direction in which the zone was drawn.
            (x1, y1), (x2, y2) = sorted(edge)
            if _on_line(x, y, (x1, y1), (x2, y2)):
                return True
            if (y1 > y) != (y2 > y) and x < x1 + (y - y1) / (y2 - y1) * (x2 - x1):
                inside = not inside
        return inside


def standing_point(box: NormalBox) -> Corner:
    """Where an object stands: the bottom centre of its box, normalised."""
    return (box.x1 + box.x2) / 2, box.y2


def zone_of(zones: Sequence[Zone], box: NormalBox) -> Zone | None:
    """The first zone in which the object with this box stands."""
    x, y = standing_point(box)
    return next((zone for zone in zones if zone.contains(x, y)), None)


def zone(name: str, corners: Sequence[Corner], key: str) -> Zone:
    """A validated zone; `key` is its place in the configuration.

    Raises:
        SettingsError: naming the key, for a polygon that encloses nothing.
    """
    check_name(name, key, "zone")
    if not _FEWEST_CORNERS <= len(corners) <= _MOST_CORNERS:
        raise SettingsError(key, list(corners), f"must have {_FEWEST_CORNERS} to {_MOST_CORNERS} corners")
    if not all(0 <= side <= 1 for corner in corners for side in corner):
        raise SettingsError(key, list(corners), "corners [x, y] must be normalised, each number from 0 to 1")
    if len(set(corners)) < _FEWEST_CORNERS or _area(corners) < _LEAST_AREA:
        raise SettingsError(key, list(corners), "must enclose an area; its corners are on one line, or at one point")
    crossing = _crossing(corners)
    if crossing is not None:
        raise SettingsError(key, list(corners), f"must not have edges that cross or touch: {crossing}")
    return Zone(name, tuple(corners))


def check_name(name: str, key: str, what: str) -> None:
    """Raises SettingsError, naming the key, unless `name` is a valid name for `what`: a zone, a line or a rule."""
    if not 1 <= len(name) <= _LONGEST_NAME or not name.isprintable():
        raise SettingsError(key, name, f"a {what}'s name must have 1 to {_LONGEST_NAME} printable characters")


def _crossing(corners: Sequence[Corner]) -> str | None:
    """The two edges that cross or touch, as text; None in a simple polygon."""
    ring = [corner for place, corner in enumerate(corners) if corner != corners[place - 1]]
    edges = list(zip(ring, [*ring[1:], ring[0]], strict=True))
    for second, (c, d) in enumerate(edges):
        for first, (a, b) in enumerate(edges[:second]):
            neighbours = second - first in (1, len(edges) - 1)
            # Neighbours share a corner; the far end of one must not lie on the other.
            far = (d, a) if second - first == 1 else (c, b)
            shared = _on_line(*far[0], a, b) or _on_line(*far[1], c, d) if neighbours else _meet(a, b, c, d)
            if shared:
                return f"{list(a)} to {list(b)} and {list(c)} to {list(d)}"
    return None


def _meet(a: Corner, b: Corner, c: Corner, d: Corner) -> bool:
    sides = _turn(a, b, c), _turn(a, b, d), _turn(c, d, a), _turn(c, d, b)
    if sides[0] * sides[1] < 0 and sides[2] * sides[3] < 0:
        return True
    return _on_line(*c, a, b) or _on_line(*d, a, b) or _on_line(*a, c, d) or _on_line(*b, c, d)


def _turn(a: Corner, b: Corner, c: Corner) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def _area(corners: Sequence[Corner]) -> float:
    """Twice the largest triangle of the first corner and two others: 0 only if all corners are on one line."""
    (x0, y0), *others = corners
    return max(
        abs((x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0))
        for place, (x1, y1) in enumerate(others)
        for x2, y2 in others[place + 1 :]
    )


def _on_line(x: float, y: float, start: Corner, end: Corner) -> bool:
    across = (end[0] - start[0]) * (y - start[1]) - (end[1] - start[1]) * (x - start[0])
    if abs(across) > 1e-12:  # noqa: PLR2004  rounding
        return False
    return min(start[0], end[0]) <= x <= max(start[0], end[0]) and min(start[1], end[1]) <= y <= max(start[1], end[1])
