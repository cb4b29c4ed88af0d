"""What the motion gate and the tamper watch have learned, as bytes that survive a restart."""

import struct
from collections.abc import Sequence
from typing import Final

import numpy as np

from smartcam.vision.shrink import Light, shrunk_shape

_HEADER: Final = struct.Struct("<8s4H")


def pack_planes(mark: bytes, shape: Sequence[int], planes: Sequence[Light]) -> bytes:
    """`planes` (rows, columns) rounded to grey levels; `shape` is that of the picture they were shrunk from."""
    levels = [np.clip(np.round(plane), 0, 255).astype(np.uint8).tobytes() for plane in planes]
    return _HEADER.pack(mark, *shape, *planes[0].shape) + b"".join(levels)


def unpack_planes(memory: bytes, mark: bytes, count: int) -> tuple[tuple[int, int], Light] | None:
    """The picture's (height, width) and the planes (count, rows, columns); None if `memory` does not fit."""
    if len(memory) < _HEADER.size:
        return None
    found, height, width, rows, columns = _HEADER.unpack_from(memory)
    cells = rows * columns
    is_whole = found == mark and cells > 0 and len(memory) == _HEADER.size + count * cells
    if not is_whole or shrunk_shape(height, width) != (rows, columns):
        return None
    levels = np.frombuffer(memory, np.uint8, offset=_HEADER.size)
    return (height, width), levels.reshape(count, rows, columns).astype(np.float32)
