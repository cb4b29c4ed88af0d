"""Labelled intervals: what can be seen in a clip, and when."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from smartcam.contract.event import EventKind
from smartcam.contract.written import UnreadableText, json_of, read_text
from tools.score.intervals import NOTES, Interval, ScoreError, Unit, read_interval, shown
from tools.score.objects import LabelledObject, read_objects, read_unsure

MOST_OBJECTS: Final = 100
MOST_BYTES: Final = 100_000_000
"""Labels with a box for each frame are long."""
_NO_LISTS: Final = frozenset({"fps", "frames", "objects", "unsure"}) | NOTES
_SAME_RATE: Final = 0.05
"""Rates that differ by less than this share are taken for the same: containers round theirs."""
TOLERANCE_FRAMES: Final = 2
"""Labels are accurate to so many frames."""
SPARE_S: Final = 1.0
"""An interval in seconds may end that much after the clip: people round."""


@dataclass(frozen=True, slots=True)
class ClipLabels:
    """What is labelled in one clip. `name` is its key in the labels' file.

    `fps` and `frames` are what the labels say of the clip, None where they do not: they are compared with the clip and
    used for nothing else.
    `unjudged`: kinds of which the labels say in words that there are some, but not when. `in_words`: all that they say
    in words, by its key. `unsure`: when nobody can say what an event is about.
    """

    name: str
    fps: float | None
    intervals: tuple[Interval, ...]
    unjudged: frozenset[str] = field(default=frozenset(), compare=False)
    in_words: Mapping[str, str] = field(default_factory=dict, compare=False)
    frames: int | None = field(default=None, compare=False)
    objects: tuple[LabelledObject, ...] = ()
    unsure: tuple[Interval, ...] = ()

    @property
    def all_intervals(self) -> list[Interval]:
        """Every interval: of plain lists, of objects, and where nobody can be sure."""
        of_objects = (sight.interval for each in self.objects for sight in each.sights)
        return [*self.intervals, *of_objects, *self.unsure]

    def fits(self, frames: int, seconds: float) -> bool:
        """Whether all intervals lie in a clip of this many frames and this length."""
        try:
            self.check(frames, seconds)
        except ScoreError:
            return False
        return True

    def check(self, frames: int, seconds: float = math.inf) -> None:
        """Raises ScoreError for an interval outside a clip of this many frames and this length."""
        for interval in self.all_intervals:
            in_frames = interval.unit is Unit.FRAMES
            if interval.last >= frames if in_frames else interval.last > seconds + SPARE_S:
                place = f"[{interval.first:.10g}, {interval.last:.10g}] of {interval.word}"
                length = f"{frames} frames" if in_frames else f"{seconds:.1f} s"
                raise ScoreError(f"labels of {self.name}: {place} lies outside the clip, which has {length}")

    def doubts_of_rate(self, fps: float) -> list[str]:
        """What a clip's rate (0: it states none that a camera has) says against the labels."""
        if not fps:
            said = "the clip states no rate that a camera has"
        elif self.fps is not None and abs(fps / self.fps - 1) > _SAME_RATE:
            said = f"they say {self.fps:g} frames a second, the clip {fps:g}"
        else:
            return []
        return [
            f"labels of {self.name}: {said}; times are those of the clip's own pictures, and no truer than they are"
        ]

    def doubts_of_length(self, pictures: int) -> list[str]:
        """What a clip's number of pictures (0: unknown) says against the labels."""
        doubts = []
        if pictures and self.frames is not None and abs(pictures - self.frames) > TOLERANCE_FRAMES:
            doubts.append(f"they say {self.frames} frames, the clip has {pictures}; are they of this very file?")
        return [f"labels of {self.name}: {doubt}" for doubt in doubts]


