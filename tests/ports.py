"""Ports of 127.0.0.1 that stay this process's."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def reserved_port() -> Iterator[int]:
    """Nobody is given this port in the block, and who calls there is refused.

    A server that sets SO_REUSEADDR, as all of ours do, may listen at it all the same: this one never listens.
    """
    with socket.socket() as holding:
        holding.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holding.bind(("127.0.0.1", 0))
        yield holding.getsockname()[1]
