"""Cameras that are not there, behind the code for real ones: a Raspberry Pi's own, and a V4L2 device."""

import sys
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from smartcam.capture.settings import SourceSettings
from smartcam.capture.sources import opening
from smartcam.capture.sources.live import LiveStream
from smartcam.capture.sources.packets import PacketTap
from smartcam.vision.picture import Picture
from tests.clips import write_clip
from tests.fakes.picamera2 import FakePicamera2Module, Rows

Camera = dict[str, object]
"""A camera's settings."""


class Paced:
    """A stream that gives twenty pictures a second, as a camera does."""

    def __init__(self, stream: LiveStream) -> None:
        self._stream = stream
        self.frames_per_second = 20.0
        self.waiting_for = ""

    def next(self) -> Picture | None:
        time.sleep(0.05)
        return self._stream.next()

    def close(self) -> None:
        self._stream.close()


def pi_camera(patch: pytest.MonkeyPatch, pictures: Iterable[Picture]) -> Camera:
    """A Raspberry Pi's camera that sees these pictures."""
    module = FakePicamera2Module()
    module._shots = map(_rows, pictures)
    patch.setitem(sys.modules, "picamera2", module)
    _live(patch, "0")
    return {"source": "picamera", "device": "0", "width": 320, "height": 240}


def v4l2_device(patch: pytest.MonkeyPatch, folder: Path, pictures: Iterable[Picture]) -> Camera:
    """A device that sees these pictures, as motion JPEG."""
    path = write_clip(folder / "device.avi", pictures, codec="mjpeg", pixel_format="yuvj420p")
    real = av.open

    def open_(file: str, *others: Any, **asked: Any) -> object:  # noqa: ANN401  PyAV's own arguments
        return real(str(path)) if asked.get("format") == "v4l2" else real(file, *others, **asked)

    patch.setattr(av, "open", open_)
    _live(patch, "/dev/zero")
    return {"source": "v4l2", "device": "/dev/video0", "width": 320, "height": 240}


def _rows(picture: Picture) -> Rows:
    """What picamera2 gives."""
    flat = np.empty(picture.nbytes, np.uint8)
    picture.write_i420(flat)
    return flat.reshape(-1, picture.width)


def _live(patch: pytest.MonkeyPatch, device: str) -> None:
    """Of a camera that is not there: `device` stands in for it."""
    real = opening._open_stream

    def paced(settings: SourceSettings, tap: PacketTap | None) -> LiveStream:
        return Paced(real(replace(settings, device=device), tap))

    patch.setattr(opening, "_open_stream", paced)
