"""What is in a scene, when and where: known exactly, because it was made up."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import pi, sin
from typing import Any, Final

import numpy as np

from smartcam.contract.event import EventKind
from smartcam.vision.corners import Corners, area, covered_by

KIND_OF: Final = {
    "person": EventKind.PERSON,
    "car": EventKind.VEHICLE,
    "truck": EventKind.VEHICLE,
    "bicycle": EventKind.VEHICLE,
    "cat": EventKind.ANIMAL,
}
"""The kind of event that a detector's label leads to."""
IN_VIEW: Final = 0.25
"""An object is in the picture from the moment when this share of it is."""


@dataclass(frozen=True, slots=True)
class Stance:
    """A thing at a second of the scene: the middle of its foot, its height and its width, in pixels.

    `sits`: it is a person on a seat, of whom a detector now takes more and now less for the person.
    """

    at_s: float
    x: float
    foot: float
    height: float
    width: float
    sits: bool = False


@dataclass(frozen=True, slots=True)
class Spell:
    """A part of a thing's time that is one object: to be told of once, or not at all where it is `parked`."""

    id: str
    from_s: float
    to_s: float
    parked: bool = False


@dataclass(frozen=True, slots=True)
class Thing:
    """Something that is drawn: between two steps it goes straight; a gap between two paths is an absence."""

    name: str
    label: str
    paths: tuple[tuple[Stance, ...], ...]
    spells: tuple[Spell, ...]

    def at(self, at_s: float) -> Stance | None:
        """Where it is; None while it is away."""
        for path in self.paths:
            if path[0].at_s <= at_s <= path[-1].at_s:
                for before, after in pairwise(path):
                    if at_s <= after.at_s:
                        return _between(before, after, at_s)
                return path[-1]
        return None

    def spell_at(self, at_s: float) -> Spell | None:
        """Which object it is then."""
        return next((spell for spell in self.spells if spell.from_s <= at_s <= spell.to_s), None)


@dataclass(frozen=True, slots=True)
class Shake:
    """How a camera trembles: by up to `most` pixels, at random or to and fro `hertz` times a second."""

    most: float = 0.0
    hertz: float | None = None

    def shift(self, at_s: float, seed: int) -> tuple[float, float]:
        """How far the picture lies to the right and down, in pixels; the same whenever it is asked for."""
        if not self.most:
            return 0.0, 0.0
        if self.hertz is not None:
            turn = 2 * pi * self.hertz * at_s
            return self.most * sin(turn), self.most * sin(0.83 * turn + 1)
        right, down = np.random.default_rng([seed, round(at_s * 1000)]).uniform(-self.most, self.most, 2)
        return float(right), float(down)


@dataclass(frozen=True, slots=True)
class Placed:
    """A thing in one picture: its whole box, the part inside the picture, and the share of it that can be seen."""

    thing: Thing
    step: Stance
    whole: Corners
    inside: Corners
    visible: float


@dataclass(frozen=True, slots=True)
class StagedScene:
    """A made-up piece of footage. `leaves`: how many patches of foliage sway in it. Things never change."""

    name: str
    seed: int
    width: int
    height: int
    fps: float
    seconds: float
    things: tuple[Thing, ...]
    leaves: int = 0
    shake: Shake = field(default_factory=Shake)

    @property
    def frames(self) -> int:
        """How many pictures it has."""
        return round(self.seconds * self.fps)

    def placed(self, at_s: float) -> list[Placed]:
        """What is in the picture, the farthest first. What is nearer, standing lower, hides what is behind."""
        steps = [(thing, step) for thing in self.things if (step := thing.at(at_s)) is not None]
        steps.sort(key=lambda each: each[1].foot)
        right, down = self.shake.shift(at_s, self.seed)
        boxes = [_box(step, right, down) for _, step in steps]
        placed = []
        for place, (thing, step) in enumerate(steps):
            inside = _clipped(boxes[place], self.width, self.height)
            share = area(inside) / max(area(boxes[place]), 1.0)
            if share > 0:
                hidden = covered_by(inside, boxes[place + 1 :])
                placed.append(Placed(thing, step, boxes[place], inside, share * (1 - hidden)))
        return placed


