"""The watched minutes: of each, the oddest places, so that it can be scored again when more is known of what is usual.

A threshold and the scores of months ago must be in the same units, and a place's reach grows while it is watched.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from smartcam.vision.normal.calibration import Minutes
from smartcam.vision.normal.look import Regime
from smartcam.vision.normal.usual import Places

TOGETHER: Final = 3
"""The score is that of so many places: one alone is noise."""
MOST_MINUTES: Final = 14 * 24 * 60
"""Two weeks."""
_REGIMES: Final = tuple(Regime)

Beyond = NDArray[np.float32]
"""How far places are beyond what is usual and known, in distances, not in reaches; the oddest last."""


def oddest(odd: Places) -> NDArray[np.intp]:
    """The oddest places, the oddest last."""
    chosen = np.argpartition(odd, -TOGETHER)[-TOGETHER:]
    return chosen[np.argsort(odd[chosen], kind="stable")]


def score_of(odd: NDArray[np.float32]) -> float:
    """One number for the oddest places: their mean, drawn together so that a giant is not a thousand dwarfs."""
    return float(np.sqrt(odd.mean()))


@dataclass(frozen=True, slots=True, eq=False)
class WatchedMinutes:
    """Of each watched minute the look with the highest score.

    `numbers` of the minutes (n,), rising; `regimes` (n,) as indices; the oddest `places` (n, TOGETHER) and how far each
    of them was `beyond` (n, TOGETHER); the `scores` (n,) that the looks had at the time; `ages` (n,), the seconds that
    the learner had watched by then.
    """

    numbers: NDArray[np.int64]
    regimes: NDArray[np.uint8]
    places: NDArray[np.uint8]
    beyond: Beyond
    scores: NDArray[np.float32]
    ages: NDArray[np.float32]

    @classmethod
    def none(cls, count: int = 0) -> "WatchedMinutes":
        """So many minutes of zeros."""
        return cls(
            np.zeros(count, np.int64),
            np.zeros(count, np.uint8),
            np.zeros((count, TOGETHER), np.uint8),
            np.zeros((count, TOGETHER), np.float32),
            np.zeros(count, np.float32),
            np.zeros(count, np.float32),
        )

    def with_look(
        self, number: int, regime: Regime, places: NDArray[np.intp], beyond: Beyond, score: float, age_s: float
    ) -> "WatchedMinutes":
        """The same with one more look; the oldest minutes are forgotten beyond `MOST_MINUTES`.

        A look of an earlier minute than the last, which a step of the clock makes, counts for the last.
        """
        is_same = self.numbers.size > 0 and number <= self.numbers[-1]
        if is_same and score <= self.scores[-1]:
            return self
        kept = slice(None, -1) if is_same else slice(-(MOST_MINUTES - 1), None)
        return WatchedMinutes(
            np.append(self.numbers[kept], self.numbers[-1] if is_same else np.int64(number)),
            np.append(self.regimes[kept], np.uint8(_REGIMES.index(regime))),
            np.concatenate([self.places[kept], places[None].astype(np.uint8)]),
            np.concatenate([self.beyond[kept], beyond[None]]),
            np.append(self.scores[kept], np.float32(score)),
            np.append(self.ages[kept], np.float32(age_s)),
        )

    def without(self, first: int, last: int) -> "WatchedMinutes":
        """The same without the minutes from `first` to `last`: an intruder is no normal minute."""
        return self._only((self.numbers < first) | (self.numbers > last))

    def lowered(self, first: int, last: int, most: float, reaches: Mapping[Regime, Places]) -> "WatchedMinutes":
        """The same with a score of at most `most`, by what is usual today, in the minutes from `first` to `last`."""
        scores = self.scored(reaches).scores
        high = (self.numbers >= first) & (self.numbers <= last) & (scores > most)
        share = np.where(high, np.float32(most) / np.where(high, scores, 1), 1).astype(np.float32)
        beyond = self.beyond * share[:, None] ** 2  # the score is a root, see `score_of`
        return replace(self, beyond=beyond, scores=np.where(high, np.float32(most), self.scores).astype(np.float32))

    def since(self, age_s: float) -> "WatchedMinutes":
        """The same without the minutes of a learner that had watched for less than `age_s`."""
        return self._only(self.ages >= age_s)

    def scored(self, reaches: Mapping[Regime, Places]) -> Minutes:
        """The minutes with the scores that they have by what is usual today."""
        reach = np.stack([reaches[regime] for regime in _REGIMES])[self.regimes[:, None], self.places]
        return Minutes(self.numbers, np.sqrt((self.beyond / reach).mean(axis=1)).astype(np.float32))

    def _only(self, wanted: NDArray[np.bool_]) -> "WatchedMinutes":
        return WatchedMinutes(
            self.numbers[wanted],
            self.regimes[wanted],
            self.places[wanted],
            self.beyond[wanted],
            self.scores[wanted],
            self.ages[wanted],
        )
