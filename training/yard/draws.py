"""Random scenes, as different from each other as yards, cameras, weather and people are."""

from dataclasses import replace
from enum import StrEnum

import numpy as np

from training.yard.brush import Colour
from training.yard.lens import Lens
from training.yard.spec import (
    Car,
    Cat,
    FenceKind,
    GroundKind,
    Insect,
    Light,
    Person,
    Prop,
    PropKind,
    Rain,
    SceneSpec,
    Viewpoint,
    Visit,
    WallKind,
    Yard,
)
from training.yard.stories import (
    Way,
    at_door,
    behind_bush,
    behind_gate_bush,
    out_by_gate,
    over_fence,
    through_gate,
)

STORY_S = 40.0
_VISITS_AT = (2.0, 22.0)
_PALETTE: tuple[Colour, ...] = (
    (40, 36, 34),
    (60, 52, 46),
    (96, 74, 56),
    (58, 70, 92),
    (70, 84, 66),
    (130, 130, 128),
    (44, 44, 120),
    (150, 96, 52),
    (190, 190, 188),
    (70, 150, 170),
)
_WALLS: tuple[Colour, ...] = (
    (84, 104, 164),
    (120, 130, 160),
    (190, 206, 214),
    (206, 206, 204),
    (150, 170, 130),
    (96, 110, 130),
)
_FENCES: tuple[Colour, ...] = ((206, 214, 218), (70, 96, 126), (96, 110, 122), (48, 48, 50), (90, 130, 160))
_GROUNDS: dict[GroundKind, Colour] = {
    GroundKind.GRASS: (64, 126, 98),
    GroundKind.GRAVEL: (138, 150, 160),
    GroundKind.SLABS: (150, 154, 158),
}
_CARS: tuple[Colour, ...] = (
    (58, 60, 190),
    (196, 190, 182),
    (150, 96, 52),
    (60, 60, 64),
    (130, 132, 134),
    (80, 150, 90),
)
_COATS: tuple[Colour, ...] = ((44, 84, 150), (40, 40, 42), (120, 126, 130), (210, 214, 216), (70, 80, 92))


class Hour(StrEnum):
    """When a story takes place: it decides the light, the noise and which insects fly."""

    DAY = "day"
    DULL = "dull"
    DUSK = "dusk"
    LAMP = "lamp"
    INFRARED = "infrared"


_LIGHT_OF = {
    Hour.DAY: ((0.85, 1.15), (1.0, 4.0), 0.05),
    Hour.DULL: ((0.55, 0.9), (1.5, 5.0), 0.1),
    Hour.DUSK: ((0.26, 0.55), (2.0, 7.0), 0.6),
    Hour.LAMP: ((0.22, 0.36), (2.0, 7.0), 1.0),
    Hour.INFRARED: ((0.15, 0.35), (3.0, 9.0), 0.0),
}
"""For each hour: the ranges of daylight and of sensor noise, and the chance that the lamp is lit."""


def draw_spec(seed: int, width: int, height: int) -> SceneSpec:
    """A random scene by day, without a story; `draw_story` adds one."""
    rng = np.random.default_rng([seed, 10])
    viewpoint = Viewpoint(_between(rng, 2.5, 3.7), _between(rng, 0.86, 1.22), _between(rng, 0.15, 0.33))
    return SceneSpec(
        seed=seed,
        width=width,
        height=height,
        length_s=STORY_S,
        mirrored=bool(rng.random() < 0.5),  # noqa: PLR2004 - a coin
        viewpoint=viewpoint,
        yard=_yard(rng, Lens(viewpoint, width, height)),
        light=Light(((0.0, 1.0),), 0.7, 0.5, -1.0, 0.0, infrared=False, noise=2.0),
        rain=None,
        cars=(),
        cats=(),
        insects=(),
        visits=(),
    )


