"""What the web server does about those who have gone."""

import logging
import socket
import struct
import threading

import pytest
from starlette.types import Receive, Scope, Send

from smartcam.console.serving import listen, serve

MANY = 20
"""More than asyncio lets pass without a word."""
UPGRADE = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)


def test_nothing_more_is_sent_to_a_viewer_who_has_vanished(caplog: pytest.LogCaptureFixture) -> None:
    accepted, gone, ended = threading.Event(), threading.Event(), threading.Event()

    async def app(_: Scope, __: Receive, send: Send) -> None:
        await send({"type": "websocket.accept"})
        accepted.set()
        gone.wait(30)  # the loop stands still: it cannot notice by itself that the viewer goes
        try:
            for _number in range(MANY):
                await send({"type": "websocket.send", "bytes": b"a piece"})
        finally:
            ended.set()

    listening, over = listen("127.0.0.1", 0), threading.Event()
    thread = threading.Thread(target=serve, args=(app, listening, None, over.is_set))
    thread.start()
    try:
        viewer = socket.create_connection(listening.getsockname(), 30)
        viewer.sendall(UPGRADE)
        assert accepted.wait(30)
        viewer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        viewer.close()  # with a reset, as when its power fails
        gone.set()
        assert ended.wait(30)
    finally:
        over.set()
        thread.join()
    assert [record.message for record in caplog.records if record.levelno >= logging.WARNING] == []
