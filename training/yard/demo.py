"""The demo's story: a quiet yard in the late afternoon and two uninvited visits, the second at dusk in the rain."""

from dataclasses import replace

from training.yard.spec import (
    Car,
    Cat,
    FenceKind,
    GroundKind,
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
from training.yard.stories import Way, at_door, behind_bush, behind_gate_bush, out_by_gate, over_fence, through_gate

WIDTH, HEIGHT = 768, 432
FRAMES_PER_SECOND = 12.5
LENGTH_S = 40.0
FIRST_VISIT_S, SECOND_VISIT_S = 8.6, 24.8
DEMO_SEED = 7

_YARD = Yard(
    wall_x=3.1,
    wall_end=7.7,
    door_z=5.6,
    fence_z=8.9,
    gate_x=1.9,
    bush_x=-1.35,
    wall=WallKind.BRICK,
    wall_colour=(84, 104, 164),
    roof_colour=(62, 66, 92),
    door_colour=(72, 92, 48),
    ground=GroundKind.GRASS,
    ground_colour=(64, 126, 98),
    fence=FenceKind.PICKETS,
    fence_colour=(206, 214, 218),
    fence_height=1.05,
    tree_x=5.4,
    branch=True,
    props=(
        Prop(PropKind.BIN, -2.55, 7.25, 1.0, (74, 96, 62)),
        Prop(PropKind.POT, 3.4, 6.2, 1.0, (52, 118, 84)),
        Prop(PropKind.SHRUB, 5.0, 7.6, 1.0, (48, 100, 70)),
    ),
)


def demo_spec(seed: int = DEMO_SEED) -> SceneSpec:
    """The demo's scene; the seed decides textures, leaves, rain and noise, not the story."""
    return SceneSpec(
        seed=seed,
        width=WIDTH,
        height=HEIGHT,
        length_s=LENGTH_S,
        mirrored=False,
        viewpoint=Viewpoint(height_m=3.3, focal=1.06, horizon=0.2),
        yard=_YARD,
        light=Light(
            levels=((0.0, 1.0), (6.0, 1.0), (8.0, 0.8), (11.0, 0.95), (18.0, 0.9), (25.0, 0.42), (40.0, 0.30)),
            sun=0.75,
            clouds=0.8,
            lamp_on_s=22.6,
            flicker=0.0,
            infrared=False,
            noise=2.2,
        ),
        rain=Rain(21.5, 41.0, 70),
        cars=(
            Car(-0.5, 9.5, 12.8, (58, 60, 190), 4.3, 1.48),
            Car(4.6, -10.5, 15.6, (196, 190, 182), 4.6, 1.5),
            Car(18.8, -11.0, 15.6, (150, 96, 52), 5.2, 2.1),
            Car(21.6, 12.0, 12.8, (70, 70, 74), 4.4, 1.45),
        ),
        cats=(Cat(2.6, 7.8, (-2.4, 6.9), (6.6, 5.2), (44, 84, 150), 1.15),),
        insects=(),
        visits=(_first_visit(), _second_visit()),
    )


def after_quiet(spec: SceneSpec, by_s: float) -> SceneSpec:
    """The same story in a clip that begins so many seconds earlier."""
    light, rain = spec.light, spec.rain
    return replace(
        spec,
        length_s=spec.length_s + by_s,
        light=replace(
            light,
            levels=tuple((at_s + by_s, level) for at_s, level in light.levels),
            lamp_on_s=light.lamp_on_s + by_s,
        ),
        rain=None if rain is None else replace(rain, start_s=rain.start_s + by_s, end_s=rain.end_s + by_s),
        cars=tuple(replace(car, start_s=car.start_s + by_s) for car in spec.cars),
        cats=tuple(replace(cat, start_s=cat.start_s + by_s, end_s=cat.end_s + by_s) for cat in spec.cats),
        visits=tuple(
            replace(visit, path=tuple(replace(point, at_s=point.at_s + by_s) for point in visit.path))
            for visit in spec.visits
        ),
    )


def _first_visit() -> Visit:
    person = Person(1.80, 1.05, (52, 44, 40), (74, 58, 50), (140, 168, 208), hood=True, bag=True)
    way = through_gate(Way(FIRST_VISIT_S, *behind_gate_bush(_YARD)), _YARD, 1.6)
    way.walk(-0.2, 6.7, 1.7).walk(*at_door(_YARD), 1.5)
    way.stay(1.3, reach=0.9).stay(1.0, crouch=0.6, reach=0.6)
    way.walk(-1.5, 5.1, 1.2).stay(0.4)
    return Visit(person, out_by_gate(way, _YARD, 2.2).path())


def _second_visit() -> Visit:
    person = Person(1.72, 1.0, (58, 70, 92), (44, 40, 38), (120, 150, 190), hood=False, bag=False)
    way = over_fence(Way(SECOND_VISIT_S, *behind_bush(_YARD)), _YARD, 1.0)
    way.walk(0.9, 6.6, 1.8).stay(0.5).walk(*at_door(_YARD), 1.6)
    way.stay(1.3, reach=0.8)
    return Visit(person, out_by_gate(way, _YARD, 2.2).path())
