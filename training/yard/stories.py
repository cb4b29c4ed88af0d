"""Paths through a yard, shared by the demo and the random training scenes."""

from math import hypot

from training.yard.backdrop import GATE_WIDTH
from training.yard.spec import Waypoint, Yard

_BEHIND = 0.75
"""How far behind the fence somebody waits."""


class Way:
    """Builds a path: each step gives a place and a speed, and the times follow from them."""

    def __init__(self, start_s: float, x: float, z: float) -> None:
        self._points = [Waypoint(start_s, x, z)]

    def walk(self, x: float, z: float, speed: float, *, crouch: float = 0.0) -> "Way":
        """Goes to (x, z) at `speed` metres a second."""
        last = self._points[-1]
        duration = max(0.05, hypot(x - last.x, z - last.z) / speed)
        self._points.append(Waypoint(last.at_s + duration, x, z, 0.0, crouch, 0.0))
        return self

    def stay(self, seconds: float, *, crouch: float = 0.0, reach: float = 0.0) -> "Way":
        """Stays in place, bending down or reaching out within 0.4 s."""
        last = self._points[-1]
        turn = min(0.4, seconds / 3)
        for at_s in (last.at_s + turn, last.at_s + seconds):
            self._points.append(Waypoint(at_s, last.x, last.z, 0.0, crouch, reach))
        return self

    def climb(self, x: float, z: float, height: float, seconds: float) -> "Way":
        """Climbs over something of this height on the way to (x, z)."""
        last = self._points[-1]
        middle = ((last.x + x) / 2, (last.z + z) / 2)
        for share, at, lift, crouch in (
            (0.40, middle, height * 0.55, 0.5),
            (0.60, middle, height * 0.6, 0.7),
            (0.85, (x, z), 0.0, 0.45),
            (1.0, (x, z), 0.0, 0.0),
        ):
            self._points.append(Waypoint(last.at_s + share * seconds, *at, lift, crouch, 0.0))
        return self

    def path(self) -> tuple[Waypoint, ...]:
        """The waypoints so far."""
        return tuple(self._points)


def behind_gate_bush(yard: Yard) -> tuple[float, float]:
    """Hidden beside the gate."""
    return (yard.gate_x + GATE_WIDTH / 2 + 0.75, yard.fence_z + _BEHIND)


def behind_bush(yard: Yard) -> tuple[float, float]:
    """Hidden behind the other bush at the fence."""
    return (yard.bush_x, yard.fence_z + _BEHIND)


def through_gate(way: Way, yard: Yard, speed: float) -> Way:
    """From behind the gate's bush into the yard."""
    way.walk(yard.gate_x + 0.1, yard.fence_z + _BEHIND, speed)
    return way.walk(yard.gate_x - 0.1, yard.fence_z - 0.9, speed)


def out_by_gate(way: Way, yard: Yard, speed: float) -> Way:
    """From the yard out through the gate until the bush hides them."""
    way.walk(yard.gate_x - 0.1, yard.fence_z - 0.9, speed)
    way.walk(yard.gate_x + 0.1, yard.fence_z + _BEHIND, speed)
    return way.walk(*behind_gate_bush(yard), speed)


def over_fence(way: Way, yard: Yard, side: float) -> Way:
    """From behind the bush along the fence and over it; `side` is -1 or 1."""
    x = yard.bush_x + side * 1.3
    way.walk(x, yard.fence_z + 0.4, 1.9)
    return way.climb(x + side * 0.2, yard.fence_z - 0.55, yard.fence_height, 1.5)


def at_door(yard: Yard) -> tuple[float, float]:
    """In front of the house door."""
    return (-yard.wall_x + 0.75, yard.door_z)
