"""A picture as the decoder gives it: three planes, no copy."""

from dataclasses import dataclass
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray

from smartcam.contract.notice import PixelBox

Plane = NDArray[np.uint8]

# INTER_LINEAR rounds differently in the OpenCV 5 of a Raspberry Pi, which shifts scores by up to 9/256.
_LINEAR = cv2.INTER_LINEAR_EXACT


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """I420 (YUV 4:2:0, BT.601), full or limited range as decoded; width and height are even.

    `y` is (height, width), `u` and `v` are (height // 2, width // 2), all uint8. Rows may be padded (a view into the
    decoder's own memory); the pixels of a row are contiguous. Two pictures are equal only if they are the same object.
    """

    y: Plane
    u: Plane
    v: Plane

    def __post_init__(self) -> None:
        """Raises ValueError if the planes do not fit together."""
        planes = (self.y, self.u, self.v)
        if any(plane.ndim != 2 or plane.dtype != np.uint8 for plane in planes):  # noqa: PLR2004
            raise ValueError("planes must be two-dimensional uint8 arrays")
        height, width = self.y.shape
        if not height or not width or height % 2 or width % 2:
            raise ValueError(f"width and height must be even and not 0, not {width}x{height}")
        if self.u.shape != (height // 2, width // 2) or self.v.shape != self.u.shape:
            raise ValueError(f"colour planes must be {width // 2}x{height // 2} for a picture of {width}x{height}")
        if any(plane.strides[1] != 1 for plane in planes):
            raise ValueError("pixels of a row must be contiguous")

    @property
    def width(self) -> int:
        """Pixels per row."""
        return int(self.y.shape[1])

    @property
    def height(self) -> int:
        """Rows."""
        return int(self.y.shape[0])

    @property
    def luma(self) -> Plane:
        """Brightness, uint8 (height, width): the Y plane itself."""
        return self.y

    @property
    def nbytes(self) -> int:
        """Bytes of the picture as tight I420."""
        return self.width * self.height * 3 // 2

    @classmethod
    def from_i420(cls, buffer: Plane, width: int, height: int) -> Self:
        """Views over tight I420 in a flat buffer of exactly `width * height * 3 // 2` bytes.

        Raises:
            ValueError: if the buffer has another size or a side is odd.
        """
        y_end = width * height
        u_end = y_end + y_end // 4
        if buffer.shape != (y_end * 3 // 2,):
            raise ValueError(f"I420 of {width}x{height} takes a flat buffer of {y_end * 3 // 2} bytes")
        half = (height // 2, width // 2)
        return cls(
            buffer[:y_end].reshape(height, width), buffer[y_end:u_end].reshape(half), buffer[u_end:].reshape(half)
        )

    @classmethod
    def from_bgr(cls, bgr: NDArray[np.uint8]) -> Self:
        """A picture of BGR uint8 (h, w, 3), limited range; an odd last row or column is left out."""
        height, width = bgr.shape[0] & ~1, bgr.shape[1] & ~1
        flat = np.asarray(cv2.cvtColor(bgr[:height, :width], cv2.COLOR_BGR2YUV_I420), np.uint8)
        return cls.from_i420(flat.reshape(-1), width, height)

    def write_i420(self, out: Plane) -> None:
        """Copies the picture as tight I420 into a flat uint8 array of `nbytes` bytes.

        Raises:
            ValueError: if `out` has another size.
        """
        target = Picture.from_i420(out, self.width, self.height)
        np.copyto(target.y, self.y)
        np.copyto(target.u, self.u)
        np.copyto(target.v, self.v)

    def to_bgr(self) -> NDArray[np.uint8]:
        """BGR uint8 (height, width, 3), converted as limited range."""
        flat = np.empty(self.nbytes, np.uint8)
        self.write_i420(flat)
        return np.asarray(cv2.cvtColor(flat.reshape(-1, self.width), cv2.COLOR_YUV2BGR_I420), np.uint8)

    def crop(self, box: PixelBox, size: tuple[int, int]) -> NDArray[np.uint8]:
        """The box, scaled to `size` (width, height): RGB uint8 (height, width, 3).

        The box is clipped to the picture and widened to even pixels. Planes are scaled before they are converted, so
        the cost depends on the target's size.

        Raises:
            ValueError: if the box lies outside the picture, or the size is not positive.
        """
        left, top = max(box.x1, 0) & ~1, max(box.y1, 0) & ~1
        right, bottom = min(box.x2 + 1 & ~1, self.width), min(box.y2 + 1 & ~1, self.height)
        width, height = size
        if left >= right or top >= bottom or width < 1 or height < 1:
            raise ValueError(f"nothing to crop: {box} to {width}x{height} from {self.width}x{self.height}")
        even_width, even_height = width + 1 & ~1, height + 1 & ~1
        flat = np.empty(even_width * even_height * 3 // 2, np.uint8)
        scaled = Picture.from_i420(flat, even_width, even_height)
        _scale(self.y[top:bottom, left:right], scaled.y)
        colour = slice(top // 2, bottom // 2), slice(left // 2, right // 2)
        _scale(self.u[colour], scaled.u)
        _scale(self.v[colour], scaled.v)
        rgb = cv2.cvtColor(flat.reshape(-1, even_width), cv2.COLOR_YUV2RGB_I420)
        if (even_width, even_height) != size:
            rgb = cv2.resize(rgb, size, interpolation=_LINEAR)
        return np.asarray(rgb, np.uint8)


def _scale(source: Plane, target: Plane) -> None:
    """Halves as often as possible first: area sampling by other factors costs ten times as much."""
    height, width = target.shape
    while source.shape[0] >= 2 * height or source.shape[1] >= 2 * width:
        rows, columns = source.shape
        by_rows, by_columns = (2 if rows >= 2 * height else 1), (2 if columns >= 2 * width else 1)
        source = source[: rows // by_rows * by_rows, : columns // by_columns * by_columns]
        halved = (columns // by_columns, rows // by_rows)
        source = np.asarray(cv2.resize(source, halved, interpolation=cv2.INTER_AREA), np.uint8)
    if source.shape == target.shape:
        np.copyto(target, source)
    else:
        cv2.resize(source, (width, height), dst=target, interpolation=_LINEAR)
