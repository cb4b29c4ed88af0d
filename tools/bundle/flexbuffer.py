"""The numbers in a FlexBuffer map: how a custom operator of TensorFlow Lite keeps its options.

google.github.io/flatbuffers/flatbuffers_internals.html: the root is at the end, everything else lies before what points
to it. Only numbers are read, each at its own place, so nothing grows with what a damaged file claims.
"""

import struct
from collections.abc import Iterator, Mapping
from typing import Final

_MAP: Final = 9
_INT, _UINT, _FLOAT, _BOOL = 1, 2, 3, 26
_INDIRECT: Final[Mapping[int, int]] = {6: _INT, 7: _UINT, 8: _FLOAT}
_FORMATS: Final[Mapping[int, str]] = {_INT: "bhiq", _UINT: "BHIQ", _BOOL: "BHIQ", _FLOAT: "xefd"}
"""By the logarithm of the width in bytes; there is no real number of one byte."""
_MOST_ENTRIES: Final = 100
_LONGEST_KEY: Final = 100


def numbers_in(options: bytes) -> Mapping[str, float]:
    """The numbers of a map by their keys; empty for what is no map, or damaged."""
    try:
        return dict(_entries(options))
    except (struct.error, IndexError, UnicodeDecodeError, ValueError):
        return {}


def _entries(options: bytes) -> Iterator[tuple[str, float]]:
    kind, width = options[-2] >> 2, options[-1]
    if kind != _MAP:
        return
    start = _behind(options, len(options) - 2 - width, width)
    width = 1 << (options[-2] & 3)
    count = _unsigned(options, start - width, width)
    if count > _MOST_ENTRIES:
        return
    keys = _behind(options, start - 3 * width, width)
    key_width = _unsigned(options, start - 2 * width, width)
    for entry in range(count):
        key = _behind(options, keys + entry * key_width, key_width)
        end = options.index(0, key, key + _LONGEST_KEY)
        packed = options[start + count * width + entry]
        number = _number(options, start + entry * width, width, packed)
        if number is not None:
            yield options[key:end].decode(), number


def _number(options: bytes, place: int, width: int, packed: int) -> float | None:
    """What an entry holds, at its place or where that points to; None if it is no number."""
    kind = packed >> 2
    if kind in _INDIRECT:
        place, width, kind = _behind(options, place, width), 1 << (packed & 3), _INDIRECT[kind]
    if kind not in _FORMATS:
        return None
    number: float = struct.unpack_from(f"<{_FORMATS[kind][width.bit_length() - 1]}", options, place)[0]
    return number


def _behind(options: bytes, place: int, width: int) -> int:
    """Where an offset points to: back from its own place, and never before the beginning."""
    target = place - _unsigned(options, place, width)
    if not 0 <= target < place:
        raise IndexError(target)
    return target


def _unsigned(options: bytes, place: int, width: int) -> int:
    if place < 0 or width not in (1, 2, 4, 8) or place + width > len(options):
        raise IndexError(place)
    return int.from_bytes(options[place : place + width], "little")
