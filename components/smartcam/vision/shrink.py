"""Pictures in little: what the gate, the tamper watch and the backdrop compare."""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

Luma = NDArray[np.uint8]
Light = NDArray[np.float32]

WORKING_WIDTH: Final = 240
"""Pictures are halved until they are no wider: the cost stays the same, and noise averages out."""


class Shrinker:
    """Halves pictures again and again into the same memory: fresh pages cost more than the halving itself.

    Not for several threads.
    """

    def __init__(self) -> None:
        self._shape: tuple[int, ...] = ()
        self._halves: list[Luma] = []

    def shrink(self, luma: Luma) -> Light:
        """The picture halved until it is at most `WORKING_WIDTH` wide: float32, each cell the mean of its pixels."""
        if luma.shape != self._shape:
            self._shape = luma.shape
            self._halves = _halves(*luma.shape)
        for half in self._halves:
            rows, columns = half.shape
            even = luma[: 2 * rows, : 2 * columns]
            cv2.resize(even, (columns, rows), dst=half, interpolation=cv2.INTER_AREA)
            luma = half
        return luma.astype(np.float32)


def shrunk(luma: Luma) -> Light:
    """A single picture in little, see `Shrinker`."""
    return Shrinker().shrink(luma)


def shrunk_shape(height: int, width: int) -> tuple[int, int]:
    """The shape that `shrunk` gives a picture."""
    while width > WORKING_WIDTH and height > 1:
        height, width = height // 2, width // 2
    return height, width


def _halves(height: int, width: int) -> list[Luma]:
    halves: list[Luma] = []
    while width > WORKING_WIDTH and height > 1:
        height, width = height // 2, width // 2
        halves.append(np.empty((height, width), np.uint8))
    return halves
