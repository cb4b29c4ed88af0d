"""Sockets: all of them on the loopback address, bound before anything else starts."""

import asyncio
import socket
from collections.abc import Mapping
from typing import Final

from standins.cloud.launcher.seams import Untyped

LOOPBACK: Final = "127.0.0.1"
_BACKLOG: Final = 128
# Clients with idle connections do not answer the TLS close; asyncio would wait half a minute for each.
_GOODBYE_S: Final = 0.5


class PortTakenError(Exception):
    """Somebody else listens there."""


def bind(port: int, purpose: str, option: str) -> socket.socket:
    """A listening socket on 127.0.0.1; port 0 takes any free one. Raises PortTakenError."""
    # The protocol is named because asyncio switches off delaying only for sockets that say TCP.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    # A port whose last connections are in TIME_WAIT is free.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((LOOPBACK, port))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise PortTakenError(
            f"port {port} for {purpose} cannot be used ({error.strerror}); "
            f"remedy: end what listens there, or choose another with {option} (0 takes any free one)"
        ) from error
    return listener


def port_of(listener: socket.socket) -> int:
    """The port that a socket is bound to."""
    return int(listener.getsockname()[1])


class LoopbackLoop(asyncio.SelectorEventLoop):
    """An event loop whose servers listen on 127.0.0.1, whatever address they ask for.

    Ports bound beforehand are handed over, so that nobody can take them in between.
    """

    def __init__(self, bound: Mapping[int, socket.socket]) -> None:
        super().__init__()
        self._bound = dict(bound)

    async def create_server(
        self,
        protocol_factory: Untyped,
        host: Untyped = None,  # noqa: ARG002 - what is asked for does not matter
        port: Untyped = None,
        **options: Untyped,
    ) -> Untyped:
        """As asyncio's, on 127.0.0.1 only."""
        if options.get("ssl") is not None:
            options["ssl_shutdown_timeout"] = _GOODBYE_S
        if options.get("sock") is not None:
            return await super().create_server(protocol_factory, **options)
        bound = self._bound.pop(port, None)
        if bound is not None:
            return await super().create_server(protocol_factory, sock=bound, **options)
        return await super().create_server(protocol_factory, LOOPBACK, port, **options)
