"""The scenes: what happens in them follows from a seed. Pixels are those of a picture of 640x360.

They stand for a camera of 1280x720; who is 60 pixels high here is 120 there. Even seeds are for tuning, odd ones for
reporting.
"""

from collections.abc import Callable
from dataclasses import replace
from itertools import count, pairwise
from typing import Final

import numpy as np

from measure.scenes.truth import Shake, Spell, StagedScene, Stance, Thing

WIDTH: Final = 640
HEIGHT: Final = 360
_SHAKE: Final = 1.5
"""Pixels: 3 at 1280x720."""
_HOUR_S: Final = 3600.0
_FAR, _FAR_CARS, _LANES, _NEAR_CARS, _NEAR = 158.0, 190.0, (232.0, 268.0), 322.0, 352.0
"""Rows of a street: a pavement, parked cars, two lanes, parked cars, a pavement."""
_FAST_FPS: Final = 15.0
_SHORT_ABSENCE_S: Final = (4.0, 20.0)
_LONG_ABSENCE_S: Final = (240.0, 420.0)
"""What lies between is nobody's fault: only these are asked for."""

_SHAPES: Final = {"person": 0.36, "car": 2.4, "truck": 2.2, "bicycle": 1.1}
"""Width over height from the side."""

Random = np.random.Generator


def street(seed: int, seconds: float = _HOUR_S) -> StagedScene:
    """Two rows of parked cars, leaves, and passers on both pavements and both lanes; two cars park and leave."""
    rng = np.random.default_rng([seed, 1])
    parked = [_parked(f"far{n}", 44 + 92 * n, _FAR_CARS, rng, seconds) for n in range(7) if n not in (2, 5)]
    parked += [_parked(f"near{n}", 90 + 160 * n, _NEAR_CARS, rng, seconds) for n in range(4) if n != 1]
    things = [*parked, *_parkers(rng, seconds)]
    # A hundred passers an hour, seldom two at a time; the first minute is left to the gate.
    at_s = 60.0
    for number in count():
        at_s += float(rng.uniform(8, 60))
        label = str(rng.choice(["person", "car", "truck", "bicycle"], p=[0.45, 0.33, 0.08, 0.14]))
        passer = _passer(f"{label}{number}", label, at_s, rng)
        if passer.spells[0].to_s > seconds - 5:
            break
        things.append(passer)
    return StagedScene("street", seed, WIDTH, HEIGHT, 5.0, seconds, tuple(things), leaves=18)


def _parked(name: str, x: float, foot: float, rng: Random, seconds: float) -> Thing:
    height = _car_height(foot)
    x += float(rng.uniform(-5, 5))
    steps = tuple(Stance(at_s, x, foot, height, height * _SHAPES["car"]) for at_s in (0.0, seconds))
    return Thing(name, "car", (steps,), (Spell(name, 0.0, seconds, parked=True),))


def _parkers(rng: Random, seconds: float) -> list[Thing]:
    """One car for each free place that comes, stays for a third of the time, and leaves: three objects each."""
    return [
        _parker(f"parker{number}", x, foot, float(rng.uniform(0.1, 0.4)) * seconds, 0.35 * seconds)
        for number, (x, foot) in enumerate(((228.0, _FAR_CARS), (250.0, _NEAR_CARS)))
    ]


def _parker(name: str, x: float, foot: float, at_s: float, stays_s: float) -> Thing:
    lane = _LANES[0] if foot < _LANES[0] else _LANES[1]
    high, low = _car_height(lane), _car_height(foot)

    def step(after_s: float, to_x: float, to_foot: float, height: float) -> Stance:
        return Stance(at_s + after_s, to_x, to_foot, height, height * _SHAPES["car"])

    ends = at_s + 9 + stays_s
    steps = (
        step(0, -90, lane, high),
        step(4, x - 60, lane, high),
        step(9, x, foot, low),
        step(9 + stays_s, x, foot, low),
        step(14 + stays_s, x + 60, lane, high),
        step(18 + stays_s, WIDTH + 90, lane, high),
    )
    spells = (
        Spell(f"{name} comes", at_s, at_s + 12),
        Spell(f"{name} stands", at_s + 12, ends, parked=True),
        Spell(f"{name} goes", ends, ends + 9),
    )
    return Thing(name, "car", (steps,), spells)


