"""`python -m measure.normal.yard`: the learner in a made-up yard: days without an intruder, then days with some.

The device starts empty. The days until it promises the budget are told apart; then fresh days begin, without anybody
unusual, and after them further days with three intruders each. Nobody gives a verdict, so what is raised is learnt.
"""

import argparse
import signal
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Final

import numpy as np

from measure.normal.days import STILL_S, YardDay, YardLife, yard_life
from measure.normal.judging import area
from measure.normal.watching import WatchedDay, YardWatch, kept_day
from smartcam.contract.errors import ModelIntegrityError
from smartcam.model.encoder import PlaceEncoder
from smartcam.model.interpreter import open_interpreter
from smartcam.model.looks import Eye
from smartcam.vision.normal.calibration import most_by_chance
from smartcam.vision.normal.learner import LearningPlan, SceneLearner
from tools.command_line import complain, interruptible

INTRUDERS_A_DAY: Final = 3
FIRST_FURTHER: Final = 1000
"""The number of the first day with intruders."""
_LATE_S: Final = 30.0
"""An episode that begins so long after an intruder has left is still theirs."""
_USUALLY_LEARNT: Final = 3
"""Days that are drawn beforehand; if more are needed, they are drawn later."""
_MOST_LEARNT: Final = 60


@dataclass(frozen=True, slots=True)
class YardPlan:
    """What is measured: `days` to watch, then intruders on `further` days; a still yard is drawn `every_s`."""

    seed: int
    days: int
    further: int
    every_s: float
    model: Path | None
    cache: Path

    def day(self, life: YardLife, number: int) -> YardDay:
        """A day of the yard, with intruders if it is a further one."""
        return YardDay(life, number, INTRUDERS_A_DAY if number >= FIRST_FURTHER else 0, self.every_s)


@dataclass(frozen=True, slots=True)
class YardOutcome:
    """What came of one budget.

    `learnt`: days until the promise, `early` what was raised on them; `raised` on each day that was watched; `found` of
    `planted` intruders; `false`: raised on the further days without one; `auc` of the scores of all
    seconds of the further days, those in which an intruder is to be seen against all others.
    """

    budget: float
    learnt: int
    early: int
    raised: tuple[int, ...]
    found: int
    planted: int
    false: int
    auc: float

    def __str__(self) -> str:
        days = len(self.raised)
        return (
            f"{self.budget:g} a day: promised after {self.learnt} days ({self.early} raised on them); then "
            f"{sum(self.raised)} raised in {days} days (at most {most_by_chance(self.budget * days)}, at least "
            f"{self.budget * days / 4:g}); {self.found} of {self.planted} intruders; AUC {self.auc:.4f}; {self.false} "
            f"raised on their days without one"
        )


def watched(plan: YardPlan, budget: float) -> YardOutcome:
    """Let an empty learner watch the yard.

    Raises:
        ModelIntegrityError: if the encoder's model is none.
        OSError: if it cannot be read, or looks cannot be kept.
        ValueError: if the budget takes too long to promise.
    """
    model, eye = _eye(plan)
    life = yard_life(plan.seed)
    watch = YardWatch(SceneLearner(LearningPlan(budget), eye.width))

    def show(number: int) -> tuple[YardDay, WatchedDay]:
        day = plan.day(life, number)
        return day, watch.show(kept_day(day, eye, model, plan.cache))

    early: list[int] = []
    while not _promises(watch.learner):
        if len(early) >= _MOST_LEARNT:
            raise ValueError(f"{budget:g} a day cannot be promised within {_MOST_LEARNT} days: ask for more a day")
        early.append(len(show(len(early))[1].raised))
    raised = tuple(len(show(len(early) + number)[1].raised) for number in range(plan.days))
    found = false = 0
    odd, normal = [np.zeros(0)], [np.zeros(0)]
    for number in range(plan.further):
        day, came = show(FIRST_FURTHER + number)
        scores = came.each_second()
        there = np.array([day.shows_intruder(at_s) for at_s in range(scores.size)])
        theirs = [_of_intruder(day, at_s) for at_s in came.raised]
        found += len({number for number in theirs if number is not None})
        false += sum(number is None for number in theirs)
        odd.append(scores[there])
        normal.append(scores[~there])
    auc = area(np.concatenate(odd), np.concatenate(normal)) if plan.further else float("nan")
    return YardOutcome(budget, len(early), sum(early), raised, found, plan.further * INTRUDERS_A_DAY, false, auc)


