"""MQTT 3.1.1 as far as IoT Hub speaks it: packets, and what is inside those that a client sends.

No broker of a package can stand in for the hub: they keep `$` topics to themselves, on which the hub has twins and
methods, and acknowledge before anybody has stored anything. The referee is the client's own implementation.
"""

import asyncio
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

LARGEST: Final = 256 * 1024 + 4096
_MORE: Final = 0x80
_LENGTH_BYTES: Final = 4


class MqttKind(IntEnum):
    """The packets."""

    CONNECT = 1
    CONNACK = 2
    PUBLISH = 3
    PUBACK = 4
    SUBSCRIBE = 8
    SUBACK = 9
    UNSUBSCRIBE = 10
    UNSUBACK = 11
    PINGREQ = 12
    PINGRESP = 13
    DISCONNECT = 14


class MqttError(Exception):
    """The other side does not speak MQTT 3.1.1: its connection is closed."""


@dataclass(frozen=True, slots=True)
class MqttPacket:
    """One packet: its kind, the four bits beside it, and what follows."""

    kind: MqttKind
    flags: int
    body: bytes

    def encode(self) -> bytes:
        """The packet's bytes."""
        length, size = bytearray(), len(self.body)
        while True:
            size, seven = divmod(size, 128)
            length.append(seven | (_MORE if size else 0))
            if not size:
                break
        return bytes([self.kind << 4 | self.flags]) + bytes(length) + self.body


async def read_packet(reader: asyncio.StreamReader) -> MqttPacket:
    """The next packet. Raises MqttError, or EOFError where the connection ends."""
    (first,) = await reader.readexactly(1)
    size = 0
    for place in range(_LENGTH_BYTES):
        (seven,) = await reader.readexactly(1)
        size |= (seven & ~_MORE) << 7 * place
        if not seven & _MORE:
            break
    else:
        raise MqttError("a length of more than four bytes")
    if size > LARGEST:
        raise MqttError(f"a packet of {size} bytes")
    try:
        kind = MqttKind(first >> 4)
    except ValueError as error:
        raise MqttError(f"packet {first >> 4}") from error
    return MqttPacket(kind, first & 0x0F, await reader.readexactly(size))


class Body:
    """Reads a packet's body from front to back. Every method raises MqttError where it is too short."""

    def __init__(self, body: bytes) -> None:
        self._left = memoryview(body)

    def take(self, count: int) -> bytes:
        """So many bytes."""
        if len(self._left) < count:
            raise MqttError("a packet that is too short")
        taken, self._left = bytes(self._left[:count]), self._left[count:]
        return taken

    def number(self) -> int:
        """Two bytes."""
        return int.from_bytes(self.take(2))

    def block(self) -> bytes:
        """Bytes behind their length."""
        return self.take(self.number())

    def text(self) -> str:
        """Text behind its length."""
        try:
            return self.block().decode()
        except UnicodeDecodeError as error:
            raise MqttError("text that is not UTF-8") from error

    def rest(self) -> bytes:
        """All that is left."""
        return self.take(len(self._left))

    def __bool__(self) -> bool:
        return len(self._left) > 0


@dataclass(frozen=True, slots=True)
class Connect:
    """Who wants in."""

    client_id: str
    user: str
    password: str


@dataclass(frozen=True, slots=True)
class Publish:
    """A message; `number` is 0 with QoS 0, which has none."""

    topic: str
    payload: bytes
    qos: int
    number: int = 0

    def encode(self) -> bytes:
        """The packet's bytes."""
        topic = self.topic.encode()
        number = self.number.to_bytes(2) if self.qos else b""
        return MqttPacket(
            MqttKind.PUBLISH, self.qos << 1, len(topic).to_bytes(2) + topic + number + self.payload
        ).encode()


def connect_of(packet: MqttPacket) -> Connect:
    """Raises MqttError where the packet is no CONNECT of MQTT 3.1.1 with user and password and without a will."""
    body = Body(packet.body)
    if packet.kind is not MqttKind.CONNECT or body.text() != "MQTT" or body.take(1) != b"\x04":
        raise MqttError("no CONNECT of MQTT 3.1.1")
    (flags,) = body.take(1)
    body.number()
    if flags & 0xC4 != 0xC0:  # noqa: PLR2004  user, password, no will
        raise MqttError("a CONNECT without user and password, or with a will")
    return Connect(body.text(), body.text(), body.text())


def publish_of(packet: MqttPacket) -> Publish:
    """Raises MqttError; IoT Hub closes the connection over QoS 2."""
    body, qos = Body(packet.body), packet.flags >> 1 & 3
    if qos > 1:
        raise MqttError(f"QoS {qos}")
    topic = body.text()
    number = body.number() if qos else 0
    return Publish(topic, body.rest(), qos, number)


def filters_of(packet: MqttPacket) -> tuple[int, list[str]]:
    """The packet's number and the topic filters of a SUBSCRIBE or UNSUBSCRIBE."""
    body = Body(packet.body)
    number, filters = body.number(), []
    while body:
        filters.append(body.text())
        if packet.kind is MqttKind.SUBSCRIBE:
            body.take(1)
    return number, filters
