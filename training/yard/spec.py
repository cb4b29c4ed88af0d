"""What a scene consists of. Lengths are in metres, times in seconds; before mirroring the house is on the left.

GroundKind coordinates: x to the right of the camera, z away from it; heights above the ground.
"""

from dataclasses import dataclass
from enum import StrEnum

from training.yard.brush import Colour


class WallKind(StrEnum):
    """What the house is faced with."""

    BRICK = "brick"
    PLASTER = "plaster"
    BOARDS = "boards"


class GroundKind(StrEnum):
    """What the yard is covered with."""

    GRASS = "grass"
    GRAVEL = "gravel"
    SLABS = "slabs"


class FenceKind(StrEnum):
    """What stands between the yard and the road."""

    PICKETS = "pickets"
    PLANKS = "planks"
    BARS = "bars"
    HEDGE = "hedge"


class PropKind(StrEnum):
    """Things that stand in a yard."""

    BIN = "bin"
    POT = "pot"
    SHRUB = "shrub"
    POST = "post"
    CHAIR = "chair"
    LAUNDRY = "laundry"


@dataclass(frozen=True, slots=True)
class Viewpoint:
    """The camera: its height, its focal length in picture heights, its horizon normalised to the picture's height."""

    height_m: float
    focal: float
    horizon: float


@dataclass(frozen=True, slots=True)
class Prop:
    """One thing standing in the yard."""

    kind: PropKind
    x: float
    z: float
    scale: float
    colour: Colour


@dataclass(frozen=True, slots=True)
class Yard:
    """The fixed part of a scene.

    `wall_x`: distance of the house wall to the left of the camera's axis. `bush_x`: where a tall bush stands at the
    fence; another stands right of the gate. `tree_x`: where a tree stands behind the fence. `branch`: whether a branch
    hangs into the upper corner of the picture.
    """

    wall_x: float
    wall_end: float
    door_z: float
    fence_z: float
    gate_x: float
    bush_x: float
    wall: WallKind
    wall_colour: Colour
    roof_colour: Colour
    door_colour: Colour
    ground: GroundKind
    ground_colour: Colour
    fence: FenceKind
    fence_colour: Colour
    fence_height: float
    tree_x: float
    branch: bool
    props: tuple[Prop, ...]


@dataclass(frozen=True, slots=True)
class Light:
    """How the scene is lit over time.

    `levels`: (time, daylight level 0..1), joined by straight lines. `sun`: how much of the daylight is direct sun,
    which makes shadows and drifting clouds, 0..1. `clouds`: how much of the sun a cloud takes away, 0..1. `lamp_on_s`:
    when the lamp by the door goes on; before the clip means always, after it never. `infrared`: the camera sees in the
    dark, without colours. `noise`: standard deviation of the sensor's noise in grey levels.
    """

    levels: tuple[tuple[float, float], ...]
    sun: float
    clouds: float
    lamp_on_s: float
    flicker: float
    infrared: bool
    noise: float


@dataclass(frozen=True, slots=True)
class Rain:
    """Rain between two times; `density` is streaks per picture."""

    start_s: float
    end_s: float
    density: int


@dataclass(frozen=True, slots=True)
class Car:
    """A car passing on the road; `speed` in metres a second, negative to the left."""

    start_s: float
    speed: float
    lane_z: float
    colour: Colour
    length_m: float
    height_m: float


@dataclass(frozen=True, slots=True)
class Cat:
    """A cat crossing the yard in a straight line."""

    start_s: float
    end_s: float
    start: tuple[float, float]
    end: tuple[float, float]
    colour: Colour
    size: float


@dataclass(frozen=True, slots=True)
class Insect:
    """A moth close to the lens; `height` and `radius` are normalised to the picture's height."""

    start_s: float
    end_s: float
    height: float
    radius: float


@dataclass(frozen=True, slots=True)
class Person:
    """How an intruder looks."""

    height_m: float
    build: float
    jacket: Colour
    trousers: Colour
    skin: Colour
    hood: bool
    bag: bool


@dataclass(frozen=True, slots=True)
class Waypoint:
    """Where an intruder is at a time; `lift` above the ground, `crouch` and `reach` 0..1."""

    at_s: float
    x: float
    z: float
    lift: float = 0.0
    crouch: float = 0.0
    reach: float = 0.0


@dataclass(frozen=True, slots=True)
class Visit:
    """One intruder's path through the yard; before the first and after the last waypoint nobody is there."""

    person: Person
    path: tuple[Waypoint, ...]


@dataclass(frozen=True, slots=True)
class SceneSpec:
    """Everything about a scene; the seed decides textures, leaves, rain and noise."""

    seed: int
    width: int
    height: int
    length_s: float
    mirrored: bool
    viewpoint: Viewpoint
    yard: Yard
    light: Light
    rain: Rain | None
    cars: tuple[Car, ...]
    cats: tuple[Cat, ...]
    insects: tuple[Insect, ...]
    visits: tuple[Visit, ...]
