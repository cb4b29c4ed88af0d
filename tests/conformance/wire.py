"""Bytes on the socket, without the SDK's client."""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from standins.nucleus.eventstream import Packet, encode, int32, string
from tests.conformance.target import PATIENCE_S, Target

CONNECT_ACK = bytes.fromhex(
    "0000004700000037374cfe3f0d3a6d6573736167652d7479706504000000050e3a6d6573736167652d666c61677304000000010a3a73"
    "747265616d2d69640400000000e237e27d"
)


def packet(kind: int, stream: int = 0, flags: int = 0, payload: bytes = b"", **headers: str) -> bytes:
    common = (int32(":message-type", kind), int32(":message-flags", flags), int32(":stream-id", stream))
    more = tuple(string(name.replace("version", ":version"), value) for name, value in headers.items())
    return encode(Packet((*common, *more), payload))


def connect_packet(token: str, version: str = "0.1.0") -> bytes:
    return packet(4, payload=json.dumps({"authToken": token}).encode(), version=version)


@contextmanager
def plug(target: Target, *, greeted: bool = True) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX) as opened:
        opened.settimeout(PATIENCE_S)
        opened.connect(target.socket_path)
        if greeted:
            opened.sendall(connect_packet(target.token))
            assert opened.recv(4096) == CONNECT_ACK
        yield opened
