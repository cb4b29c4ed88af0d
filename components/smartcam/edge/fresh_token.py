"""Leaves the component when the nucleus lastingly refuses its token, so that it is started again with a fresh one.

Nucleus lite keeps the tokens in the memory of its IPC service. When that alone dies, every component is refused until
it is started again, and nobody else notices. It starts a component three times an hour at most and then never again,
and the classic nucleus gives up after three errors without an hour between them: so a component that has been started
twice within an hour rests for an hour before it leaves, and the third start stays for a crash.
"""

import json
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Protocol

from smartcam.contract.times import NS_PER_S
from smartcam.edge.clock import Clock
from smartcam.edge.lifecycle import EXIT_TOKEN_REFUSED, Leave, StopToken
from smartcam.edge.logs import log
from smartcam.edge.memory_file import MemoryFile

logger = logging.getLogger(__name__)

FILE: Final = "starts"
PATIENCE_S: Final = 60
"""How long a token is refused before the component leaves: a service that is just starting must not cost a start."""
WINDOW_S: Final = 3600
_REPORT_S: Final = 60
_LOOK_S: Final = 1.0


class TokenHolder(Protocol):
    """A connection to a nucleus that may refuse the component's token."""

    def refused_s(self) -> float:
        """For how many seconds every attempt to connect has been refused; 0 if the last one was not."""
        ...


def leaves_in(refused_s: float, starts: Sequence[int], now_s: int) -> float:
    """Seconds until the component may leave, 0 for now. `starts`: those of this boot, the process's own last."""
    is_second = len(starts) > 1 and starts[-1] - starts[-2] < WINDOW_S
    return max(PATIENCE_S - refused_s, starts[-1] + WINDOW_S - now_s if is_second else 0.0, 0.0)


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


class FreshToken:
    """A service that ends the component with `EXIT_TOKEN_REFUSED` where a new token is needed and a start is left."""

    def __init__(self, bus: TokenHolder, clock: Clock, starts: Starts) -> None:
        self._bus = bus
        self._clock = clock
        self._starts = starts.note()
        self._reported_s = 0.0

    def run(self, stop: StopToken) -> None:
        """Look every second until `stop` is set. Raises Leave."""
        while not stop.wait(_LOOK_S):
            self.step()

    def step(self) -> None:
        """Look once. Raises Leave."""
        refused_s = self._bus.refused_s()
        if not refused_s:
            self._reported_s = 0.0
            return
        wait_s = leaves_in(refused_s, self._starts, self._clock.monotonic() // NS_PER_S)
        if not wait_s:
            raise Leave(f"the nucleus has refused the token for {refused_s:.0f} s", EXIT_TOKEN_REFUSED)
        # The bus has said when it began.
        if refused_s - self._reported_s >= _REPORT_S:
            self._reported_s = refused_s
            log(logger, logging.WARNING, "token_refused", for_s=round(refused_s), leaves_in_s=round(wait_s))


def fresh_token(bus: TokenHolder, clock: Clock, work_folder: Path) -> tuple[str, FreshToken]:
    """The service by its name."""
    return "token", FreshToken(bus, clock, Starts(MemoryFile(work_folder / FILE), clock))
