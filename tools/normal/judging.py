"""Compares what was raised with what is odd: frame AUC, what was found, what was false, how long it took."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tools.normal.playing import PlayedClip, SceneAlert
from tools.normal.truth import runs_of
from training.evaluate import area_under_curve

LATE_S: Final = 10.0
"""A score is the memory of some seconds: what is raised so long after an odd time still belongs to it."""


@dataclass(frozen=True, slots=True)
class ClipVerdict:
    """One tested clip. `odd`: from which to which second something is odd; `delays_s`: to the alert, of what was found.

    `area` is the AUC over its frames; None if they are all of one kind.
    """

    clip: PlayedClip
    odd: tuple[tuple[float, float], ...]
    delays_s: tuple[float, ...]
    false: tuple[SceneAlert, ...]
    area: float | None

    @property
    def found(self) -> int:
        """How many of the odd times were told of."""
        return len(self.delays_s)


@dataclass(frozen=True, slots=True)
class SceneVerdict:
    """All tested clips; `area` is the AUC over all their frames together (micro)."""

    clips: tuple[ClipVerdict, ...]
    area: float | None

    @property
    def odd(self) -> int:
        """How many odd times there are."""
        return sum(len(each.odd) for each in self.clips)

    @property
    def found(self) -> int:
        """How many of them were told of."""
        return sum(each.found for each in self.clips)

    @property
    def false(self) -> int:
        """How many alerts are about nothing odd."""
        return sum(len(each.false) for each in self.clips)

    @property
    def delays_s(self) -> tuple[float, ...]:
        """Seconds from each found odd time's beginning to its alert."""
        return tuple(delay for each in self.clips for delay in each.delays_s)

    @property
    def hours(self) -> float:
        """How long all clips are."""
        return sum(each.clip.seconds for each in self.clips) / 3600


def judged(clips: Sequence[PlayedClip]) -> SceneVerdict:
    """The verdict on tested clips."""
    frames = [_frames(clip) for clip in clips]
    scores = np.concatenate([np.zeros(0, np.float32), *(each for each, _ in frames)])
    odd = np.concatenate([np.zeros(0, np.bool_), *(each for _, each in frames)])
    told = tuple(_judged(clip, *each) for clip, each in zip(clips, frames, strict=True))
    return SceneVerdict(told, _area(scores, odd))


def _frames(clip: PlayedClip) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Each frame's score, the last look's, and whether it is odd; without frames of which nobody can say."""
    scores = np.array([0.0, *(look.score for look in clip.looks)], np.float32)
    last = np.searchsorted([look.at_s for look in clip.looks], clip.at_s, "right")
    told = np.array([odd is not None for odd in clip.odd], np.bool_)
    return scores[last][told], np.array([bool(odd) for odd in clip.odd], np.bool_)[told]


def _area(scores: NDArray[np.float32], odd: NDArray[np.bool_]) -> float | None:
    return area_under_curve(scores, odd) if odd.any() and not odd.all() else None


def _judged(clip: PlayedClip, scores: NDArray[np.float32], odd: NDArray[np.bool_]) -> ClipVerdict:
    blocks = [(clip.at_s[first], clip.at_s[last]) for first, last in runs_of([each is True for each in clip.odd])]
    unsure = [(clip.at_s[first], clip.at_s[last]) for first, last in runs_of([each is None for each in clip.odd])]
    true = [alert for alert in clip.alerts if _within(alert.at_s, blocks)]
    false = [alert for alert in clip.alerts if not _within(alert.at_s, [*blocks, *unsure])]
    delays = (_delay(first, last, true) for first, last in blocks)
    found = tuple(delay for delay in delays if delay is not None)
    return ClipVerdict(clip, tuple(blocks), found, tuple(false), _area(scores, odd))


def _within(at_s: float, blocks: Sequence[tuple[float, float]]) -> bool:
    return any(first <= at_s <= last + LATE_S for first, last in blocks)


def _delay(first: float, last: float, alerts: Sequence[SceneAlert]) -> float | None:
    """Seconds to the first alert of an odd time; 0 if one of an odd time before went on until then."""
    begun = [alert for alert in alerts if alert.at_s <= last + LATE_S and alert.end_s >= first]
    return min((max(alert.at_s - first, 0.0) for alert in begun), default=None)
