"""Compares events with labelled intervals: what was found, what is false, how long it took."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from smartcam.contract.event import EventKind
from tools.score.labels import ClipLabels, Interval

BEFORE_FRAMES: Final = 2
"""Labels are accurate to two frames: an event may come that much before its interval."""
AFTER_S: Final = 1.0
"""An event this long after its interval still belongs to it: the object was there when the analysis began."""


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How long before an interval begins, and after it ends, an event still belongs to it; seconds."""

    before_s: float
    after_s: float


def usual_tolerance(fps: float) -> Tolerance:
    """The tolerance unless another is given."""
    return Tolerance(BEFORE_FRAMES / fps, AFTER_S)


@dataclass(frozen=True, slots=True)
class SeenEvent:
    """An event of a clip: when it was raised and cleared, in seconds of the clip.

    `is_apart`: its object lay apart from every other one whose episode was on. `renamed`: it went out again under
    a better name, which is the one given here.
    """

    kind: EventKind
    start_s: float
    end_s: float | None
    score: float
    label: str | None = None
    rule: str | None = None
    cause: str | None = None
    is_apart: bool = False
    renamed: bool = False


@dataclass(frozen=True, slots=True)
class MatchResult:
    """A clip's events compared with its labels.

    `found_by[i]` is the place of the event that found interval i, None where it was missed. `beside` are the places of
    events about further objects, which the labels do not count. Every other event that found nothing is `false`, also
    the second one of an object.
    """

    intervals: tuple[Interval, ...]
    events: tuple[SeenEvent, ...]
    fps: float
    found_by: tuple[int | None, ...]
    beside: tuple[int, ...] = ()

    @property
    def found(self) -> int:
        """Intervals with an event."""
        return sum(place is not None for place in self.found_by)

    @property
    def false(self) -> int:
        """Events for which no interval is left."""
        return len(self.events) - self.found - len(self.beside)

    def is_false(self, place: int) -> bool:
        """Whether the event at the place is false."""
        return place not in self.found_by and place not in self.beside

    @property
    def seconds_to_alert(self) -> list[float]:
        """Of each interval that was found, in order: from its first frame to its event; never below 0."""
        pairs = zip(self.intervals, self.found_by, strict=True)
        return [
            max(0.0, self.events[place].start_s - interval.first / self.fps)
            for interval, place in pairs
            if place is not None
        ]


def match(
    events: Sequence[SeenEvent], labels: ClipLabels, fps: float, tolerance: Tolerance | None = None
) -> MatchResult:
    """Each interval expects one event, the first in its time.

    The object counts, not the word for it: an interval of a vehicle is found by an event of any kind.
    Only where several intervals are open to an event does it take the one of its own word, or else the latest.

    An interval that does not say how many objects it holds may hold several: a further event in it is `beside` where
    its object is apart from all others with an open episode, and false where it is not, because then the same
    object was raised twice. The same holds for events of a kind of which the labels only say that there are some.
    """
    allowed = usual_tolerance(fps) if tolerance is None else tolerance
    found_by: list[int | None] = [None] * len(labels.intervals)
    beside: list[int] = []
    ordered = sorted(events, key=lambda event: event.start_s)
    for place, event in enumerate(ordered):
        open_to = [i for i, interval in enumerate(labels.intervals) if _within(event, interval, fps, allowed)]
        free = [number for number in open_to if found_by[number] is None]
        if free:
            best = max(free, key=lambda number: _fit(event, labels.intervals[number], fps))
            found_by[best] = place
        elif event.kind in labels.unjudged or (
            event.is_apart and any(not labels.intervals[number].is_counted for number in open_to)
        ):
            beside.append(place)
    return MatchResult(labels.intervals, tuple(ordered), fps, tuple(found_by), tuple(beside))


def _within(event: SeenEvent, interval: Interval, fps: float, allowed: Tolerance) -> bool:
    return interval.first / fps - allowed.before_s <= event.start_s <= (interval.last + 1) / fps + allowed.after_s


def _fit(event: SeenEvent, interval: Interval, fps: float) -> tuple[bool, bool, int]:
    return _within(event, interval, fps, Tolerance(0.0, 0.0)), interval.word == event.kind, interval.first


def area_under_curve(scores: Sequence[float], is_labelled: Sequence[bool]) -> float | None:
    """The chance that a labelled frame scores above another one, ties counting half; None where one kind is missing."""
    values, inside = np.asarray(scores, float), np.asarray(is_labelled, bool)
    labelled, others = values[inside], np.sort(values[~inside])
    if not labelled.size or not others.size:
        return None
    sides = (np.searchsorted(others, labelled, side) for side in ("left", "right"))
    return float(sum(below.sum() for below in sides) / 2 / (labelled.size * others.size))
