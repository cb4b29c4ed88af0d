"""Blocks of bytes that stand for themselves in a file: damage to one is damage to no other.

A block is a mark of four bytes, the length of its body and the body's CRC-32, both little-endian, and the body.
"""

import struct
import zlib
from collections.abc import Callable, Iterator
from typing import Final, TypeVar

T = TypeVar("T")

_HEAD: Final = struct.Struct("<4sII")


def pack(mark: bytes, body: bytes) -> bytes:
    """The block that has this body."""
    return _HEAD.pack(mark, len(body), zlib.crc32(body)) + body


def unpack(content: bytes, mark: bytes, read: Callable[[bytes], T | None]) -> Iterator[tuple[T | None, int]]:
    """What `read` makes of each body, and where its block ends; None for each damaged place, and where that begins.

    A body is damage too where `read` says None. A file that is still written to may end in a part of a block: its last
    damaged place may be whole later.
    """
    at, is_damaged = 0, False
    while 0 <= at < len(content):
        body = _body_at(content, mark, at)
        found = None if body is None else read(body)
        if body is not None and found is not None:
            at, is_damaged = at + _HEAD.size + len(body), False
            yield found, at
            continue
        if not is_damaged:
            yield None, at
        at, is_damaged = content.find(mark, at + 1), True


def _body_at(content: bytes, mark: bytes, at: int) -> bytes | None:
    """The body of the whole block that begins here; None if none does."""
    if len(content) - at < _HEAD.size:
        return None
    its, length, check = _HEAD.unpack_from(content, at)
    begin = at + _HEAD.size
    if its != mark or len(content) - begin < length:
        return None
    body = content[begin : begin + length]
    return body if zlib.crc32(body) == check else None
