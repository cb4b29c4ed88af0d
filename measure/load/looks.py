"""What sixteen cameras got: from the looks and the events to figures; pure."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Final, NamedTuple, Self

from measure.demo.report import quantile
from smartcam.contract.times import NS_PER_MS, NS_PER_S

MOST_PAUSE_S: Final = 1.0
MOST_SPREAD: Final = 0.1
MOST_P99_MS: Final = 1500.0
MOST_MEDIAN_S: Final = 3.0
_PLAYING_NS: Final = 30 * NS_PER_S
"""Shorter than any clip that is played, and longer than what a playing is late."""


class CameraLook(NamedTuple):
    """A frame that was analysed: when it was captured and when that was done, and its place in the clip. All in ns."""

    camera: str
    captured: int
    done: int
    position: int

    @classmethod
    def of_line(cls, line: str) -> Self:
        """Raises ValueError."""
        camera, *times = line.split()
        return cls(camera, *map(int, times))

    @property
    def opened(self) -> int:
        """When the clip would have begun that is being played."""
        return self.captured - self.position


class Published(NamedTuple):
    """An event: when the frame that decides it was captured, and when the nucleus had sent it. In ns."""

    camera: str
    captured: int
    at: int


@dataclass(frozen=True, slots=True)
class CameraFigures:
    """A run.

    `looks`: of each camera. `spread`: by how much the most differ from the fewest, as a share of the most.
    `seconds_missed`: whole seconds of a camera of which no picture was analysed, of `seconds`.
    `longest_pause_s`: between two looks of a camera. `visits`: those that began and ended meanwhile.
    `p50_ms`, `p99_ms`: from the capture of the frame that decides an event until it is sent; `entry_s`: median, from
    somebody's entry. `cores`: what both processes used. `load`: of the machine, from start to end. `spin_p50_ms`,
    `spin_p99_ms`: how long 20 ms of computing took another process beside it, which waits for nothing but a core.
    """

    looks: Mapping[str, int]
    spread: float
    seconds: int
    seconds_missed: int
    longest_pause_s: float
    events: int
    visits: int
    visits_told: int
    p50_ms: float
    p99_ms: float
    entry_s: float
    cores: float = 0.0
    load: tuple[float, ...] = ()
    spin_p50_ms: float = 0.0
    spin_p99_ms: float = 0.0

    @property
    def is_good(self) -> bool:
        """Whether all limits hold."""
        is_fair = self.seconds_missed == 0 and self.spread <= MOST_SPREAD
        return is_fair and self.p99_ms < MOST_P99_MS and self.entry_s <= MOST_MEDIAN_S

    def document(self) -> Mapping[str, object]:
        """As a JSON object."""
        return asdict(self)


def figures_of(
    looks: Sequence[CameraLook],
    events: Sequence[Published],
    visits: Sequence[tuple[float, float]],
    begin: int,
    end: int,
) -> CameraFigures:
    """What happened between two moments in ns. `visits`: when somebody is in the clip, in seconds."""
    within = [look for look in looks if begin <= look.done < end]
    by_camera: defaultdict[str, list[int]] = defaultdict(list)
    for look in within:
        by_camera[look.camera].append(look.done)
    counts = Counter({camera: len(times) for camera, times in by_camera.items()})
    seconds = (end - begin) // NS_PER_S * len(by_camera)
    taken = [look for look in looks if begin <= look.captured < end]
    seen = len({(look.camera, (look.captured - begin) // NS_PER_S) for look in taken})
    pauses = [b - a for times in by_camera.values() for a, b in pairwise([begin, *times, end])]
    inside = [event for event in events if begin <= event.captured < end]
    delays = [(event.at - event.captured) / NS_PER_MS for event in inside] or [float("inf")]
    there = set(_visits_of(within, visits, begin, end))
    told = _told(inside, within, visits)
    most = max(counts.values(), default=0)
    return CameraFigures(
        looks=dict(sorted(counts.items())),
        spread=1 - min(counts.values()) / most if most else 1.0,
        seconds=seconds,
        seconds_missed=max(0, seconds - seen),
        longest_pause_s=max(pauses, default=0) / NS_PER_S,
        events=len(inside),
        visits=len(there),
        visits_told=len(there & told.keys()),
        p50_ms=quantile(delays, 0.5),
        p99_ms=quantile(delays, 0.99),
        entry_s=quantile(list(told.values()) or [float("inf")], 0.5),
    )


_Visit = tuple[str, int, int]
"""Of which camera, in which playing of the clip, and which one."""


def _visit(look: CameraLook, at: int, visits: Sequence[tuple[float, float]]) -> _Visit | None:
    """Who is there at a moment, by a look before it."""
    seconds = (at - look.opened) / NS_PER_S
    numbers = (number for number, (begin, end) in enumerate(visits) if begin <= seconds <= end)
    number = next(numbers, None)
    # Looks of one playing tell nearly the same beginning: a busy machine plays late, by seconds.
    return None if number is None else (look.camera, round(look.opened / _PLAYING_NS), number)


def _visits_of(
    looks: Iterable[CameraLook], visits: Sequence[tuple[float, float]], begin: int, end: int
) -> Iterable[_Visit]:
    for look in looks:
        found = _visit(look, look.captured, visits)
        if found is not None:
            comes, goes = (look.opened + round(at * NS_PER_S) for at in visits[found[2]])
            if begin <= comes and goes < end:
                yield found


def _told(
    events: Iterable[Published], looks: Sequence[CameraLook], visits: Sequence[tuple[float, float]]
) -> Mapping[_Visit, float]:
    """Of each visit that was told of, the seconds from the entry to the first event."""
    found: dict[_Visit, float] = {}
    for event in sorted(events, key=lambda one: one.at):
        before = [look for look in looks if look.camera == event.camera and look.captured <= event.captured]
        visit = _visit(before[-1], event.captured, visits) if before else None
        if visit is not None:
            found.setdefault(visit, (event.at - before[-1].opened) / NS_PER_S - visits[visit[2]][0])
    return found
