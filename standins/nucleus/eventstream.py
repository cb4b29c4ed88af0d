"""The event-stream encoding: one packet is a prelude, headers, a payload and two checksums.

Pure: bytes in, values out. Big endian throughout.
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Final
from uuid import UUID

PRELUDE_BYTES: Final = 12
OVERHEAD_BYTES: Final = 16
LONGEST_NAME: Final = 255
LONGEST_VALUE: Final = 32767
LARGEST_PACKET: Final = 24 * 1024 * 1024
"""What the client of the SDK carries at most."""

_PRELUDE = struct.Struct(">III")
_U32 = struct.Struct(">I")
_U16 = struct.Struct(">H")


class EventStreamError(Exception):
    """Bytes that are not an event-stream packet, or values that no packet can carry."""


class PacketTooLarge(EventStreamError):
    """A packet announces more bytes than the receiver takes."""


class HeaderType(IntEnum):
    """The type byte of a header."""

    TRUE = 0
    FALSE = 1
    INT8 = 2
    INT16 = 3
    INT32 = 4
    INT64 = 5
    BYTES = 6
    STRING = 7
    TIMESTAMP = 8
    UUID = 9


HeaderValue = bool | int | bytes | str | UUID

_INTEGERS: Final = {
    HeaderType.INT8: struct.Struct(">b"),
    HeaderType.INT16: struct.Struct(">h"),
    HeaderType.INT32: struct.Struct(">i"),
    HeaderType.INT64: struct.Struct(">q"),
    HeaderType.TIMESTAMP: struct.Struct(">q"),
}


@dataclass(frozen=True, slots=True)
class Header:
    """One header; a timestamp is an integer of milliseconds since 1970."""

    name: str
    type: HeaderType
    value: HeaderValue


def int32(name: str, value: int) -> Header:
    """A header with a 32-bit integer."""
    return Header(name, HeaderType.INT32, value)


def string(name: str, value: str) -> Header:
    """A header with text."""
    return Header(name, HeaderType.STRING, value)


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet's headers, in their order, and its payload."""

    headers: tuple[Header, ...]
    payload: bytes = b""

    def find(self, name: str, kind: HeaderType) -> HeaderValue | None:
        """The value of the first header of this name (in any case) and type, None without one."""
        wanted = name.lower()
        for header in self.headers:
            if header.type is kind and header.name.lower() == wanted:
                return header.value
        return None

    def integer(self, name: str) -> int | None:
        """The value of a 32-bit integer header."""
        value = self.find(name, HeaderType.INT32)
        return value if isinstance(value, int) else None

    def text(self, name: str) -> str | None:
        """The value of a text header."""
        value = self.find(name, HeaderType.STRING)
        return value if isinstance(value, str) else None


def encode(packet: Packet) -> bytes:
    """The packet as bytes.

    Raises:
        EventStreamError: when a name, a value or the whole is larger than the encoding carries.
    """
    headers = b"".join(_encode_header(header) for header in packet.headers)
    total = len(headers) + len(packet.payload) + OVERHEAD_BYTES
    if total > LARGEST_PACKET:
        raise EventStreamError(f"a packet of {total} bytes is over {LARGEST_PACKET}")
    start = struct.pack(">II", total, len(headers))
    body = b"".join((start, _U32.pack(zlib.crc32(start)), headers, packet.payload))
    return body + _U32.pack(zlib.crc32(body))


def packet_length(prelude: bytes, most_after_prelude: int = LARGEST_PACKET) -> int:
    """The whole packet's length in bytes, from its first twelve.

    Raises:
        PacketTooLarge: when more than `most_after_prelude` bytes follow the prelude.
        EventStreamError: when the prelude's checksum or lengths are wrong.
    """
    total, headers, checksum = _PRELUDE.unpack(prelude[:PRELUDE_BYTES])
    if zlib.crc32(prelude[:8]) != checksum:
        raise EventStreamError("the prelude's checksum is wrong")
    if total < OVERHEAD_BYTES or headers > total - OVERHEAD_BYTES:
        raise EventStreamError(f"a packet of {total} bytes cannot hold {headers} bytes of headers")
    if total - PRELUDE_BYTES > most_after_prelude:
        raise PacketTooLarge(
            f"{total - PRELUDE_BYTES} bytes follow the prelude, at most {most_after_prelude} are taken"
        )
    return int(total)


