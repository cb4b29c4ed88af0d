"""What an injection cost, from what the device says that it raised and what the cloud was told; pure."""

import itertools
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Final, Self

from smartcam.contract.event import EventKind

ONE_VISIT_S: Final = 3.0
"""Two events of a kind that began within so many seconds are one visit: a person would be told of it twice."""
_MISSED: Final = 1.6
"""A pause between two events of so many periods holds a visit that raised none."""


@dataclass(frozen=True, slots=True)
class Told:
    """An event as the cloud first heard of it. `began_s`: when it began, by the cloud's own clock less its age."""

    event_id: str
    kind: str
    began_s: float
    is_stale: bool


@dataclass(frozen=True, slots=True)
class Injection:
    """One time that a fault was brought about. `recovered_s` is None where the device did not come back in time."""

    raised: int
    delivered: int
    stale: int
    lost: int
    doubled: int
    recovered_s: float | None

    @property
    def is_good(self) -> bool:
        """Whether nothing was lost, nothing came twice, and the device came back."""
        return self.lost == 0 and self.doubled == 0 and self.recovered_s is not None

    def document(self) -> Mapping[str, object]:
        """As a JSON object."""
        return asdict(self)

    @classmethod
    def from_document(cls, document: Mapping[str, object]) -> Self:
        """The inverse of `document`. Raises TypeError for other keys."""
        return cls(**document)  # type: ignore[arg-type]  # it was written by `document`


@dataclass(frozen=True, slots=True)
class LastVisit:
    """Of a device that a fault does not blind: the last visit before it, by its event, and the time between two."""

    last_s: float
    every_s: float


def tally(
    raised: Iterable[str], told: Iterable[Told], recovered_s: float | None, sight: LastVisit | None = None
) -> Injection:
    """What an injection cost.

    `raised`: the ids of the events that the device says it has raised since; `told`: those that the cloud has heard of.
    `sight`: given where the fault blinds nobody; a visit that raised nothing is lost as well.
    """
    once = {one.event_id: one for one in told}
    known = set(raised) | set(once)
    times: dict[str, list[float]] = defaultdict(list)
    for one in once.values():
        times[one.kind].append(one.began_s)
    pauses = {kind: [b - a for a, b in itertools.pairwise(sorted(began))] for kind, began in times.items()}
    missed = 0 if sight is None else _missed(sorted([sight.last_s, *times[EventKind.ANOMALY]]), sight.every_s)
    return Injection(
        raised=len(known),
        delivered=len(once),
        stale=sum(one.is_stale for one in once.values()),
        lost=len(known) - len(once) + missed,
        doubled=sum(pause < ONE_VISIT_S for each in pauses.values() for pause in each),
        recovered_s=None if recovered_s is None else round(recovered_s, 1),
    )


def _missed(began: Sequence[float], every_s: float) -> int:
    return sum(b - a > _MISSED * every_s for a, b in itertools.pairwise(began))


def row(name: str, injections: Sequence[Injection]) -> str:
    """A fault's row of the table, in Markdown."""
    total = [
        sum(getattr(one, key) for one in injections) for key in ("raised", "delivered", "stale", "lost", "doubled")
    ]
    back = [one.recovered_s for one in injections if one.recovered_s is not None]
    seconds = f"{median(back):.1f} ({max(back):.1f})" if back else "-"
    if len(back) < len(injections):
        seconds += f", {len(injections) - len(back)} not at all"
    return f"| {name} | {len(injections)} | {' | '.join(map(str, total))} | {seconds} |"


HEADING: Final = (
    "| fault | injected | raised | delivered once | stale | lost | doubled | back after, median (longest), s |\n"
    "|---|---|---|---|---|---|---|---|"
)


def table(found: Mapping[str, Sequence[Injection]]) -> str:
    """The whole table, in Markdown, without the faults that were not injected."""
    return "\n".join([HEADING, *(row(name, injections) for name, injections in found.items() if injections)])
