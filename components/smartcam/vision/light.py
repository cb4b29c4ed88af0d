"""The light of a scene, patch by patch: it follows clouds, lamps and auto-exposure, but not people."""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from smartcam.vision.shrink import Light

Matrix = cv2.typing.MatLike

_PATCH: Final = 8
"""Cells per side of a patch for which the change of light is estimated."""
_DARK: Final = np.float32(8)
"""Added to both sides of a ratio of brightness, so that nothing is divided by black."""
_LEAST_LIGHT: Final = np.float32(0.4)
_MOST_LIGHT: Final = np.float32(2.5)


def patches(small: Light) -> Light:
    """The brightness of each patch, with `_DARK` added."""
    rows, columns = (max(side // _PATCH, 1) for side in small.shape)
    whole = small[: rows * _PATCH, : columns * _PATCH]
    return np.asarray(cv2.resize(whole, (columns, rows), interpolation=cv2.INTER_AREA), np.float32) + _DARK


@dataclass(frozen=True, slots=True)
class WatchedPatches:
    """Which patches tell something about the light, and which are ignored: indices into the flattened grid."""

    watched: NDArray[np.intp]
    ignored: NDArray[np.intp]

    @classmethod
    def of(cls, watched: NDArray[np.bool_]) -> "WatchedPatches | None":
        """None if all patches are watched, or none."""
        if watched.all() or not watched.any():
            return None
        return cls(np.flatnonzero(watched), np.flatnonzero(~watched))

    def even_out(self, ratio: Light) -> None:
        """Give the ignored patches the median of the watched ones."""
        flat = ratio.reshape(-1)
        ratios, middle = flat[self.watched], self.watched.size // 2
        ratios.partition(middle)
        flat[self.ignored] = ratios[middle]


def change_of_light(before: Light, now: Light, only: WatchedPatches | None) -> tuple[Matrix, float]:
    """How much brighter each patch is now, as a factor, and the mean of that over the whole picture.

    The median over neighbouring patches follows clouds and lamps but not a person, who fills fewer than half.
    """
    ratio = np.minimum(np.maximum(now / before, _LEAST_LIGHT), _MOST_LIGHT)
    if only is not None:
        only.even_out(ratio)
    light = cv2.medianBlur(ratio, 5)
    return light, cv2.mean(light)[0]


def relit(background: Matrix, field: Matrix) -> Matrix:
    """The background under another light."""
    return cv2.threshold(cv2.multiply(background, field), 255.0, 0.0, cv2.THRESH_TRUNC)[1]