def decode(raw: bytes) -> Packet:
    """The packet in exactly these bytes. Raises EventStreamError for anything else."""
    if len(raw) < OVERHEAD_BYTES:
        raise EventStreamError(f"{len(raw)} bytes are no packet: it has at least {OVERHEAD_BYTES}")
    total = packet_length(raw)
    if total != len(raw):
        raise EventStreamError(f"the prelude says {total} bytes, {len(raw)} are there")
    if zlib.crc32(raw[:-4]) != _U32.unpack_from(raw, total - 4)[0]:
        raise EventStreamError("the message's checksum is wrong")
    headers_end = PRELUDE_BYTES + _U32.unpack_from(raw, 4)[0]
    return Packet(tuple(_decode_headers(raw, headers_end)), raw[headers_end:-4])


class Splitter:
    """Cuts a byte stream into packets."""

    def __init__(self, most_after_prelude: int = LARGEST_PACKET) -> None:
        self._most = most_after_prelude
        self._waiting = bytearray()

    def feed(self, received: bytes) -> Iterator[Packet]:
        """The packets that are complete with these bytes.

        Raises:
            EventStreamError: at the first wrong byte; the stream cannot be read on after it.
        """
        self._waiting += received
        while len(self._waiting) >= PRELUDE_BYTES:
            length = packet_length(bytes(self._waiting[:PRELUDE_BYTES]), self._most)
            if len(self._waiting) < length:
                return
            raw = bytes(self._waiting[:length])
            del self._waiting[:length]
            yield decode(raw)


def _encode_header(header: Header) -> bytes:
    name = header.name.encode()
    if not 1 <= len(name) <= LONGEST_NAME:
        raise EventStreamError(f"a header's name has 1 to {LONGEST_NAME} bytes, not {len(name)}")
    return bytes((len(name),)) + name + bytes((header.type,)) + _encode_value(header)


def _encode_value(header: Header) -> bytes:
    kind, value = header.type, header.value
    if kind in _INTEGERS and isinstance(value, int):
        try:
            return _INTEGERS[kind].pack(value)
        except struct.error as error:
            raise EventStreamError(f"{header.name}: {value} does not fit {kind.name}") from error
    if kind in {HeaderType.TRUE, HeaderType.FALSE} and value is (kind is HeaderType.TRUE):
        return b""
    if kind is HeaderType.UUID and isinstance(value, UUID):
        return value.bytes
    if kind is HeaderType.STRING and isinstance(value, str):
        return _sized(header.name, value.encode())
    if kind is HeaderType.BYTES and isinstance(value, bytes):
        return _sized(header.name, value)
    raise EventStreamError(f"{header.name}: {value!r} is not of type {kind.name}")


def _sized(name: str, value: bytes) -> bytes:
    return _U16.pack(len(_checked_length(value, name))) + value


def _decode_headers(raw: bytes, end: int) -> Iterator[Header]:
    place = PRELUDE_BYTES
    while place < end:
        name_end = place + 1 + raw[place]
        if name_end == place + 1 or name_end >= end:
            raise EventStreamError("a header's name is empty or cut off")
        name = _text(raw[place + 1 : name_end], "a header's name")
        try:
            kind = HeaderType(raw[name_end])
        except ValueError as error:
            raise EventStreamError(f"{name}: {raw[name_end]} is no header type") from error
        value_start, value_end = _extent(raw, name_end + 1, kind, end)
        if value_end > end:
            raise EventStreamError(f"{name}: the value is cut off")
        yield Header(name, kind, _decode_value(raw[value_start:value_end], kind, name))
        place = value_end


def _extent(raw: bytes, place: int, kind: HeaderType, end: int) -> tuple[int, int]:
    if kind in {HeaderType.STRING, HeaderType.BYTES}:
        if place + 2 > end:
            return place, end + 1
        length: int = _U16.unpack_from(raw, place)[0]
        return place + 2, place + 2 + length
    if kind is HeaderType.UUID:
        return place, place + 16
    return place, place + (_INTEGERS[kind].size if kind in _INTEGERS else 0)


def _decode_value(value: bytes, kind: HeaderType, name: str) -> HeaderValue:
    if kind in _INTEGERS:
        return int(_INTEGERS[kind].unpack(value)[0])
    if kind is HeaderType.STRING:
        return _text(_checked_length(value, name), name)
    if kind is HeaderType.BYTES:
        return _checked_length(value, name)
    if kind is HeaderType.UUID:
        return UUID(bytes=value)
    return kind is HeaderType.TRUE


def _checked_length(value: bytes, name: str) -> bytes:
    if len(value) > LONGEST_VALUE:
        raise EventStreamError(f"{name}: {len(value)} bytes are over {LONGEST_VALUE}")
    return value


def _text(raw: bytes, what: str) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise EventStreamError(f"{what} is not UTF-8") from error
