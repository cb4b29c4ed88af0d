"""CPU time per call, so that a shared machine's other work stays out of the figures."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from statistics import median

NS_PER_MS = 1e6


@dataclass(slots=True)
class Stopwatch:
    """Sums this thread's CPU time per stage, pass by pass."""

    _passes: list[dict[str, tuple[int, int]]] = field(default_factory=lambda: [{}])

    def begin_pass(self) -> None:
        """A new round: its figures are kept apart from the others', so that medians can be taken."""
        self._passes.append({})

    def only(self, *names: str) -> "OnlySome":
        """The same watch for a pass in which nothing but these stages is timed: reading the clock costs time."""
        return OnlySome(self, frozenset(names))

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """The CPU time of the block belongs to this stage."""
        begun = time.thread_time_ns()
        yield
        self.add(name, time.thread_time_ns() - begun)

    def add(self, name: str, spent_ns: int) -> None:
        """One call of the stage that took so long."""
        calls, total = self._passes[-1].get(name, (0, 0))
        self._passes[-1][name] = (calls + 1, total + spent_ns)

    def per_call_ms(self, name: str, without: str = "") -> float:
        """Milliseconds per call, the median of the passes; without another stage that lies within it.

        Raises:
            KeyError: the stage never ran.
        """
        return self._median(name, without, lambda calls: calls)

    def per_pass_ms(self, name: str, without: str = "") -> float:
        """Milliseconds per pass, as `per_call_ms` has them per call."""
        return self._median(name, without, lambda _: 1)

    def calls(self, name: str) -> int:
        """How often the stage ran in the last pass."""
        return self._passes[-1].get(name, (0, 0))[0]

    def _median(self, name: str, without: str, by: Callable[[int], int]) -> float:
        passes = [each for each in self._passes if name in each]
        if not passes:
            raise KeyError(name)
        return median((each[name][1] - each.get(without, (0, 0))[1]) / by(each[name][0]) for each in passes) / NS_PER_MS


@dataclass(frozen=True, slots=True)
class OnlySome:
    """A stopwatch that times some stages and lets the others pass."""

    _watch: Stopwatch
    _names: frozenset[str]

    def stage(self, name: str) -> AbstractContextManager[None]:
        """See `Stopwatch`."""
        return self._watch.stage(name) if name in self._names else nullcontext()


AnyWatch = Stopwatch | OnlySome
