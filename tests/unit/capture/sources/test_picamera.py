import subprocess
import sys
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from smartcam.capture.settings import SourceKind, SourceSettings
from smartcam.capture.sources.opening import open_source
from smartcam.capture.sources.picamera import open_picamera, planes_of
from smartcam.contract.errors import CameraLost
from smartcam.contract.ids import CameraId
from smartcam.edge.clock import SystemClock
from smartcam.edge.lifecycle import StopToken
from smartcam.vision.turn import Turn, turned
from tests.fakes.picamera2 import FakePicamera2Module, FakeTransform, Shot, rows_of

ROOT = Path(__file__).parents[4]
SETTINGS = SourceSettings(CameraId("door"), source=SourceKind.PICAMERA, device="0", width=320, height=242, max_fps=12.0)


def installed(
    monkeypatch: pytest.MonkeyPatch, *shots: Shot, size: tuple[int, int] | None = None
) -> FakePicamera2Module:
    module = FakePicamera2Module(*shots, size=size)
    monkeypatch.setitem(sys.modules, "picamera2", module)
    return module


def test_pictures_come_as_the_camera_made_them_whatever_the_stride(monkeypatch: pytest.MonkeyPatch) -> None:
    module = installed(monkeypatch, rows_of(320, 242, 384), rows_of(320, 242, 384, y=50))
    with closing(open_source(SETTINGS, SystemClock(), StopToken())) as source:
        assert source.frames_per_second == 12.0
        timed = source.read()
        assert timed is not None
        picture = timed.picture
        assert (picture.width, picture.height) == (320, 242)
        assert {int(picture.y.max()), int(picture.y.min())} <= {100, 50}
        assert (set(np.unique(picture.u)), set(np.unique(picture.v))) == ({90}, {160})
    (camera,) = module.cameras
    assert camera.configuration["main"] == {"size": (320, 242), "format": "YUV420"}
    assert camera.configuration["controls"] == {"FrameRate": 12.0}
    assert camera.calls == ["configure", "start", "stop", "close"]


def test_a_camera_that_takes_another_size_is_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    installed(monkeypatch, rows_of(304, 240, 320), size=(304, 240))
    stream = open_picamera(SETTINGS)
    picture = stream.next()
    assert picture is not None
    assert (picture.width, picture.height) == (304, 240)


@pytest.mark.parametrize("turn", [Turn(*(bool(each) for each in flags)) for flags in np.ndindex(2, 2, 2)])
def test_what_the_sensor_could_not_turn_is_turned_here(monkeypatch: pytest.MonkeyPatch, turn: Turn) -> None:
    rows = rows_of(320, 242, 384)
    rows[:20, :40] = 200
    # libcamera names what was done to the picture, the swaps first; to undo it, they come last.
    did = FakeTransform(turn.swaps_left_right, turn.swaps_up_down, turn.is_transposed)
    monkeypatch.setitem(sys.modules, "picamera2", FakePicamera2Module(rows, transform=did))
    picture = open_picamera(SETTINGS).next()
    assert picture is not None
    assert np.array_equal(picture.luma, turned(planes_of(rows, 320, 242, ""), turn).luma)


def test_a_camera_mounted_at_a_quarter_is_shown_upright(monkeypatch: pytest.MonkeyPatch) -> None:
    # libcamera's Rotate90, a picture that lies in memory turned clockwise: vflip and transpose.
    rows = rows_of(320, 242, 384)
    rows[:20, 280:320] = 200
    module = FakePicamera2Module(rows, transform=FakeTransform(vflip=True, transpose=True))
    monkeypatch.setitem(sys.modules, "picamera2", module)
    picture = open_picamera(SETTINGS).next()
    assert picture is not None
    assert (picture.width, picture.height) == (242, 320)
    assert (picture.luma[:40, :20] == 200).all()


def test_a_camera_that_hangs_gives_nothing_and_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    module = installed(monkeypatch, None, None, rows_of(320, 242, 320))
    stream = open_picamera(SETTINGS)
    assert stream.next() is None
    assert stream.next() is None
    assert stream.next() is not None
    assert module.cameras[0].jobs == 1


def test_a_camera_that_fails_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    installed(monkeypatch, RuntimeError("Camera frontend has timed out!"))
    with pytest.raises(CameraLost, match=r"camera 0: RuntimeError: Camera frontend has timed out!"):
        open_picamera(SETTINGS).next()


def test_an_array_of_another_form_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    installed(monkeypatch, np.zeros((240, 320, 3), np.uint8))
    with pytest.raises(CameraLost, match="instead of 320x242 in YUV420"):
        open_picamera(SETTINGS).next()


def test_a_camera_that_is_not_there_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "picamera2", FakePicamera2Module(count=0))
    with pytest.raises(CameraLost, match=r"camera 0: IndexError: list index out of range"):
        open_source(SETTINGS, SystemClock(), StopToken())


def test_without_picamera2_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "picamera2", None)
    with pytest.raises(CameraLost, match="apt install python3-picamera2"):
        open_source(SETTINGS, SystemClock(), StopToken())


def test_picamera2_and_pyav_are_imported_only_when_they_are_chosen() -> None:
    program = "import sys, smartcam.capture.main; print({'picamera2', 'av'} & set(sys.modules))"
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, timeout=60)
    assert done.stdout == "set()\n", done.stderr
