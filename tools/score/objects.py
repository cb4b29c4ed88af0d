"""Labelled objects: who is in sight, when, and where in the picture."""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import pairwise
from operator import attrgetter
from typing import Any, Final

from smartcam.contract.event import EventKind
from smartcam.vision.corners import Corners
from tools.score.intervals import NOTES, Interval, ScoreError, Unit, is_place, read_interval, shown

LONGEST_ID: Final = 64
MOST_SIGHTS: Final = 100_000
_KEYS: Final = frozenset({"id", "kind", "boxes", "raises"})
_SPARE: Final = 1e-6
"""Shares of the picture that were rounded may be that far outside it."""


@dataclass(frozen=True, slots=True)
class Keyframe:
    """Where an object is at a frame or a second: corners as shares of the picture, 0 to 1."""

    at: float
    box: Corners


@dataclass(frozen=True, slots=True)
class Sight:
    """One time that an object is in sight. `boxes`: in order of time, within the interval; none: place unknown."""

    interval: Interval
    boxes: tuple[Keyframe, ...] = ()

    def box_at(self, at: float) -> Corners | None:
        """The box at a frame or second: linear between keyframes, else the nearest keyframe."""
        if not self.boxes:
            return None
        later = bisect_right(self.boxes, at, key=lambda each: each.at)
        before, after = self.boxes[max(later - 1, 0)], self.boxes[min(later, len(self.boxes) - 1)]
        if after.at <= before.at or not before.at <= at <= after.at:
            return before.box if later else after.box
        share = (at - before.at) / (after.at - before.at)
        x1, y1, x2, y2 = (a + (b - a) * share for a, b in zip(before.box, after.box, strict=True))
        return x1, y1, x2, y2


@dataclass(frozen=True, slots=True)
class LabelledObject:
    """One object and all the times it is in sight, in order. Not `raises`: it is to raise nothing, as a parked car."""

    id: str
    kind: EventKind
    sights: tuple[Sight, ...]
    raises: bool = True

    def as_entries(self) -> list[dict[str, object]]:
        """What `read_objects` reads."""
        return [
            {"id": self.id, "kind": str(self.kind), each.interval.unit: [each.interval.first, each.interval.last]}
            | ({"boxes": [[key.at, *key.box] for key in each.boxes]} if each.boxes else {})
            | ({} if self.raises else {"raises": False})
            for each in self.sights
        ]


def read_objects(clip: str, items: object) -> tuple[LabelledObject, ...]:
    """The objects of a clip's `objects`; entries of one id are one object.

    Raises:
        ScoreError: an entry is none, or an id is in sight twice at once or under two kinds.
    """
    if not isinstance(items, list) or len(items) > MOST_SIGHTS:
        raise ScoreError(
            f"labels of {clip}: objects = {shown(items)} is not a list of at most {MOST_SIGHTS} entries like"
            ' {"id": "visitor-1", "kind": "person", "seconds": [6, 19.8]}'
        )
    known: dict[str, LabelledObject] = {}
    for number, item in enumerate(items):
        read = _object(f"labels of {clip}: objects[{number}]", item)
        before = known.setdefault(read.id, read)
        if before is read:
            continue
        if (before.kind, before.raises) != (read.kind, read.raises):
            raise ScoreError(f"labels of {clip}: objects[{number}]: {read.id} has another kind or `raises` before")
        known[read.id] = replace(before, sights=(*before.sights, *read.sights))
    return tuple(_in_order(clip, each) for each in known.values())


def read_unsure(clip: str, items: object) -> tuple[Interval, ...]:
    """The intervals of a clip's `unsure`. Raises ScoreError."""
    if not isinstance(items, list):
        raise ScoreError(f'labels of {clip}: unsure = {shown(items)} is not a list like [{{"seconds": [3, 5]}}]')
    return tuple(read_interval(f"labels of {clip}: unsure", "unsure", item) for item in items)


def in_groups(sights: Iterable[tuple[str, EventKind, Sight]]) -> tuple[LabelledObject, ...]:
    """Objects from sights that carry their id and kind."""
    grouped: dict[tuple[str, EventKind], list[Sight]] = {}
    for name, kind, sight in sights:
        grouped.setdefault((name, kind), []).append(sight)
    return tuple(LabelledObject(name, kind, tuple(sorted(each, key=_first))) for (name, kind), each in grouped.items())


