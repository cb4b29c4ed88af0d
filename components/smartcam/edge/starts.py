"""How often a component may leave so that its nucleus starts it again, whatever it leaves for.

Nucleus lite starts a component three times an hour at most and then never again, and the classic nucleus gives up after
three errors without an hour between them: so a component that has been started twice within an hour rests for an hour
before it leaves, and the third start stays for a crash.
"""

import json
import logging
from collections.abc import Sequence
from typing import Final

from smartcam.contract.times import NS_PER_S
from smartcam.edge.clock import Clock
from smartcam.edge.logs import log
from smartcam.edge.memory_file import MemoryFile

logger = logging.getLogger(__name__)

FILE: Final = "starts"
WINDOW_S: Final = 3600


def rests_for(starts: Sequence[int], now_s: int) -> float:
    """Seconds until the component may leave, 0 for now. `starts`: those of this boot, the process's own last."""
    is_second = len(starts) > 1 and starts[-1] - starts[-2] < WINDOW_S
    return max(starts[-1] + WINDOW_S - now_s, 0.0) if is_second else 0.0


class Starts:
    """The last two starts of this component in this boot, kept in a file."""

    def __init__(self, memory: MemoryFile, clock: Clock) -> None:
        self._memory = memory
        self._clock = clock

    def note(self) -> tuple[int, ...]:
        """Add a start; the last two, in seconds of the monotonic clock."""
        starts = (*self._stored()[-1:], self._clock.monotonic() // NS_PER_S)
        try:
            self._memory.store(json.dumps({"boot": self._clock.boot_id(), "starts": starts}).encode())
        except OSError as error:
            log(logger, logging.WARNING, "start_not_kept", error=error)
            # The next process will not know of this one: each rests, or the nucleus would soon give up.
            return (starts[-1], starts[-1])
        return starts

    def _stored(self) -> list[int]:
        """Those of this boot: the nucleus counts anew after each, and so does the clock."""
        try:
            document = json.loads(self._memory.load() or b"{}")
        except (ValueError, RecursionError):
            return []
        if not isinstance(document, dict) or document.get("boot") != self._clock.boot_id():
            return []
        starts = document.get("starts")
        return [start for start in starts if isinstance(start, int)] if isinstance(starts, list) else []
