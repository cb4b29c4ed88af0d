"""Days of one made-up yard: what happens when, and under which light; a picture of any second of them.

Every yard has its own people, who come through the gate to the door; others pass on the pavement, cars on the road,
cats through the yard, moths at night. The weather changes from day to day and during a day. An intruder is anybody
else's visit: over the fence, from the side or by the gate, and then where nobody goes.
"""

from bisect import bisect_right
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from training.yard.brush import Pixels
from training.yard.draws import Hour, draw_spec, draw_story
from training.yard.lens import Lens
from training.yard.scene import Scene, Setting, paint_setting
from training.yard.spec import Car, Cat, Insect, Light, Person, Rain, SceneSpec, Visit
from training.yard.stories import Way, at_door, out_by_gate, through_gate

WIDTH: Final = 192
HEIGHT: Final = 108
DAY_S: Final = 86_400.0
MOVING_S: Final = 0.9
"""From one look to the next where something moves: no device looks more often."""
_RAINING_S: Final = 2.0
"""The same where only rain falls: the learner needs no more, and rain falls for hours."""
STILL_S: Final = 60.0
"""From one look to the next where nothing moves."""
_PAD_S: Final = 1.2
"""So long before something comes and after it has gone looks are still taken."""
_SEEN: Final = 0.3
"""Share of an intruder that is to be seen at least."""
_TWILIGHT_S: Final = 2700.0
_DARK_BELOW: Final = 0.4
_PAVEMENT_M: Final = 1.3
"""Behind the fence."""
_SEES_IN_THE_DARK: Final = 0.6
"""Share of the yards whose camera has infrared light; the others have a lamp."""
_WET: Final = 0.35
"""Share of the days with rain."""
_AT_HOME: Final = 0.8
"""Share of those who come to the door that live there."""
_ROAD_M: Final = 26.0
"""How far to each side cars are drawn."""
_HOURS: Final = (6.0, 7.5, 9.0, 12.0, 16.0, 18.5, 22.0)
_BUSY: Final = (0.05, 1.0, 0.5, 0.4, 0.6, 1.0, 0.1)
"""How much goes on at these hours of a day, joined by straight lines."""

