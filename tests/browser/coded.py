"""Pictures that say which one they are: a number in large blocks along the upper edge, which survives any codec."""

import base64
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray
from playwright.sync_api import Page

from smartcam.vision.picture import Picture

Grey = NDArray[np.uint8]
SIZE = 64, 48
"""Of the small pictures by which two are compared: width, height."""
ALIKE = 3
"""Grey levels: what encoder and screen change is less; the code of a picture differs by more from that of any other."""
END_S = 0.1
"""A film ends at most so long after its last picture has come."""
SAME_S = 0.001
BITS = 8
_LATE = 10
"""On a busy machine a page that is told of a picture may find one there that is so many later."""
_CODE_SHARE = 6
"""The code is the picture's uppermost sixth."""
_DARK, _BRIGHT = 40, 210


def coded(pictures: Iterable[Picture]) -> Iterator[Picture]:
    """The pictures, with their numbers drawn in."""
    for number, picture in enumerate(pictures):
        luma, u, v = (np.array(plane) for plane in (picture.luma, picture.u, picture.v))
        height = picture.height // _CODE_SHARE
        for bit in range(BITS):
            left, right = (picture.width * each // BITS for each in (bit, bit + 1))
            luma[:height, left:right] = _BRIGHT if number >> bit & 1 else _DARK
        u[: height // 2] = v[: height // 2] = 128
        yield Picture(luma, u, v)


def number_of(grey: Grey) -> int:
    """The number that a small picture shows."""
    width, height = SIZE
    row = grey[height // _CODE_SHARE // 2]
    return sum(int(row[(2 * bit + 1) * width // BITS // 2] > (_DARK + _BRIGHT) // 2) << bit for bit in range(BITS))


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture as somebody sees it, and its time in the film in seconds."""

    at: float
    grey: Grey

    @property
    def number(self) -> int:
        return number_of(self.grey)


def film(path: Path) -> list[Shown]:
    """What PyAV shows of a film."""
    with av.open(str(path), "r") as container:
        return [
            Shown(float(frame.time or 0), small(np.asarray(frame.to_ndarray()[: frame.height], np.uint8)))
            for frame in container.decode(video=0)
        ]


@dataclass(frozen=True, slots=True)
class Played:
    """What the browser shows of a film, how long it takes it to be, and how many pictures it has decoded."""

    shown: Sequence[Shown]
    duration_s: float
    size: tuple[int, int]
    decoded: int


def played(page: Page, name: str, rate: float = 1) -> Played:
    """Play a film from its beginning to its end."""
    found = page.evaluate("([url, rate, size]) => play(url, rate, ...size)", [name, rate, SIZE])
    shown = [Shown(at, _from_page(pixels)) for at, pixels in found["shown"]]
    return Played(shown, found["duration"], tuple(found["size"]), found["decoded"])


def assert_shows(page: Page, path: Path, folder: Path, rate: float = 1, *, is_every: bool = True) -> Sequence[Shown]:
    """Played in a browser, the film shows its pictures in order, each at its time, to the last; what PyAV shows of it.

    `is_every`: what was not seen so is gone to, and stands there. A browser that plays leaves out what would come too
    late, and each time what lasts shorter than a refresh of the screen.
    """
    shutil.copy(path, folder / path.name)
    wanted = film(path)
    once = played(page, path.name, rate)
    assert once.decoded == len(wanted)
    assert once.duration_s - END_S <= once.shown[-1].at <= once.duration_s
    numbers = [number_in(wanted, each) for each in once.shown]
    assert numbers == sorted(set(numbers))
    missing = set(range(len(wanted)))
    for number, each in zip(numbers, once.shown, strict=True):
        like = [at for at in range(number, min(number + _LATE, len(wanted))) if is_like(each, wanted[at])]
        assert like
        missing -= {number} & set(like)
    if is_every:
        left = sorted(missing)
        stood = stills(page, [wanted[number] for number in left])
        assert [number_in(wanted, each) for each in stood] == left
        assert all(is_like(each, wanted[number]) for number, each in zip(left, stood, strict=True))
    return wanted


def stills(page: Page, pictures: Sequence[Shown]) -> Sequence[Shown]:
    """What the browser shows where the film that it has played stands at each of these pictures."""
    found = page.evaluate("([times, size]) => stills(times, ...size)", [[each.at for each in pictures], SIZE])
    return [Shown(at, _from_page(pixels)) for at, pixels in found]


def is_like(one: Shown, other: Shown) -> bool:
    return difference(one.grey, other.grey) < ALIKE


def number_in(wanted: Sequence[Shown], shown: Shown) -> int:
    """Which picture of the film is shown at this time."""
    (number,) = [at for at, each in enumerate(wanted) if abs(each.at - shown.at) < SAME_S]
    return number


def difference(one: Grey, other: Grey) -> float:
    """The mean difference of two small pictures, in grey levels."""
    return float(cv2.absdiff(one, other).mean())


def _from_page(pixels: str) -> Grey:
    width, height = SIZE
    return np.frombuffer(base64.b64decode(pixels), np.uint8).reshape(height, width)


def small(luma: Grey) -> Grey:
    """The small picture of such brightness: a film has 16 to 235 (ITU-R BT.601) where a screen has 0 to 255."""
    grey = cv2.resize(luma, SIZE, interpolation=cv2.INTER_AREA).astype(np.float32)
    return np.asarray(((grey - 16) * (255 / 219)).clip(0, 255).round(), np.uint8)
