"""Whether what was held has stayed what it was, from the rows of the stretches; pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import median
from typing import Final

Row = Mapping[str, float]
"""What was held in one minute, by column; a process that was gone has no figures."""
PROCESSES: Final = ("capture", "inference", "console")
REST: Final = "the rest of the work folders"
BUDGETS_MB: Final[Mapping[str, int]] = {
    "smartcam.Capture/clips": 100,
    "smartcam.Inference/pictures": 10,
    "smartcam.Inference/journal": 50,
    "smartcam.Inference/history": 20,
    REST: 50,
}
"""Most megabytes on disk: what the run configures, so small that the day reaches the first two, and for the rest what a
device needs for its outbox, its memories and its packets."""
_PER_PROCESS: Final[Mapping[str, float]] = {"rss_mib": 4.0, "handles": 1.0, "threads": 1.0}
LIMITS: Final[Mapping[str, float]] = {
    **{f"{process}_{what}": most for process in PROCESSES for what, most in _PER_PROCESS.items()},
    "shared_mib": 0.1,
}
"""How much a column may grow within a stretch: memory by what malloc's arenas wander, as in `test_endurance`; handles
and threads by one that an outage is just using; shared memory not at all."""
COLUMNS: Final = (
    "minute",
    *(f"{process}_{what}" for process in PROCESSES for what in ("pid", "rss_mib", "pss_mib", "handles", "threads")),
    "shared_mib",
    *BUDGETS_MB,
    *("clips", "looked", "outages", "raised", "delivered"),
)
SETTLED_MIN: Final = 10
"""Until then models, caches and the learned scene are filled."""
_FEWEST: Final = 10
"""A slope through fewer minutes says nothing."""


@dataclass(frozen=True, slots=True)
class DayFigure:
    """One figure beside what it may be at most."""

    what: str
    value: float
    most: float

    @property
    def is_good(self) -> bool:
        """Whether it is within its limit."""
        return self.value <= self.most


def findings(stretches: Sequence[Sequence[Row]]) -> Iterator[DayFigure]:
    """Growth within each stretch, processes that were replaced, events that did not arrive, and the disk across all."""
    for number, rows in enumerate(stretches, 1):
        settled = [row for row in rows if row["minute"] >= SETTLED_MIN]
        if len(settled) >= _FEWEST:
            for column, most in LIMITS.items():
                yield DayFigure(f"stretch {number}: growth of {column}", round(growth(settled, column), 2), most)
        for process in PROCESSES:
            pids = {row[f"{process}_pid"] for row in rows if f"{process}_pid" in row}
            yield DayFigure(f"stretch {number}: {process} was started again", len(pids) - 1, 0)
        yield DayFigure(f"stretch {number}: events not delivered", rows[-1]["raised"] - rows[-1]["delivered"], 0)
    for folder, most in BUDGETS_MB.items():
        yield DayFigure(f"megabytes in {folder}", max(row[folder] for rows in stretches for row in rows), most)


def growth(rows: Sequence[Row], column: str) -> float:
    """By how much a column grows from the first row to the last: by the median slope through any two (Theil and Sen).

    An outage or a page that is just looked at moves single minutes, and no median.
    """
    points = [(row["minute"], row[column]) for row in rows if column in row]
    slopes = [(b - a) / (later - earlier) for (earlier, a), (later, b) in combinations(points, 2) if later > earlier]
    return median(slopes) * (points[-1][0] - points[0][0]) if slopes else 0.0
