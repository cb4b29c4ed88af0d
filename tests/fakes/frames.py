"""Frames that show at a glance whether they are whole."""

import numpy as np

from smartcam.contract.ids import CameraId
from smartcam.contract.notice import PixelBox
from smartcam.contract.times import MonotonicNs, UtcNs
from smartcam.vision.frame import Frame
from smartcam.vision.picture import Picture

YARD = CameraId("yard")
MOTION = (PixelBox(0, 0, 2, 2),)


def shade(seq: int) -> int:
    return seq % 251


def plain_frame(seq: int, width: int = 32, height: int = 16, camera: CameraId = YARD) -> Frame:
    """All pixels, and all numbers besides, follow from `seq`."""
    picture = Picture.from_i420(np.full(width * height * 3 // 2, shade(seq), np.uint8), width, height)
    return Frame(camera, seq, UtcNs(seq * 10), MonotonicNs(seq * 100), seq * 1000, picture, MOTION)


def is_whole(frame: Frame) -> bool:
    planes = (frame.picture.y, frame.picture.u, frame.picture.v)
    numbers = (frame.captured_at, frame.captured_mono, frame.position_ns)
    return all(bool((plane == shade(frame.seq)).all()) for plane in planes) and numbers == (
        frame.seq * 10,
        frame.seq * 100,
        frame.seq * 1000,
    )
