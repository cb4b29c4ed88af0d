"""Plays looks to the learner, and counts: frame AUC, episodes, blocks found."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from measure.normal.footage import ClipLooks
from smartcam.vision.normal.learner import SceneLearner
from smartcam.vision.normal.watched import WatchedMinutes
from training.evaluate import area_under_curve

GAP_S: Final = 60.0
"""An episode is over when nothing was unusual for so long."""
LATE_S: Final = 10.0
"""A score is the memory of some seconds: what it says so long after a block still belongs to it."""


@dataclass(slots=True)
class WatchClock:
    """The time of a device that has watched one clip after another."""

    at_s: float = 1000.0

    def rest(self) -> None:
        """A gap between two clips."""
        self.at_s += 3 * GAP_S


@dataclass(frozen=True, slots=True, eq=False)
class Verdicts:
    """What the learner said of each look: scores (n,), and whether it was unusual (n,)."""

    scores: NDArray[np.float64]
    unusual: NDArray[np.bool_]


def play(learner: SceneLearner, looks: ClipLooks, clock: WatchClock) -> Verdicts:
    """Show the learner successive looks. While one is unusual, an episode is on, as on a device."""
    scores, unusual = np.zeros(len(looks)), np.zeros(len(looks), np.bool_)
    for place, look in enumerate(looks):
        clock.at_s += looks.step_s
        judged = learner.see(look, clock.at_s, int(clock.at_s // 60))
        scores[place], unusual[place] = judged.score, judged.unusual
    clock.rest()
    return Verdicts(scores, unusual)


def begin_calibrating(learner: SceneLearner) -> None:
    """From now on the minutes count."""
    learner.minutes = WatchedMinutes.none()


def area(odd: NDArray[np.float64], normal: NDArray[np.float64]) -> float:
    """See `training.evaluate.area_under_curve`: how often an odd score is above a normal one."""
    return area_under_curve(np.concatenate([odd, normal]), np.arange(odd.size + normal.size) < odd.size)


def blocks_of(odd: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """First and last index of each run of true."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], odd.astype(np.int8), [0]])))
    return [(int(first), int(last) - 1) for first, last in zip(edges[::2], edges[1::2], strict=True)]


def found_and_false(unusual: NDArray[np.bool_], blocks: Sequence[tuple[int, int]], step_s: float) -> tuple[int, int]:
    """How many blocks are told of, and how many episodes are false: those that begin before or after any block.

    An episode that goes on from one block into the next tells of both; one that was on before the first tells of none.
    """
    late = round(LATE_S / step_s)
    marks = np.flatnonzero(unusual)
    episodes = np.split(marks, np.flatnonzero(np.diff(marks) > GAP_S / step_s) + 1) if marks.size else []
    true = [each for each in episodes if any(first <= each[0] <= last + late for first, last in blocks)]
    found = sum(any(((each >= first) & (each <= last + late)).any() for each in true) for first, last in blocks)
    return found, len(episodes) - len(true)
