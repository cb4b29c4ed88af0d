"""Small pictures of moments of a clip, with what was seen there framed."""

from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from smartcam.capture.sources.file import open_clip
from smartcam.contract.errors import CameraLost
from smartcam.contract.times import NS_PER_S
from smartcam.vision.corners import Corners
from smartcam.vision.turn import Turn, turned

WIDEST: Final = 320
_TALLEST: Final = 4 * WIDEST
"""A JPEG of a picture that is hardly wider than a line would be higher than any can be."""
_QUALITY: Final = 80
_LINE: Final = (40, 200, 255)
_SPARE_S: Final = 1e-6


@dataclass(frozen=True, slots=True)
class Instant:
    """A second of a clip, and the box to frame there."""

    at_s: float
    box: Corners | None = None


def stills(clip: Path, moments: Iterable[Instant], turn: Turn) -> Mapping[Instant, bytes]:
    """A JPEG of each moment, as far as the clip can be read; it is decoded once, up to the last moment."""
    waiting = sorted(set(moments), key=lambda moment: -moment.at_s)
    found: dict[Instant, bytes] = {}
    if not waiting:
        return found
    try:
        with closing(open_clip(clip)) as source:
            while waiting:
                taken = source.next()
                while waiting and taken.position_ns / NS_PER_S >= waiting[-1].at_s - _SPARE_S:
                    moment = waiting.pop()
                    found[moment] = framed_jpeg(turned(taken.picture, turn).to_bgr(), moment.box)
    except CameraLost:
        # The clip has been played before: a moment after its last picture has none.
        pass
    return found


def framed_jpeg(bgr: NDArray[np.uint8], box: Corners | None) -> bytes:
    """A small JPEG with a box framed in it; uint8 (h, w, 3) in."""
    height, width = bgr.shape[:2]
    scale = min(WIDEST / width, _TALLEST / height)
    size = max(round(width * scale), 1), max(round(height * scale), 1)
    small = cv2.resize(bgr, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    if box is not None:
        x1, y1, x2, y2 = (round(side * edge) for side, edge in zip(box, size * 2, strict=True))
        cv2.rectangle(small, (x1, y1), (max(x2 - 1, x1), max(y2 - 1, y1)), _LINE, 2)
    _, coded = cv2.imencode(".jpg", small, (cv2.IMWRITE_JPEG_QUALITY, _QUALITY))
    return coded.tobytes()
