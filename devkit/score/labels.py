"""Labelled intervals: what is to be seen in a clip, and when."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


class ScoreError(Exception):
    """Something that the measurement needs is missing or wrong; the text says what and where."""


@dataclass(frozen=True, slots=True)
class Interval:
    """One object in sight: `word` is the label's list, frames are 0-based and inclusive."""

    word: str
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class ClipLabels:
    """What is labelled in one clip. `name` is its key in the labels' file; `fps` None where it does not say."""

    name: str
    fps: float | None
    intervals: tuple[Interval, ...]

    def check(self, frames: int) -> None:
        """Raises ScoreError for an interval that lies outside a clip of so many frames."""
        for interval in self.intervals:
            if interval.last >= frames:
                place = f"[{interval.first}, {interval.last}] of {interval.word}"
                raise ScoreError(f"labels of {self.name}: {place} lies outside the clip, which has {frames} frames")


def read_labels(path: Path) -> dict[str, ClipLabels]:
    """The labels of each clip, by the file name of the clip.

    An entry of a clip holds lists of `[first, last]` under the words for what is to be seen; `fps`, notes and
    whatever else is no such list are left alone.

    Raises:
        ScoreError: when the file is missing, no JSON, or an interval is no interval.
    """
    try:
        document = json.loads(path.read_bytes())
    except OSError as error:
        raise ScoreError(f"labels {path}: {error.strerror or error}") from error
    except ValueError as error:
        raise ScoreError(f"labels {path}: is not JSON ({error})") from error
    if not isinstance(document, dict):
        raise ScoreError(f"labels {path}: must be an object with one entry a clip")
    clips = {name: entry for name, entry in document.items() if isinstance(entry, dict)}
    return {Path(name).name: _clip(name, entry) for name, entry in clips.items()}


def _clip(name: str, entry: Mapping[str, object]) -> ClipLabels:
    fps = entry.get("fps")
    if fps is not None and (isinstance(fps, bool) or not isinstance(fps, int | float) or fps <= 0):
        raise ScoreError(f"labels of {name}: fps = {fps!r} must be a number above 0")
    lists = {word: value for word, value in entry.items() if isinstance(value, list)}
    intervals = [_interval(name, word, item) for word, items in lists.items() for item in items]
    labels = ClipLabels(name, None if fps is None else float(fps), tuple(sorted(intervals, key=_order)))
    frames = entry.get("frames")
    if isinstance(frames, int):
        labels.check(frames)
    return labels


def _order(interval: Interval) -> tuple[int, int]:
    return interval.first, interval.last


def _interval(name: str, word: str, item: object) -> Interval:
    if not isinstance(item, list) or len(item) != 2 or any(type(frame) is not int for frame in item):  # noqa: PLR2004
        raise ScoreError(f"labels of {name}: {word} holds {item!r}, which is no [first frame, last frame]")
    first, last = item
    if not 0 <= first <= last:
        raise ScoreError(f"labels of {name}: {word} holds {item!r}, which begins below 0 or ends before it begins")
    return Interval(word, first, last)
