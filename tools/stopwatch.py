"""CPU time by stage, so that a shared machine's other work stays out of the figures."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from smartcam.contract.times import NS_PER_MS


class Stopwatch:
    """This thread's CPU time by stage; what a stage within another one takes counts for itself only.

    With `only`, nothing but these stages is timed: reading the clock costs time too.
    """

    def __init__(self, *only: str, clock: Callable[[], int] = time.thread_time_ns) -> None:
        self._only = frozenset(only)
        self._clock = clock
        self._spent: defaultdict[str, int] = defaultdict(int)
        self._calls: defaultdict[str, int] = defaultdict(int)
        self._inner = 0

    def stage(self, name: str) -> AbstractContextManager[None]:
        """The CPU time of the block belongs to this stage."""
        return self._timed(name) if not self._only or name in self._only else nullcontext()

    @contextmanager
    def _timed(self, name: str) -> Iterator[None]:
        self._calls[name] += 1
        outer, self._inner = self._inner, 0
        begun = self._clock()
        try:
            yield
        finally:
            spent = self._clock() - begun
            self._spent[name] += spent - self._inner
            self._inner = outer + spent

    def calls(self, name: str) -> int:
        """How often the stage ran."""
        return self._calls.get(name, 0)

    def total_ms(self, name: str) -> float:
        """Milliseconds that the stage took in all."""
        return self._spent.get(name, 0) / NS_PER_MS

    def per_call_ms(self, name: str) -> float:
        """Milliseconds per call; 0 for a stage that never ran."""
        return self.total_ms(name) / max(self.calls(name), 1)

    def per_frame(self, frames: int) -> dict[str, float]:
        """Milliseconds a frame by stage, and the whole."""
        stages = {name: self.total_ms(name) / max(frames, 1) for name in self._spent}
        return stages | {"whole": sum(stages.values())}
