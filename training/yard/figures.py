"""Moving figures: an articulated person, a cat, a car; each drawn large and flat on a canvas with opacity."""

from collections.abc import Callable
from dataclasses import dataclass
from math import cos, hypot, pi, sin, sqrt

import numpy as np

from training.yard.brush import Colour, Pixels, Point, ellipse, polygon, rectangle, stroke
from training.yard.spec import Car, Cat, Person
from training.yard.textures import shaded

PPM = 130.0
"""Pixels per metre of every canvas in this module."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A figure (h, w, 4) and where its foot point lies on the canvas, in canvas pixels."""

    canvas: Pixels
    foot: Point


@dataclass(frozen=True, slots=True)
class Pose:
    """A person's posture.

    `phase` in radians of the gait, `pace` 0 (standing) .. 1.4 (running), `side` -1 (going left) .. 1 (right) with 0
    straight towards or away, `away` from the camera, `crouch` and `reach` 0..1.
    """

    phase: float
    pace: float
    side: float
    away: bool
    crouch: float
    reach: float


_Joint = tuple[float, float, float]
"""Forward, sideways, above the ground, in metres of a person 1.75 m tall."""
_Spot = Callable[[_Joint], Point]
_THIGH = _SHIN = 0.44
_HIP = 0.92


def _leg(phase: float, pose: Pose, lateral: float) -> list[_Joint]:
    swing = 0.55 * min(pose.pace, 1.3) * sin(phase) * (1 - pose.crouch) + 1.35 * pose.crouch
    knee = 0.08 + 0.95 * pose.pace * max(0.0, cos(phase)) * (1 - pose.crouch) + 2.2 * pose.crouch
    hip: _Joint = (0.0, lateral, _HIP)
    joint: _Joint = (_THIGH * sin(swing), lateral, _HIP - _THIGH * cos(swing))
    low = swing - knee
    ankle: _Joint = (joint[0] + _SHIN * sin(low), lateral, joint[2] - _SHIN * cos(low))
    toe: _Joint = (ankle[0] + 0.16, lateral * 1.15, ankle[2] - 0.03)
    return [hip, joint, ankle, toe]


def _arm(phase: float, pose: Pose, lateral: float, reach: float) -> list[_Joint]:
    lean = 0.08 * pose.pace + 0.75 * pose.crouch
    shoulder: _Joint = (0.5 * sin(lean), lateral, _HIP + 0.5 * cos(lean))
    swing = (0.5 * pose.pace * sin(phase) + 0.4 * pose.crouch) * (1 - reach) + 1.25 * reach
    bend = 0.25 + 0.7 * max(0.0, pose.pace - 0.7)
    elbow: _Joint = (shoulder[0] + 0.29 * sin(swing), lateral * 1.12, shoulder[2] - 0.29 * cos(swing))
    fore = swing + bend
    hand: _Joint = (elbow[0] + 0.27 * sin(fore), lateral * 1.05, elbow[2] - 0.27 * cos(fore))
    return [shoulder, elbow, hand]


def draw_person(person: Person, pose: Pose) -> Drawn:
    """A person of 1.75 m scaled to their height; the foot point is on the ground below the hips."""
    legs = [_leg(pose.phase, pose, 0.09), _leg(pose.phase + pi, pose, -0.09)]
    drop = min(joint[2] for leg in legs for joint in leg) - 0.05
    size = person.height_m / 1.75 * PPM
    width, height = round(2.0 * size), round(2.05 * size)
    foot = (width / 2, height - 0.1 * size)
    turn = sqrt(max(0.0, 1 - pose.side * pose.side)) * (1.0 if pose.away else -1.0)

    def spot(joint: _Joint) -> Point:
        ahead = joint[0] * pose.side
        return (foot[0] + (ahead + joint[1] * turn) * size, foot[1] - (joint[2] - drop) * size)

    canvas = np.zeros((height, width, 4), np.uint8)
    arms = [_arm(pose.phase + pi, pose, 0.2, pose.reach), _arm(pose.phase, pose, -0.2, pose.reach * 0.6)]
    far = 0 if pose.side >= 0 else 1
    _limb(canvas, [spot(joint) for joint in arms[far]], shaded(person.jacket, 0.72), size, (0.105, 0.085))
    _legs(canvas, person, [[spot(joint) for joint in leg] for leg in (legs[far], legs[1 - far])], size)
    _torso(canvas, person, pose, spot, size)
    _limb(canvas, [spot(joint) for joint in arms[1 - far]], shaded(person.jacket, 1.08), size, (0.11, 0.09))
    for arm in arms:
        ellipse(canvas, spot(arm[2]), (0.045 * size, 0.05 * size), person.skin)
    return Drawn(canvas, foot)


