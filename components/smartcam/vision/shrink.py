"""Small pictures: what the gate, the tamper watch and the backdrop compare."""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

Luma = NDArray[np.uint8]
Light = NDArray[np.float32]

WORKING_WIDTH: Final = 240
"""Pictures are halved until they are at most this wide: the cost stays the same, and noise averages out."""
_SPARSE_FROM: Final = 3
"""From this many halvings on, rows are skipped."""


class Shrinker:
    """Halves pictures repeatedly into the same memory: fresh pages cost more than the halving itself.

    If a picture is halved three times or more, every second row is skipped, because the first halving is limited by
    memory bandwidth. A cell is still the mean of 32 pixels, twice as many as for a picture of 640x480. Not thread-safe.
    """

    def __init__(self) -> None:
        self._shape: tuple[int, ...] = ()
        self._steps: list[_Step] = []

    def shrink(self, luma: Luma) -> Light:
        """The picture halved until it is at most `WORKING_WIDTH` wide: float32, each cell a mean of its pixels."""
        if luma.shape != self._shape:
            self._shape = luma.shape
            self._steps = _steps(*luma.shape)
        for step in self._steps:
            cv2.resize(luma[step.part], step.into.shape[::-1], dst=step.into, interpolation=step.way)
            luma = step.into
        return luma.astype(np.float32)


@dataclass(frozen=True, slots=True)
class _Step:
    """One resize by whole factors: which part of the previous picture, into what, with which interpolation."""

    part: tuple[slice, slice]
    into: Luma
    way: int


def shrunk_shape(height: int, width: int) -> tuple[int, int]:
    """The shape of a picture after a shrinker."""
    while width > WORKING_WIDTH and height > 1:
        height, width = height // 2, width // 2
    return height, width


def _steps(height: int, width: int) -> list[_Step]:
    rows, columns = shrunk_shape(height, width)
    halvings = (width // columns).bit_length() - 1
    if halvings < _SPARSE_FROM:
        return [_step(height >> done, width >> done) for done in range(halvings)]
    # Every second row, then halvings; last the width alone, where linear sampling is the mean of two.
    first = _Step(
        (slice(0, height // 4 * 4, 2), slice(0, width // 2 * 2)),
        np.empty((height // 4, width // 2), np.uint8),
        cv2.INTER_AREA,
    )
    halves = [_step(height >> done + 1, width >> done) for done in range(1, halvings - 1)]
    narrow = _Step((slice(0, rows), slice(0, columns * 2)), np.empty((rows, columns), np.uint8), cv2.INTER_LINEAR)
    return [first, *halves, narrow]


def _step(height: int, width: int) -> _Step:
    """A halving of a picture of this size."""
    rows, columns = height // 2, width // 2
    return _Step((slice(0, 2 * rows), slice(0, 2 * columns)), np.empty((rows, columns), np.uint8), cv2.INTER_AREA)
