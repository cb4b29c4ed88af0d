"""What scores are worth on held-out time: visits found, false alarms, and thresholds that keep a budget of them."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray

from smartcam.contract.times import NS_PER_S, MonotonicNs
from smartcam.model.manifest import Thresholds
from smartcam.vision.alarm import AlarmPolicy, AlarmState, Observation, Transition, step
from smartcam.vision.normal.calibration import poisson_bound
from training.evaluate import area_under_curve
from training.footage.gathering import Looks

MIN_FRAMES: Final = 3
_CLEAR: Final = 0.6
_GRID: Final = tuple(round(0.02 * number, 2) for number in range(1, 50))
_AFTER_S: Final = 1.0
"""An alarm so soon after a visit is about the visit, as the score has it."""
_NEW_VISIT_S: Final = 2.0
"""Pictures of a visit that are further apart belong to two."""
_GAP_OF_STEPS: Final = 3.0
_S_PER_DAY: Final = 86_400.0
_BINS: Final = 10
_CLOCK: Final = re.compile(
    r"(?<!\d)(\d{4})-?(\d\d)-?(\d\d)[T_ .-]{0,3}(\d\d)[-:._h]?(\d\d)(?:[-:._m]?(\d\d))?(?!\d)", re.ASCII
)
"""Year, month, day, hour, minute and second."""


@dataclass(frozen=True, slots=True)
class Alarms:
    """What a threshold would have raised on a time.

    `visits`, how many there are; `found`; the seconds to the alarm of each found; `false` alarms; `normal_s`, the time
    without a visit.
    """

    visits: int
    found: int
    seconds_to_alert: tuple[float, ...]
    false: int
    normal_s: float

    @property
    def most_false_per_day(self) -> float:
        """What the time proves: the rate of false alarms that is not exceeded, with 90 % certainty (Poisson)."""
        return poisson_bound(self.false) / max(self.normal_s, 1.0) * _S_PER_DAY


@dataclass(frozen=True, slots=True)
class PictureCounts:
    """Pictures by what they are and what the model says at the threshold."""

    name: str
    right_without: int
    wrong_without: int
    right_with: int
    wrong_with: int


@dataclass(frozen=True, slots=True)
class FilmVerdict:
    """Figures on held-out time. `auc`: of pictures, None where one kind is missing."""

    auc: float | None
    alarms: Alarms
    confusions: tuple[PictureCounts, ...]
    calibration: tuple[tuple[float, float, int], ...]
    """For each tenth of the scores: the mean score, the share that shows the target, and the number of pictures."""


def choose(scores: NDArray[np.float32], held: Looks, budget_per_day: float) -> tuple[Thresholds, bool]:
    """Thresholds from held-out time, and whether they keep the budget of false alarms there.

    Of the thresholds with as few false alarms as the budget allows in so much time, those are taken that find the most
    visits, and of their longest row the middle: as far from a missed visit as from a false alarm.
    """
    normal_s = _normal_s(held)
    allowed = math.floor(budget_per_day * normal_s / _S_PER_DAY)
    tried = [(raise_at, alarms(scores, held, thresholds_at(raise_at))) for raise_at in _GRID]
    kept = [(raise_at, each) for raise_at, each in tried if each.false <= allowed]
    if not kept:
        return thresholds_at(_GRID[-1]), False
    most = max(each.found for _, each in kept)
    rows: list[list[float]] = [[]]
    for raise_at, each in kept:
        if each.found != most:
            rows.append([])
            continue
        if rows[-1] and raise_at - rows[-1][-1] > 0.03:  # noqa: PLR2004 - the grid has been left in between
            rows.append([])
        rows[-1].append(raise_at)
    longest = max(rows, key=len)
    return thresholds_at(longest[len(longest) // 2]), True


def thresholds_at(raise_at: float) -> Thresholds:
    """With `clear_at` well below."""
    return Thresholds(raise_at=raise_at, clear_at=round(raise_at * _CLEAR, 2))


def alarms(scores: NDArray[np.float32], held: Looks, thresholds: Thresholds) -> Alarms:
    """The alarms that the device's own policy would have raised, film by film."""
    policy = AlarmPolicy(thresholds.raise_at, thresholds.clear_at, MIN_FRAMES)
    visits = found = false = 0
    delays: list[float] = []
    for film in np.unique(held.film):
        here = held.film == film
        times = held.at_s[here]
        seen = _visits(times, held.shows[here])
        raised = _raised(policy, times, scores[here])
        about = [
            next((n for n, (first, last) in enumerate(seen) if first <= at <= last + _AFTER_S), -1) for at in raised
        ]
        false += about.count(-1)
        visits += len(seen)
        found += len(set(about) - {-1})
        delays += [raised[about.index(n)] - seen[n][0] for n in sorted(set(about) - {-1})]
    return Alarms(visits, found, tuple(round(delay, 2) for delay in delays), false, _normal_s(held))