@dataclass(frozen=True, slots=True)
class TrueObject:
    """What there is to find: boxes (seconds, x1, y1, x2, y2) and the visible share, per picture in which it is there.

    `seconds`: from its first to its last picture. Of a `parked` one nothing is to be told.
    """

    id: str
    kind: EventKind
    parked: bool
    seconds: tuple[float, float]
    boxes: tuple[tuple[float, float, float, float, float], ...]
    visible: tuple[float, ...]

    def at(self, at_s: float, slack_s: float = 1.0) -> Corners | None:
        """Its box in the nearest picture; None where that is more than `slack_s` away."""
        times = [box[0] for box in self.boxes]
        place = int(np.searchsorted(times, at_s))
        near = min(self.boxes[max(place - 1, 0) : place + 1], key=lambda box: abs(box[0] - at_s), default=None)
        return None if near is None or abs(near[0] - at_s) > slack_s else near[1:]


def truth_of(scene: StagedScene, every: int = 1) -> tuple[TrueObject, ...]:
    """All objects of a scene; every so many pictures are looked at. Who is never `IN_VIEW` is no object."""
    found: dict[str, list[tuple[float, Corners, float]]] = {}
    about: dict[str, tuple[Thing, Spell]] = {}
    for number in range(0, scene.frames, every):
        at_s = number / scene.fps
        for each in scene.placed(at_s):
            spell = each.thing.spell_at(at_s)
            if spell is not None and area(each.inside) >= IN_VIEW * area(each.whole):
                found.setdefault(spell.id, []).append((at_s, each.inside, each.visible))
                about[spell.id] = each.thing, spell
    return tuple(
        TrueObject(
            id=id_,
            kind=KIND_OF[about[id_][0].label],
            parked=about[id_][1].parked,
            seconds=(seen[0][0], seen[-1][0]),
            boxes=tuple((at_s, *box) for at_s, box, _ in seen),
            visible=tuple(share for _, _, share in seen),
        )
        for id_, seen in found.items()
    )


def label_file(scene: StagedScene, objects: Sequence[TrueObject], clip: str) -> dict[str, Any]:
    """What `smartcam score` reads about a clip of the scene: whatever is to be told of, in seconds.

    Corners are shares of the picture.
    """
    shares = (scene.width, scene.height) * 2
    entries = [
        {
            "id": each.id,
            "kind": str(each.kind),
            "seconds": [round(edge, 3) for edge in each.seconds],
            "boxes": [
                [round(box[0], 3), *(round(a / b, 4) for a, b in zip(box[1:], shares, strict=True))]
                for box in each.boxes
            ],
        }
        for each in objects
        if not each.parked
    ]
    return {clip: {"fps": scene.fps, "frames": scene.frames, "objects": entries}}


def _between(before: Stance, after: Stance, at_s: float) -> Stance:
    share = (at_s - before.at_s) / max(after.at_s - before.at_s, 1e-9)

    def blend(one: float, other: float) -> float:
        return one + (other - one) * share

    return Stance(
        at_s,
        blend(before.x, after.x),
        blend(before.foot, after.foot),
        blend(before.height, after.height),
        blend(before.width, after.width),
        before.sits and after.sits,
    )


def _box(step: Stance, right: float, down: float) -> Corners:
    x, foot = step.x + right, step.foot + down
    return x - step.width / 2, foot - step.height, x + step.width / 2, foot


def _clipped(box: Corners, width: int, height: int) -> Corners:
    return max(box[0], 0.0), max(box[1], 0.0), min(box[2], float(width)), min(box[3], float(height))
