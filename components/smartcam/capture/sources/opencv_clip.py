"""A clip decoded by OpenCV: slower than PyAV because it gives BGR, for devices without PyAV."""

import os
from pathlib import Path

import cv2
import numpy as np

from smartcam.capture.sources.clip import ClipPicture, Timeline, believable_rate, check_sides, checked_path, the_end
from smartcam.contract.errors import CameraLost
from smartcam.contract.times import NS_PER_MS
from smartcam.vision.picture import Picture
from smartcam.vision.turn import QUARTERS, quarter_turn, turned


class OpenCvClip:
    """See `Clip`."""

    def __init__(self, path: Path) -> None:
        """Raises CameraLost when the file cannot be opened."""
        self._path = checked_path(path)
        self._capture = _opened(self._path)
        if not self._capture.isOpened():
            raise CameraLost(f"{path}: is not a clip that can be read")
        self.frames_per_second = believable_rate(self._capture.get(cv2.CAP_PROP_FPS))
        # Versions of OpenCV differ in whether they turn a picture by themselves.
        self._capture.set(cv2.CAP_PROP_ORIENTATION_AUTO, 0)
        degrees = round(self._capture.get(cv2.CAP_PROP_ORIENTATION_META)) % 360
        # OpenCV does not say whether a container also asks for a mirror image.
        self._turn = quarter_turn(degrees if degrees in QUARTERS else 0)
        self.pictures_stated = 0
        self._timeline = Timeline(self.frames_per_second)
        self._announced = max(self._capture.get(cv2.CAP_PROP_FRAME_COUNT), 0.0)
        self._count = 0

    def next(self) -> ClipPicture:
        """See `Clip`."""
        is_there, bgr = self._capture.read()
        if not is_there:
            announced_s = self._announced / self.frames_per_second if self.frames_per_second else 0.0
            raise the_end(self._path, self._count, self._timeline.played_s, announced_s, "")
        check_sides(self._path, bgr.shape[1], bgr.shape[0])
        stamp_ms = self._capture.get(cv2.CAP_PROP_POS_MSEC)
        is_stamped = stamp_ms > 0 or not self._count
        self._count += 1
        position = self._timeline.place(round(stamp_ms * NS_PER_MS) if is_stamped else None)
        return ClipPicture(turned(Picture.from_bgr(np.asarray(bgr, np.uint8)), self._turn), position)

    def close(self) -> None:
        """See `Clip`."""
        self._capture.release()


def _opened(path: Path) -> cv2.VideoCapture:
    """By descriptor: FFmpeg would take a name such as `yard%03d.jpg` for a pattern and open other files.

    Raises:
        CameraLost: there is no such file any more.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise CameraLost(f"{path}: {error.strerror or error}") from error
    try:
        return cv2.VideoCapture(f"/proc/self/fd/{descriptor}", cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1])
    finally:
        os.close(descriptor)