def judge(scores: NDArray[np.float32], held: Looks, thresholds: Thresholds, films: Sequence[str]) -> FilmVerdict:
    """All figures of held-out time. `films`: names, by which hours are known; see `begin_of`."""
    said = scores >= thresholds.raise_at
    groups = [("day", ~held.night), ("night", held.night)]
    groups += _by_hour(held, films)
    groups += [(films[number], held.film == number) for number in np.unique(held.film)]
    both = bool(held.shows.any() and (~held.shows).any())
    return FilmVerdict(
        auc=area_under_curve(scores, held.shows) if both else None,
        alarms=alarms(scores, held, thresholds),
        confusions=tuple(_confusion(name, said[which], held.shows[which]) for name, which in groups if which.any()),
        calibration=tuple(_calibration(scores, held.shows)),
    )


def begin_of(name: str) -> datetime | None:
    """When a film begins, by the clock in its name: 2026-11-30T14-05-00, 20261130_1405 and the like; None: no clock."""
    found = _CLOCK.search(name)
    if found is None:
        return None
    year, month, day, hour, minute, second = (int(each or 0) for each in found.groups())
    try:
        return datetime(year, month, day, hour, minute, second)  # noqa: DTZ001 - a camera's own clock
    except ValueError:
        return None


def _by_hour(held: Looks, films: Sequence[str]) -> list[tuple[str, NDArray[np.bool_]]]:
    """Pictures by the hour of the day, as far as the names of their films know it."""
    begins = [begin_of(name) for name in films]
    hours = np.full(len(held), -1)
    for place, (number, at_s) in enumerate(zip(held.film.tolist(), held.at_s.tolist(), strict=True)):
        begin = begins[number]
        if begin is not None:
            hours[place] = (begin + timedelta(seconds=at_s)).hour
    return [(f"{hour:02}:00 to {hour:02}:59", hours == hour) for hour in np.unique(hours).tolist() if hour >= 0]


def _raised(policy: AlarmPolicy, times: NDArray[np.float64], scores: NDArray[np.float32]) -> list[float]:
    state, raised = AlarmState(), []
    for at_s, score in zip(times.tolist(), scores.tolist(), strict=True):
        look = Observation(MonotonicNs(round(at_s * NS_PER_S)), score, moves=state.spent_moves + 1)
        state, transition = step(policy, state, look)
        if transition is Transition.RAISED:
            raised.append(at_s)
    return raised


def _visits(times: NDArray[np.float64], shows: NDArray[np.bool_]) -> list[tuple[float, float]]:
    visits: list[tuple[float, float]] = []
    was_shown = False
    for at_s, shown in zip(times.tolist(), shows.tolist(), strict=True):
        if shown and was_shown and at_s - visits[-1][1] <= _NEW_VISIT_S:
            visits[-1] = visits[-1][0], at_s
        elif shown:
            visits.append((at_s, at_s))
        was_shown = shown
    return visits


def _normal_s(held: Looks) -> float:
    """Seconds without a visit: steps from one picture to the next of the same film, both without.

    Where nobody can say what is in sight there are no pictures, and such a gap is no normal time.
    """
    total = 0.0
    for film in np.unique(held.film):
        here = held.film == film
        steps, shows = np.diff(held.at_s[here]), held.shows[here]
        if steps.size:
            normal = ~shows[1:] & ~shows[:-1] & (steps <= _GAP_OF_STEPS * np.median(steps))
            total += float(steps[normal].sum())
    return total


def _confusion(name: str, said: NDArray[np.bool_], shows: NDArray[np.bool_]) -> PictureCounts:
    return PictureCounts(
        name,
        right_without=int((~said & ~shows).sum()),
        wrong_without=int((said & ~shows).sum()),
        right_with=int((said & shows).sum()),
        wrong_with=int((~said & shows).sum()),
    )


def _calibration(scores: NDArray[np.float32], shows: NDArray[np.bool_]) -> list[tuple[float, float, int]]:
    tenths = np.clip((scores * _BINS).astype(np.int64), 0, _BINS - 1)
    return [
        (float(scores[tenths == tenth].mean()), float(shows[tenths == tenth].mean()), int((tenths == tenth).sum()))
        for tenth in np.unique(tenths)
    ]
