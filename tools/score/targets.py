"""What labels expect of the events: which objects, when, and where."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from smartcam.contract.event import EventKind
from smartcam.vision.corners import Corners, area, cover, overlap
from tools.score.intervals import Interval, Unit
from tools.score.labels import TOLERANCE_FRAMES, ClipLabels
from tools.score.objects import Sight

_OF_THE_CAMERA: Final = frozenset(
    {EventKind.TAMPER, EventKind.CAMERA_LOST, EventKind.CAMERA_RESTORED, EventKind.DEVICE_LOST}
)
"""Events about the camera: they find nobody who happens to be in sight."""
LEAST_OVERLAP: Final = 0.2
_WITHIN: Final = 0.8
_LEAST_PART: Final = 0.1
LOOK_S: Final = 0.2
"""Places are compared within one look at five a second: labels and events are not more exact in time."""
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

    def frame_at(self, at_s: float) -> float:
        """The frame that is shown at a time, with its part that has passed."""
        number = max(bisect_right(self.starts_s, at_s) - 1, 0)
        begun = self.starts_s[number] if self.starts_s else 0.0
        return number + min(max((at_s - begun) / max(self.start(number + 1) - begun, 1e-9), 0.0), 1.0)

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

    `box`: where its object was when it was raised, in shares of the picture; None if nobody knows. `renamed`: it went
    out again under a better name, which is the one given here.
    """

    kind: EventKind
    start_s: float
    end_s: float | None
    score: float
    label: str | None = None
    rule: str | None = None
    cause: str | None = None
    box: Corners | None = None
    renamed: bool = False


@dataclass(frozen=True, slots=True)
class EventFit:
    """How well an event fits an object; `nearness` is 0 where one of them has no place."""

    nearness: float
    is_within: bool
    has_its_word: bool
    start_s: float

    @property
    def order(self) -> tuple[bool, bool, float]:
        """What decides among objects that are equally near."""
        return self.is_within, self.has_its_word, self.start_s


@dataclass(frozen=True, slots=True)
class Target:
    """One object that labels describe, with all its times in sight, in order; each has its place where one is given."""

    name: str
    word: str
    spans: tuple[tuple[Span, Sight], ...]
    times: FrameTimes
    raises: bool = True

    def __str__(self) -> str:
        first, last = self.spans[0][0].interval, self.spans[-1][0].interval
        times = "" if len(self.spans) == 1 else f", {len(self.spans)} times in sight"
        whole = replace(first, last=last.last)
        return f"{whole}{times}" + (f" ({self.name})" if self.name else "")

    @property
    def start_s(self) -> float:
        """When it comes into sight."""
        return self.spans[0][0].start_s

    def fit(self, event: SeenEvent) -> EventFit | None:
        """How well the event fits; None if it is at another time or place, or about something of its own."""
        if event.kind != self.word and (event.kind in _OF_THE_CAMERA or self.word in _OF_THE_CAMERA):
            return None
        fits = [self._fit(event, span, sight) for span, sight in self.spans]
        return max((fit for fit in fits if fit is not None), key=lambda fit: (fit.nearness, fit.order), default=None)

    def _fit(self, event: SeenEvent, span: Span, sight: Sight) -> EventFit | None:
        if not span.early_s <= event.start_s <= span.late_s:
            return None
        near = 0.0
        if event.box is not None and sight.boxes:
            near = max(nearness(event.box, box) for box in self._boxes_about(sight, event.start_s))
            if not near:
                return None
        return EventFit(near, span.start_s <= event.start_s <= span.end_s, self.word == event.kind, span.start_s)

    def _boxes_about(self, sight: Sight, at_s: float) -> Iterator[Corners]:
        in_frames = sight.interval.unit is Unit.FRAMES
        for each in (at_s - LOOK_S, at_s, at_s + LOOK_S):
            box = sight.box_at(self.times.frame_at(each) if in_frames else each)
            if box is not None:
                yield box


def nearness(one: Corners, other: Corners) -> float:
    """How near two boxes are to being the same object's: their overlap (intersection over union), 0 for not at all.

    It takes an overlap of `LEAST_OVERLAP`; or one box lies in the other and is no smaller than a tenth of it, because
    detectors alternate between the head and the whole of a person, and motion is only what moves of somebody. Whatever
    stands beside, or is of quite another size, is another object.
    """
    shared = overlap(one, other)
    smaller, larger = sorted((area(one), area(other)))
    is_part = cover(one, other) >= _WITHIN and smaller >= _LEAST_PART * larger
    return shared if shared >= LEAST_OVERLAP or is_part else 0.0


def targets_of(labels: ClipLabels, times: FrameTimes, tolerance: Tolerance | None = None) -> tuple[Target, ...]:
    """What labels expect: one target for each plain interval, and for each object with an identity."""
    plain = [("", each.word, (Sight(each),), True) for each in labels.intervals]
    named = [(each.id, str(each.kind), each.sights, each.raises) for each in labels.objects]
    return tuple(
        Target(name, word, tuple((span_of(s.interval, times, tolerance), s) for s in sights), times, raises)
        for name, word, sights, raises in (*plain, *named)
    )
