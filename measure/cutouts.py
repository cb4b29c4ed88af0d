"""People and vehicles cut out of footage at run time, and pasted on pictures without them; nothing of it is stored.

A cut-out is what differs from the empty background of its clip. CutFootage of the detector's own kind of object on a
real background is the only way to ask a real detector about a path that nobody walked before a camera.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from smartcam.capture.sources.clip import all_pictures
from smartcam.capture.sources.file import open_clip

Bgr = NDArray[np.uint8]
Alpha = NDArray[np.float32]

_LEAST_DIFFERENCE: Final = 30
"""Grey levels by which a pixel of an object differs from the background; sensor noise stays below 8."""
_LEAST_SIDE: Final = 24
"""Pixels: what is smaller cannot be told from compression."""
_MOST_VIEWS: Final = 24
_LEAST_FILLED: Final = 0.3
"""How much of its box an object fills; what reaches out of it is a shadow, or a table that stands behind."""
_COLOURED: Final = 60
"""Saturation of a background on which a shadow keeps the colour and an object does not."""
_SHADE: Final = (0.3, 1.0)
_SAME_SHADE: Final = 0.12


@dataclass(frozen=True, slots=True)
class Source:
    """A span of a clip's pictures, `first` to `last`, that shows one object, and where its background comes from.

    `empty` are spans of pictures without an object at the left and at the right of the column `split` (a share of the
    width): who walks across a short clip leaves one side free and then the other.
    """

    clip: str
    kind: str
    first: int
    last: int
    empty: tuple[tuple[int, int], tuple[int, int]]
    split: float = 1.0

    def seen_in(self) -> range:
        """The pictures to look at: enough views, however long the span is."""
        return range(self.first, self.last + 1, max(1, (self.last - self.first) // _MOST_VIEWS))

    def empty_in(self) -> tuple[range, range]:
        """The pictures whose medians are the left and the right side of the background."""
        left, right = (range(first, last + 1, max(1, (last - first) // 15)) for first, last in self.empty)
        return left, right


_VISITS: Final = ((60, 197), (227, 450), (502, 699), (744, 870), (921, 1200), (1234, 1359))
_EMPTY_ROOM: Final = ((0, 55), (0, 55))
SOURCES: Final = (
    *(Source("intel_one-by-one-person-detection.mp4", "person", *visit, _EMPTY_ROOM) for visit in _VISITS),
    Source("intel_worker-zone-detection_preview.mp4", "person", 0, 70, ((0, 8), (55, 70)), 0.47),
    Source("intel_person-bicycle-car-detection_preview.mp4", "vehicle", 0, 40, ((0, 40), (0, 40))),
    Source("intel_car-detection.mp4", "vehicle", 55, 108, ((0, 50), (0, 50))),
    Source("intel_car-detection.mp4", "vehicle", 315, 347, ((0, 50), (0, 50))),
)
"""By eye, from contact sheets of the shared clips; the visits are those of the shared labels."""


@dataclass(frozen=True, slots=True)
class View:
    """An object in one picture: its colours (h, w, 3) and how much it covers (h, w), 0 to 1, cut to its own box."""

    colours: Bgr
    alpha: Alpha

    @property
    def aspect(self) -> float:
        """Width over height."""
        return self.alpha.shape[1] / self.alpha.shape[0]

    def mirrored(self) -> "View":
        """Who goes the other way."""
        return View(self.colours[:, ::-1], self.alpha[:, ::-1])


@dataclass(frozen=True, slots=True)
class Cutout:
    """One object in successive pictures of a clip, whole in each of them, at `fps` views a second."""

    clip: str
    kind: str
    fps: float
    views: tuple[View, ...]

    def at(self, seconds: float) -> View:
        """The view after so many seconds; they are shown to and fro, so that no step is a jump."""
        turn = 2 * len(self.views) - 2
        place = int(seconds * self.fps) % turn if turn else 0
        return self.views[min(place, turn - place)]


@dataclass(frozen=True, slots=True)
class CutFootage:
    """What there is to paste, in the order of `SOURCES`, and on what: the clips' backgrounds by the clip's name."""

    cutouts: tuple[Cutout, ...]
    backgrounds: dict[str, Bgr]

    def of(self, kind: str) -> tuple[Cutout, ...]:
        """The people, or the vehicles."""
        return tuple(each for each in self.cutouts if each.kind == kind)


def cut_out(folder: Path) -> CutFootage:
    """Cut everything out of the shared clips in a folder. Raises CameraLost when one of them cannot be read."""
    cutouts: list[Cutout] = []
    backgrounds: dict[str, Bgr] = {}
    for name in dict.fromkeys(source.clip for source in SOURCES):
        sources = [source for source in SOURCES if source.clip == name]
        wanted = {number for each in sources for span in (each.seen_in(), *each.empty_in()) for number in span}
        clip = open_clip(folder / name)
        fps = clip.frames_per_second
        pictures = {
            number: taken.picture.to_bgr() for number, taken in enumerate(all_pictures(clip)) if number in wanted
        }
        for source in sources:
            background = backgrounds[name] = _background(pictures, source)
            views = [view_of(pictures[number], background, source.kind) for number in source.seen_in()]
            whole = tuple(view for view in views if view is not None)
            if whole:
                cutouts.append(Cutout(name, source.kind, fps / source.seen_in().step, whole))
    return CutFootage(tuple(cutouts), backgrounds)


def view_of(picture: Bgr, background: Bgr, kind: str = "person") -> View | None:
    """The largest object that the picture holds and the background does not; None if there is none, or not whole."""
    mask = _differs(picture, background)
    outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    if not outlines:
        return None
    outline = max(outlines, key=cv2.contourArea)
    if kind == "vehicle":  # its windows show the road's own grey
        outline = cv2.convexHull(outline)
    left, top, wide, high = cv2.boundingRect(outline)
    is_cut = left <= 1 or top <= 1 or left + wide >= mask.shape[1] - 1 or top + high >= mask.shape[0] - 1
    is_thin = cv2.contourArea(outline) < _LEAST_FILLED * wide * high
    if is_cut or is_thin or min(wide, high) < _LEAST_SIDE:
        return None
    filled = np.zeros_like(mask)
    cv2.drawContours(filled, [outline], -1, (1,), cv2.FILLED)
    alpha = np.asarray(cv2.GaussianBlur(filled.astype(np.float32), (0, 0), 1.0), np.float32)
    box = slice(top, top + high), slice(left, left + wide)
    return View(picture[box].copy(), alpha[box].copy())


def outline_of(picture: Bgr, background: Bgr) -> tuple[float, float, float, float] | None:
    """The box of the largest object, also where the picture cuts it off; None where nothing is large enough."""
    outlines, _ = cv2.findContours(_differs(picture, background), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    if not outlines:
        return None
    left, top, wide, high = cv2.boundingRect(max(outlines, key=cv2.contourArea))
    return None if min(wide, high) < _LEAST_SIDE else (left, top, left + wide, top + high)


def _differs(picture: Bgr, background: Bgr) -> NDArray[np.uint8]:
    """1 where something stands before the background, 0 where there is only another light."""
    # An automatic exposure makes all of the picture darker when something white passes.
    thin = slice(None, None, 8), slice(None, None, 8)
    light = float(np.median((background[thin] + np.float32(8)) / (picture[thin] + np.float32(8))))
    even = cv2.convertScaleAbs(picture, alpha=light)
    apart = _least_and_most(cv2.absdiff(even, background))[1]
    mask = cv2.GaussianBlur(apart, (0, 0), 1.0) > _LEAST_DIFFERENCE
    quotient = (even + np.float32(8)) / (background + np.float32(8))
    least, most = _least_and_most(quotient)
    darker = cv2.transform(quotient, np.full((1, 3), 1 / 3, np.float32))
    is_shade = (darker > _SHADE[0]) & (darker < _SHADE[1]) & (most - least < _SAME_SHADE)
    least, most = _least_and_most(background)
    mask &= ~(is_shade & (most - least > _COLOURED))
    opened = cv2.morphologyEx(np.asarray(mask, np.uint8), cv2.MORPH_OPEN, np.ones((5, 5), np.uint8))
    return np.asarray(cv2.morphologyEx(opened, cv2.MORPH_CLOSE, np.ones((7, 7), np.uint8)), np.uint8)


def _least_and_most(picture: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Of the three colours of each pixel. numpy's own reduction of a side of three takes twenty times as long."""
    blue, green, red = cv2.split(picture)
    return np.minimum(np.minimum(blue, green), red), np.maximum(np.maximum(blue, green), red)


