"""Where Prometheus gets the figures: a Unix socket in the work folder, never a port.

Answers are made of what is there already, so nobody waits for a scrape: not the analysis, and not the next scrape.
"""

import logging
import os
import selectors
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Final, cast

from smartcam.contract.health import Health
from smartcam.contract.times import NS_PER_S, MonotonicNs
from smartcam.edge.clock import Clock
from smartcam.edge.lifecycle import StopToken
from smartcam.edge.logs import log

logger = logging.getLogger(__name__)

SOCKET: Final = "metrics.sock"
MODE: Final = 0o660
"""The component's user, and its group."""
PATIENCE_S: Final = 5.0
"""For a request to arrive whole."""
MOST_AT_ONCE: Final = 128
"""Of those that come after, nobody is answered before one of these has gone."""
_LARGEST_REQUEST: Final = 8192
_LOOK_S: Final = 0.5
_AGAIN_S: Final = 30.0
_TARGETS: Final = (b"/", b"/metrics")


@dataclass(slots=True)
class _Caller:
    """Somebody who has connected, and what they have said so far."""

    connection: socket.socket
    until: MonotonicNs
    said: bytes = b""


class MetricsDoor:
    """A service. `newest` gives what the device last said of itself, None before that."""

    def __init__(self, newest: Callable[[], Health | None], folder: Path, clock: Clock) -> None:
        self._newest = newest
        self._path = folder / SOCKET
        self._clock = clock
        self._fault = ""

    def run(self, stop: StopToken) -> None:
        """Answer until `stop` is set; where that is not possible, it is tried again twice a minute."""
        while not stop.is_set():
            try:
                self._serve(stop)
            except OSError as error:
                self._say(f"{error}")
                stop.wait(_AGAIN_S)

    def _serve(self, stop: StopToken) -> None:
        """Raises OSError: the socket cannot be made, or there are no handles or no memory to wait at it."""
        listening = _listen(self._path)
        try:
            callers = _Callers(listening, self._answer, self._clock)
            self._fault = ""
            callers.serve(stop)
        finally:
            listening.close()
            with suppress(OSError):  # a disk that takes nothing; the next process replaces it
                self._path.unlink()

    def _answer(self, request: bytes) -> bytes:
        """A whole HTTP response."""
        words = request.split(b"\r\n", 1)[0].split(b" ")
        if len(words) != 3 or not words[2].startswith(b"HTTP/1."):  # noqa: PLR2004  method, target, version
            return _response(HTTPStatus.BAD_REQUEST)
        method, target, _ = words
        if target.partition(b"?")[0] not in _TARGETS:
            return _response(HTTPStatus.NOT_FOUND)
        if method != b"GET":
            return _response(HTTPStatus.METHOD_NOT_ALLOWED)
        health = self._newest()
        return _response(HTTPStatus.SERVICE_UNAVAILABLE) if health is None else self._figures(health)

    def _figures(self, health: Health) -> bytes:
        try:
            # Not before somebody asks: on most devices nobody does.
            from smartcam.inference.metrics.figures import CONTENT_TYPE, exposition  # noqa: PLC0415  as above
        except ImportError as error:
            self._say(f"prometheus-client is needed and cannot be imported ({error})")
            return _response(HTTPStatus.SERVICE_UNAVAILABLE)
        try:
            return _response(HTTPStatus.OK, exposition(health), CONTENT_TYPE)
        except Exception as error:  # noqa: BLE001  the edge of the loop: no scrape may end inference
            self._say(f"{type(error).__name__}: {error}")
            return _response(HTTPStatus.INTERNAL_SERVER_ERROR)

    def _say(self, fault: str) -> None:
        if fault != self._fault:
            self._fault = fault
            log(logger, logging.WARNING, "metrics_not_given", error=fault)


class _Callers:
    """Those who are connected, in one thread: each may take its time, and nobody takes another's."""

    def __init__(self, listening: socket.socket, answer: Callable[[bytes], bytes], clock: Clock) -> None:
        self._listening = listening
        self._answer = answer
        self._clock = clock
        self._callers: list[_Caller] = []
        self._selector = selectors.DefaultSelector()

    def serve(self, stop: StopToken) -> None:
        """Until `stop` is set."""
        with self._selector:
            self._selector.register(self._listening, selectors.EVENT_READ)
            try:
                while not stop.is_set():
                    for key, _ in self._selector.select(_LOOK_S):
                        if key.data is None:
                            if not self._admit():
                                stop.wait(_LOOK_S)
                        else:
                            self._hear(cast("_Caller", key.data))
                    self._send_away()
            finally:
                for caller in tuple(self._callers):
                    self._leave(caller)

    def _admit(self) -> bool:
        """False where they have gone again, or there are no handles left: others need them more."""
        try:
            connection, _ = self._listening.accept()
        except OSError:
            return False
        connection.setblocking(False)
        caller = _Caller(connection, MonotonicNs(self._clock.monotonic() + round(PATIENCE_S * NS_PER_S)))
        self._callers.append(caller)
        self._selector.register(connection, selectors.EVENT_READ, caller)
        if len(self._callers) == MOST_AT_ONCE:
            self._selector.unregister(self._listening)
        return True

    def _hear(self, caller: _Caller) -> None:
        try:
            said = caller.connection.recv(_LARGEST_REQUEST)
        except BlockingIOError:
            return
        except OSError:
            said = b""
        caller.said += said
        if b"\r\n\r\n" in caller.said:
            # An answer is far smaller than what the kernel keeps for somebody who does not read.
            with suppress(OSError):
                caller.connection.send(self._answer(caller.said))
        elif said and len(caller.said) < _LARGEST_REQUEST:
            return
        self._leave(caller)

    def _send_away(self) -> None:
        now = self._clock.monotonic()
        for caller in [one for one in self._callers if now >= one.until]:
            self._leave(caller)

    def _leave(self, caller: _Caller) -> None:
        if len(self._callers) == MOST_AT_ONCE:
            self._selector.register(self._listening, selectors.EVENT_READ)
        self._callers.remove(caller)
        self._selector.unregister(caller.connection)
        caller.connection.close()


def _listen(path: Path) -> socket.socket:
    """Raises OSError."""
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        path.unlink(missing_ok=True)
        # Linux makes the file with the socket's own mode, so that nobody else can connect before the next line either.
        os.fchmod(listening.fileno(), MODE)
        folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            # A socket's address has room for 107 characters, which the path of a work folder may take alone.
            listening.bind(f"/proc/self/fd/{folder}/{path.name}")
        finally:
            os.close(folder)
        path.chmod(MODE)
        listening.listen(MOST_AT_ONCE)
        listening.setblocking(False)
    except OSError:
        listening.close()
        raise
    return listening


def _response(status: HTTPStatus, body: bytes = b"", content_type: str = "text/plain") -> bytes:
    body = body or f"{status.value} {status.phrase}\n".encode()
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: {content_type}\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body
