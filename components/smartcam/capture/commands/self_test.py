"""`smartcam-capture --self-test`: sends a synthetic picture the way that every picture goes."""

import tempfile
from pathlib import Path
from typing import Final

import numpy as np

from smartcam.contract.errors import SmartcamError
from smartcam.contract.ids import CameraId
from smartcam.contract.notice import FrameNotice, PixelBox, decode_notice, encode_notice
from smartcam.contract.times import MonotonicNs, UtcNs
from smartcam.edge.ring.frame_ring import RingReader, RingWriter
from smartcam.vision.frame import Frame
from smartcam.vision.motion import MotionGate, MotionSettings
from smartcam.vision.picture import Picture

_WIDTH, _HEIGHT = 320, 240
_STILL: Final = 30
_CAMERA: Final = CameraId("self-test")


def try_a_frame() -> str:
    """Something moves in front of a still background: it must be detected, handed over, and arrive unchanged.

    Raises:
        SmartcamError: something went wrong.
    """
    gate = MotionGate(MotionSettings())
    still, moved = _scene(moved=False), _scene(moved=True)
    for _ in range(_STILL):
        gate.update(still.luma)
    boxes = gate.update(moved.luma)
    if not boxes:
        raise SmartcamError("the motion gate does not detect that something moves")
    with tempfile.TemporaryDirectory() as folder:
        _hand_over(Frame(_CAMERA, 1, UtcNs(1), MonotonicNs(1), 0, moved, boxes), Path(folder))
    return "motion was detected and its frame handed over"


def _hand_over(frame: Frame, folder: Path) -> None:
    writer, reader = RingWriter(folder, frame.camera_id), RingReader(folder, frame.camera_id)
    try:
        notice = decode_notice(encode_notice(writer.write(frame)))
        if not isinstance(notice, FrameNotice):
            raise SmartcamError("a frame's notice is decoded as something else")
        arrived = reader.read(notice)
        if arrived.motion != frame.motion or not np.array_equal(arrived.picture.to_bgr(), frame.picture.to_bgr()):
            raise SmartcamError("a frame does not arrive unchanged")
    finally:
        reader.close()
        writer.close()


def _scene(*, moved: bool) -> Picture:
    bgr = np.full((_HEIGHT, _WIDTH, 3), 90, np.uint8)
    if moved:
        box = PixelBox(100, 60, 180, 200)
        bgr[box.y1 : box.y2, box.x1 : box.x2] = 220
    return Picture.from_bgr(bgr)