Actor = Car | Cat | Insect | Visit


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that moves, from `start_s` to `end_s` of its day."""

    start_s: float
    end_s: float
    actor: Actor
    intruder: bool = False


@dataclass(frozen=True, slots=True)
class YardLife:
    """A yard, its painted part, and who lives there. `infrared`: whether its camera sees in the dark."""

    seed: int
    spec: SceneSpec
    setting: Setting
    people: tuple[Person, ...]
    infrared: bool


def yard_life(seed: int) -> YardLife:
    """The life of the yard with this seed."""
    rng = np.random.default_rng([seed, 41])
    spec = draw_spec(seed, WIDTH, HEIGHT)
    people = tuple(visit.person for number in (0, 1) for visit in draw_story(spec, Hour.DAY, number).visits)
    return YardLife(
        seed, spec, paint_setting(spec), people[: int(rng.integers(2, 4))], bool(rng.random() < _SEES_IN_THE_DARK)
    )


class YardDay:
    """One day of a yard. `intruders` of them come, at any hour; where nothing moves it is looked at `every_s`."""

    def __init__(self, life: YardLife, number: int, intruders: int = 0, every_s: float = STILL_S) -> None:
        self._every_s = every_s
        rng = np.random.default_rng([life.seed, 42, number])
        self._wind = float(rng.uniform(0.3, 1.6))
        swaying = tuple(replace(mass, sway=mass.sway * self._wind) for mass in life.setting.foliage)
        self._setting = replace(life.setting, foliage=swaying)
        self._starts_s, self._spells = _spells(life, rng)
        # Intruders last: with and without them it is the same day.
        self.happenings = tuple(sorted(_everyday(life, rng) + _intruders(life, rng, intruders), key=_start))
        self._scenes: tuple[tuple[int, int], Scene] | None = None

    def __repr__(self) -> str:
        """Everything that its pictures are made of."""
        return f"YardDay({self.happenings}, {self._starts_s}, {self._spells}, {self._wind})"

    @property
    def intrusions(self) -> tuple[tuple[float, float], ...]:
        """From when to when each intruder is there."""
        return tuple((each.start_s, each.end_s) for each in self.happenings if each.intruder)

    def shows_intruder(self, at_s: float) -> bool:
        """Whether enough of an intruder is to be seen, who may still be behind a bush or beside the picture."""
        alone = [each.actor for each in self.happenings if each.intruder and each.start_s <= at_s <= each.end_s]
        return bool(alone) and Scene(_with(self._spells[0], alone), self._setting).truth(at_s).share > _SEEN

    def moments(self) -> NDArray[np.float64]:
        """When a look is taken, rising: often where something moves or rain falls, always once a minute."""
        rain = self._spells[0].rain
        wet = [np.arange(max(0.0, rain.start_s), min(DAY_S, rain.end_s), _RAINING_S)] if rain else []
        moving = [np.arange(first_s, last_s, MOVING_S) for first_s, last_s in self._moving]
        taken = np.concatenate([np.arange(0.0, DAY_S, self._every_s), *wet, *moving])
        return np.asarray(np.unique(taken), np.float64)

    def picture(self, at_s: float) -> Pixels:
        """The picture at a second of the day: BGR (HEIGHT, WIDTH, 3)."""
        return self._scene(at_s).picture(at_s)

    @cached_property
    def _moving(self) -> list[tuple[float, float]]:
        """From when to when something moves."""
        found: list[tuple[float, float]] = []
        for each in self.happenings:
            start_s, end_s = max(0.0, each.start_s - _PAD_S), min(DAY_S, each.end_s + _PAD_S)
            if found and start_s <= found[-1][1]:
                found[-1] = found[-1][0], max(found[-1][1], end_s)
            else:
                found.append((start_s, end_s))
        return found

    def _scene(self, at_s: float) -> Scene:
        spell = bisect_right(self._starts_s, at_s) - 1
        window = bisect_right([first_s for first_s, _ in self._moving], at_s)
        if self._scenes is None or self._scenes[0] != (spell, window):
            first_s, last_s = self._moving[window - 1] if window else (-1.0, -1.0)
            there = [each.actor for each in self.happenings if each.start_s <= last_s and each.end_s >= first_s]
            self._scenes = (spell, window), Scene(_with(self._spells[spell], there), self._setting)
        return self._scenes[1]


def _start(each: Happening) -> float:
    return each.start_s


def _with(spec: SceneSpec, there: list[Actor]) -> SceneSpec:
    return replace(
        spec,
        cars=tuple(each for each in there if isinstance(each, Car)),
        cats=tuple(each for each in there if isinstance(each, Cat)),
        insects=tuple(each for each in there if isinstance(each, Insect)),
        visits=tuple(each for each in there if isinstance(each, Visit)),
    )


def _spells(life: YardLife, rng: np.random.Generator) -> tuple[list[float], list[SceneSpec]]:
    """When each spell of light begins, and the yard in it: night, some kinds of weather, night."""
    dawn_s, dusk_s = 3600 * rng.uniform(6.2, 6.8), 3600 * rng.uniform(18.2, 18.8)
    night = rng.uniform(0.15, 0.28) if life.infrared else rng.uniform(0.22, 0.36)
    turns = np.sort(rng.uniform(dawn_s + _TWILIGHT_S, dusk_s - _TWILIGHT_S, int(rng.integers(1, 5))))
    levels = rng.uniform(0.6, 1.1, turns.size)
    points = [(0.0, night), (dawn_s, night), *zip(turns.tolist(), levels.tolist(), strict=True)]
    points += [(dusk_s - _TWILIGHT_S, float(levels[-1])), (dusk_s, night), (DAY_S, night)]
    rain_s = rng.uniform(0.1, 0.9) * DAY_S
    rain = Rain(rain_s, rain_s + 3600 * rng.uniform(0.3, 2.0), int(rng.integers(25, 130)))
    spec = replace(life.spec, length_s=DAY_S, rain=rain if rng.random() < _WET else None)
    dark_s = _crossings(points, _DARK_BELOW)
    starts_s = [0.0, dark_s[0], *(at_s for at_s in turns.tolist()), dark_s[1]]
    flicker = rng.uniform(0.0, 0.04)
    specs = []
    for place in range(len(starts_s)):
        is_night = place in {0, len(starts_s) - 1}
        light = Light(
            levels=tuple((float(at_s), float(level)) for at_s, level in points),
            sun=0.0 if is_night else float(rng.choice([0.2, rng.uniform(0.3, 1.0)])),
            clouds=float(rng.uniform(0, 1)),
            lamp_on_s=-1.0 if is_night and not life.infrared else DAY_S,
            flicker=flicker if is_night else 0.0,
            infrared=is_night and life.infrared,
            noise=float(rng.uniform(3, 7) if is_night else rng.uniform(1.5, 4)),
        )
        specs.append(replace(spec, light=light))
    return starts_s, specs


def _crossings(points: list[tuple[float, float]], level: float) -> tuple[float, float]:
    """The first and the last time of a day at which its light passes a level."""
    times = np.arange(0, DAY_S, 10.0)
    bright = np.interp(times, [at_s for at_s, _ in points], [each for _, each in points]) > level
    return float(times[int(np.argmax(bright))]), float(times[bright.size - int(np.argmax(bright[::-1]))])


def _everyday(life: YardLife, rng: np.random.Generator) -> list[Happening]:
    stories = [draw_story(life.spec, Hour.LAMP, int(rng.integers(1 << 30))) for _ in range(8)]
    cars = [car for story in stories for car in story.cars]
    cats = [cat for story in stories for cat in story.cats]
    strangers = [visit.person for story in stories for visit in story.visits]
    moths = [insect for story in stories for insect in story.insects]
    lens = Lens(life.spec.viewpoint, WIDTH, HEIGHT)
    found = [_passing_car(cars[place % len(cars)], _hour(rng), lens) for place in range(int(rng.integers(18, 40)))]
    found += [_crossing(cats[place % len(cats)], float(rng.uniform(0, DAY_S))) for place in range(rng.integers(1, 6))]
    found += [_flying(moth, _at_night(rng)) for moth in moths]
    for person in strangers[: int(rng.integers(3, 10))]:
        found.append(_passer_by(life.spec, person, _hour(rng), rng, lens))
    for place in range(int(rng.integers(2, 6))):
        who = life.people[place % len(life.people)] if rng.random() < _AT_HOME else strangers[-1]
        found.append(_to_door(life.spec, who, _hour(rng), rng, lens))
        found.append(_from_door(life.spec, who, _hour(rng), rng, lens))
    return found


def _intruders(life: YardLife, rng: np.random.Generator, count: int) -> list[Happening]:
    edges = np.linspace(60, DAY_S - 180, count + 1)
    stories = (draw_story(life.spec, Hour.DAY, int(rng.integers(1 << 30))) for _ in range(count))
    return [
        _visit(story.visits[0], float(rng.uniform(first, last)), intruder=True)
        for story, (first, last) in zip(stories, pairwise(edges), strict=False)
    ]


def _hour(rng: np.random.Generator) -> float:
    """A second of the day, as often as much goes on then."""
    times = np.arange(0, DAY_S, 300.0)
    busy = np.interp(times / 3600, _HOURS, _BUSY)
    return float(rng.choice(times, p=busy / busy.sum()) + rng.uniform(0, 300))


def _at_night(rng: np.random.Generator) -> float:
    return float((rng.uniform(20, 29) % 24) * 3600)


def _passing_car(car: Car, at_s: float, lens: Lens) -> Happening:
    speed, seen_m = abs(car.speed), lens.edge(car.lane_z) + car.length_m / 2
    start_s = at_s - max(0.0, _ROAD_M - seen_m - 3) / speed
    return Happening(at_s, start_s + (_ROAD_M + min(seen_m, _ROAD_M)) / speed, replace(car, start_s=start_s))


def _crossing(cat: Cat, at_s: float) -> Happening:
    end_s = at_s + cat.end_s - cat.start_s
    return Happening(at_s, end_s, replace(cat, start_s=at_s, end_s=end_s))


def _flying(moth: Insect, at_s: float) -> Happening:
    end_s = at_s + moth.end_s - moth.start_s
    return Happening(at_s, end_s, replace(moth, start_s=at_s, end_s=end_s))


def _visit(visit: Visit, at_s: float, *, intruder: bool = False) -> Happening:
    later = at_s - visit.path[0].at_s
    path = tuple(replace(point, at_s=point.at_s + later) for point in visit.path)
    return Happening(at_s, path[-1].at_s, replace(visit, path=path), intruder)


def _beside(spec: SceneSpec, lens: Lens, rng: np.random.Generator) -> tuple[float, float]:
    """A place on the pavement beyond one edge of the picture."""
    z = spec.yard.fence_z + _PAVEMENT_M
    return (lens.edge(z) + 0.7) * float(rng.choice([-1.0, 1.0])), z


def _passer_by(spec: SceneSpec, person: Person, at_s: float, rng: np.random.Generator, lens: Lens) -> Happening:
    x, z = _beside(spec, lens, rng)
    return _visit(Visit(person, Way(at_s, x, z).walk(-x, z, float(rng.uniform(1.0, 1.9))).path()), at_s)


def _to_door(spec: SceneSpec, person: Person, at_s: float, rng: np.random.Generator, lens: Lens) -> Happening:
    x, z = _beside(spec, lens, rng)
    speed = float(rng.uniform(1.0, 1.7))
    way = through_gate(Way(at_s, x, z), spec.yard, speed)
    return _visit(Visit(person, way.walk(*at_door(spec.yard), speed).stay(rng.uniform(1.5, 7), reach=0.5).path()), at_s)


def _from_door(spec: SceneSpec, person: Person, at_s: float, rng: np.random.Generator, lens: Lens) -> Happening:
    speed = float(rng.uniform(1.0, 1.7))
    way = out_by_gate(Way(at_s, *at_door(spec.yard)).stay(rng.uniform(0.5, 3)), spec.yard, speed)
    return _visit(Visit(person, way.walk(*_beside(spec, lens, rng), speed).path()), at_s)
