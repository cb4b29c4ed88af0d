"""A subscription that survives reconnections."""

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from typing import Any

from smartcam.contract.errors import BusError, BusRefused, ContractError
from smartcam.edge.backoff import Backoff
from smartcam.edge.logs import log, log_exception

logger = logging.getLogger(__name__)

NEVER_S = 3600.0
_SAY_AGAIN_S = 600.0


Open = Callable[..., tuple[Future[object], Any]]
"""Opens a stream on a client, with its handlers `on_stream_event`, `on_stream_error` and `on_stream_closed`.

Returns the future answer and the operation, which can be closed.
"""


@dataclass(frozen=True, slots=True)
class Patience:
    """The bus's time-outs and pauses, in seconds."""

    request_s: float = 5.0
    first_retry_s: float = 0.25
    longest_retry_s: float = 10.0
    refused_s: float = 30.0
    """Before a refused subscription is tried again: only an operator can fix the recipe."""
    burst_s: float = 0.25
    """Changes of the configuration within this time are reported once."""

    def backoff(self, jitter: Callable[[], float]) -> Backoff:
        """A back-off between retries."""
        return Backoff(self.first_retry_s, self.longest_retry_s, jitter)


@dataclass(frozen=True, slots=True)
class StreamContext:
    """What the streams of one bus share."""

    callbacks: Executor
    patience: Patience
    jitter: Callable[[], float]
    now: Callable[[], float]
    """Seconds, monotonic."""
    wake: Callable[[], None]
    """Wakes the supervisor: there is something to do."""


class Stream:
    """One subscription: reopened on each connection; its callback runs in the callback thread until it is closed.

    With `in_bursts` the callback runs once per burst of events, from `report_or_wait`.
    """

    def __init__(
        self,
        what: str,
        start: Open,
        on_event: Callable[[Any], None],
        context: StreamContext,
        *,
        in_bursts: bool = False,
    ) -> None:
        self.what = what
        self.is_closed = False
        self._start = start
        self._on_event = on_event
        self._context = context
        self._in_bursts = in_bursts
        self._backoff = context.patience.backoff(context.jitter)
        self._opening = threading.Lock()
        self._client: object = None
        self._operation: Any = None
        self._retry_at = 0.0
        self._due_at: float | None = None
        self._said = ""
        self._said_at = 0.0

    def open(self, client: Any, answer: Callable[[Callable[[], Future[object]]], object]) -> bool:  # noqa: ANN401  untyped client
        """Open it on this client; False if it is open already, if it fails, or if it is too early to try again.

        `answer` waits for the nucleus's answer and raises a BusError where there is none.
        """
        with self._opening:
            if self.is_closed or self._client is client or self._context.now() < self._retry_at:
                return False
            self._client = self._operation = None
            operation: Any = None

            def ask() -> Future[object]:
                nonlocal operation
                future, operation = self._start(
                    client,
                    on_stream_event=self._heard,
                    on_stream_error=self._failed,
                    on_stream_closed=lambda: self._ended(operation),
                )
                return future

            try:
                answer(ask)
            except BusError as error:
                self._retry_at = self._context.now() + self._wait_after(error)
                if operation is not None:
                    operation.close()
                return False
            self._client, self._operation, self._said = client, operation, ""
            return True

    def forget_failures(self) -> None:
        """On a new connection: do not wait for what went wrong on the one before."""
        self._backoff.reset()
        self._retry_at = 0.0

    def note_missed(self) -> None:
        """After a lost connection it is unknown what has changed: report a change."""
        if self._in_bursts and self._due_at is None:
            self._due_at = self._context.now() + self._context.patience.burst_s

    def report_or_wait(self) -> float:
        """Report a burst that is over; returns the seconds until there is something to do."""
        now = self._context.now()
        due_at = self._due_at
        if due_at is not None and now >= due_at:
            self._due_at = due_at = None
            self._context.callbacks.submit(self._call_back, None)
        waits = [due_at - now if due_at is not None else NEVER_S]
        if self._client is None and not self.is_closed:
            waits.append(max(self._retry_at - now, 0.0))
        return min(waits)

    def close(self) -> None:
        """See `smartcam.edge.bus.port.Subscription`."""
        self.is_closed = True
        with self._opening:
            operation, self._operation, self._client = self._operation, None, None
        if operation is not None:
            operation.close()

    def _heard(self, event: Any) -> None:  # noqa: ANN401  untyped client
        self._backoff.reset()
        if self._in_bursts:
            self.note_missed()
            self._context.wake()
        else:
            self._call_back(event)

    def _call_back(self, event: Any) -> None:  # noqa: ANN401  untyped client
        if self.is_closed:
            return
        try:
            self._on_event(event)
        except ContractError as error:
            self._failed(error)
        except Exception as error:  # noqa: BLE001  the edge of the callback loop
            log_exception(logger, "callback_failed", error, what=self.what)

    def _failed(self, error: Exception) -> bool:
        # One unreadable message is no reason to lose the ones after it.
        log(
            logger,
            logging.WARNING,
            "message_unreadable",
            what=self.what,
            error=f"{type(error).__name__}: {error}"[:300],
        )
        return False

    def _ended(self, operation: object) -> None:
        with self._opening:
            if self._operation is None or self._operation is not operation:
                return
            self._client = self._operation = None
            self._retry_at = self._context.now() + self._backoff.next()
        self._context.wake()

    def _wait_after(self, error: BusError) -> float:
        if isinstance(error, BusRefused):
            remedy = "allow it in the recipe's accessControl, and reset a stale one with the deployment"
            self._say(logging.ERROR, "subscription_refused", error=str(error), remedy=remedy)
            return self._context.patience.refused_s
        self._say(logging.WARNING, "subscription_failed", error=str(error))
        return self._backoff.next()

    def _say(self, level: int, event: str, **facts: object) -> None:
        """What is said again and again, as through a night without network, is said every ten minutes."""
        now = self._context.now()
        is_news = event != self._said or now - self._said_at >= _SAY_AGAIN_S
        if is_news:
            self._said, self._said_at = event, now
        log(logger, level if is_news else logging.DEBUG, event, what=self.what, **facts)
