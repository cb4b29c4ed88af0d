"""Pictures to small JPEGs, and back."""

import struct
from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from smartcam.contract.notice import PixelBox
from smartcam.vision.picture import Picture

QUALITIES: Final = (80, 60, 40, 20)
_FRAME_HEADERS: Final = frozenset({*range(0xC0, 0xC4), *range(0xC5, 0xC8), *range(0xC9, 0xCC), *range(0xCD, 0xD0)})
_ALONE: Final = frozenset({0x01, *range(0xD0, 0xD9)})


def fitted(width: int, height: int, longest_side: int) -> tuple[int, int]:
    """Width and height, even, scaled down so that neither is over `longest_side`; never scaled up."""
    share = min(1.0, longest_side / max(width, height))
    return max(2, int(width * share) & ~1), max(2, int(height * share) & ~1)


def scaled_box(box: PixelBox, source: tuple[int, int], target: tuple[int, int]) -> PixelBox:
    """The box of a picture of `source` (width, height) in the same picture scaled to `target`; never empty."""
    x1 = min(box.x1 * target[0] // source[0], target[0] - 1)
    y1 = min(box.y1 * target[1] // source[1], target[1] - 1)
    x2 = -(-box.x2 * target[0] // source[0])
    y2 = -(-box.y2 * target[1] // source[1])
    return PixelBox(x1, y1, max(min(x2, target[0]), x1 + 1), max(min(y2, target[1]), y1 + 1))


def encode_jpeg(picture: Picture, size: tuple[int, int], most_bytes: int) -> bytes:
    """The picture scaled to `size` (width, height), at the best of `QUALITIES` that fits.

    Raises:
        ValueError: if none fits into `most_bytes`.
    """
    rgb = picture.crop(PixelBox(0, 0, picture.width, picture.height), size)
    bgr = cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR)
    jpeg = best_jpeg(np.asarray(bgr, np.uint8), QUALITIES, most_bytes)
    if jpeg is None:
        raise ValueError(f"a JPEG of {size[0]}x{size[1]} does not fit into {most_bytes} bytes")
    return jpeg


def best_jpeg(bgr: NDArray[np.uint8], qualities: Sequence[int], most_bytes: int) -> bytes | None:
    """BGR (height, width, 3) as a JPEG at the first of `qualities` that fits into `most_bytes`; None if none does."""
    for quality in qualities:
        is_done, jpeg = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
        if is_done and jpeg.size <= most_bytes:
            return jpeg.tobytes()
    return None


def decode_jpeg(jpeg: bytes, width: int, height: int) -> Picture:
    """The picture of a JPEG that has this size.

    Raises:
        ValueError: if it is damaged or has another size, which is checked before anything is decoded.
    """
    found = jpeg_size(jpeg)
    if found != (width, height):
        raise ValueError(f"not a JPEG of {width}x{height}: " + (f"{found[0]}x{found[1]}" if found else "damaged"))
    bgr = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    if bgr is None or bgr.shape != (height, width, 3):
        raise ValueError("a JPEG that cannot be decoded")
    return Picture.from_bgr(np.asarray(bgr, np.uint8))


def jpeg_size(jpeg: bytes) -> tuple[int, int] | None:
    """Width and height in the frame header; None where there is none."""
    at = 2
    while jpeg[:2] == b"\xff\xd8" and at + 9 <= len(jpeg) and jpeg[at] == 0xFF:  # noqa: PLR2004  a marker's first byte
        marker = jpeg[at + 1]
        if marker in _FRAME_HEADERS:
            height, width = struct.unpack_from(">HH", jpeg, at + 5)
            return int(width), int(height)
        at += 2 if marker in _ALONE else 2 + max(int.from_bytes(jpeg[at + 2 : at + 4], "big"), 2)
    return None
