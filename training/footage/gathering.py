"""Pictures out of films, as the device would show them to the model, and what is known of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from smartcam.model.manifest import InputSpec
from smartcam.model.preprocess import crop_rgb, whole
from smartcam.vision.picture import Picture
from training.footage.cutting import Cuts, FootageUse, Stretch, cut_all
from training.footage.film import Box, Film, FilmUnusable, Shot

MOST_PICTURES: Final = 9_000
"""Of all uses together: half a gigabyte of memory."""
LOOKS_PER_S: Final = 5.0
"""No more are taken a second: a device looks no more often."""
_NO_BOX: Final = (0.0, 0.0, 0.0, 0.0)
_SMALL: Final = (20, 12)
_SAME: Final = 4
"""Levels of 255 by which no part of a picture differs from the one before, which is then the same to us: noise."""
_DARK: Final = 50
_COLOURLESS: Final = 0.6
"""Infrared light has no colour; a mean distance from grey below this is noise (0.25; a grey street by day has 1)."""


@dataclass(frozen=True, slots=True, eq=False)
class Looks:
    """What is known of pictures, in order of film and time.

    `shows`, whether each shows what is to be learned, bool (n,); `at_s`, float64 (n,); `film`, the number of its film,
    int64 (n,); `night`, infrared or dark, bool (n,).
    """

    shows: NDArray[np.bool_]
    at_s: NDArray[np.float64]
    film: NDArray[np.int64]
    night: NDArray[np.bool_]

    def __len__(self) -> int:
        """The number of pictures."""
        return int(self.shows.size)

    @classmethod
    def of(cls, known: Sequence[tuple[bool, float, int, bool]]) -> "Looks":
        """Of rows in that order."""
        shows, at_s, film, night = zip(*known, strict=True) if known else ((), (), (), ())
        return cls(np.array(shows, bool), np.array(at_s, float), np.array(film, np.int64), np.array(night, bool))


@dataclass(frozen=True, slots=True, eq=False)
class Examples:
    """Pictures of one use: uint8 (n, height, width, 3), and what is known of them.

    `boxes`: where what is to be learned is, float32 (n, 4), shares of the picture; zeros where it is not, and where
    nobody says.
    """

    rgb: NDArray[np.uint8]
    looks: Looks
    boxes: NDArray[np.float32]

    @property
    def shows(self) -> NDArray[np.bool_]:
        """Whether each shows what is to be learned, (n,)."""
        return self.looks.shows

    def __len__(self) -> int:
        """The number of pictures."""
        return len(self.looks)


@dataclass(frozen=True, slots=True)
class Share:
    """What one use has: seconds in all, at night, and with what is to be learned in sight; visits; pictures.

    `same`: how many pictures were the same as the one before; those for training were left out.
    """

    seconds: float
    night_s: float
    shown_s: float
    visits: int
    pictures: int
    same: int


@dataclass(frozen=True, slots=True)
class Gathered:
    """Examples and share of each use, and the films of which not all was used, each with the reason.

    `cuts`: the stretches of each film.
    """

    films: tuple[str, ...]
    cuts: Cuts
    examples: Mapping[FootageUse, Examples]
    shares: Mapping[FootageUse, Share]
    unusable: tuple[tuple[str, str], ...]


@dataclass(slots=True)
class _Collected:
    """Pictures of one use, as they come."""

    rgb: list[NDArray[np.uint8]] = field(default_factory=list)
    boxes: list[Box] = field(default_factory=list)
    known: list[tuple[bool, float, int, bool]] = field(default_factory=list)
    seconds: float = 0.0
    night_s: float = 0.0
    shown_s: float = 0.0
    visits: int = 0
    same: int = 0


@dataclass(frozen=True, slots=True)
class _Steps:
    """Least seconds between two pictures that show what is to be learned, and between two others."""

    shown_s: float
    other_s: float


def gather(
    films: Sequence[Film],
    spec: InputSpec,
    most: int | None = MOST_PICTURES,
    tell: Callable[[str], object] = lambda _: None,
    cuts: Cuts | None = None,
) -> Gathered:
    """Reads all films once. `most`: so many pictures at most, None: all.

    `cuts`: which time of each film is for what, where the films' source knows better than us.

    A film that cannot be read is told of and left out; of one that breaks off, what came before is used.
    """
    cuts = cut_all(films) if cuts is None else cuts
    steps = _Steps(1 / LOOKS_PER_S, 1 / LOOKS_PER_S) if most is None else _steps(films, most)
    collected = {use: _Collected() for use in FootageUse}
    unusable = []
    for number, (film, stretches) in enumerate(zip(films, cuts, strict=True)):
        reading = _Reading(number, stretches, steps, spec, collected)
        try:
            for shot in film.shots():
                reading.take(shot)
        except FilmUnusable as error:
            unusable.append((film.name, str(error)))
            tell(f"{film.name}: {error}")
        tell(f"read {number + 1} of {len(films)} films")
    shares = {
        use: Share(each.seconds, each.night_s, each.shown_s, each.visits, len(each.rgb), each.same)
        for use, each in collected.items()
    }
    names = tuple(film.name for film in films)
    examples = {use: _examples(each, spec) for use, each in collected.items()}
    return Gathered(names, cuts, examples, shares, tuple(unusable))


def _steps(films: Sequence[Film], most: int) -> _Steps:
    """Half of the pictures for each of the two; what the rarer one cannot use, the other one gets."""
    shown_s = sum(last - first for film in films for first, last in film.visits)
    other_s = max(sum(film.seconds for film in films) - shown_s, 0.0)
    shown_most = max(most / 2, most - other_s * LOOKS_PER_S)
    other_most = max(most / 2, most - shown_s * LOOKS_PER_S)
    return _Steps(max(1 / LOOKS_PER_S, shown_s / shown_most), max(1 / LOOKS_PER_S, other_s / other_most))


class _Reading:
    """One film being read."""

    def __init__(
        self,
        number: int,
        stretches: Sequence[Stretch],
        steps: _Steps,
        spec: InputSpec,
        collected: Mapping[FootageUse, _Collected],
    ) -> None:
        self._number = number
        self._stretches = stretches
        self._steps = steps
        self._spec = spec
        self._collected = collected
        self._due = {True: 0.0, False: 0.0}
        self._last: tuple[float, FootageUse, bool] | None = None
        self._kept: tuple[FootageUse, bool, NDArray[np.uint8]] | None = None

    def take(self, shot: Shot) -> None:
        """Counts a picture, and keeps it if it is for some use, its time has come and it is new."""
        stretch = next((each for each in self._stretches if each.begin_s <= shot.at_s < each.end_s), None)
        if stretch is None or shot.shows is None:
            self._last = None
            return
        self._count(shot.at_s, stretch.use, shows=shot.shows)
        if shot.at_s >= self._due[shot.shows]:
            self._keep(shot, stretch.use, shows=shot.shows)

    def _count(self, at_s: float, use: FootageUse, *, shows: bool) -> None:
        into, last = self._collected[use], self._last
        self._last = at_s, use, shows
        if last is not None and last[1] is use:
            into.seconds += at_s - last[0]
            into.shown_s += at_s - last[0] if last[2] else 0.0
        if shows and (last is None or last[1:] != (use, True)):
            into.visits += 1

    def _keep(self, shot: Shot, use: FootageUse, *, shows: bool) -> None:
        into = self._collected[use]
        step_s = self._steps.shown_s if shows else self._steps.other_s
        # Pictures come a little early or late; waiting for the next one would halve their number.
        self._due[shows] = shot.at_s + step_s * 0.9
        at_night = is_night(shot.picture)
        into.night_s += step_s if at_night else 0.0
        rgb = crop_rgb(shot.picture, whole(shot.picture), self._spec)
        small = np.asarray(cv2.resize(rgb, _SMALL, interpolation=cv2.INTER_AREA), np.uint8)
        is_same = self._kept is not None and self._kept[:2] == (use, shows) and _are_same(self._kept[2], small)
        into.same += is_same
        # Only what is learned from gains nothing by being repeated; what is measured is measured as it comes.
        if is_same and use is FootageUse.TRAIN:
            return
        self._kept = use, shows, small
        into.rgb.append(rgb)
        into.boxes.append(shot.box or _NO_BOX)
        into.known.append((shows, shot.at_s, self._number, at_night))


def _are_same(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> bool:
    return int(cv2.absdiff(one, other).max()) < _SAME


def is_night(picture: Picture) -> bool:
    """Whether a picture was taken by infrared light, or is dark."""
    u, v = picture.u[::4, ::4].astype(np.int16), picture.v[::4, ::4].astype(np.int16)
    return bool(np.abs(u - 128).mean() + np.abs(v - 128).mean() < _COLOURLESS or picture.y[::8, ::8].mean() < _DARK)


def _examples(collected: _Collected, spec: InputSpec) -> Examples:
    empty = np.zeros((0, spec.height, spec.width, 3), np.uint8)
    boxes = np.array(collected.boxes, np.float32).reshape(-1, 4)
    return Examples(np.stack(collected.rgb) if collected.rgb else empty, Looks.of(collected.known), boxes)
