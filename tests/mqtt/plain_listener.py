"""Somebody at a port who is no broker."""

import socket
import ssl
import threading
from contextlib import suppress

from tests.unit.standins.nucleus.broker import Papers


class PlainListener:
    """Says the same to whoever comes, with `papers` over TLS, and hangs up. Entering gives the port."""

    def __init__(self, papers: Papers | None = None, words: bytes = b"this is no TLS at all, sorry\r\n") -> None:
        self._words = words
        self._tls: ssl.SSLContext | None = None
        if papers is not None:
            self._tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            self._tls.load_cert_chain(papers.broker, papers.broker_key)

    def __enter__(self) -> int:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._answer)
        self._thread.start()
        return int(self._socket.getsockname()[1])

    def __exit__(self, *_: object) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()

    def _answer(self) -> None:
        while True:
            try:
                caller = self._socket.accept()[0]
            except OSError:
                return
            with caller, suppress(OSError):
                self._talk(caller)

    def _talk(self, caller: socket.socket) -> None:
        if self._tls is not None:
            caller = self._tls.wrap_socket(caller, server_side=True)
        with caller:
            if self._tls is not None:
                caller.recv(4096)  # it introduces itself
            caller.sendall(self._words)
            caller.settimeout(0.3)
            caller.recv(4096)
