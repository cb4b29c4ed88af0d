"""CPU time per call, so that a shared machine's other work stays out of the figures."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import median

NS_PER_MS = 1e6


@dataclass(slots=True)
class Stopwatch:
    """Sums this thread's CPU time per stage, pass by pass."""

    _passes: list[dict[str, tuple[int, int]]] = field(default_factory=list)

    def begin_pass(self) -> None:
        """A new round: its figures are kept apart from the others', so that medians can be taken."""
        self._passes.append({})

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

    def per_call_ms(self, name: str) -> float:
        """Milliseconds per call, the median of the passes. Raises KeyError for a stage that never ran."""
        figures = [total / calls for calls, total in self._of(name)]
        return median(figures) / NS_PER_MS

    def calls(self, name: str) -> int:
        """How often the stage ran in the last pass."""
        return self._of(name)[-1][0]

    def _of(self, name: str) -> list[tuple[int, int]]:
        found = [each[name] for each in self._passes if name in each]
        if not found:
            raise KeyError(name)
        return found