def main(argv: Sequence[str] | None = None) -> int:
    """Prints what came of each budget. 2 when something is missing."""
    parser = argparse.ArgumentParser(
        prog="python -m measure.normal.yard", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cache", type=Path, required=True, metavar="DIR", help="where looks are kept (50 MB a day)")
    parser.add_argument("--encoder", type=Path, metavar="MODEL", help="an encoder's model file; none: by hand alone")
    parser.add_argument("--seed", type=int, default=1, help="of the yard (default: 1)")
    parser.add_argument("--days", type=int, default=30, help="days to watch without an intruder (default: 30)")
    parser.add_argument("--further", type=int, default=10, help="days with three intruders each (default: 10)")
    parser.add_argument("--budget", type=float, action="append", help="alerts a day; may be repeated (default: 1, 10)")
    parser.add_argument(
        "--every", type=float, default=STILL_S, metavar="S", help="draw a still yard once in so many seconds"
    )
    parser.add_argument("--jobs", type=int, default=2, help="processes (default: 2)")
    wanted = parser.parse_args(argv)
    plan = YardPlan(wanted.seed, wanted.days, wanted.further, wanted.every, wanted.encoder, wanted.cache)
    try:
        for outcome in measured(plan, wanted.budget or [1.0, 10.0], wanted.jobs):
            print(outcome, flush=True)
    except (ModelIntegrityError, OSError, ValueError) as error:
        return complain("yard", error, 2)
    return 0


def measured(plan: YardPlan, budgets: Sequence[float], jobs: int) -> Iterator[YardOutcome]:
    """What comes of each budget. Draws all days first; says on stderr how far it is."""
    numbers = [*range(_USUALLY_LEARNT + plan.days), *range(FIRST_FURTHER, FIRST_FURTHER + plan.further)]
    begun_s = monotonic()
    # They are forked, and are not to take what ends them for an interruption of their work.
    with ProcessPoolExecutor(jobs, None, signal.signal, (signal.SIGTERM, signal.SIG_DFL)) as pool:
        for done, _ in enumerate(pool.map(_draw, [plan] * len(numbers), numbers), 1):
            passed_s = monotonic() - begun_s
            left_s = passed_s / done * (len(numbers) - done)
            print(f"drawn {done}/{len(numbers)} days, {left_s:.0f} s left", file=sys.stderr, flush=True)
        yield from pool.map(watched, [plan] * len(budgets), budgets)


def _draw(plan: YardPlan, number: int) -> None:
    model, eye = _eye(plan)
    kept_day(plan.day(yard_life(plan.seed), number), eye, model, plan.cache)


def _eye(plan: YardPlan) -> tuple[bytes, Eye]:
    model = plan.model.read_bytes() if plan.model else b""
    return model, Eye(PlaceEncoder(open_interpreter(model)) if model else None)


def _promises(learner: SceneLearner) -> bool:
    promise = learner.progress.promise
    return promise is not None and promise.kept


def _of_intruder(day: YardDay, at_s: float) -> int | None:
    """Which intruder an episode that begins then is of."""
    told = (number for number, (first_s, last_s) in enumerate(day.intrusions) if first_s <= at_s <= last_s + _LATE_S)
    return next(told, None)


if __name__ == "__main__":
    sys.exit(interruptible("yard", main))
