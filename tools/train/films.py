"""Clips and pictures on disk, with their labels, as the films that training takes."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from smartcam.capture.sources.clip import Clip
from smartcam.capture.sources.file import open_clip
from smartcam.contract.errors import CameraEnded, CameraLost
from smartcam.contract.times import NS_PER_S
from smartcam.vision.picture import Picture
from tools.command_line import numbered
from tools.score.intervals import Interval, ScoreError, Unit
from tools.score.labels import ClipLabels
from training.footage.film import Film, FilmUnusable, Shot, Visit

PICTURES: Final = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"})
_USUAL_RATE: Final = 25.0
_PICTURES_PER_S: Final = 1.0
"""Pictures have no time: in a folder they follow one another so fast, unless the labels say how fast."""
_SMALLEST: Final = 2
_SPARE_S: Final = 1.0
Judge = Callable[[int, float], bool | None]
"""Whether a picture shows what is to be learned, by its number and second; None: nobody can say."""


@dataclass(frozen=True, slots=True)
class LabelledTime:
    """When what is to be learned is in sight, and when nobody can say."""

    shown: tuple[Interval, ...]
    unsure: tuple[Interval, ...]
    is_told_in_words: bool = False
    """The labels say that it is in sight at times, but not when: the other times prove nothing."""

    def judge(self, number: int, at_s: float) -> bool | None:
        """See `Judge`."""
        if any(_covers(each, number, at_s) for each in self.shown):
            return True
        if self.is_told_in_words or any(_covers(each, number, at_s) for each in self.unsure):
            return None
        return False

    def visits(self, rate: float, seconds: float) -> tuple[Visit, ...]:
        """The times of visits in seconds, in order and joined, by the film's rate."""
        times = sorted((_seconds(each.first, each, rate), _seconds(each.last, each, rate)) for each in self.shown)
        joined: list[Visit] = []
        for first, last in times:
            if joined and first <= joined[-1][1] + 1 / rate:
                joined[-1] = joined[-1][0], max(joined[-1][1], min(last, seconds))
            else:
                joined.append((first, min(last, seconds)))
        return tuple(joined)


def labelled_time(labels: ClipLabels, target: str) -> LabelledTime:
    """When a clip shows the target, a label's word or kind."""
    shown = [each for each in labels.intervals if each.word == target]
    shown += [sight.interval for each in labels.objects if each.raises and each.kind == target for sight in each.sights]
    return LabelledTime(tuple(shown), labels.unsure, target in labels.in_words)


ALWAYS: Final = LabelledTime((Interval("always", 0, 2**53),), ())
NEVER: Final = LabelledTime((), ())


@dataclass(frozen=True, slots=True)
class ClipFilm:
    """See `Film`; a clip that was found to open and to fit its labels. `rate`: its pictures a second."""

    name: str
    path: Path
    seconds: float
    rate: float
    visits: tuple[Visit, ...]
    judge: Judge

    def shots(self) -> Iterator[Shot]:
        """See `Film`."""
        try:
            with closing(open_clip(self.path)) as clip:
                yield from self._shots(clip)
        except CameraLost as error:
            raise FilmUnusable(_without(self.path, error)) from error

    def _shots(self, clip: Clip) -> Iterator[Shot]:
        number, at_s, step_s = 0, 0.0, 0.0
        try:
            while True:
                taken = clip.next()
                before_s, at_s = at_s, taken.position_ns / NS_PER_S
                step_s = at_s - before_s
                yield Shot(at_s, taken.picture, self.judge(number, at_s))
                number += 1
        except CameraEnded as end:
            # The last picture of footage is in sight for seconds.
            if at_s + step_s < self.seconds - _SPARE_S:
                raise FilmUnusable(f"is used up to its second {at_s:.1f}: {_without(self.path, end)}") from end


