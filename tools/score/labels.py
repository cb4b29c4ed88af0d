"""Labelled intervals: what can be seen in a clip, and when."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from smartcam.contract.event import EventKind

MOST_OBJECTS: Final = 100
_ABOUT_THE_CLIP: Final = frozenset({"fps", "frames"})
_NOTES: Final = frozenset({"note", "how"})


class ScoreError(Exception):
    """Something that the measurement needs is missing or wrong; the message says what and where."""


@dataclass(frozen=True, slots=True)
class Interval:
    """Something in sight: `word` is the label's list, frames are 0-based and inclusive.

    `is_counted`: the label says how many objects there are; each of them has an interval of its own then.
    """

    word: str
    first: int
    last: int
    is_counted: bool = False


@dataclass(frozen=True, slots=True)
class ClipLabels:
    """What is labelled in one clip. `name` is its key in the labels' file; `fps` None where it does not say.

    `unjudged`: kinds of which the labels say in words that there are some, but not when. `in_words`: all that they say
    in words, by its key.
    """

    name: str
    fps: float | None
    intervals: tuple[Interval, ...]
    unjudged: frozenset[str] = field(default=frozenset(), compare=False)
    in_words: Mapping[str, str] = field(default_factory=dict, compare=False)

    def check(self, frames: int) -> None:
        """Raises ScoreError for an interval outside a clip of this many frames."""
        for interval in self.intervals:
            if interval.last >= frames:
                place = f"[{interval.first}, {interval.last}] of {interval.word}"
                raise ScoreError(f"labels of {self.name}: {place} lies outside the clip, which has {frames} frames")


def read_labels(path: Path) -> dict[str, ClipLabels]:
    """The labels of each clip, by the file name of the clip.

    An entry of a clip holds lists of `[first, last]` under the words for what can be seen, or of
    `{"frames": [first, last], "objects": n}` where several objects are in sight and each is to be found. Text under
    the name of a kind of event says that there are some, but not exactly when, and text under another name expects
    nothing; `fps`, `frames`, `note` and `how` are about the clip.

    Raises:
        ScoreError: when the file is missing, is not JSON, or holds anything else.
    """
    document = read_json(path, "labels")
    if not isinstance(document, dict):
        raise ScoreError(f"labels {path}: must be an object with one entry a clip")
    return {Path(name).name: _clip(name, entry) for name, entry in document.items() if name not in _NOTES}


def read_json(path: Path, what: str) -> object:
    """The document in a JSON file. Raises ScoreError, which says what the file should hold."""
    try:
        document: object = json.loads(path.read_bytes())
    except OSError as error:
        raise ScoreError(f"{what} {path}: {error.strerror or error}") from error
    except ValueError as error:
        raise ScoreError(f"{what} {path}: is not JSON ({error})") from error
    return document


def read_all_labels(paths: Sequence[Path]) -> dict[str, ClipLabels]:
    """The labels of several files. Raises ScoreError as `read_labels`, and for a clip that is labelled twice."""
    clips: dict[str, ClipLabels] = {}
    for path in paths:
        for name, labels in read_labels(path).items():
            if name in clips:
                raise ScoreError(f"labels {path}: {name} is labelled in another file as well")
            clips[name] = labels
    return clips


def _clip(name: str, entry: object) -> ClipLabels:
    if not isinstance(entry, dict):
        raise ScoreError(f"labels of {name}: {entry!r} is not an object; give {{label: [[first, last], ...]}}")
    fps, frames = entry.get("fps"), entry.get("frames")
    if fps is not None and (isinstance(fps, bool) or not isinstance(fps, int | float) or fps <= 0):
        raise ScoreError(f"labels of {name}: fps = {fps!r} must be a number above 0")
    if frames is not None and (type(frames) is not int or frames < 1):
        raise ScoreError(f"labels of {name}: frames = {frames!r} must be a whole number above 0")
    seen = {word: value for word, value in entry.items() if word not in _ABOUT_THE_CLIP | _NOTES}
    in_words = {word: value for word, value in seen.items() if isinstance(value, str)}
    lists = {word: value for word, value in seen.items() if word not in in_words}
    intervals = [one for word, items in lists.items() for item in _listed(name, word, items) for one in item]
    labels = ClipLabels(
        name,
        None if fps is None else float(fps),
        tuple(sorted(intervals, key=_order)),
        frozenset(in_words.keys() & set(EventKind)),
        in_words,
    )
    if frames is not None:
        labels.check(frames)
    return labels


def _listed(name: str, word: str, items: object) -> Iterator[list[Interval]]:
    if not isinstance(items, list):
        raise ScoreError(
            f"labels of {name}: {word} = {items!r} is not a list of [first frame, last frame]; [] means none"
        )
    return (_intervals(name, word, item) for item in items)


def _order(interval: Interval) -> tuple[int, int]:
    return interval.first, interval.last


def _intervals(name: str, word: str, item: object) -> list[Interval]:
    frames, objects = (item.get("frames"), item.get("objects")) if isinstance(item, dict) else (item, None)
    if not isinstance(frames, list) or len(frames) != 2 or any(type(frame) is not int for frame in frames):  # noqa: PLR2004
        raise ScoreError(f"labels of {name}: {word} holds {item!r}, which is not [first frame, last frame]")
    first, last = frames
    if not 0 <= first <= last:
        raise ScoreError(f"labels of {name}: {word} holds {item!r}, which begins below 0 or ends before it begins")
    if objects is None:
        return [Interval(word, first, last)]
    if type(objects) is not int or not 1 <= objects <= MOST_OBJECTS:
        raise ScoreError(f"labels of {name}: {word} holds {item!r}, whose objects are not 1 to {MOST_OBJECTS}")
    return [Interval(word, first, last, is_counted=True)] * objects
