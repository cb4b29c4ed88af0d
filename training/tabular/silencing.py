"""The event filter: learns from a person's verdicts which events to hold back, and says what that would have done."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from smartcam.contract.event import Severity
from smartcam.model.rows.columns import Row, number_in
from smartcam.model.rows.holding import HoldingRule, SpanOfFalse, is_near
from smartcam.model.rows.known import FEATURES, WORDS, features
from training.errors import TrainingError

VERDICT: Final = "verdict"
"""The column of a history in which a person writes one of the two."""
FALSE: Final = "false"
TRUE: Final = "true"
_CHANCE: Final = 0.001
"""How likely it may be at most that verdicts which say nothing look as if they said something."""
_FOLDS: Final = 5
_LEAST: Final = 10
_SPARE: Final = 0.05
"""Of a column's span: the next false event may lie a little beyond those seen."""
UNKNOWN: Final = -30.0
Answer = Callable[[Sequence[Row]], NDArray[np.float64]]
"""How much features look like a false event's, as logits."""
A = TypeVar("A", bound=Answer)
Teach = Callable[[Sequence[Row], NDArray[np.bool_]], A]
"""Learns from features and whether each is a false event's."""


@dataclass(frozen=True, slots=True)
class Effect:
    """What a filter would have done to events that it was not made from."""

    false: int
    false_silenced: int
    true: int
    true_silenced: int

    @property
    def is_proof(self) -> bool:
        """Whether it has silenced something false, and nothing true."""
        return self.false_silenced > 0 and not self.true_silenced

    def __str__(self) -> str:
        lost = "no true one" if not self.true_silenced else f"{self.true_silenced} true ones"
        return f"would have silenced {self.false_silenced} of {self.false} false events, and {lost} of {self.true}"


@dataclass(frozen=True, slots=True)
class VerdictFilter(Generic[A]):
    """Holds back what looks false enough; `limit`, a logit, of None: nothing."""

    answer: A
    limit: float | None
    rule: HoldingRule

    def silences(self, row: Row) -> bool:
        """Whether an event is held back."""
        known = features(row)
        may = self.limit is not None and self.rule.may_hold_back(row, known)
        return may and bool(self.answer([known])[0] > (self.limit or 0.0))

    @property
    def threshold(self) -> float:
        """The limit as a probability; 1: nothing is above it."""
        return 1.0 if self.limit is None else 1 / (1 + math.exp(-self.limit))


@dataclass(frozen=True, slots=True)
class FilterLesson(Generic[A]):
    """A filter, and the later half of the events, which it was not made from, with what each is."""

    made: VerdictFilter[A]
    later: tuple[Row, ...]
    is_false: NDArray[np.bool_]

    def effect(self, silences: Callable[[Row], bool]) -> Effect:
        """What a way to silence would have done to the later half."""
        held = np.array([silences(row) for row in self.later], bool)
        wrong, right = self.is_false, ~self.is_false
        return Effect(int(wrong.sum()), int((held & wrong).sum()), int(right.sum()), int((held & right).sum()))


def learn_filter(rows: Sequence[Row], teach: Teach[A], never_from: Severity = Severity.CRITICAL) -> FilterLesson[A]:
    """A filter from the earlier half of the events that have verdicts.

    Each row is one of `smartcam alerts export`, with `true` or `false` as its verdict.

    Raises:
        TrainingError: there are too few verdicts.
    """
    judged = sorted((row for row in rows if verdict(row)), key=lambda row: row.get("event_id", ""))
    is_false = np.array([verdict(row) == FALSE for row in judged], bool)
    half = len(judged) // 2
    for which, part in (("earlier", is_false[:half]), ("later", is_false[half:])):
        wrong, right = int(part.sum()), int((~part).sum())
        if min(wrong, right) < _LEAST:
            raise TrainingError(
                f"history: of the {which} half {wrong} events are judged false and {right} true; "
                f"at least {_LEAST} of each are needed: write more verdicts"
            )
    earlier = [features(row) for row in judged[:half]]
    limit = limit_of(unseen(earlier, is_false[:half], near_what_was_false(teach)), is_false[:half])
    rule = HoldingRule(never_from, spans_of(earlier, is_false[:half]))
    made = VerdictFilter(teach(earlier, is_false[:half]), limit, rule)
    return FilterLesson(made, tuple(judged[half:]), is_false[half:])


def near_what_was_false(teach: Teach[A]) -> Teach[Answer]:
    """Learns the same, and answers `UNKNOWN` for whatever lies outside of what was called false, in any respect."""

    def taught(rows: Sequence[Row], is_false: NDArray[np.bool_]) -> Answer:
        answer, spans = teach(rows, is_false), spans_of(rows, is_false)

        def near(asked: Sequence[Row]) -> NDArray[np.float64]:
            return np.where([is_near(spans, row) for row in asked], answer(asked), UNKNOWN)

        return near

    return taught


def spans_of(rows: Sequence[Row], is_false: NDArray[np.bool_]) -> tuple[SpanOfFalse, ...]:
    """Which values each feature has had in false events."""
    wrong = [row for row, false in zip(rows, is_false, strict=True) if false]
    return tuple(_span(name, [row.get(name, "") for row in wrong]) for name in sorted(FEATURES))


def _span(name: str, cells: Sequence[str]) -> SpanOfFalse:
    numbers = [] if name in WORDS else [number for cell in cells if (number := number_in(cell)) is not None]
    words = frozenset(cell for cell in cells if name in WORDS or number_in(cell) is None)
    if not numbers:
        return SpanOfFalse(name, words)
    spare = (max(numbers) - min(numbers)) * _SPARE
    return SpanOfFalse(name, words, min(numbers) - spare, max(numbers) + spare)


def limit_of(scores: NDArray[np.float64], is_false: NDArray[np.bool_]) -> float | None:
    """From which score on an event is held back; None where the verdicts prove nothing.

    `scores` are of events that were not learned from. Those above every true one prove something if verdicts without
    any meaning would hardly put so many false ones in front. The limit is half-way up from the highest true one to the
    middle of those: true events yet to come may score higher than all so far.
    """
    if not is_false.any() or is_false.all():
        return None
    highest_true = float(scores[~is_false].max())
    in_front = scores[is_false & (scores > highest_true)]
    if in_front.size * math.log(float(is_false.mean())) > math.log(_CHANCE):
        return None
    return highest_true + (float(np.median(in_front)) - highest_true) / 2


def unseen(rows: Sequence[Row], is_false: NDArray[np.bool_], teach: Teach[Answer]) -> NDArray[np.float64]:
    """The score of each row by a network that has learned from the others: five stretches of time take turns."""
    scores = np.zeros(len(rows))
    for part in np.array_split(np.arange(len(rows)), _FOLDS):
        others = np.setdiff1d(np.arange(len(rows)), part)
        if is_false[others].any() and not is_false[others].all():
            scores[part] = teach([rows[place] for place in others], is_false[others])([rows[place] for place in part])
    return scores


def verdict(row: Row) -> str:
    """What a person wrote: `true`, `false`, or nothing that is understood."""
    said = row.get(VERDICT, "").strip().lower()
    return said if said in {TRUE, FALSE} else ""