def draw_story(spec: SceneSpec, hour: Hour, number: int) -> SceneSpec:
    """The same yard with a random story of 40 s: traffic, animals, weather, two visits."""
    rng = np.random.default_rng([spec.seed, 11, number])
    light = _light(rng, hour)
    rainy = rng.random() < 0.3  # noqa: PLR2004 - the share of wet stories
    dark = hour in {Hour.LAMP, Hour.INFRARED}
    moths = tuple(_insect(rng) for _ in range(int(rng.integers(0, 4)) if dark else int(rng.random() < 0.1)))  # noqa: PLR2004
    return replace(
        spec,
        light=light,
        rain=Rain(-5.0, STORY_S + 5, int(rng.integers(25, 130))) if rainy else None,
        cars=tuple(_car(rng, spec.yard) for _ in range(int(rng.integers(4, 9)))),
        cats=tuple(_cat(rng, spec.yard) for _ in range(int(rng.integers(1, 4)))),
        insects=moths,
        visits=tuple(_visit(rng, spec, start) for start in _VISITS_AT),
    )


def _between(rng: np.random.Generator, low: float, high: float) -> float:
    return float(rng.uniform(low, high))


def _pick(rng: np.random.Generator, colours: tuple[Colour, ...], spread: float = 14.0) -> Colour:
    chosen = colours[int(rng.integers(len(colours)))]
    blue, green, red = (int(min(245, max(12, part + rng.normal(0, spread)))) for part in chosen)
    return (blue, green, red)


def _yard(rng: np.random.Generator, lens: Lens) -> Yard:
    fence_z = _between(rng, 7.6, 10.2)
    wall_x = min(_between(rng, 2.3, 4.2), lens.edge(fence_z) * 0.62)
    edge = lens.edge(fence_z)
    ground = list(GroundKind)[int(rng.choice(3, p=[0.6, 0.2, 0.2]))]
    gate_x = _between(rng, 0.9, max(1.0, edge * 0.5))
    fence = list(FenceKind)[int(rng.integers(4))]
    return Yard(
        wall_x=wall_x,
        wall_end=fence_z - _between(rng, 0.8, 2.4),
        door_z=_between(rng, 4.8, max(4.9, fence_z - 3.2)),
        fence_z=fence_z,
        gate_x=gate_x,
        bush_x=gate_x - _between(rng, 2.5, 3.6),
        wall=list(WallKind)[int(rng.integers(3))],
        wall_colour=_pick(rng, _WALLS),
        roof_colour=_pick(rng, ((62, 66, 92), (80, 80, 84), (60, 72, 120))),
        door_colour=_pick(rng, ((72, 92, 48), (60, 50, 130), (110, 80, 50), (60, 90, 130), (200, 200, 200))),
        ground=ground,
        ground_colour=_pick(rng, (_GROUNDS[ground],)),
        fence=fence,
        fence_colour=(54, 104, 74) if fence is FenceKind.HEDGE else _pick(rng, _FENCES),
        fence_height=_between(rng, 0.9, 1.45),
        tree_x=_between(rng, 2.5, 9.0),
        branch=bool(rng.random() < 0.6),  # noqa: PLR2004 - most of them
        props=tuple(_prop(rng, wall_x, fence_z, lens) for _ in range(int(rng.integers(1, 6)))),
    )


def _prop(rng: np.random.Generator, wall_x: float, fence_z: float, lens: Lens) -> Prop:
    kind = list(PropKind)[int(rng.integers(len(PropKind)))]
    z = _between(rng, 4.5, fence_z - 0.6)
    x = _between(rng, -wall_x + 0.5, lens.edge(z) * 0.95)
    green: tuple[Colour, ...] = ((52, 118, 84), (48, 100, 70), (60, 96, 110))
    colours = green if kind in {PropKind.POT, PropKind.SHRUB} else _PALETTE
    return Prop(kind, x, z, _between(rng, 0.8, 1.2), _pick(rng, colours))


def _light(rng: np.random.Generator, hour: Hour) -> Light:
    levels, noises, lit = _LIGHT_OF[hour]
    level, noise = _between(rng, *levels), _between(rng, *noises)
    return Light(
        levels=((0.0, level), (STORY_S, level * _between(rng, 0.75, 1.2))),
        sun=_between(rng, 0.4, 1.0) if hour is Hour.DAY else _between(rng, 0.0, 0.35),
        clouds=_between(rng, 0.0, 1.0),
        lamp_on_s=-1.0 if rng.random() < lit else STORY_S + 1,
        flicker=_between(rng, 0.0, 0.06),
        infrared=hour is Hour.INFRARED,
        noise=noise,
    )


