"""A subscription that outlives connections."""

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any, Protocol

from smartcam.edge.backoff import Backoff
from smartcam.edge.logs import log, log_exception

logger = logging.getLogger(__name__)

NEVER_S = 3600.0


class Open(Protocol):
    """Asks a client for a stream; returns the answer to come and the operation, which can be closed."""

    def __call__(self, client: Any, **handlers: object) -> tuple[Future[object], Any]:  # noqa: ANN401  untyped client
        """Takes the client's three handlers: on_stream_event, on_stream_error, on_stream_closed."""
        ...


class Stream:
    """One subscription: opened anew on each connection, told in the callback thread until it is closed.

    With `burst_s` it tells only that there was something, once per burst, by `tell_or_wait`.
    """

    def __init__(
        self,
        what: str,
        start: Open,
        on_event: Callable[[Any], None],
        callbacks: Executor,
        backoff: Backoff,
        burst_s: float | None,
        now: Callable[[], float],
        wake: Callable[[], None],
    ) -> None:
        self.what = what
        self.is_closed = False
        self.retry_at = 0.0
        self._start = start
        self._on_event = on_event
        self._callbacks = callbacks
        self._backoff = backoff
        self._burst_s = burst_s
        self._now = now
        self._wake = wake
        self._opening = threading.Lock()
        self._client: object = None
        self._operation: Any = None
        self._due_at: float | None = None

    def needs_opening(self, client: object, now: float) -> bool:
        """Whether it is not open on this client and its time to try has come."""
        return not self.is_closed and self._client is not client and now >= self.retry_at

    def open(self, client: Any, answer: Callable[[Callable[[], Future[object]]], object]) -> bool:  # noqa: ANN401  untyped client
        """Open it on this client; False when it is already. Raises what `answer` raises."""
        with self._opening:
            if self.is_closed or self._client is client:
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
            except Exception:
                if operation is not None:
                    operation.close()
                raise
            self._client, self._operation = client, operation
            return True

    def start_afresh(self) -> None:
        """On a new connection: no waiting for what went wrong on the one before."""
        self._backoff.reset()
        self.retry_at = 0.0

    def retry_in(self, seconds: float | None) -> None:
        """Not to be opened before these seconds; None: by the stream's back-off."""
        self.retry_at = self._now() + (self._backoff.next() if seconds is None else seconds)

    def note_missed(self) -> None:
        """After a loss nobody knows what has changed: tell it."""
        if self._burst_s is not None and self._due_at is None:
            self._due_at = self._now() + self._burst_s

    def tell_or_wait(self, now: float) -> float:
        """Tell a burst that is over; returns the seconds until there is something to do."""
        due_at = self._due_at
        if due_at is not None and now >= due_at:
            self._due_at = due_at = None
            self._callbacks.submit(self._tell, None)
        waits = [due_at - now if due_at is not None else NEVER_S]
        if self._client is None and not self.is_closed and self.retry_at > now:
            waits.append(self.retry_at - now)
        return min(waits)

    def close(self) -> None:
        """See `smartcam.edge.bus.Subscription`."""
        self.is_closed = True
        with self._opening:
            operation, self._operation = self._operation, None
        if operation is not None:
            operation.close()

    def _heard(self, event: Any) -> None:  # noqa: ANN401  untyped client
        self._backoff.reset()
        if self._burst_s is None:
            self._tell(event)
        else:
            self.note_missed()
            self._wake()

    def _tell(self, event: Any) -> None:  # noqa: ANN401  untyped client
        if self.is_closed:
            return
        try:
            self._on_event(event)
        except Exception as error:  # noqa: BLE001  the edge of the callback loop
            log_exception(logger, "callback_failed", error, what=self.what)

    def _failed(self, error: Exception) -> bool:
        # One message that cannot be read is no reason to lose the ones after it.
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
        self.retry_in(None)
        self._wake()
