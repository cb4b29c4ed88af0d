"""How far a long measurement is, and how long it will take yet."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

EVERY_S: Final = 10.0
_LOOK_EVERY: Final = 50
"""Pictures between two looks at the clock."""
_S_PER_MIN: Final = 60.0


@dataclass(slots=True)
class Progress:
    """Counts pictures, or another `unit`, and tells from time to time. `total`: of all clips, as far as they say."""

    total: int
    tell: Callable[[str], object]
    clock: Callable[[], float]
    done: int = 0
    unit: str = "pictures"
    _begun: float = field(init=False)
    _told: float = field(init=False)

    def __post_init__(self) -> None:
        self._begun = self._told = self.clock()

    def advance(self) -> None:
        """One picture more."""
        self.done += 1
        if self.done % _LOOK_EVERY == 0:
            self.reach(self.done)

    def reach(self, done: int) -> None:
        """So many pictures are done."""
        self.done = done
        now = self.clock()
        if now - self._told >= EVERY_S:
            self._told = now
            self.tell(how_far(done, self.total, now - self._begun, self.unit))


def how_far(done: int, total: int, elapsed_s: float, unit: str = "pictures") -> str:
    """The progress in words; the time left supposes that it goes on as fast as until now."""
    if total < done or not done:
        return f"{done} {unit} in {in_words(elapsed_s)}"
    left_s = elapsed_s / done * (total - done)
    return f"{100 * done // total} % of {total} {unit}, about {in_words(left_s)} left"


def in_words(seconds: float) -> str:
    """A time as people say it."""
    return f"{seconds:.0f} s" if seconds < 2 * _S_PER_MIN else f"{seconds / _S_PER_MIN:.0f} min"