_first = attrgetter("interval.first")


def _object(where: str, item: object) -> LabelledObject:
    if not isinstance(item, dict):
        raise ScoreError(f"{where}: {shown(item)} is not an object")
    name, kind, raises = item.get("id"), item.get("kind"), item.get("raises", True)
    if not isinstance(name, str) or not 1 <= len(name) <= LONGEST_ID or not name.isprintable():
        raise ScoreError(f"{where}: id = {shown(name)} must be 1 to {LONGEST_ID} printable characters")
    if not isinstance(kind, str) or kind not in set(EventKind):
        raise ScoreError(f"{where}: kind = {shown(kind)} must be a kind of event: {', '.join(EventKind)}")
    if not isinstance(raises, bool):
        raise ScoreError(f"{where}: raises = {shown(raises)} must be true or false")
    bare = {key: value for key, value in item.items() if key not in _KEYS | NOTES}
    interval = read_interval(where, kind, bare)
    boxes = _boxes(where, item.get("boxes", []), interval)
    if not raises and not boxes:
        raise ScoreError(f"{where}: {name} is to raise nothing, so its events are known by its place; give boxes")
    return LabelledObject(name, EventKind(kind), (Sight(interval, boxes),), raises)


def _boxes(where: str, items: object, interval: Interval) -> tuple[Keyframe, ...]:
    if not isinstance(items, list):
        raise ScoreError(f"{where}: boxes = {shown(items)} is not a list of [t, x1, y1, x2, y2]")
    boxes = tuple(_keyframe(where, item, interval) for item in items)
    for one, next_one in pairwise(boxes):
        if next_one.at <= one.at:
            raise ScoreError(f"{where}: boxes are not in order: {next_one.at:.10g} comes after {one.at:.10g}")
    return boxes


def _keyframe(where: str, item: object, interval: Interval) -> Keyframe:
    if not isinstance(item, list) or len(item) != 5 or not is_place(item[0], Unit.SECONDS):  # noqa: PLR2004
        raise ScoreError(f"{where}: boxes holds {shown(item)}, which is not [t, x1, y1, x2, y2]")
    at, *corners = item
    if not interval.first <= at <= interval.last:
        raise ScoreError(
            f"{where}: boxes holds {shown(item)}, outside its {interval.unit} {interval.first:.10g} to"
            f" {interval.last:.10g}"
        )
    if not all(is_place(each, Unit.SECONDS) and -_SPARE <= each <= 1 + _SPARE for each in corners):
        raise ScoreError(f"{where}: boxes holds {shown(item)}: corners are shares of the picture, 0 to 1")
    x1, y1, x2, y2 = (min(max(float(each), 0.0), 1.0) for each in corners)
    if x1 >= x2 or y1 >= y2:
        raise ScoreError(f"{where}: boxes holds {shown(item)}, which is empty: give x1 < x2 and y1 < y2")
    return Keyframe(at, (x1, y1, x2, y2))


def _in_order(clip: str, one: LabelledObject) -> LabelledObject:
    if len({sight.interval.unit for sight in one.sights}) > 1:
        raise ScoreError(f"labels of {clip}: {one.id} is labelled in frames and in seconds; give one of them")
    sights = tuple(sorted(one.sights, key=_first))
    for earlier, later in pairwise(sights):
        if later.interval.first <= earlier.interval.last and not _touch(earlier.interval, later.interval):
            raise ScoreError(
                f"labels of {clip}: {one.id} is in sight twice at once: {earlier.interval} and {later.interval}"
            )
    return replace(one, sights=sights)


def _touch(one: Interval, other: Interval) -> bool:
    """Whether one ends in the very second in which the other begins; a frame belongs to one of them only."""
    return one.unit is Unit.SECONDS and one.last == other.first and one.first < one.last


def labels_entry(objects: Iterable[LabelledObject], fps: float, frames: int) -> dict[str, Any]:
    """A clip's entry in a file of labels."""
    entries = [entry for each in objects for entry in each.as_entries()]
    return ({"fps": round(fps, 4)} if fps else {}) | ({"frames": frames} if frames else {}) | {"objects": entries}
