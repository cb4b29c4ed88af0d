"""Compares events with labelled intervals: what was found, what is false, how long it took."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from smartcam.contract.event import EventKind
from smartcam.vision.corners import Corners
from tools.score.labels import TOLERANCE_FRAMES, ClipLabels, Interval, Unit

AFTER_S: Final = 1.0
"""An event this long after its interval still belongs to it: the object was there when the analysis began."""


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How long before an interval begins, and after it ends, an event still belongs to it; seconds."""

    before_s: float
    after_s: float


@dataclass(frozen=True, slots=True)
class FrameTimes:
    """When the frames of a clip are shown, by its own positions: seconds from the first one, and the end of the last.

    They join labels in frames with events in seconds, whatever rate the clip or the labels state.
    """

    starts_s: Sequence[float]
    end_s: float

    def start(self, frame: int) -> float:
        """When a frame begins; the clip's beginning for those before it, its end for those after it."""
        return self.starts_s[max(frame, 0)] if frame < len(self.starts_s) else self.end_s

    @property
    def mean_s(self) -> float:
        """How long a frame is shown, on average."""
        return self.end_s / max(len(self.starts_s), 1)


@dataclass(frozen=True, slots=True)
class Span:
    """An interval in the clip's seconds. An event from `early_s` to `late_s` belongs to it."""

    interval: Interval
    start_s: float
    end_s: float
    early_s: float
    late_s: float

    def holds(self, at_s: float) -> bool:
        """Whether it is within the interval itself."""
        return self.start_s <= at_s < self.end_s


def span_of(interval: Interval, times: FrameTimes, tolerance: Tolerance | None = None) -> Span:
    """When an interval is. Without a tolerance an event may come two frames before it and a second after it."""
    if interval.unit is Unit.SECONDS:
        start_s, end_s = interval.first, interval.last
        early_s = start_s - TOLERANCE_FRAMES * times.mean_s
    else:
        first = int(interval.first)
        start_s, end_s = times.start(first), times.start(int(interval.last) + 1)
        early_s = times.start(first - TOLERANCE_FRAMES)
    if tolerance is None:
        return Span(interval, start_s, end_s, early_s, end_s + AFTER_S)
    return Span(interval, start_s, end_s, start_s - tolerance.before_s, end_s + tolerance.after_s)


@dataclass(frozen=True, slots=True)
class SeenEvent:
    """An event of a clip: when it was raised and cleared, in seconds of the clip.

    `is_apart`: its object lay apart from every other one whose episode was on. `renamed`: it went out again under
    a better name, which is the one given here. `box`: where its object
    was when it was raised, as shares of the picture.
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
    box: Corners | None = None


@dataclass(frozen=True, slots=True)
class MatchResult:
    """A clip's events compared with its labels.

    `found_by[i]` is the place of the event that found the interval of span i, None where it was missed. `beside` are
    the places of events about further objects, which the labels do not count. Every other event that found nothing is
    `false`, also the second one of an object.
    """

    spans: tuple[Span, ...]
    events: tuple[SeenEvent, ...]
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
    def missed(self) -> list[Interval]:
        """Intervals without an event."""
        pairs = zip(self.spans, self.found_by, strict=True)
        return [span.interval for span, place in pairs if place is None]

    @property
    def seconds_to_alert(self) -> list[float]:
        """Of each interval that was found, in order: from its first frame to its event; never below 0."""
        pairs = zip(self.spans, self.found_by, strict=True)
        return [max(0.0, self.events[place].start_s - span.start_s) for span, place in pairs if place is not None]


def match(
    events: Sequence[SeenEvent], labels: ClipLabels, times: FrameTimes, tolerance: Tolerance | None = None
) -> MatchResult:
    """Each interval expects one event, the first in its time.

    The object counts, not the word for it: an interval of a vehicle is found by an event of any kind.
    Only where several intervals are open to an event does it take the one of its own word, or else the latest.

    An interval that does not say how many objects it holds may hold several: a further event in it is `beside` where
    its object is apart from all others with an open episode, and false where it is not, because then the same
    object was raised twice. The same holds for events of a kind of which the labels only say that there are some.
    """
    spans = tuple(span_of(interval, times, tolerance) for interval in labels.intervals)
    found_by: list[int | None] = [None] * len(spans)
    beside: list[int] = []
    ordered = sorted(events, key=lambda event: event.start_s)
    for place, event in enumerate(ordered):
        open_to = [number for number, span in enumerate(spans) if span.early_s <= event.start_s <= span.late_s]
        free = [number for number in open_to if found_by[number] is None]
        if free:
            best = max(free, key=lambda number: _fit(event, spans[number]))
            found_by[best] = place
        elif event.kind in labels.unjudged or (
            event.is_apart and any(not spans[number].interval.is_counted for number in open_to)
        ):
            beside.append(place)
    return MatchResult(spans, tuple(ordered), tuple(found_by), tuple(beside))


def _fit(event: SeenEvent, span: Span) -> tuple[bool, bool, float]:
    return span.start_s <= event.start_s <= span.end_s, span.interval.word == event.kind, span.start_s


def area_under_curve(scores: Sequence[float], is_labelled: Sequence[bool]) -> float | None:
    """The chance that a labelled frame scores above another one, ties counting half; None where one kind is missing."""
    values, inside = np.asarray(scores, float), np.asarray(is_labelled, bool)
    labelled, others = values[inside], np.sort(values[~inside])
    if not labelled.size or not others.size:
        return None
    sides = (np.searchsorted(others, labelled, side) for side in ("left", "right"))
    return float(sum(below.sum() for below in sides) / 2 / (labelled.size * others.size))
