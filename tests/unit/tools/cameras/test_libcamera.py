"""The Raspberry Pi's cameras, from what its program prints."""

import subprocess
from pathlib import Path

import pytest

from smartcam.capture.settings import read_settings
from tools.cameras.libcamera import libcamera_cameras, list_cameras

TWO = """Available cameras
-----------------
0 : imx219 [3280x2464 10-bit RGGB] (/base/soc/i2c0mux/i2c@1/imx219@10)
    Modes: 'SRGGB10_CSI2P' : 640x480 [206.65 fps - (1000, 752)/1280x960 crop]
                             1640x1232 [41.85 fps - (0, 0)/3280x2464 crop]
1 : imx477 [4056x3040] (/base/soc/i2c0mux/i2c@0/imx477@1a)
    Modes: 'SRGGB10_CSI2P' : 1332x990 [120.05 fps - (696, 528)/2664x1980 crop]
2 : UVC [1920x1080] (/base/scb/pcie@7d500000/pci@0,0/usb@0,0-1.1:1.0-046d:082d)
"""


def pi(root: Path) -> Path:
    (root / "proc/device-tree").mkdir(parents=True)
    (root / "proc/device-tree/model").write_bytes(b"Raspberry Pi 4 Model B Rev 1.4\0")
    return root


def test_each_camera_has_the_number_that_picamera2_opens_it_by(tmp_path: Path) -> None:
    found = libcamera_cameras(lambda: f"[0:12:34] INFO Camera libcamera v0.5\n{TWO}", pi(tmp_path))
    assert [(camera.name, dict(camera.settings)) for camera in found.cameras] == [
        ("imx219", {"source": "picamera", "device": "0"}),
        ("imx477", {"source": "picamera", "device": "1"}),
    ]
    assert found.cameras[0].remarks == ("Raspberry Pi camera, sensor of 3280x2464",)
    document = {"cameras": {camera.name: dict(camera.settings) for camera in found.cameras}}
    assert [camera.device for camera in read_settings(document).cameras] == ["0", "1"]


def test_a_number_that_capture_does_not_take_is_a_reason_instead_of_settings(tmp_path: Path) -> None:
    [camera] = libcamera_cameras(lambda: "10 : imx219 [3280x2464] (/base/x)", tmp_path).cameras
    assert camera.settings == {}
    assert "must be the camera's number" in camera.remarks[1]


@pytest.mark.parametrize(
    ("said", "remark"),
    [(None, "apt install rpicam-apps-lite"), ("No cameras available!\n", "check the ribbon cable"), ("", "ribbon")],
)
def test_a_pi_without_a_camera_is_told_what_to_check(said: str | None, remark: str, tmp_path: Path) -> None:
    found = libcamera_cameras(lambda: said, pi(tmp_path))
    assert found.cameras == ()
    assert remark in found.remarks[0]


@pytest.mark.parametrize("said", [None, "No cameras available!\n"])
def test_another_machine_is_told_nothing_of_a_pis_cameras(said: str | None, tmp_path: Path) -> None:
    found = libcamera_cameras(lambda: said, tmp_path)
    assert (found.cameras, found.remarks) == ((), ())


def test_a_program_that_hangs_is_a_remark(tmp_path: Path) -> None:
    def hangs() -> str:
        raise subprocess.TimeoutExpired(["rpicam-hello"], 20)

    [remark] = libcamera_cameras(hangs, tmp_path).remarks
    assert remark.startswith("libcamera cannot be asked: ")


def test_the_program_is_run_and_its_words_are_taken_from_both_outputs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "libcamera-hello"
    program.write_text('#!/bin/sh\necho "asked $*" >&2\necho "0 : ov5647 [2592x1944] (/base/ov5647)"\nexit 255\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    said = list_cameras()
    assert said is not None
    assert sorted(said.splitlines()) == ["0 : ov5647 [2592x1944] (/base/ov5647)", "asked --list-cameras"]
    program.unlink()
    assert list_cameras() is None
