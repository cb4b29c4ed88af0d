"""The options of an operator that is not TensorFlow Lite's own: a map in the format of FlexBuffers.

The format: https://flatbuffers.dev/internals/#flexbuffers
"""

from typing import Final

_MAP, _WHOLE_NUMBERS = 9, (1, 2)
_MOST_KEYS: Final = 1000


def whole_number_in(options: bytes, key: str) -> int | None:
    """The whole number under a key of the map; None if there is none, or if this is no such map."""
    try:
        return _looked_up(options, key.encode())
    except (IndexError, ValueError):
        return None


def _looked_up(options: bytes, key: bytes) -> int | None:
    kind, wide = options[-2] >> 2, options[-1]
    if kind != _MAP:
        return None
    # Before the values are, each as wide as they: where the keys are, how wide a key's place is, how many there are.
    width, values = 1 << (options[-2] & 3), _pointed_to(options, len(options) - 2 - wide, wide)
    count = _number(options, values - width, width)
    keys, key_width = _pointed_to(options, values - 3 * width, width), _number(options, values - 2 * width, width)
    for number in range(min(count, _MOST_KEYS)):
        start = _pointed_to(options, keys + number * key_width, key_width)
        if options[start : options.index(0, start)] == key:
            is_whole = options[values + count * width + number] >> 2 in _WHOLE_NUMBERS
            return _number(options, values + number * width, width) if is_whole else None
    return None


def _pointed_to(options: bytes, at: int, width: int) -> int:
    """A place is written as the distance back to it."""
    return _within(options, at - _number(options, at, width))


def _number(options: bytes, at: int, width: int) -> int:
    return int.from_bytes(options[_within(options, at) : at + width], "little")


def _within(options: bytes, at: int) -> int:
    if not 0 <= at < len(options):
        raise IndexError(at)
    return at
