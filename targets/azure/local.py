"""Messages between capture and inference, which share one process here."""

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Executor

from smartcam.edge.bus.port import OnMessage
from smartcam.edge.logs import log_exception

logger = logging.getLogger(__name__)


class Listening:
    """One subscription: its callback runs in the executor of its bus until it is closed."""

    def __init__(self, topic_filter: str, on_message: OnMessage, callbacks: Executor) -> None:
        self.is_closed = False
        self.topic_filter = topic_filter
        self._on_message = on_message
        self._callbacks = callbacks

    def close(self) -> None:
        """See `smartcam.edge.bus.port.Subscription`."""
        self.is_closed = True

    def hand_over(self, topic: str, payload: bytes) -> None:
        """Let the callback run when its turn has come."""
        submit(self._callbacks, lambda: self._call(topic, payload))

    def _call(self, topic: str, payload: bytes) -> None:
        if self.is_closed:
            return
        try:
            self._on_message(topic, payload)
        except Exception as error:  # noqa: BLE001  the edge of the callback loop
            log_exception(logger, "callback_failed", error, what=self.topic_filter)


class Messages:
    """Passes on what is published to whoever listens, in the order of publishing. May be used from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._listening: list[Listening] = []

    def publish(self, topic: str, payload: bytes) -> None:
        """Hand the message to every subscription that is open."""
        # Under the lock, so that two threads cannot hand over in different orders.
        with self._lock:
            for each in self._listening:
                if matches(each.topic_filter, topic):
                    each.hand_over(topic, payload)

    def subscribe(self, topic_filter: str, on_message: OnMessage, callbacks: Executor) -> Listening:
        """Listen to a topic; `+` stands for one level."""
        listening = Listening(topic_filter, on_message, callbacks)
        with self._lock:
            self._listening = [each for each in self._listening if not each.is_closed] + [listening]
        return listening


def submit(callbacks: Executor, call: Callable[[], None]) -> None:
    """Run a callback later; never, where its bus has been closed."""
    try:
        callbacks.submit(call)
    except RuntimeError:
        logger.debug("a callback came after its bus was closed")


def matches(topic_filter: str, topic: str) -> bool:
    """Whether a filter, in which `+` stands for one level, takes a topic."""
    wanted, given = topic_filter.split("/"), topic.split("/")
    return len(wanted) == len(given) and all(level in ("+", here) for level, here in zip(wanted, given, strict=True))
