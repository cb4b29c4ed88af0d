"""Cameras that are turned away, drawn over a wide picture; and one that is only knocked."""

from typing import Final

import cv2
import numpy as np

from smartcam.vision.tamper import Cause
from tests.unit.vision.tampering_cases import HEIGHT, WIDTH, Draw, Light, Staged, ramp, view


def turned_quickly(rng: np.random.Generator) -> Staged:
    way, far, down, takes_s = rng.choice([-1, 1]), rng.uniform(0.5, 0.95), rng.uniform(-0.1, 0.1), rng.uniform(0.2, 0.8)
    return Staged(
        lambda place, s: view(place, way * far * ramp(s, takes_s), down * ramp(s, takes_s)), 5.0, (Cause.MOVED,)
    )


def turned_slowly(rng: np.random.Generator) -> Staged:
    way, far, takes_s = rng.choice([-1, 1]), rng.uniform(0.7, 0.95), rng.uniform(3, 8)
    return Staged(lambda place, s: view(place, way * far * ramp(s, takes_s)), 5.0, (Cause.MOVED,))


def turned_in_jerks(rng: np.random.Generator) -> Staged:
    way, steps = rng.choice([-1, 1]), np.cumsum(rng.uniform(0.12, 0.3, 3))
    at = np.concatenate([[0.0], np.cumsum(rng.uniform(0.7, 1.3, 2))])

    def look(place: Light, s: float) -> Light:
        begun = s - at[at <= s]
        steps_done = np.diff(steps, prepend=0.0)[: len(begun)]
        return view(
            place, way * float(sum(step * ramp(since, 0.25) for step, since in zip(steps_done, begun, strict=True)))
        )

    return Staged(look, 5.0, (Cause.MOVED,))


def shoved_and_back(rng: np.random.Generator) -> Staged:
    """Pushed aside for some seconds; it springs back, but not quite."""
    way, away_s, rest = rng.choice([-1, 1]), rng.uniform(1.0, 4.0), rng.uniform(0.08, 0.2)

    def look(place: Light, s: float) -> Light:
        back = ramp(s - away_s, 0.4)
        return view(place, way * (ramp(s, 0.4) * 0.6 * (1 - back) + rest * back), 0.02 * np.sin(9 * s) * (1 - back))

    return Staged(look, 5.0, (Cause.MOVED,))


def tilted(rng: np.random.Generator) -> Staged:
    """Up or down, by half of the picture's height and more."""
    way, far, takes_s = rng.choice([-1, 1]), rng.uniform(0.3, 0.53), rng.uniform(0.3, 3)
    return Staged(lambda place, s: view(place, 0.0, way * far * ramp(s, takes_s)), 5.0, (Cause.MOVED,))


def rolled(rng: np.random.Generator) -> Staged:
    """About the way it looks."""
    way, far, takes_s = rng.choice([-1, 1]), rng.uniform(15, 90), rng.uniform(0.3, 2)

    def look(place: Light, s: float) -> Light:
        move = cv2.getRotationMatrix2D((1.5 * WIDTH, 0.5 * HEIGHT), way * far * ramp(s, takes_s), 1.0)
        move[0, 2] -= WIDTH
        size = WIDTH, HEIGHT
        return np.asarray(cv2.warpAffine(place, move, size, borderMode=cv2.BORDER_REFLECT), np.float32)

    return Staged(look, 5.0, (Cause.MOVED,))


def carried(rng: np.random.Generator) -> Staged:
    """Taken off and waved about: it never rests."""
    across, down = rng.uniform(0.3, 1.1, 2)
    begin = rng.uniform(0, 6)

    def look(place: Light, s: float) -> Light:
        right = np.sin(across * s + begin) - np.sin(begin) * (1 - ramp(s, 1.0))
        return view(place, 0.75 * float(right), 0.2 * float(np.sin(2 * down * s)))

    return Staged(look, 5.0, (Cause.MOVED,))


TURNINGS: Final[tuple[Draw, ...]] = (
    turned_quickly,
    turned_slowly,
    turned_in_jerks,
    shoved_and_back,
    tilted,
    rolled,
    carried,
)


def knocked(rng: np.random.Generator) -> Staged:
    """For less than half a second; it springs back to where it was."""
    far, takes_s = rng.uniform(0.05, 0.3), rng.uniform(0.1, 0.45)
    return Staged(lambda place, s: view(place, far * np.sin(np.pi * s / takes_s) if s < takes_s else 0.0), None)
