"""Strange things of our own in normal footage: to choose by, so that no labelled set has to be looked at.

The pieces come from the footage itself while it is measured; nothing of it is stored.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from smartcam.vision.picture import Picture, Plane

_SECONDS: Final = (10.0, 40.0)
"""How long something stays."""
_SIDES: Final = (0.1, 0.3)
"""Its width and its height, as shares of the picture's."""
_APART_S: Final = 220.0
"""From one to the next, so that nothing of the one is left in the score of the other."""


class OddKind(StrEnum):
    """What is strange."""

    COPIED = "copied"
    """A piece of the picture at another place: a thing put down."""
    DARK = "dark"
    """A display, or a lamp, that is off."""
    BRIGHT = "bright"
    """One that is on."""
    PUSHED = "pushed"
    """A piece of furniture pushed aside."""
    TURNED = "turned"
    """A piece upside down."""


@dataclass(frozen=True, slots=True)
class Oddity:
    """Something strange in the pictures from `first` to `last`.

    `place` is left, top, width and height, `source` the left upper corner of the piece that is copied, all of them in
    shares of the picture.
    """

    kind: OddKind
    first: int
    last: int
    place: tuple[float, float, float, float]
    source: tuple[float, float]

    def shown_in(self, picture: Picture) -> Picture:
        """The picture with it."""
        return Picture(
            self._changed(picture.y, is_luma=True), *(self._changed(c, is_luma=False) for c in (picture.u, picture.v))
        )

    def _changed(self, plane: Plane, *, is_luma: bool) -> Plane:
        changed = plane.copy()
        part = _part(changed, self.place)
        if self.kind is OddKind.COPIED:
            part[:] = _part(plane, (*self.source, *self.place[2:]))[: part.shape[0], : part.shape[1]]
        elif self.kind is OddKind.TURNED:
            part[:] = part[::-1].copy()
        elif self.kind is OddKind.PUSHED:
            part[:] = np.roll(part, max(1, part.shape[1] // 4), axis=1)
        elif is_luma:
            part[:] = _DIMMED[self.kind](part.astype(np.float32)).astype(np.uint8)
        return changed


_DIMMED: Final[dict[OddKind, Callable[[NDArray[np.float32]], NDArray[np.float32]]]] = {
    OddKind.DARK: lambda part: part * 0.35,
    OddKind.BRIGHT: lambda part: 255 - (255 - part) * 0.4,
}


def drawn(seconds: float, per_s: float, rng: np.random.Generator) -> list[Oddity]:
    """Oddities for footage of a length, of each kind in turn, first to last."""
    found: list[Oddity] = []
    start_s = _APART_S / 2
    while start_s + _SECONDS[1] < seconds:
        stays_s = rng.uniform(*_SECONDS)
        wide, high = rng.uniform(*_SIDES, 2)
        left, top, across, down = rng.uniform(0, 1, 4) * (1 - wide, 1 - high, 1 - wide, 1 - high)
        kind = tuple(OddKind)[len(found) % len(OddKind)]
        first, last = round(start_s * per_s), round((start_s + stays_s) * per_s)
        found.append(Oddity(kind, first, last, (left, top, wide, high), (across, down)))
        start_s += _APART_S + stays_s
    return found


def _part(plane: Plane, place: tuple[float, float, float, float]) -> Plane:
    height, width = plane.shape
    left, top = int(place[0] * width), int(place[1] * height)
    return plane[top : top + max(1, int(place[3] * height)), left : left + max(1, int(place[2] * width))]
