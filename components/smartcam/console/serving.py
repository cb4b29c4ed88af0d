"""The web server: uvicorn, with an end for whoever is slow."""

import asyncio
import logging
import socket
import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from starlette.types import ASGIApp
from uvicorn import Config, Server
from uvicorn._types import ASGISendEvent
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

HEAD_S: Final = 10.0
"""How long the head of a request may take to arrive."""
STALLED_S: Final = 10.0
"""How long somebody may take nothing of what is sent."""
MOST_CONNECTIONS: Final = 96
_LARGEST_HEAD: Final = 16 * 1024
_LARGEST_MESSAGE: Final = 16 * 1024
"""What a page says on a WebSocket: its answer to an offer by WebRTC has 2 to 4 kB."""
_UNSENT_BYTES: Final = 128 * 1024
"""What the kernel keeps for a viewer that is slow. More of it would only be older."""
_GRACE_S: Final = 1
_TCP_NOTSENT_LOWAT: Final = 25
"""Linux's number; Python has no name for it."""


class PatientSocket(WebSocketsSansIOProtocol):
    """A WebSocket whose other side gets nothing more once it has gone."""

    async def send(self, message: ASGISendEvent) -> None:
        """Raises ClientDisconnected at once: before the loop has noticed, asyncio would warn of each piece."""
        if message["type"] == "websocket.send" and self.transport.is_closing():
            raise ClientDisconnected
        await super().send(message)


def listen(address: str, port: int) -> socket.socket:
    """A socket that listens. Raises OSError: the port is taken, or the address is none of this device."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # What is set here holds for each connection. Of one whose other side takes nothing the kernel ends the wait.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, round(STALLED_S * 1000))
        with suppress(OSError):  # a kernel without it only makes slow viewers see older pictures
            listening.setsockopt(socket.IPPROTO_TCP, _TCP_NOTSENT_LOWAT, _UNSENT_BYTES)
        listening.bind((address, port))
        listening.listen(MOST_CONNECTIONS)
    except OSError as error:
        listening.close()
        remedy = "choose another `port` or `address`"
        raise OSError(f"{address} port {port} cannot be listened at: {error.strerror}; {remedy}") from error
    return listening


class PatientHttp(H11Protocol):
    """HTTP, where the newest connections find room."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Somebody has connected: where there are too many, the one that has waited longest goes."""
        super().connection_made(transport)
        now = time.monotonic()
        self._last, self._since = self.cycle, now
        waiting = {one: one.waited_s(now) for one in self.connections if isinstance(one, PatientHttp)}
        if len(self.connections) > MOST_CONNECTIONS and max(waiting.values()) > 0:
            max(waiting, key=waiting.__getitem__).transport.abort()

    def waited_s(self, now: float) -> float:
        """For how long no request has come whole; 0 while one is being answered."""
        if self.cycle is not self._last or (self.cycle and not self.cycle.response_complete):
            self._last, self._since = self.cycle, now
        return now - self._since


class PatientServer(Server):
    """Looks ten times a second whether it is over, and sends away who asks too slowly."""

    def __init__(self, config: Config, is_over: Callable[[], bool]) -> None:
        super().__init__(config)
        self._is_over = is_over

    async def on_tick(self, counter: int) -> bool:
        """See `Server`: whether to end."""
        for one in self.server_state.connections:
            if isinstance(one, PatientHttp) and one.waited_s(time.monotonic()) > HEAD_S:
                one.transport.abort()
        return await super().on_tick(counter) or self._is_over()


def serve(app: ASGIApp, listening: socket.socket, tls: ssl.SSLContext | None, is_over: Callable[[], bool]) -> None:
    """Answer requests until `is_over`, then close the socket. Not for the main thread: signals are the component's."""
    config = Config(
        app,
        loop="asyncio",
        http=PatientHttp,
        ws=PatientSocket,
        ws_max_size=_LARGEST_MESSAGE,
        ws_per_message_deflate=False,
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        limit_concurrency=2 * MOST_CONNECTIONS,
        timeout_graceful_shutdown=_GRACE_S,
        h11_max_incomplete_event_size=_LARGEST_HEAD,
    )
    config.load()
    config.ssl = tls
    logging.getLogger("uvicorn").setLevel(logging.ERROR)
    PatientServer(config, is_over).run(sockets=[listening])
