"""From a picture to a model's input: the same on the device, in training and for the golden picture."""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from smartcam.contract.notice import PixelBox
from smartcam.model.interpreter import Tensor
from smartcam.model.manifest import CHANNELS, Colours, Fit, InputSpec, TensorLayout, TensorType
from smartcam.vision.picture import Picture

_SAMPLES: Final = 256
INT8_OFFSET: Final = 128


def whole(picture: Picture) -> PixelBox:
    """The box of the whole picture."""
    return PixelBox(0, 0, picture.width, picture.height)


@dataclass(frozen=True, slots=True)
class Placement:
    """Where in a model's input a picture lies, in pixels of the input."""

    left: int
    top: int
    width: int
    height: int


def placement(region: PixelBox, spec: InputSpec) -> Placement:
    """Where a region of the picture lies in the model's input."""
    if spec.fit is Fit.STRETCH:
        return Placement(0, 0, spec.width, spec.height)
    wide, high = region.x2 - region.x1, region.y2 - region.y1
    scale = min(spec.width / wide, spec.height / high)
    width = min(max(round(wide * scale), 1), spec.width)
    height = min(max(round(high * scale), 1), spec.height)
    return Placement((spec.width - width) // 2, (spec.height - height) // 2, width, height)


def crop_rgb(picture: Picture, region: PixelBox, spec: InputSpec) -> NDArray[np.uint8]:
    """A region brought to the model's size: RGB uint8 (height, width, 3)."""
    placed = placement(region, spec)
    return _padded(picture.crop(region, (placed.width, placed.height)), placed, spec)


def fit_rgb(rgb: NDArray[np.uint8], spec: InputSpec) -> NDArray[np.uint8]:
    """An RGB picture of any size brought to the model's: uint8 (height, width, 3)."""
    placed = placement(PixelBox(0, 0, rgb.shape[1], rgb.shape[0]), spec)
    scaled = cv2.resize(rgb, (placed.width, placed.height), interpolation=cv2.INTER_AREA)
    return _padded(np.asarray(scaled, np.uint8), placed, spec)


def _padded(rgb: NDArray[np.uint8], placed: Placement, spec: InputSpec) -> NDArray[np.uint8]:
    right, bottom = spec.width - placed.left - placed.width, spec.height - placed.top - placed.height
    if not (placed.left or placed.top or right or bottom):
        return rgb
    grey = (spec.pad,) * CHANNELS
    padded = cv2.copyMakeBorder(rgb, placed.top, bottom, placed.left, right, cv2.BORDER_CONSTANT, value=grey)
    return np.asarray(padded, np.uint8)


class Preprocessor:
    """Turns RGB samples into a model's input by a table of 256 entries per colour."""

    def __init__(self, spec: InputSpec) -> None:
        self.spec = spec
        table = _table(spec)
        samples = np.arange(_SAMPLES)[:, None]
        self._is_bgr = spec.colours is Colours.BGR
        self._has_planes = spec.layout is TensorLayout.NCHW
        self._table = np.ascontiguousarray((table[:, ::-1] if self._is_bgr else table)[None])
        as_they_are = not (self._is_bgr or self._has_planes)
        self._identity = as_they_are and spec.dtype is TensorType.UINT8 and bool((table == samples).all())
        self._shifted = as_they_are and spec.dtype is TensorType.INT8 and bool((table == samples - INT8_OFFSET).all())
        shape = (CHANNELS, spec.height, spec.width) if self._has_planes else (spec.height, spec.width, CHANNELS)
        self._buffer = np.empty((1, *shape), spec.dtype.value)

    def tensor(self, rgb: NDArray[np.uint8]) -> Tensor:
        """A tensor of the model's type, layout and colours for RGB uint8 (height, width, 3).

        It shares its memory with `rgb`, or with the next tensor.

        Raises:
            ValueError: if `rgb` has another shape or type.
        """
        if rgb.shape != (self.spec.height, self.spec.width, CHANNELS) or rgb.dtype != np.uint8:
            raise ValueError(f"takes uint8 {self.spec.height}x{self.spec.width}x3, not {rgb.dtype} {rgb.shape}")
        if self._identity:
            return rgb[None]
        if self._shifted:  # what converters make of uint8 models; five times as fast as the table
            np.bitwise_xor(rgb, INT8_OFFSET, out=self._buffer[0].view(np.uint8))
        elif self._has_planes:
            planes = cv2.split(rgb)[:: -1 if self._is_bgr else 1]
            for place, plane in enumerate(planes):
                cv2.LUT(plane, self._table[:, :, place], dst=self._buffer[0, place])
        else:
            cv2.LUT(cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR) if self._is_bgr else rgb, self._table, dst=self._buffer[0])
        return self._buffer


def _table(spec: InputSpec) -> Tensor:
    """(256, 3): the model's number for each sample of each colour."""
    samples = np.arange(_SAMPLES, dtype=np.float64)[:, None]
    real: NDArray[np.float64] = (samples - np.array(spec.mean)) / np.array(spec.std)
    if spec.dtype is TensorType.FLOAT32:
        return real.astype(np.float32)
    kind = np.dtype(spec.dtype.value)
    limits = np.iinfo(kind)
    quantised: Tensor = np.clip(np.round(real / spec.scale) + spec.zero_point, limits.min, limits.max).astype(kind)
    return quantised