@dataclass(frozen=True, slots=True)
class PictureFilm:
    """See `Film`; pictures in order of their names."""

    name: str
    paths: tuple[Path, ...]
    rate: float
    visits: tuple[Visit, ...]
    judge: Judge

    @property
    def seconds(self) -> float:
        """See `Film`."""
        return len(self.paths) / self.rate

    def shots(self) -> Iterator[Shot]:
        """See `Film`. A damaged picture is left out, and all of them are named in the end."""
        damaged = []
        for number, path in enumerate(self.paths):
            picture = _picture(path)
            if picture is None:
                damaged.append(path.name)
                continue
            yield Shot(number / self.rate, picture, self.judge(number, number / self.rate))
        if damaged:
            raise FilmUnusable(
                f"is used without what is no picture ({numbered(len(damaged), 'file')}): {', '.join(damaged[:20])}"
            )


def clip_film(
    name: str,
    path: Path,
    time: LabelledTime,
    labels: ClipLabels | None = None,
    tell: Callable[[str], object] = lambda _: None,
) -> ClipFilm:
    """A clip as a film; `tell` hears what makes its labels doubtful.

    Raises:
        FilmUnusable: it does not open, or the labels are another clip's.
    """
    try:
        with closing(open_clip(path)) as clip:
            stated = clip.frames_per_second
            rate = stated or _USUAL_RATE
            frames, seconds = clip.pictures_stated, clip.pictures_stated / rate
            if not frames or (labels is not None and not labels.fits(frames, seconds)):
                frames, seconds = _counted(clip, rate)
    except CameraLost as error:
        raise FilmUnusable(_without(path, error)) from error
    _check(labels, frames, seconds)
    if labels is not None:
        for doubt in (*labels.doubts_of_rate(stated), *labels.doubts_of_length(frames)):
            tell(doubt)
    return ClipFilm(name, path, seconds, rate, time.visits(rate, seconds), time.judge)


def picture_film(name: str, paths: Sequence[Path], time: LabelledTime, labels: ClipLabels | None = None) -> PictureFilm:
    """Pictures as a film. Raises FilmUnusable where the labels are those of others."""
    rate = _PICTURES_PER_S if labels is None or labels.fps is None else labels.fps
    seconds = len(paths) / rate
    _check(labels, len(paths), seconds)
    return PictureFilm(name, tuple(paths), rate, time.visits(rate, seconds), time.judge)


def files_of(film: Film) -> tuple[Path, ...]:
    """The files that a film of this module is read from."""
    if isinstance(film, ClipFilm):
        return (film.path,)
    return film.paths if isinstance(film, PictureFilm) else ()


def _check(labels: ClipLabels | None, frames: int, seconds: float) -> None:
    try:
        if labels is not None:
            labels.check(frames, seconds)
    except ScoreError as error:
        raise FilmUnusable(str(error)) from error


def _counted(clip: Clip, rate: float) -> tuple[int, float]:
    """Pictures and seconds of a clip whose container does not say, or says what is not so."""
    pictures, position_ns = 0, 0
    try:
        while True:
            position_ns = clip.next().position_ns
            pictures += 1
    except CameraEnded:
        return pictures, position_ns / NS_PER_S + 1 / rate


def _picture(path: Path) -> Picture | None:
    try:
        read = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_COLOR)
    except (OSError, cv2.error):
        return None
    if read is None or min(read.shape[:2]) < _SMALLEST:
        return None
    return Picture.from_bgr(np.asarray(read, np.uint8))


def _covers(interval: Interval, number: int, at_s: float) -> bool:
    return interval.first <= (number if interval.unit is Unit.FRAMES else at_s) <= interval.last


def _seconds(at: float, interval: Interval, rate: float) -> float:
    return at / rate if interval.unit is Unit.FRAMES else at


def _without(path: Path, error: Exception) -> str:
    """What an error says, without the path before it: who reads it knows the film by its name."""
    said = str(error)
    for start in (f"{path}: ", f"{path.absolute()}: "):
        said = said.removeprefix(start)
    return said
