"""Parts of a picture that nobody may see, or that the gate ignores."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from smartcam.contract.errors import SettingsError
from smartcam.vision.picture import Picture, Plane
from smartcam.vision.zone import Zone

_BLACK: Final = 16
_GREY: Final = 128
_FINE: Final = 4
"""Fractional bits of a corner's coordinates."""
_MARGIN: Final = 2
_LEAST_LEFT: Final = 0.02
"""If less than this share of the picture is left visible, the camera is configured wrongly."""
_CHECK_SIDE: Final = 200


def covered(zones: Sequence[Zone], width: int, height: int) -> Plane:
    """uint8 (height, width): 255 in every cell that a zone touches and in the cells next to it, else 0."""
    # With a margin: drawing clips what lies outside the plane, and with it cells at the edge.
    plane: Plane = np.zeros((height + 2 * _MARGIN, width + 2 * _MARGIN), np.uint8)
    for zone in zones:
        # Corners are normalised; the middle of a cell lies half a cell off.
        corners = (np.array(zone.corners) * (width, height) - 0.5 + _MARGIN) * (1 << _FINE)
        cv2.fillPoly(plane, [np.round(corners).astype(np.int32)], (255,), cv2.LINE_8, _FINE)
    # Edges are drawn in steps: a cell that one crosses may be missing from the drawing, but not from the zone.
    wide = np.asarray(cv2.dilate(plane, np.ones((3, 3), np.uint8)), np.uint8)
    return np.ascontiguousarray(wide[_MARGIN:-_MARGIN, _MARGIN:-_MARGIN])


def check_masks(zones: Sequence[Zone], key: str) -> None:
    """Raises SettingsError, naming the key, for masks that leave almost nothing visible."""
    left = 1 - np.count_nonzero(covered(zones, _CHECK_SIDE, _CHECK_SIDE)) / _CHECK_SIDE**2
    if zones and left < _LEAST_LEFT:
        names = [zone.name for zone in zones]
        raise SettingsError(key, names, f"cover the whole picture; leave at least {_LEAST_LEFT:.0%} of it visible")


@dataclass(frozen=True, slots=True)
class _Place:
    """The part of a plane that encloses all masks: its rows and columns, the mask, and the level to fill in."""

    part: tuple[slice, slice]
    mask: Plane
    black: Plane


class PrivacyMask:
    """Blackens zones of pictures. For one thread; a masked picture is valid until the next one is masked.

    The decoder's own pictures are never written to, because it predicts the next ones from them. So a camera with masks
    costs one copy of each picture, and one without costs nothing.
    """

    def __init__(self, zones: Sequence[Zone]) -> None:
        self._zones = tuple(zones)
        self._masked: Picture | None = None
        self._places: tuple[_Place, ...] = ()

    def apply(self, picture: Picture) -> Picture:
        """The picture with its zones in black; the picture itself if there are none."""
        if not self._zones:
            return picture
        masked = self._masked
        if masked is None or (masked.width, masked.height) != (picture.width, picture.height):
            masked = self._masked = self._prepare(picture.width, picture.height)
        planes = zip((masked.y, masked.u, masked.v), (picture.y, picture.u, picture.v), self._places, strict=True)
        for target, source, place in planes:
            np.copyto(target, source)
            cv2.copyTo(place.black, place.mask, target[place.part])
        return masked

    def _prepare(self, width: int, height: int) -> Picture:
        fine = covered(self._zones, width, height)
        # Each colour sample covers four of brightness: all four are blackened, or colours would show at the edge.
        colour = np.asarray(fine.reshape(height // 2, 2, width // 2, 2).max((1, 3)), np.uint8)
        fine = colour.repeat(2, 0).repeat(2, 1)
        dark, plain = _place(fine, _BLACK), _place(colour, _GREY)
        self._places = (dark, plain, plain)
        return Picture.from_i420(np.empty(width * height * 3 // 2, np.uint8), width, height)


def _place(plane: Plane, level: int) -> _Place:
    left, top, width, height = cv2.boundingRect(plane)
    part = slice(top, top + height), slice(left, left + width)
    mask = np.ascontiguousarray(plane[part])
    return _Place(part, mask, np.full_like(mask, level))