def _car(rng: np.random.Generator, yard: Yard) -> Car:
    van = rng.random() < 0.25  # noqa: PLR2004 - the share of vans
    speed = _between(rng, 5, 13) * (1 if rng.random() < 0.5 else -1)  # noqa: PLR2004 - a coin
    return Car(
        start_s=_between(rng, -3, STORY_S - 1),
        speed=speed,
        lane_z=yard.fence_z + (_between(rng, 3.6, 4.4) if speed > 0 else _between(rng, 6.2, 7.2)),
        colour=_pick(rng, _CARS),
        length_m=_between(rng, 4.8, 6.4) if van else _between(rng, 3.8, 4.8),
        height_m=_between(rng, 2.0, 2.7) if van else _between(rng, 1.38, 1.6),
    )


def _cat(rng: np.random.Generator, yard: Yard) -> Cat:
    start_s = _between(rng, 0, STORY_S - 5)
    ends = [(-yard.wall_x + 0.4, _between(rng, 4.2, yard.fence_z - 1)), (7.0, _between(rng, 3.8, yard.fence_z - 1))]
    if rng.random() < 0.5:  # noqa: PLR2004 - a coin
        ends.reverse()
    return Cat(start_s, start_s + _between(rng, 5, 14), ends[0], ends[1], _pick(rng, _COATS), _between(rng, 0.8, 1.5))


def _insect(rng: np.random.Generator) -> Insect:
    start_s = _between(rng, 0, STORY_S - 2)
    return Insect(start_s, start_s + _between(rng, 1.5, 6), _between(rng, 0.1, 0.8), _between(rng, 0.015, 0.06))


def _visit(rng: np.random.Generator, spec: SceneSpec, start_s: float) -> Visit:
    person = Person(
        height_m=_between(rng, 1.58, 1.95),
        build=_between(rng, 0.85, 1.25),
        jacket=_pick(rng, _PALETTE),
        trousers=_pick(rng, _PALETTE[:6]),
        skin=_pick(rng, ((140, 168, 208), (120, 150, 190), (60, 84, 120))),
        hood=bool(rng.random() < 0.5),  # noqa: PLR2004 - a coin
        bag=bool(rng.random() < 0.35),  # noqa: PLR2004 - some
    )
    yard, speed = spec.yard, _between(rng, 1.1, 2.4)
    how = int(rng.integers(3))
    lens = Lens(spec.viewpoint, spec.width, spec.height)
    nearest = lens.nearest(0.99)
    if how == 0:
        way = through_gate(Way(start_s, *behind_gate_bush(yard)), yard, speed)
    elif how == 1:
        way = over_fence(Way(start_s, *behind_bush(yard)), yard, 1.0 if rng.random() < 0.7 else -1.0)  # noqa: PLR2004
    else:
        z = _between(rng, max(nearest, 4.0), yard.fence_z - 1)
        way = Way(start_s, lens.edge(z) + 0.6, z)
    for _ in range(int(rng.integers(2, 6))):
        z = _between(rng, max(nearest * 0.95, 3.6), yard.fence_z - 0.6)
        way.walk(_between(rng, -yard.wall_x + 0.6, lens.edge(z) * 0.92), z, speed)
        if rng.random() < 0.6:  # noqa: PLR2004 - most stops are long
            way.stay(_between(rng, 0.6, 2.5), crouch=_sometimes(rng), reach=_sometimes(rng))
    way.walk(*at_door(yard), speed).stay(_between(rng, 0.8, 3), crouch=_sometimes(rng), reach=_between(rng, 0, 1))
    return Visit(person, out_by_gate(way, yard, _between(rng, 1.4, 2.8)).path())


def _sometimes(rng: np.random.Generator) -> float:
    return _between(rng, 0.2, 0.9) if rng.random() < 0.25 else 0.0  # noqa: PLR2004 - now and then