def _limb(canvas: Pixels, points: list[Point], colour: Colour, size: float, widths: tuple[float, float]) -> None:
    stroke(canvas, points[:2], colour, widths[0] * size)
    stroke(canvas, points[1:3], colour, widths[1] * size)


def _legs(canvas: Pixels, person: Person, legs: list[list[Point]], size: float) -> None:
    for leg, tone in zip(legs, (0.75, 1.0), strict=True):
        colour = shaded(person.trousers, tone)
        stroke(canvas, leg[2:4], (36, 36, 40), 0.09 * size)
        _limb(canvas, leg, colour, size, (0.165 * person.build, 0.115))


def _torso(canvas: Pixels, person: Person, pose: Pose, spot: _Spot, size: float) -> None:
    lean = 0.08 * pose.pace + 0.75 * pose.crouch
    frontal = sqrt(max(0.0, 1 - pose.side * pose.side))
    half = (0.13 + 0.08 * frontal) * person.build * size
    hips = spot((0.0, 0.0, _HIP - 0.02))
    neck = spot((0.55 * sin(lean), 0.0, _HIP + 0.55 * cos(lean)))
    chest = spot((0.40 * sin(lean), 0.0, _HIP + 0.40 * cos(lean)))
    outline = [
        (hips[0] - half * 0.86, hips[1] + 0.05 * size),
        (chest[0] - half * 1.05, chest[1]),
        (neck[0] - half * 0.55, neck[1] - 0.01 * size),
        (neck[0] + half * 0.55, neck[1] - 0.01 * size),
        (chest[0] + half * 1.05, chest[1]),
        (hips[0] + half * 0.86, hips[1] + 0.05 * size),
    ]
    if person.bag and not (pose.away and frontal > 0.6):  # noqa: PLR2004 - from behind the bag is drawn over the back
        _bag(canvas, chest, pose, size)
    polygon(canvas, outline, person.jacket)
    shadow = [outline[4], outline[5], ((outline[5][0] + hips[0]) / 2, outline[5][1]), chest]
    polygon(canvas, shadow, shaded(person.jacket, 0.82))
    ellipse(canvas, chest, (half * 1.05, 0.13 * size), person.jacket)
    if person.bag and pose.away and frontal > 0.6:  # noqa: PLR2004 - see above
        rectangle(
            canvas,
            (chest[0] - half * 0.7, chest[1] - 0.1 * size),
            (chest[0] + half * 0.7, chest[1] + 0.3 * size),
            (52, 60, 66),
        )
    _head(canvas, person, pose, spot((0.68 * sin(lean) + 0.02, 0.0, _HIP + 0.68 * cos(lean) + 0.03)), neck, size)


def _bag(canvas: Pixels, chest: Point, pose: Pose, size: float) -> None:
    back = -pose.side * 0.2 * size
    ellipse(canvas, (chest[0] + back, chest[1] + 0.1 * size), (0.13 * size, 0.24 * size), (52, 60, 66))


def _head(canvas: Pixels, person: Person, pose: Pose, centre: Point, neck: Point, size: float) -> None:
    stroke(canvas, [neck, centre], shaded(person.skin, 0.8), 0.1 * size)
    cover = shaded(person.jacket, 0.9) if person.hood else (40, 44, 52)
    ellipse(canvas, centre, (0.105 * size, 0.135 * size), cover)
    if pose.away and abs(pose.side) < 0.5:  # noqa: PLR2004 - from behind no face is seen
        return
    look = pose.side * 0.045 * size
    ellipse(canvas, (centre[0] + look, centre[1] + 0.02 * size), (0.068 * size, 0.095 * size), person.skin)
    if not person.hood:
        ellipse(canvas, (centre[0] - look * 0.4, centre[1] - 0.07 * size), (0.1 * size, 0.07 * size), cover)


