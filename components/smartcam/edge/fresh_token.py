"""Leaves the component when the nucleus lastingly refuses its token, so that it is started again with a fresh one.

Nucleus lite keeps the tokens in the memory of its IPC service. When that alone dies, every component is refused until
it is started again, and nobody else notices.
"""

import logging
from collections.abc import Sequence
from typing import Final, Protocol

from smartcam.contract.times import NS_PER_S
from smartcam.edge.clock import Clock
from smartcam.edge.lifecycle import EXIT_TOKEN_REFUSED, Leave, StopToken
from smartcam.edge.logs import log
from smartcam.edge.starts import rests_for

logger = logging.getLogger(__name__)

PATIENCE_S: Final = 60
"""How long a token is refused before the component leaves: a service that is just starting must not cost a start."""
_REPORT_S: Final = 60
_LOOK_S: Final = 1.0


class TokenHolder(Protocol):
    """A connection to a nucleus that may refuse the component's token."""

    def refused_s(self) -> float:
        """For how many seconds every attempt to connect has been refused; 0 if the last one was not."""
        ...


def leaves_in(refused_s: float, starts: Sequence[int], now_s: int) -> float:
    """Seconds until the component may leave, 0 for now. `starts`: see `rests_for`."""
    return max(PATIENCE_S - refused_s, rests_for(starts, now_s), 0.0)


class FreshToken:
    """A service that ends the component with `EXIT_TOKEN_REFUSED` where a new token is needed and a start is left."""

    def __init__(self, bus: TokenHolder, clock: Clock, starts: Sequence[int]) -> None:
        self._bus = bus
        self._clock = clock
        self._starts = starts
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