def _passer(name: str, label: str, at_s: float, rng: Random) -> Thing:
    if label == "person":
        foot = float(rng.choice([_FAR, _FAR_CARS + 6, _NEAR_CARS - 14, _NEAR])) + float(rng.uniform(-3, 3))
        height, speed = 0.36 * (foot - 25), float(rng.uniform(24, 48)) * foot / 250
    elif label == "bicycle":
        foot = float(rng.choice(_LANES)) + float(rng.uniform(-4, 8))
        height, speed = 0.34 * (foot - 25), float(rng.uniform(70, 120))
    else:
        foot = float(rng.choice(_LANES))
        height = _car_height(foot) * (1.9 if label == "truck" else 1.0)
        speed = float(rng.uniform(110, 230))
    width = height * _SHAPES[label]
    start, end = -width / 2, WIDTH + width / 2
    if rng.random() < 0.5:  # noqa: PLR2004  a coin
        start, end = end, start
    to_s = at_s + (WIDTH + width) / speed
    steps = (Stance(at_s, start, foot, height, width), Stance(to_s, end, foot, height, width))
    return Thing(name, label, (steps,), (Spell(name, at_s, to_s),))


def _car_height(foot: float) -> float:
    return 0.19 * foot


def room(seed: int, seconds: float = _HOUR_S) -> StagedScene:
    """A resident with a desk and a sofa: comes, sits, turns, stands up, is away for seconds or for minutes."""
    rng = np.random.default_rng([seed, 2])
    paths: list[tuple[Stance, ...]] = []
    spells: list[Spell] = []
    at_s = float(rng.uniform(40, 120))
    while at_s + 120 < seconds:
        came_s = at_s
        for _ in range(int(rng.integers(1, 4))):
            path = _at_home(at_s, min(float(rng.uniform(90, 600)), seconds - at_s - 30), rng)
            paths.append(path)
            at_s = path[-1].at_s + float(rng.uniform(*_SHORT_ABSENCE_S))
            if at_s + 120 > seconds:
                break
        spells.append(Spell(f"stay{len(spells)}", came_s, paths[-1][-1].at_s))
        at_s = paths[-1][-1].at_s + float(rng.uniform(*_LONG_ABSENCE_S))
    resident = Thing("resident", "person", tuple(paths), tuple(spells))
    return StagedScene("room", seed, WIDTH, HEIGHT, 5.0, seconds, (resident,))


def _at_home(at_s: float, stays_s: float, rng: Random) -> tuple[Stance, ...]:
    """From the door, at the left edge, to the desk or the sofa and back, perhaps to both."""
    ends_s = at_s + stays_s
    steps = [_standing(at_s, -40.0)]
    while at_s < ends_s:
        x = float(rng.choice([430.0, 215.0])) + float(rng.uniform(-8, 8))
        at_s += abs(x - steps[-1].x) / 110
        steps.append(_standing(at_s, x))
        gets_up_s = min(at_s + float(rng.uniform(40, 400)), max(ends_s, at_s + 8))
        at_s += 1.2
        while at_s < gets_up_s:
            sitting = _sitting(at_s, x + float(rng.normal(0, 7)), rng)
            still_s = float(rng.exponential(12)) + 0.6
            steps += [sitting, replace(sitting, at_s=at_s + still_s)]
            at_s += still_s + float(rng.uniform(0.4, 1.5))
        steps.append(_standing(at_s, x))
    steps.append(_standing(at_s + (steps[-1].x + 40) / 110, -40.0))
    return tuple(steps)


def _standing(at_s: float, x: float) -> Stance:
    return Stance(at_s, x, 330.0, 215.0, 74.0)


def _sitting(at_s: float, x: float, rng: Random) -> Stance:
    return Stance(at_s, x, 330.0, 215 * float(rng.uniform(0.62, 0.72)), float(rng.uniform(74, 104)), sits=True)


def group(seed: int, seconds: float = 90.0) -> StagedScene:
    """Two to eight people who come from both sides, cross one another, meet, stand together and part."""
    rng = np.random.default_rng([seed, 3])
    things = []
    middle, foot = float(rng.uniform(260, 380)), float(rng.uniform(240, 300))
    people = 2 + seed % 7
    for number in range(people):
        own_foot = foot + float(rng.uniform(-28, 28))
        height = 0.36 * (own_foot - 25)
        start, end = (-30.0, WIDTH + 30.0) if rng.random() < 0.5 else (WIDTH + 30.0, -30.0)  # noqa: PLR2004
        if rng.random() < 0.4:  # noqa: PLR2004  some turn back
            end = start
        at_s = 6 + float(rng.uniform(0, 12))
        place = middle + (number - people / 2) * height * 0.36 * float(rng.uniform(0.5, 1.3))
        meets_s = at_s + abs(place - start) / float(rng.uniform(50, 80))
        parts_s = meets_s + float(rng.uniform(6, 18))
        goes_s = parts_s + abs(end - place) / float(rng.uniform(50, 80))
        spots = ((at_s, start), (meets_s, place), (parts_s, place), (goes_s, end))
        steps = tuple(Stance(when, x, own_foot, height, height * _SHAPES["person"]) for when, x in spots)
        things.append(Thing(f"person{number}", "person", (steps,), (Spell(f"person{number}", at_s, goes_s),)))
    return StagedScene("group", seed, WIDTH, HEIGHT, 10.0, seconds, tuple(things))


