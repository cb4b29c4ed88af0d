"""Drawn yards as films: one more source of footage, whose truth is known."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from smartcam.vision.picture import Picture
from training.footage.cutting import Cuts, FootageUse, Stretch
from training.footage.film import Box, Film, Shot, Visit
from training.yard.brush import Pixels
from training.yard.draws import STORY_S, Hour, draw_spec, draw_story
from training.yard.scene import Scene, paint_setting
from training.yard.spec import SceneSpec

_FOLDER: Final = Path(__file__).resolve().parent
CLEARLY_SEEN: Final = 0.5
"""From this visible share an intruder is in sight; with less of them, nobody can say."""
_RATE: Final = 2.0
_SLIDES_PER_S: Final = 1.0
_SIZES: Final = ((320, 180), (384, 216), (448, 252), (320, 240))
_TRIES: Final = 40
_HOURS: Final = tuple(Hour)
_SHORT_OF_BITS: Final = 0.4
"""The share of pictures from a codec that is."""


def generator() -> str:
    """The first digits of a SHA-256 over all sources that decide how pictures look."""
    sources = [_FOLDER / "drawn_films.py", *sorted((_FOLDER / "yard").glob("*.py"))]
    return hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()[:12]


@dataclass(frozen=True, eq=False)
class YardFilm:
    """See `Film`: a yard at one hour, twice a second. For about half of the time there is no intruder."""

    seed: int

    @property
    def name(self) -> str:
        """See `Film`."""
        return f"yard-{self.seed}-{_HOURS[self.seed % len(_HOURS)]}"

    @property
    def seconds(self) -> float:
        """See `Film`."""
        return STORY_S

    @cached_property
    def visits(self) -> tuple[Visit, ...]:
        """See `Film`."""
        return _visits(self.shots())

    def shots(self) -> Iterator[Shot]:
        """See `Film`."""
        spec, place = _spec(self.seed), self.seed % len(_HOURS)
        story = draw_story(spec, _HOURS[place], place)
        scene = Scene(replace(story, visits=story.visits[1:]), paint_setting(spec))
        rng = np.random.default_rng([self.seed, 21])
        for number in range(round(STORY_S * _RATE)):
            time_s = number / _RATE
            share = scene.truth(time_s).share
            shows = True if share >= CLEARLY_SEEN else None if share > 0 else False
            yield Shot(time_s, _picture(scene, time_s, rng), shows, _box(scene, time_s) if shows else None)


@dataclass(frozen=True, eq=False)
class YardSlides:
    """See `Film`: moments of a yard at every hour, one a second, as many with an intruder as without.

    Every second normal picture is a picture with an intruder drawn again without them: the network must learn the
    person, not the yard, the weather or the cat. `pairs`: how many of both there are at each hour.
    """

    seed: int
    pairs: int

    @property
    def name(self) -> str:
        """See `Film`."""
        return f"slides-{self.seed}"

    @property
    def seconds(self) -> float:
        """See `Film`."""
        return len(_HOURS) * self.pairs * 2 / _SLIDES_PER_S

    @cached_property
    def visits(self) -> tuple[Visit, ...]:
        """See `Film`."""
        return _visits(self.shots())

    def shots(self) -> Iterator[Shot]:
        """See `Film`."""
        for number, (picture, box) in enumerate(self._slides()):
            yield Shot(number / _SLIDES_PER_S, picture, box is not None, box)

    def _slides(self) -> Iterator[tuple[Picture, Box | None]]:
        rng = np.random.default_rng([self.seed, 20])
        spec = _spec(self.seed)
        setting = paint_setting(spec)
        for place, hour in enumerate(_HOURS):
            story = draw_story(spec, hour, place)
            busy, quiet = Scene(story, setting), Scene(replace(story, visits=()), setting)
            for pair in range(self.pairs):
                time_s = _moment(rng, busy)
                if time_s is not None:
                    yield _picture(busy, time_s, rng), _box(busy, time_s)
                if time_s is None or pair % 2:
                    time_s = float(rng.uniform(0, STORY_S))
                yield _picture(quiet, time_s, rng), None


def drawn_films(seed: int, yards: int, pairs: int, held_out: int) -> tuple[list[Film], Cuts]:
    """Slides of so many yards to learn from, a film each of others for the validation and the test; what is for what.

    The seed decides the yards; no yard is for two uses.
    """
    first = seed * 1_000
    slides: list[Film] = [YardSlides(first + number, pairs) for number in range(yards)]
    validation: list[Film] = [YardFilm(first + 100_000 + number) for number in range(held_out)]
    test: list[Film] = [YardFilm(first + 200_000 + number) for number in range(held_out)]
    uses = zip(FootageUse, (slides, validation, test), strict=True)
    cuts = tuple((Stretch(use, 0.0, film.seconds),) for use, films in uses for film in films)
    return [*slides, *validation, *test], cuts


def _spec(seed: int) -> SceneSpec:
    rng = np.random.default_rng([seed, 22])
    return draw_spec(seed, *_SIZES[int(rng.integers(len(_SIZES)))])


def _moment(rng: np.random.Generator, scene: Scene) -> float | None:
    """A time at which an intruder is clearly visible."""
    visits = scene.spec.visits
    for _ in range(_TRIES):
        path = visits[int(rng.integers(len(visits)))].path
        time_s = float(rng.uniform(path[0].at_s, path[-1].at_s))
        if scene.truth(time_s).share >= CLEARLY_SEEN:
            return time_s
    return None


def _box(scene: Scene, time_s: float) -> Box | None:
    box = scene.truth(time_s).box
    if box is None:
        return None
    width, height = scene.spec.width, scene.spec.height
    return (box.x1 / width, box.y1 / height, box.x2 / width, box.y2 / height)


def _picture(scene: Scene, time_s: float, rng: np.random.Generator) -> Picture:
    drawn: Pixels = scene.picture(time_s)
    if rng.random() < _SHORT_OF_BITS:
        ok, packed = cv2.imencode(".jpg", drawn, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(55, 95))])
        if ok:
            drawn = np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR), np.uint8)
    return Picture.from_bgr(drawn)


def _visits(shots: Iterator[Shot]) -> tuple[Visit, ...]:
    """Runs of pictures that show the intruder, each from its first to its last picture."""
    visits: list[Visit] = []
    was_shown = False
    for shot in shots:
        if shot.shows and was_shown:
            visits[-1] = visits[-1][0], shot.at_s
        elif shot.shows:
            visits.append((shot.at_s, shot.at_s))
        was_shown = bool(shot.shows)
    return tuple(visits)
