"""Turns and mirrors a picture that is stored otherwise than it is to be looked at."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from smartcam.vision.picture import Picture, Plane

QUARTERS: Final = (0, 90, 180, 270)
"""Degrees clockwise."""
_LEFT_RIGHT, _UP_DOWN, _BOTH = 1, 0, -1


@dataclass(frozen=True, slots=True)
class Turn:
    """How a stored picture becomes the one to look at; the eight ways of EXIF and of a container's display matrix.

    First rows and columns change places (`is_transposed`), then left and right, then top and bottom.
    """

    is_transposed: bool = False
    swaps_left_right: bool = False
    swaps_up_down: bool = False


AS_IT_IS: Final = Turn()


def quarter_turn(degrees: int, *, mirror: bool = False) -> Turn:
    """The turn by 0, 90, 180 or 270 degrees clockwise, and then, with `mirror`, left for right."""
    return Turn(degrees in {90, 270}, (degrees in {90, 180}) is not mirror, degrees in {180, 270})


def turn_of(matrix: Sequence[int]) -> Turn:
    """The turn of a display matrix a b u c d v x y w, which takes (p, q) to (a p + c q + x, b p + d q + y).

    Source: ISO/IEC 14496-12, 8.3.2 (track header). Other angles are taken for the nearest quarter.
    """
    a, b, _, c, d = (int(value) for value in matrix[:5])
    if abs(b) + abs(c) > abs(a) + abs(d):
        return Turn(True, c < 0, b < 0)
    return Turn(False, a < 0, d < 0)


def turned(picture: Picture, turn: Turn) -> Picture:
    """The picture as it is to be looked at: a copy, or the picture itself if it is that already."""
    if turn == AS_IT_IS:
        return picture
    return Picture(*(_turned(plane, turn) for plane in (picture.y, picture.u, picture.v)))


def _turned(plane: Plane, turn: Turn) -> Plane:
    swaps = turn.swaps_left_right, turn.swaps_up_down
    if turn.is_transposed:
        plane = np.asarray(cv2.transpose(plane), np.uint8)
    if any(swaps):
        axis = _BOTH if all(swaps) else _LEFT_RIGHT if turn.swaps_left_right else _UP_DOWN
        plane = np.asarray(cv2.flip(plane, axis), np.uint8)
    return plane
