"""Words in a picture: a line of text on a dark bar along its lower edge."""

from typing import Final

import cv2
import numpy as np

from smartcam.vision.picture import Picture

_BAR: Final = 1 / 14
"""The bar's height, as a share of the picture's."""
_LEAST_BAR: Final = 16
_DARK: Final = 24
_LIGHT: Final = 235
_COLOURLESS: Final = 128
_TEXT_SHARE: Final = 0.55
_LETTER_HEIGHT: Final = 22.0
"""Pixels of a capital letter in OpenCV's simple font at a scale of 1."""


def captioned(picture: Picture, text: str) -> Picture:
    """A copy of the picture with the text along its lower edge; what does not fit is made smaller.

    The font has ASCII characters only: others become question marks.
    """
    y, u, v = picture.y.copy(), picture.u.copy(), picture.v.copy()
    bar = min(max(round(picture.height * _BAR), _LEAST_BAR) & ~1, picture.height)
    y[-bar:], u[-(bar // 2) :], v[-(bar // 2) :] = _DARK, _COLOURLESS, _COLOURLESS
    words = text.encode("ascii", "replace").decode()
    scale = bar * _TEXT_SHARE / _LETTER_HEIGHT
    (wide, _), _ = cv2.getTextSize(words, cv2.FONT_HERSHEY_SIMPLEX, scale, 1)
    scale *= min(1.0, (picture.width - bar) / max(wide, 1))
    # Drawn apart, because the planes may be views that OpenCV cannot write into.
    strip = np.full((bar, picture.width), _DARK, np.uint8)
    thick = max(round(bar / 24), 1)
    place = bar // 2, round(bar * (1 + _TEXT_SHARE) / 2)
    cv2.putText(strip, words, place, cv2.FONT_HERSHEY_SIMPLEX, scale, (_LIGHT,), thick, cv2.LINE_AA)
    y[-bar:] = strip
    return Picture(y, u, v)


def resized(picture: Picture, width: int, height: int) -> Picture:
    """The picture with other sides, which are even; itself if it has them already. Raises ValueError for odd ones."""
    if (picture.width, picture.height) == (width, height):
        return picture
    half = width // 2, height // 2
    planes = zip((picture.y, picture.u, picture.v), ((width, height), half, half), strict=True)
    y, u, v = (np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_AREA), np.uint8) for plane, size in planes)
    return Picture(y, u, v)