def read_labels(path: Path) -> dict[str, ClipLabels]:
    """The labels of each clip, by the file name of the clip.

    An entry of a clip holds lists of `[first, last]` under the words for what can be seen, in frames, or of
    `{"frames": [first, last], "objects": n}` where several objects are in sight and each is to be found. With `seconds`
    instead of `frames` an interval is in seconds from the clip's first picture. Text under
    the name of a kind of event says that there are some, but not exactly when, and text under another name expects
    nothing; `fps`, `frames`, `note` and `how` are about the clip. `objects` and `unsure`: see `read_objects`.

    Raises:
        ScoreError: when the file is missing, is not JSON, or holds anything else.
    """
    document = read_json(path, "labels")
    if not isinstance(document, dict):
        raise ScoreError(f"labels {path}: must be an object with one entry a clip")
    if {"images", "annotations"} <= document.keys():
        raise ScoreError(f"labels {path}: are COCO's; take them over with `smartcam label CLIP --from {path}`")
    clips: dict[str, ClipLabels] = {}
    for name, entry in document.items():
        clip = Path(name).name
        if name in NOTES:
            continue
        if clip in clips:
            raise ScoreError(f"labels {path}: {clip} is labelled twice, as {clips[clip].name} and as {name}")
        clips[clip] = _clip(name, entry)
    return clips


def read_json(path: Path, what: str) -> object:
    """The document in a JSON file. Raises ScoreError, which says what the file should hold."""
    try:
        return json_of(read_text(path, MOST_BYTES))
    except OSError as error:
        raise ScoreError(f"{what} {path}: {error.strerror or error}") from error
    except UnreadableText as error:
        raise ScoreError(f"{what} {error.within(path)}") from error


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
        raise ScoreError(f"labels of {name}: {shown(entry)} is not an object; give {{label: [[first, last], ...]}}")
    fps, frames = _rate(name, entry.get("fps")), _length(name, entry.get("frames"))
    seen = {word: value for word, value in entry.items() if word not in _NO_LISTS}
    in_words = {word: value for word, value in seen.items() if isinstance(value, str)}
    lists = {word: value for word, value in seen.items() if word not in in_words}
    intervals = [one for word, items in lists.items() for item in _listed(name, word, items) for one in item]
    labels = ClipLabels(
        name,
        fps,
        tuple(sorted(intervals, key=lambda each: (each.unit, each.first, each.last))),
        frozenset(in_words.keys() & set(EventKind)),
        in_words,
        frames,
        read_objects(name, entry.get("objects", [])),
        read_unsure(name, entry.get("unsure", [])),
    )
    if frames is not None:
        labels.check(frames)
    return labels


def _rate(name: str, fps: object) -> float | None:
    if fps is None:
        return None
    if isinstance(fps, bool) or not isinstance(fps, int | float) or fps <= 0:
        raise ScoreError(f"labels of {name}: fps = {fps!r} must be a number above 0")
    return float(fps)


def _length(name: str, frames: object) -> int | None:
    if frames is None:
        return None
    if type(frames) is not int or frames < 1:
        raise ScoreError(f"labels of {name}: frames = {frames!r} must be a whole number above 0")
    return frames


def _listed(name: str, word: str, items: object) -> Iterator[list[Interval]]:
    if not isinstance(items, list):
        raise ScoreError(
            f"labels of {name}: {word} = {shown(items)} is not a list of [first frame, last frame]; [] means none"
        )
    return (_intervals(name, word, item) for item in items)


def _intervals(name: str, word: str, item: object) -> list[Interval]:
    interval = read_interval(f"labels of {name}: {word}", word, item, frozenset({"objects"}))
    objects = item.get("objects") if isinstance(item, dict) else None
    if objects is None:
        return [interval]
    if type(objects) is not int or not 1 <= objects <= MOST_OBJECTS:
        raise ScoreError(f"labels of {name}: {word} holds {shown(item)}, whose objects are not 1 to {MOST_OBJECTS}")
    return [replace(interval, is_counted=True)] * objects
