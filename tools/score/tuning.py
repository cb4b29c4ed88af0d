"""Looks for the settings of a camera under which labelled clips have the fewest faults."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from smartcam.inference.settings import AnalysisSettings
from smartcam.model.manifest import ModelManifest
from tools.score.matching import MatchResult, MatchVerdict
from tools.score.report import ClipScore, quantile

MISS_COSTS: Final = 3.0
"""A visitor whom nobody was told of is worse than an alert too many; three of these are taken for as bad."""
VALUES: Final[Mapping[str, tuple[float, ...]]] = {
    "raise_at": (0.4, 0.5, 0.6, 0.7, 0.8),
    "min_frames": (1, 2, 3, 4, 6),
    "motion_min_size": (0.005, 0.01, 0.02, 0.04, 0.08),
    "remember_s": (3.0, 10.0, 30.0, 60.0, 120.0),
}
"""What is tried, key by key: all that one camera's settings have for how soon something counts as an object."""

Changes = Mapping[str, float]
"""Settings that are not as they were, by key."""


@dataclass(frozen=True, slots=True)
class Tallied:
    """What came of the objects and events of some clips, or of a part of them."""

    expected: int = 0
    found: int = 0
    duplicates: int = 0
    false: int = 0
    seconds: tuple[float, ...] = ()

    @property
    def missed(self) -> int:
        """Objects without an event."""
        return self.expected - self.found

    def cost(self, miss_costs: float) -> float:
        """What all faults cost: a false or doubled event 1, a missed object so much."""
        return miss_costs * self.missed + self.false + self.duplicates

    @property
    def median_s(self) -> float:
        """Median seconds to alert, 0 where nothing was found."""
        return quantile(self.seconds, 0.5) or 0.0

    def __str__(self) -> str:
        delays = f", median {self.median_s:.2f} s, worst {max(self.seconds):.2f} s" if self.seconds else ""
        return f"{self.found} of {self.expected} found, {self.duplicates} twice, {self.false} false{delays}"


@dataclass(frozen=True, slots=True)
class TuningTrial:
    """Settings that were tried, and what came of them."""

    changes: Changes
    figures: Tallied

    @property
    def words(self) -> str:
        """The settings in words."""
        return ", ".join(f"{key} {value:g}" for key, value in self.changes.items()) or "as it is"


def figures_of(clips: Iterable[ClipScore], counts: Callable[[ClipScore, float], bool]) -> Tallied:
    """The figures of all objects that came into sight, and events that began, when `counts` says so of the second."""
    total, expected, seconds = Counter[MatchVerdict](), 0, []
    for clip in clips:
        outcome = clip.outcome
        found = outcome.found_by
        for number, target in enumerate(outcome.targets):
            if target.raises and counts(clip, target.start_s):
                expected += 1
                if number in found:
                    total[MatchVerdict.FOUND] += 1
                    seconds.append(max(0.0, found[number].start_s - target.start_s))
        for place, each in enumerate(outcome.judged):
            if each.verdict is not MatchVerdict.FOUND and counts(clip, _belongs_to(outcome, place)):
                total[each.verdict] += 1
    return Tallied(
        expected, total[MatchVerdict.FOUND], total[MatchVerdict.DUPLICATE], total[MatchVerdict.FALSE], tuple(seconds)
    )


def _belongs_to(outcome: MatchResult, place: int) -> float:
    """The second that decides in which half an event counts: that of its object, so that both are in one."""
    judged = outcome.judged[place]
    if judged.verdict is MatchVerdict.DUPLICATE and judged.target is not None:
        return outcome.targets[judged.target].start_s
    return judged.event.start_s


def search(
    start: Changes, measure: Callable[[Changes], Tallied], miss_costs: float, values: Mapping[str, Sequence[float]]
) -> tuple[TuningTrial, list[TuningTrial]]:
    """The best settings and all that were tried: one key after the other, again until none is better.

    `start` has the value of each key to begin with; changes name only what is other than there. Of settings that cost
    the same the one with fewer changes is better, and then the quicker: without a fault less nothing is changed.
    """
    tried: dict[tuple[tuple[str, float], ...], TuningTrial] = {}

    def trial(changes: Changes) -> TuningTrial:
        real = {key: value for key, value in sorted(changes.items()) if value != start[key]}
        name = tuple(real.items())
        if name not in tried:
            tried[name] = TuningTrial(real, measure(real))
        return tried[name]

    def worth(one: TuningTrial) -> tuple[float, int, float]:
        return one.figures.cost(miss_costs), len(one.changes), one.figures.median_s

    best = trial({})
    while True:
        before = best
        for key, choices in values.items():
            best = min([best, *(trial({**best.changes, key: value}) for value in choices)], key=worth)
        if worth(best) == worth(before):
            return best, list(tried.values())


def start_of(settings: AnalysisSettings, manifest: ModelManifest) -> dict[str, float]:
    """The value of each key that is tuned, the bundle's where the settings leave it to it."""
    of_bundle = {"raise_at": manifest.thresholds.raise_at, "min_frames": manifest.min_frames}
    values = {key: getattr(settings, key) for key in VALUES}
    return {key: of_bundle[key] if value is None else value for key, value in values.items()}


def allowed_values(settings: AnalysisSettings) -> dict[str, tuple[float, ...]]:
    """What may be tried: a `clear_at` of the settings must not come to lie above `raise_at`."""
    floor = settings.clear_at or 0.0
    return {**VALUES, "raise_at": tuple(value for value in VALUES["raise_at"] if value >= floor)}
