"""V4L2 without a device: what FFmpeg is asked for, and its stream as a clip of motion JPEG would give it.

FFmpeg's own V4L2 code runs in test_v4l2_device.
"""

import os
import select
from contextlib import closing
from pathlib import Path
from typing import Any

import av
import pytest

from smartcam.capture.settings import SourceKind, SourceSettings
from smartcam.capture.sources.opening import open_source
from smartcam.capture.sources.pyav_live import open_v4l2
from smartcam.contract.errors import CameraLost
from smartcam.contract.ids import CameraId
from smartcam.edge.clock import SystemClock
from smartcam.edge.lifecycle import StopToken
from tests.clips import moving_square, write_clip

real_open = av.open


def settings(device: str, max_fps: float = 0.0) -> SourceSettings:
    return SourceSettings(
        CameraId("hall"), source=SourceKind.V4L2, device=device, width=320, height=240, max_fps=max_fps
    )


class Device:
    """Stands in for a device: records how it is opened and plays a clip."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, clip: Path) -> None:
        self.asked: dict[str, Any] = {}
        self._clip = clip
        monkeypatch.setattr(av, "open", self._open)

    def _open(self, file: str, **asked: Any) -> object:  # noqa: ANN401  PyAV's own arguments
        self.asked = {"file": file, **asked}
        return real_open(str(self._clip))


@pytest.mark.parametrize(("codec", "pixel_format"), [("mjpeg", "yuvj422p"), ("rawvideo", "yuyv422")])
def test_a_device_is_asked_for_size_and_rate_and_its_pictures_come(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, codec: str, pixel_format: str
) -> None:
    clip = write_clip(tmp_path / "a.avi", moving_square(frames=5), codec=codec, pixel_format=pixel_format)
    device = Device(monkeypatch, clip)
    with closing(open_v4l2(settings("/dev/null", max_fps=10))) as stream:
        pictures = [picture for picture in (stream.next() for _ in range(5)) if picture is not None]
        with pytest.raises(CameraLost, match="/dev/null: the camera has ended the stream"):
            stream.next()
    assert len(pictures) == 5
    assert {(picture.width, picture.height) for picture in pictures} == {(320, 240)}
    assert device.asked["format"] == "v4l2"
    assert device.asked["container_options"] == {"video_size": "320x240", "framerate": "10"}


def test_a_device_that_is_none_or_missing_is_said_in_words() -> None:
    with pytest.raises(CameraLost, match="/dev/video99: no such device"):
        open_source(settings("/dev/video99"), SystemClock(), StopToken())
    with pytest.raises(CameraLost, match="is not a device"):
        open_source(settings("/etc/passwd"), SystemClock(), StopToken())
    with pytest.raises(CameraLost, match="/dev/null: Inappropriate ioctl"):
        open_source(settings("/dev/null"), SystemClock(), StopToken())


def test_a_codec_that_no_camera_sends_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Device(monkeypatch, write_clip(tmp_path / "a.avi", moving_square(frames=2), codec="ffv1"))
    with pytest.raises(CameraLost, match="sends ffv1, which is none of h264"):
        open_v4l2(settings("/dev/null"))


def test_a_device_is_waited_for_with_a_time_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []

    def never(_read: object, _write: object, _other: object, timeout: float) -> tuple[list[int], list[int], list[int]]:
        waited.append(timeout)
        return [], [], []

    monkeypatch.setattr(select, "select", never)
    Device(monkeypatch, write_clip(tmp_path / "a.avi", moving_square(frames=2), codec="mjpeg", pixel_format="yuvj420p"))
    descriptor = os.open("/dev/zero", os.O_RDONLY)
    try:
        with closing(open_v4l2(settings("/dev/zero"))) as stream:
            assert stream.next() is None
    finally:
        os.close(descriptor)
    assert waited == [1.0]
