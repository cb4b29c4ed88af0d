"""Fragmented MP4 as boxes: how much of a file that broke off can be played."""

import struct
from collections.abc import Iterator
from typing import BinaryIO, Final

_HEAD: Final = struct.Struct(">I4s")
_LARGE: Final = struct.Struct(">Q")


def playable_bytes(file: BinaryIO) -> int:
    """The bytes up to the end of the last whole fragment; 0 where there is none. The file is left anywhere."""
    end = 0
    names: set[bytes] = set()
    for name, after in boxes(file):
        names.add(name)
        if name == b"mdat" and names >= {b"ftyp", b"moov", b"moof"}:
            end = after
    return end


def boxes(file: BinaryIO) -> Iterator[tuple[bytes, int]]:
    """Each whole box: its name, and where the next one begins."""
    size = file.seek(0, 2)
    at = 0
    while at + _HEAD.size <= size:
        file.seek(at)
        length, name = _HEAD.unpack(file.read(_HEAD.size))
        if length == 1:
            large = file.read(_LARGE.size)
            length = _LARGE.unpack(large)[0] if len(large) == _LARGE.size else 0
        if length < _HEAD.size or at + length > size:
            return
        at += length
        yield name, at
