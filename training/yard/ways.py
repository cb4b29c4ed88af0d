"""Where everybody is at a given time: pure functions of the specification."""

from bisect import bisect_right
from dataclasses import dataclass
from itertools import pairwise
from math import hypot, pi

from training.yard.figures import Pose, heading, stride_phase
from training.yard.spec import Car, Cat, Visit, Waypoint

_LOOK_AHEAD_S = 0.25


@dataclass(frozen=True, slots=True)
class Standing:
    """Somebody's place and pose."""

    x: float
    z: float
    lift: float
    pose: Pose


def visit_at(visit: Visit, time_s: float) -> Standing | None:
    """The intruder of a visit at a time, None before and after it."""
    path = visit.path
    if not path[0].at_s <= time_s <= path[-1].at_s:
        return None
    here = _between(path, time_s)
    start, end = _between(path, time_s - _LOOK_AHEAD_S), _between(path, time_s + _LOOK_AHEAD_S)
    step_x, step_z = end.x - start.x, end.z - start.z
    speed = hypot(step_x, step_z) / (2 * _LOOK_AHEAD_S)
    side, away = heading(step_x, step_z) if speed > 0.15 else _idle(path, time_s)  # noqa: PLR2004 - metres a second
    pose = Pose(
        phase=stride_phase(_walked(path, time_s), visit.person.height_m) + (0.4 * time_s if speed < 0.1 else 0.0),  # noqa: PLR2004
        pace=min(1.4, speed / 1.5) if here.lift < 0.05 else 0.9,  # noqa: PLR2004 - climbing legs move
        side=side,
        away=away,
        crouch=here.crouch,
        reach=here.reach,
    )
    return Standing(here.x, here.z, here.lift, pose)


def _between(path: tuple[Waypoint, ...], time_s: float) -> Waypoint:
    time_s = min(max(time_s, path[0].at_s), path[-1].at_s)
    place = min(len(path) - 2, max(0, bisect_right([point.at_s for point in path], time_s) - 1))
    start, end = path[place], path[place + 1]
    share = (time_s - start.at_s) / (end.at_s - start.at_s)

    def mix(first: float, second: float) -> float:
        return first + (second - first) * share

    return Waypoint(
        time_s,
        mix(start.x, end.x),
        mix(start.z, end.z),
        mix(start.lift, end.lift),
        mix(start.crouch, end.crouch),
        mix(start.reach, end.reach),
    )


def _walked(path: tuple[Waypoint, ...], time_s: float) -> float:
    total = 0.0
    for start, end in pairwise(path):
        if time_s <= start.at_s:
            break
        share = min(1.0, (time_s - start.at_s) / (end.at_s - start.at_s))
        total += share * (hypot(end.x - start.x, end.z - start.z) + end.lift + start.lift)
    return total


def _idle(path: tuple[Waypoint, ...], time_s: float) -> tuple[float, bool]:
    """Somebody who stands still looks around: at the house, at the road, into the camera."""
    turn = int(time_s / 1.1) % 3
    if _between(path, time_s).reach > 0.3:  # noqa: PLR2004 - busy with the door
        return (-1.0, False)
    return ((-0.8, False), (0.5, False), (0.2, True))[turn]


def car_at(car: Car, time_s: float) -> float | None:
    """The x of a car's middle, None while it is not on the road of the scene."""
    reach = 26.0
    x = -reach + abs(car.speed) * (time_s - car.start_s)
    if not -reach <= x <= reach:
        return None
    return x if car.speed > 0 else -x


def cat_at(cat: Cat, time_s: float) -> tuple[float, float, float, float] | None:
    """(x, z, gait phase, facing) of a cat, None before and after it crosses."""
    if not cat.start_s <= time_s <= cat.end_s:
        return None
    share = (time_s - cat.start_s) / (cat.end_s - cat.start_s)
    dx, dz = cat.end[0] - cat.start[0], cat.end[1] - cat.start[1]
    distance = share * hypot(dx, dz)
    return (
        cat.start[0] + dx * share,
        cat.start[1] + dz * share,
        2 * pi * distance / (0.45 * cat.size),
        1.0 if dx >= 0 else -1.0,
    )
