"""The web server: uvicorn, with an end for whoever is slow."""

import asyncio
import logging
import socket
import ssl
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
_LOOK_S: Final = 0.1
_GRACE_S: Final = 1
_TCP_NOTSENT_LOWAT: Final = 25
"""Linux's number; Python has no name for it."""


class PatientHttp(H11Protocol):
    """HTTP, where the head of a request comes in time, and the newest connections find room."""

    _head: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Somebody has connected: where there are too many, the one that has waited longest goes."""
        super().connection_made(transport)
        connection = transport.get_extra_info("socket")
        # The kernel ends a connection whose other side takes nothing, with what waits to be sent.
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, round(STALLED_S * 1000))
        self._await_head()
        waiting = [one for one in self.connections if isinstance(one, PatientHttp) and one.is_waiting]
        if len(self.connections) > MOST_CONNECTIONS and waiting:
            min(waiting, key=lambda one: one.begun_at).transport.abort()

    @property
    def is_waiting(self) -> bool:
        """Whether no request is being answered."""
        return self.cycle is None or self.cycle.response_complete

    @property
    def begun_at(self) -> float:
        """Since when it waits, by the loop's clock; endless where it does not."""
        return float("inf") if self._head is None else self._head.when()

    def data_received(self, data: bytes) -> None:
        """A part of a request has come."""
        super().data_received(data)
        if self.transport.get_protocol() is not self or not self.is_waiting:
            self._has_head()
        elif self._head is None:
            self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection has ended."""
        super().connection_lost(exc)
        self._has_head()

    def _await_head(self) -> None:
        self._head = asyncio.get_running_loop().call_later(HEAD_S, self.transport.abort)

    def _has_head(self) -> None:
        if self._head is not None:
            self._head.cancel()
            self._head = None


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
        with suppress(OSError):  # a kernel without it only makes slow viewers see older pictures
            listening.setsockopt(socket.IPPROTO_TCP, _TCP_NOTSENT_LOWAT, _UNSENT_BYTES)
        listening.bind((address, port))
        listening.listen(MOST_CONNECTIONS)
    except OSError as error:
        listening.close()
        remedy = "choose another `port` or `address`"
        raise OSError(f"{address} port {port} cannot be listened at: {error.strerror}; {remedy}") from error
    return listening


def serve(app: ASGIApp, listening: socket.socket, tls: ssl.SSLContext | None, is_over: Callable[[], bool]) -> None:
    """Answer requests until `is_over`, then close the socket. Not for the main thread: signals are the component's."""
    asyncio.run(_serve(app, listening, tls, is_over))


async def _serve(
    app: ASGIApp, listening: socket.socket, tls: ssl.SSLContext | None, is_over: Callable[[], bool]
) -> None:
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
    server = Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    while not serving.done() and not is_over():
        await asyncio.wait({serving}, timeout=_LOOK_S)
    server.should_exit = True
    await serving