def paste(picture: Bgr, view: View, left: float, foot: float, height: float) -> None:
    """Draw the view into the picture at `height` pixels, standing on the row `foot`; what lies outside is left out."""
    high, wide = max(round(height), 2), max(round(height * view.aspect), 2)
    kind = cv2.INTER_AREA if high < view.alpha.shape[0] else cv2.INTER_LINEAR
    colours = np.asarray(cv2.resize(view.colours, (wide, high), interpolation=kind))
    alpha = np.asarray(cv2.resize(view.alpha, (wide, high), interpolation=kind))
    x, y = round(left), round(foot) - high
    x1, y1, x2, y2 = max(x, 0), max(y, 0), min(x + wide, picture.shape[1]), min(y + high, picture.shape[0])
    if x1 >= x2 or y1 >= y2:
        return
    inside = slice(y1 - y, y2 - y), slice(x1 - x, x2 - x)
    weight = alpha[inside][..., None]
    behind = picture[y1:y2, x1:x2].astype(np.float32)
    picture[y1:y2, x1:x2] = np.asarray(behind + weight * (colours[inside] - behind) + np.float32(0.5), np.uint8)


def _background(pictures: Mapping[int, Bgr], source: Source) -> Bgr:
    left, right = (
        np.asarray(np.median(np.stack([pictures[number] for number in span]), axis=0), np.uint8)
        for span in source.empty_in()
    )
    column = round(source.split * left.shape[1])
    return np.concatenate([left[:, :column], right[:, column:]], axis=1)
