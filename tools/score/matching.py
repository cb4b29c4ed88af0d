"""Compares events with labelled intervals: what was found, what is false, how long it took."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np

from tools.score.labels import ClipLabels
from tools.score.targets import FrameTimes, SeenEvent, Target, Tolerance, span_of, targets_of
from training.evaluate import area_under_curve as area

_AS_NEAR: Final = 0.1
"""Places whose nearness differs by less are equally near: labels and detectors are not more exact than that."""

_NO_PLACE: Final = 1e-9
"""Less is no nearness but an object, or an event, that has no place."""


class MatchVerdict(StrEnum):
    """What an event is."""

    FOUND = "found"
    DUPLICATE = "duplicate"
    """The object had its event already."""
    FALSE = "false"
    UNSURE = "unsure"
    """The labels do not say what there is: neither found nor false."""


@dataclass(frozen=True, slots=True)
class Judged:
    """An event and its verdict. `target` is the number of the object that it is about, None where it is about none."""

    event: SeenEvent
    verdict: MatchVerdict
    target: int | None = None


class Counted(ABC):
    """Events by their verdicts, of one clip or of many."""

    __slots__ = ()

    @abstractmethod
    def count(self, verdict: MatchVerdict) -> int:
        """How many events have this verdict."""

    @property
    def found(self) -> int:
        """Objects with an event."""
        return self.count(MatchVerdict.FOUND)

    @property
    def duplicates(self) -> int:
        """Events about an object that already had one."""
        return self.count(MatchVerdict.DUPLICATE)

    @property
    def false(self) -> int:
        """Events about nothing that is labelled, or about what is to raise none."""
        return self.count(MatchVerdict.FALSE)

    @property
    def unsure(self) -> int:
        """Events that nobody can judge."""
        return self.count(MatchVerdict.UNSURE)


@dataclass(frozen=True, slots=True)
class MatchResult(Counted):
    """A clip's events, in order of time, compared with what its labels expect."""

    targets: tuple[Target, ...]
    judged: tuple[Judged, ...]

    def count(self, verdict: MatchVerdict) -> int:
        """How many events have this verdict."""
        return sum(each.verdict is verdict for each in self.judged)

    @property
    def events(self) -> tuple[SeenEvent, ...]:
        """All events."""
        return tuple(each.event for each in self.judged)

    @property
    def found_by(self) -> dict[int, SeenEvent]:
        """The first event of each object that was found, by the number of the object."""
        return {
            each.target: each.event
            for each in self.judged
            if each.verdict is MatchVerdict.FOUND and each.target is not None
        }

    @property
    def expected(self) -> int:
        """Objects that are to raise an event."""
        return sum(target.raises for target in self.targets)

    @property
    def missed(self) -> list[Target]:
        """Objects without an event."""
        found = self.found_by
        return [target for number, target in enumerate(self.targets) if target.raises and number not in found]

    @property
    def seconds_to_alert(self) -> list[float]:
        """Of each object that was found, in order: from coming into sight to its event; never below 0."""
        found = self.found_by
        return [max(0.0, found[number].start_s - self.targets[number].start_s) for number in sorted(found)]


def match(
    events: Sequence[SeenEvent], labels: ClipLabels, times: FrameTimes, tolerance: Tolerance | None = None
) -> MatchResult:
    """Each object expects one event, the first that is about it; every further one is a duplicate.

    An event is about the object that is in sight at its time and at its place (see `nearness`), whatever it calls it.
    Where labels give no place, time decides: it takes an object that has no event yet, one in whose time it lies
    wholly, one of its own word, or else the latest. An event that begins where the labels are unsure is not judged,
    nor is one of a kind of which they only say that there are some, unless it is at the place of something labelled.
    """
    targets = targets_of(labels, times, tolerance)
    unsure = [span_of(interval, times, Tolerance(0, 0)) for interval in labels.unsure]
    found: set[int] = set()
    judged = []
    for event in sorted(events, key=lambda each: each.start_s):
        is_unsure = any(span.holds(event.start_s) for span in unsure)
        is_loose = event.kind in labels.unjudged
        about = None if is_unsure else _about(event, targets, found, by_place_only=is_loose)
        if about is None:
            verdict = MatchVerdict.UNSURE if is_unsure or is_loose else MatchVerdict.FALSE
        elif not targets[about].raises:
            verdict = MatchVerdict.FALSE
        else:
            verdict = MatchVerdict.DUPLICATE if about in found else MatchVerdict.FOUND
            found.add(about)
        judged.append(Judged(event, verdict, about))
    return MatchResult(targets, tuple(judged))


def _about(event: SeenEvent, targets: Sequence[Target], found: set[int], *, by_place_only: bool) -> int | None:
    """The number of the object that an event is about."""
    fits = {number: fit for number, target in enumerate(targets) if (fit := target.fit(event)) is not None}
    nearest = max((fit.nearness for fit in fits.values()), default=0.0)
    if nearest > 0:
        fits = {number: fit for number, fit in fits.items() if fit.nearness >= max(nearest - _AS_NEAR, _NO_PLACE)}
    elif by_place_only:
        return None
    return max(fits, key=lambda number: (number not in found, fits[number].order), default=None)


def area_under_curve(scores: Sequence[float], is_labelled: Sequence[bool]) -> float | None:
    """See `training.evaluate.area_under_curve`; None where one kind is missing."""
    inside = np.asarray(is_labelled, bool)
    return area(np.asarray(scores, float), inside) if inside.any() and not inside.all() else None