def square(seed: int, seconds: float = 120.0) -> StagedScene:
    """Nineteen walkers on a square, up to a dozen at a time: they cross it, stroll, turn and stop on their way."""
    rng = np.random.default_rng([seed, 4])
    things = []
    for number in range(19):
        start, end = (-15.0, WIDTH + 15.0) if rng.random() < 0.5 else (WIDTH + 15.0, -15.0)  # noqa: PLR2004
        turns = int(rng.integers(0, 4))
        places = [start, *rng.uniform(60, WIDTH - 60, turns).tolist(), end]
        at_s, foot = 6 + float(rng.uniform(0, seconds - 70)), float(rng.uniform(130, 330))
        steps = [_walking(at_s, start, foot)]
        for x in places[1:]:
            to_foot = min(max(foot + float(rng.uniform(-60, 60)), 125.0), 335.0)
            at_s += max(abs(x - steps[-1].x), abs(to_foot - foot)) / (float(rng.uniform(18, 34)) * to_foot / 200)
            foot = to_foot
            steps.append(_walking(at_s, x, foot))
            if x != end and rng.random() < 0.5:  # noqa: PLR2004  a coin
                at_s += float(rng.uniform(2, 9))
                steps.append(_walking(at_s, x, foot))
        things.append(Thing(f"walker{number}", "person", (tuple(steps),), (Spell(f"walker{number}", 0.0, at_s),)))
    return StagedScene("square", seed, WIDTH, HEIGHT, 10.0, seconds, tuple(things))


def _walking(at_s: float, x: float, foot: float) -> Stance:
    height = 0.28 * (foot - 10)
    return Stance(at_s, x, foot, height, height * _SHAPES["person"])


def road(seed: int, seconds: float = 100.0) -> StagedScene:
    """Twelve vehicles on a road towards a vanishing point or across, each in sight for 0.8 to 2 s."""
    rng = np.random.default_rng([seed, 5])
    things = []
    for number in range(12):
        at_s = 10 + 7 * number + float(rng.uniform(0, 3))
        label = "truck" if rng.random() < 0.15 else "car"  # noqa: PLR2004
        draw = _along if number % 2 else _across
        steps = draw(at_s, float(rng.uniform(0.8, 2.0)), label, rng)
        things.append(Thing(f"{label}{number}", label, (steps,), (Spell(f"{label}{number}", at_s, steps[-1].at_s),)))
    return StagedScene("road", seed, WIDTH, HEIGHT, _FAST_FPS, seconds, tuple(things))


def _across(at_s: float, lasts_s: float, label: str, rng: Random) -> tuple[Stance, ...]:
    height = float(rng.uniform(40, 90)) * (1.5 if label == "truck" else 1.0)
    width, foot = height * _SHAPES[label], float(rng.uniform(200, 330))
    ends = (-width / 2, WIDTH + width / 2)
    start, end = ends if rng.random() < 0.5 else ends[::-1]  # noqa: PLR2004
    return Stance(at_s, start, foot, height, width), Stance(at_s + lasts_s, end, foot, height, width)


def _along(at_s: float, lasts_s: float, label: str, rng: Random) -> tuple[Stance, ...]:
    """Seen from a bridge: it comes out of the distance, grows as 1/distance and leaves at the lower edge, or back."""
    far, near = 9.0, 1.0
    side = float(rng.choice([-1.0, 1.0]))
    distances = np.linspace(far, near, 13)
    if side > 0:
        distances = distances[::-1]
    size = 190.0 * (1.3 if label == "truck" else 1.0)
    return tuple(
        Stance(
            at_s + lasts_s * place / 12,
            WIDTH / 2 + side * 170 / distance,
            90 + (HEIGHT + 0.5 * size - 90) / distance,
            size / distance,
            size * 1.15 / distance,
        )
        for place, distance in enumerate(distances.tolist())
    )


def shaken(seed: int) -> StagedScene:
    """The road from a pole in the wind: another shift in every picture, or a swing."""
    shake = Shake(_SHAKE, None if seed % 4 < 2 else 1.3)  # noqa: PLR2004  both in both halves
    return replace(road(seed), name="shaken", shake=shake)


STORIES: Final[dict[str, Callable[..., StagedScene]]] = {
    "street": street,
    "room": room,
    "group": group,
    "square": square,
    "road": road,
    "shaken": shaken,
}
"""By name: each takes a seed; those of `LONG` the `seconds` that they last as well."""
LONG: Final = ("street", "room")


def in_order(thing: Thing) -> bool:
    """Whether a thing's steps go forward in time and its absences are absences."""
    edges = [step.at_s for path in thing.paths for step in path]
    return all(before <= after for before, after in pairwise(edges))
