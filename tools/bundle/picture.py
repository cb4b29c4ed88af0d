"""Reads the picture that a maker brings for the golden answer: a photograph, of a size that fits into memory."""

import struct
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from smartcam.contract.errors import ContractError
from smartcam.vision.jpeg import jpeg_size

LARGEST_FILE: Final = 32 << 20
LEAST_SIDE: Final = 16
MOST_PIXELS: Final = 50_000_000
"""150 MB when it is decoded; telephones make pictures of up to that many."""
_PNG: Final = b"\x89PNG\r\n\x1a\n"
_PNG_SIZE_AT: Final = 16


def read_picture(path: Path) -> NDArray[np.uint8]:
    """A JPEG or PNG as RGB uint8 (height, width, 3), upright. Its size is checked before anything is decoded.

    Raises:
        ContractError: naming the file, if it cannot be read, is of another kind or size, or damaged.
    """
    what = f"--golden {path}"
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise ContractError(what, f"cannot be read ({error.strerror})") from error
    if len(content) > LARGEST_FILE:
        raise ContractError(what, f"must have at most {LARGEST_FILE >> 20} MiB")
    size = _png_size(content) or jpeg_size(content)
    if size is None:
        raise ContractError(what, "must be a JPEG or a PNG")
    if min(size) < LEAST_SIDE or size[0] * size[1] > MOST_PIXELS:
        limits = f"at least {LEAST_SIDE} pixels a side and at most {MOST_PIXELS // 1_000_000} million in all"
        raise ContractError(what, f"is {size[0]}x{size[1]}; it must have {limits}")
    try:
        bgr = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:
        bgr = None
    if bgr is None or sorted(bgr.shape[:2]) != sorted(size):
        raise ContractError(what, "is damaged: it cannot be decoded")
    return np.ascontiguousarray(bgr[..., ::-1], np.uint8)


def _png_size(content: bytes) -> tuple[int, int] | None:
    """Width and height in a PNG's first chunk; None for another file."""
    if not content.startswith(_PNG) or len(content) < _PNG_SIZE_AT + 8:
        return None
    width, height = struct.unpack_from(">II", content, _PNG_SIZE_AT)
    return int(width), int(height)
