"""From normal minutes to a threshold that keeps an alert budget, and what may be promised of it.

A score is autocorrelated, so its quantile over frames says nothing about alerts a day. Episodes are counted instead:
minutes whose highest score is above a threshold, one after another, are one. If episodes come independently (Poisson),
`count` of them in some hours bound their rate from above; the threshold is the lowest whose bound keeps the budget.
"""

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

CONFIDENCE: Final = 0.9
"""Of the bound on the rate. The median rate that comes of it is half of the budget, and one in ten is above it."""
LIMIT: Final = 0.95
"""Of what is still the work of chance when what was raised is compared with the budget."""
_TOGETHER: Final = 2
"""Minutes from one high minute to the next within one episode."""
STRICTER: Final = 1.1
"""How far above everything seen the threshold is while the footage proves nothing."""
_STEPS: Final = 60
_HOURS_A_DAY: Final = 24.0
_MINUTES_AN_HOUR: Final = 60.0

Scores = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Minutes:
    """The highest score of each watched minute: the minutes' numbers, rising, and their scores, both (n,)."""

    numbers: NDArray[np.int64]
    scores: Scores

    @classmethod
    def none(cls) -> "Minutes":
        """Nothing watched yet."""
        return cls(np.empty(0, np.int64), np.empty(0, np.float32))

    @property
    def hours(self) -> float:
        """For how long this was watched."""
        return self.numbers.size / _MINUTES_AN_HOUR

    def episodes(self, threshold: float) -> int:
        """How many episodes have a score above the threshold."""
        high = self.numbers[self.scores > threshold]
        return int(high.size and 1 + np.count_nonzero(np.diff(high) > _TOGETHER))


@dataclass(frozen=True, slots=True)
class Promise:
    """A threshold and what it is worth.

    `bound`: alerts a day that it stays below, with a confidence of 90 %. `hours`: of normal footage behind it.
    `hours_needed`: of footage, until the budget can be promised at all; 0 when it is. Scores above `threshold` are
    unusual.
    """

    threshold: float
    bound: float
    hours: float
    hours_needed: float

    @property
    def kept(self) -> bool:
        """Whether the footage proves that the budget is kept."""
        return self.hours_needed <= 0


@dataclass(frozen=True, slots=True)
class BudgetPoint:
    """A threshold, how many alerts a day it gives on the watched minutes, and the 90 % Poisson band of that."""

    threshold: float
    a_day: float
    least: float
    most: float


def poisson_bound(count: int, confidence: float = CONFIDENCE) -> float:
    """The mean of a Poisson count that is exceeded by `count` or less only with a probability of 1 - confidence.

    Garwood's upper limit, found by halving.
    """
    low, high = 0.0, 2.0 * count + 20.0
    for _ in range(_STEPS):
        mean = (low + high) / 2
        low, high = (mean, high) if _at_most(count, mean) > 1 - confidence else (low, mean)
    return high


def most_by_chance(mean: float) -> int:
    """The count that a Poisson count of this mean exceeds with a probability of 5 % at most."""
    count = 0
    while _at_most(count, mean) < LIMIT:
        count += 1
    return count


def hours_for(budget: float) -> float:
    """Hours without any episode after which a budget of alerts a day can be promised."""
    return poisson_bound(0) * _HOURS_A_DAY / budget


def promise(minutes: Minutes, budget: float) -> Promise:
    """The lowest threshold whose bound keeps the budget in alerts a day; above everything seen until one does.

    Raises:
        ValueError: if the budget is not above 0.
    """
    if not budget > 0:
        raise ValueError(f"alerts a day must be above 0, not {budget}")
    hours, allowed = minutes.hours, _allowed(minutes.hours, budget)
    highest = float(minutes.scores.max()) if minutes.scores.size else math.inf
    if allowed < 0:
        bound = poisson_bound(0) * _HOURS_A_DAY / hours if hours else math.inf
        return Promise(highest * STRICTER, bound, hours, hours_for(budget) - hours)
    threshold = highest
    for candidate in np.unique(minutes.scores)[::-1].tolist():
        if minutes.episodes(candidate) > allowed:
            break
        threshold = candidate
    count = minutes.episodes(threshold)
    return Promise(threshold, poisson_bound(count) * _HOURS_A_DAY / hours, hours, 0.0)


def budget_curve(minutes: Minutes, steps: int, most_a_day: float = math.inf) -> list[BudgetPoint]:
    """Alerts a day by rising threshold, up to the highest score, from where they are no more than so many a day.

    Of more than so many thresholds those near the top, which few alerts a day need, are closer to one another.
    """
    chosen = np.unique(minutes.scores)[::-1]
    if chosen.size > steps:
        chosen = chosen[np.unique(np.geomspace(1, chosen.size, steps).astype(np.int64)) - 1]
    points: list[BudgetPoint] = []
    for threshold in chosen.tolist():
        if minutes.episodes(threshold) * _HOURS_A_DAY > most_a_day * minutes.hours:
            break
        points.insert(0, _point(threshold, minutes))
    return points


def drifts(raised: int, hours: float, budget: float) -> bool:
    """Whether more was raised in these hours than the budget and chance allow."""
    return raised > 0 and _at_most(raised - 1, budget * hours / _HOURS_A_DAY) >= LIMIT


def joined(parts: Sequence[Minutes]) -> Minutes:
    """What was watched at several times, the earliest first."""
    return Minutes(np.concatenate([part.numbers for part in parts]), np.concatenate([part.scores for part in parts]))


def _point(threshold: float, minutes: Minutes) -> BudgetPoint:
    count, days = minutes.episodes(threshold), minutes.hours / _HOURS_A_DAY
    least = poisson_bound(count - 1, 1 - CONFIDENCE) if count else 0.0
    return BudgetPoint(threshold, count / days, least / days, poisson_bound(count) / days)


def _allowed(hours: float, budget: float) -> int:
    """How many episodes these hours may have so that their bound keeps the budget; -1 if not even none."""
    most = budget * hours / _HOURS_A_DAY
    # By halving: two weeks of a hundred alerts a day would take a minute one by one.
    return bisect_right(range(int(most) + 1), most, key=poisson_bound) - 1


def _at_most(count: int, mean: float) -> float:
    """The probability of a Poisson count of this mean being at most `count`."""
    if mean <= 0:
        return 1.0
    logs = np.concatenate([[0.0], np.cumsum(math.log(mean) - np.log(np.arange(1, count + 1)))]) - mean
    return float(np.exp(logs).sum())
