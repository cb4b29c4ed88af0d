"""The picture of an event: how well a frame shows the object, and the JPEG with its box drawn."""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from smartcam.contract.event import NormalBox
from smartcam.contract.notice import PixelBox
from smartcam.vision.jpeg import best_jpeg
from smartcam.vision.picture import Picture

LARGEST_BYTES: Final = 100_000
_LONGEST_SIDE: Final = 1280
_QUALITIES: Final = (85, 70, 55, 40)
_COLOUR: Final = (60, 220, 255)
_INK: Final = (20, 20, 20)
_EXAMINED: Final = 96
"""Sharpness is measured on the object scaled to this many pixels a side."""
_EDGE: Final = 0.005
_CUT: Final = 0.6
"""Factor for each edge of the picture at which the object may be cut off."""
_TINY: Final = 1e-6
_LARGE: Final = 0.25
"""A box that covers more of the picture than this share is not worth more."""


def worth(picture: Picture, box: NormalBox) -> float:
    """How well a person could see the object: large, sharp, not cut off. Above 0; only for comparison."""
    wide, high = box.x2 - box.x1, box.y2 - box.y1
    region = PixelBox(
        int(box.x1 * picture.width),
        int(box.y1 * picture.height),
        max(int(box.x2 * picture.width), int(box.x1 * picture.width) + 1),
        max(int(box.y2 * picture.height), int(box.y1 * picture.height) + 1),
    )
    part = picture.luma[region.y1 : region.y2, region.x1 : region.x2]
    part = np.asarray(cv2.resize(part, (_EXAMINED, _EXAMINED), interpolation=cv2.INTER_LINEAR), np.uint8)
    sharp = float(np.abs(np.asarray(cv2.Laplacian(part, cv2.CV_16S), np.int16)).mean())
    sides = (box.x1 <= _EDGE) + (box.y1 <= _EDGE) + (box.x2 >= 1 - _EDGE) + (box.y2 >= 1 - _EDGE)
    return float(np.sqrt(min(max(wide * high, _TINY), _LARGE)) * np.sqrt(sharp + 1.0) * _CUT**sides)


def draw(picture: Picture, box: NormalBox, label: str) -> bytes:
    """The whole picture with the box and its label drawn, as a JPEG smaller than `LARGEST_BYTES`."""
    image = _scaled(picture.to_bgr(), _LONGEST_SIDE)
    while True:
        jpeg = best_jpeg(_drawn(image, box, label), _QUALITIES, LARGEST_BYTES - 1)
        if jpeg is not None:
            return jpeg
        image = _scaled(image, max(image.shape[:2]) * 3 // 4)


def _scaled(image: NDArray[np.uint8], longest: int) -> NDArray[np.uint8]:
    height, width = image.shape[:2]
    if max(height, width) <= longest:
        return image
    size = max(width * longest // max(height, width), 1), max(height * longest // max(height, width), 1)
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


def _drawn(image: NDArray[np.uint8], box: NormalBox, label: str) -> NDArray[np.uint8]:
    height, width = image.shape[:2]
    drawn = image.copy()
    thick = max(round(max(height, width) / 320), 2)
    low = int(box.x1 * (width - 1)), int(box.y1 * (height - 1))
    high = int(box.x2 * (width - 1)), int(box.y2 * (height - 1))
    cv2.rectangle(drawn, low, high, _COLOUR, thick)
    scale = max(height, width) / 1100
    # The font has ASCII characters only.
    text = label.encode("ascii", "replace").decode()
    (wide, tall), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale, thick)
    left = max(min(low[0], width - wide - 2 * thick), 0)
    bottom = low[1] if low[1] > tall + 3 * thick else min(low[1] + tall + 3 * thick, height - 1)
    cv2.rectangle(drawn, (left, bottom - tall - 3 * thick), (left + wide + 2 * thick, bottom), _COLOUR, cv2.FILLED)
    place = left + thick, bottom - thick - thick // 2
    cv2.putText(drawn, text, place, cv2.FONT_HERSHEY_SIMPLEX, scale, _INK, thick, cv2.LINE_AA)
    return drawn
