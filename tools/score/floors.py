"""Floors: figures that a measurement must reach, given on the command line."""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from smartcam.edge.arguments import number
from tools.score.report import Score


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure of a score that a floor can be set for. `is_least`: more is better. `most`: it is never above that."""

    option: str
    meaning: str
    is_least: bool
    of: Callable[[Score], float | None]
    most: float | None = None


@dataclass(frozen=True, slots=True)
class Floor:
    """What one figure must reach, and what was measured: None where there is nothing to measure."""

    figure: Figure
    asked: float
    measured: float | None

    @property
    def holds(self) -> bool:
        """Whether the floor is reached; a delay that could not be measured does not reach it."""
        if self.measured is None:
            return False
        return self.measured >= self.asked if self.figure.is_least else self.measured <= self.asked


def _recall(score: Score) -> float | None:
    """None where labels only say in words what can be seen: nobody can judge whether it was found."""
    return None if not score.expected and any(clip.in_words for clip in score.clips) else score.recall


FIGURES: Final = (
    Figure("least-recall", "found of expected, 0 to 1", is_least=True, of=_recall, most=1),
    Figure(
        "least-precision",
        "found of found, duplicate and false, 0 to 1",
        is_least=True,
        of=lambda score: score.precision,
        most=1,
    ),
    Figure("most-false", "false events", is_least=False, of=lambda score: float(score.false)),
    Figure("most-duplicates", "further events about an object", False, of=lambda score: float(score.duplicates)),
    Figure("most-per-object", "events for each object found", is_least=False, of=lambda score: score.events_per_object),
    Figure("most-per-hour", "events per hour of clip", is_least=False, of=lambda score: score.events_per_hour),
    Figure(
        "most-false-per-hour", "false events per hour of clip", is_least=False, of=lambda score: score.false_per_hour
    ),
    Figure("most-median", "median seconds to alert", is_least=False, of=lambda score: score.delay(0.5)),
    Figure("most-p95", "95th percentile of the seconds to alert", is_least=False, of=lambda score: score.delay(0.95)),
    Figure("most-worst", "worst seconds to alert", is_least=False, of=lambda score: score.delay(1.0)),
    Figure(
        "most-ms",
        "CPU milliseconds per frame",
        is_least=False,
        of=lambda score: None if score.recalled else score.ms_per_frame.get("whole"),
    ),
)


def add_options(parser: argparse.ArgumentParser) -> None:
    """An option for each figure."""
    group = parser.add_argument_group("floors", "a measurement that misses one of them ends with exit code 3")
    for figure in FIGURES:
        group.add_argument(f"--{figure.option}", type=number(0, figure.most), metavar="N", help=figure.meaning)


def floors(options: argparse.Namespace, score: Score) -> tuple[Floor, ...]:
    """The floors that were given, compared with the score."""
    asked = ((figure, getattr(options, figure.option.replace("-", "_"))) for figure in FIGURES)
    return tuple(Floor(figure, wanted, figure.of(score)) for figure, wanted in asked if wanted is not None)
