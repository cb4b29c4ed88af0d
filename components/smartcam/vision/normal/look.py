"""A look: what each place of a small picture looks like, whatever the exposure; by day and by infrared apart."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from smartcam.vision.picture import Plane
from smartcam.vision.shrink import Light

ROWS: Final = 8
COLUMNS: Final = 16
PLACES: Final = ROWS * COLUMNS
BY_HAND: Final = 20
"""Numbers of a place without an encoder: 16 of its pattern, its brightness, its edges and its two colours."""
_SIDE: Final = 4
"""A place has so many cells on each side."""
_LEAST_CONTRAST: Final = np.float32(4)
"""Grey levels, added to the picture's deviation: noise in the dark is no pattern."""
_LEAST_PATTERN: Final = np.float32(0.15)
"""The same for a place, in deviations of the picture."""
_COLOURS: Final = np.float32(1 / 12)
_GREY: Final = 128
_COLOURLESS: Final = 2.0
_COLOURED: Final = 3.0
"""Mean distance from grey below which a picture is infrared, and above which it is not; between them it is as before.
Rooms by lamplight have 11 and more, infrared 0.2."""

Features = NDArray[np.float32]
"""(PLACES, n): what each place looks like, row by row."""


class Regime(StrEnum):
    """How the camera sees: a place by day and the same place by infrared have nothing in common."""

    DAY = "day"
    INFRARED = "infrared"


@dataclass(frozen=True, slots=True, eq=False)
class SceneLook:
    """What a picture shows.

    `light` is its brightness, (ROWS * 4, COLUMNS * 4), to see what moves until the next look.
    """

    regime: Regime
    features: Features
    light: Light


def look_at(
    luma: Light | Plane, u: Plane, v: Plane, encoded: Features | None = None, before: Regime | None = None
) -> SceneLook:
    """The look of a picture's planes, which may be shrunk already.

    `encoded` is what an encoder says of each place, (PLACES, m); it is put beside what is measured here. `before` is
    the regime of the look before.

    Raises:
        ValueError: if `encoded` is not about as many places.
    """
    if encoded is not None and (encoded.ndim != 2 or len(encoded) != PLACES):  # noqa: PLR2004 - places and numbers
        raise ValueError(f"encoded must be ({PLACES}, n), not {encoded.shape}")
    size = COLUMNS * _SIDE, ROWS * _SIDE
    light = np.asarray(cv2.resize(luma, size, interpolation=cv2.INTER_AREA), np.float32)
    colours = [
        np.asarray(cv2.resize(plane, (COLUMNS, ROWS), interpolation=cv2.INTER_AREA), np.float32).reshape(-1, 1) - _GREY
        for plane in (u, v)
    ]
    parts = [*_pattern(light), *(colour * _COLOURS for colour in colours)]
    if encoded is not None:
        parts.append(encoded)
    strength = float(np.mean([np.abs(colour).mean() for colour in colours]))
    return SceneLook(_regime(strength, before), np.concatenate(parts, axis=1, dtype=np.float32), light)


def movement(before: SceneLook, now: SceneLook) -> NDArray[np.float32]:
    """How much the brightness of each place has changed, (PLACES,), in grey levels, less any change of all of it."""
    apart = now.light - before.light
    return np.asarray(_by_place(np.abs(apart - np.float32(np.median(apart)))).mean(axis=1), np.float32)


def _pattern(light: Light) -> list[Features]:
    mean, deviation = (np.float32(each[0, 0]) for each in cv2.meanStdDev(light))
    even = (light - mean) / (deviation + _LEAST_CONTRAST)
    cells = _by_place(even)
    bright = cells.mean(axis=1, keepdims=True)
    pattern = (cells - bright) / (cells.std(axis=1, keepdims=True) + _LEAST_PATTERN)
    steps = np.zeros_like(even)
    steps[:, :-1] += np.abs(even[:, 1:] - even[:, :-1])
    steps[:-1] += np.abs(even[1:] - even[:-1])
    edges = _by_place(steps).mean(axis=1, keepdims=True)
    return [pattern, bright * 2, edges * 2]


def _by_place(cells: Light) -> Features:
    return cells.reshape(ROWS, _SIDE, COLUMNS, _SIDE).transpose(0, 2, 1, 3).reshape(PLACES, _SIDE * _SIDE)


def _regime(strength: float, before: Regime | None) -> Regime:
    edge = {Regime.DAY: _COLOURLESS, Regime.INFRARED: _COLOURED, None: _COLOURLESS}[before]
    return Regime.INFRARED if strength < edge else Regime.DAY