def draw_cat(cat: Cat, phase: float, facing: float) -> Drawn:
    """A cat walking; `facing` is -1 to the left, 1 to the right."""
    size = PPM * cat.size
    width, height = round(1.3 * size), round(0.75 * size)
    canvas = np.zeros((height, width, 4), np.uint8)
    foot = (width / 2, height - 0.06 * size)

    def at(ahead: float, above: float) -> Point:
        return (foot[0] + facing * ahead * size, foot[1] - above * size)

    dark = shaded(cat.colour, 0.75)
    for ahead, lag, tone in ((0.19, pi, dark), (-0.17, 0.0, dark), (0.2, 0.0, cat.colour), (-0.18, pi, cat.colour)):
        step = 0.09 * sin(phase + lag)
        lift = 0.04 * max(0.0, cos(phase + lag))
        stroke(canvas, [at(ahead, 0.18), at(ahead + step, lift)], tone, 0.055 * size)
    wave = 0.06 * sin(phase * 0.5)
    stroke(canvas, [at(-0.24, 0.25), at(-0.38, 0.36), at(-0.42, 0.52 + wave)], cat.colour, 0.045 * size)
    ellipse(canvas, at(0, 0.235), (0.27 * size, 0.1 * size), cat.colour)
    ellipse(canvas, at(0.02, 0.19), (0.2 * size, 0.05 * size), dark)
    ellipse(canvas, at(0.31, 0.33), (0.085 * size, 0.08 * size), cat.colour)
    for ear in (0.26, 0.34):
        polygon(canvas, [at(ear - 0.03, 0.38), at(ear, 0.46), at(ear + 0.035, 0.38)], dark)
    return Drawn(canvas, foot)


def draw_car(car: Car) -> Drawn:
    """A car from its side; the foot point is on the road below its middle."""
    right = 1.0 if car.speed > 0 else -1.0
    size = PPM * 0.8
    length, tall = car.length_m, car.height_m
    width, height = round((length + 0.4) * size), round((tall + 0.25) * size)
    canvas = np.zeros((height, width, 4), np.uint8)
    foot = (width / 2, height - 0.1 * size)

    def at(ahead: float, above: float) -> Point:
        return (foot[0] + right * ahead * length * size, foot[1] - above * tall * size)

    body = [(-0.5, 0.18), (-0.5, 0.52), (-0.47, 0.64), (0.22, 0.66), (0.46, 0.54), (0.5, 0.42), (0.5, 0.18)]
    cabin = [(-0.44, 0.62), (-0.33, 0.98), (0.06, 1.0), (0.27, 0.62)]
    if tall > 1.9:  # noqa: PLR2004 - metres: a van
        cabin = [(-0.49, 0.6), (-0.48, 0.99), (0.22, 1.0), (0.38, 0.6)]
    polygon(canvas, [at(*point) for point in cabin], shaded(car.colour, 0.9))
    polygon(canvas, [at(*point) for point in body], car.colour)
    polygon(canvas, [at(-0.5, 0.18), at(-0.5, 0.32), at(0.5, 0.32), at(0.5, 0.18)], shaded(car.colour, 0.7))
    glass: Colour = (92, 80, 70)
    polygon(canvas, [at(-0.34, 0.66), at(-0.28, 0.92), at(-0.1, 0.94), at(-0.1, 0.66)], glass)
    polygon(canvas, [at(-0.07, 0.66), at(-0.07, 0.94), at(0.05, 0.94), at(0.2, 0.66)], glass)
    stroke(canvas, [at(-0.08, 0.3), at(-0.08, 0.64)], shaded(car.colour, 0.75), 2)
    radius = 0.31 * size
    for ahead in (-0.31, 0.31):
        ellipse(canvas, (at(ahead, 0)[0], foot[1] - radius * 0.9), (radius, radius), (30, 30, 32))
        ellipse(canvas, (at(ahead, 0)[0], foot[1] - radius * 0.9), (radius * 0.55, radius * 0.55), (150, 152, 154))
    rectangle(canvas, at(0.46, 0.5), at(0.5, 0.42), (225, 240, 245))
    rectangle(canvas, at(-0.5, 0.56), at(-0.475, 0.44), (40, 40, 200))
    return Drawn(canvas, foot)


def stride_phase(distance: float, height_m: float) -> float:
    """The gait's phase after walking `distance` metres."""
    return 2 * pi * distance / (0.82 * height_m)


def heading(step_x: float, step_z: float) -> tuple[float, bool]:
    """(side, away) of somebody moving by (step_x, step_z): side -1..1, and whether they go away from the camera."""
    length = hypot(step_x, step_z)
    if length < 1e-6:  # noqa: PLR2004 - standing
        return (0.35, False)
    return (step_x / length, step_z > 0)
