"""FFmpeg's own V4L2 code on a device that is answered for by a preloaded library: there is no kernel module here."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[3]
COMPILER = shutil.which("cc")
DEVICE = "/dev/full"
"""A character device that every machine has and nobody needs."""


@pytest.fixture
def device(tmp_path: Path) -> Path:
    """The library to preload."""
    if COMPILER is None or not Path("/usr/include/linux/videodev2.h").is_file():
        pytest.skip("there is no C compiler, or no header of V4L2 (apt install gcc libc6-dev)")
    library = tmp_path / "v4l2_device.so"
    command = [COMPILER, "-O1", "-shared", "-fPIC", "-o", str(library), str(HERE / "v4l2_device.c"), "-ldl"]
    subprocess.run(command, check=True)
    return library


def test_a_device_is_read_at_its_own_size_stays_silent_is_unplugged_comes_back_and_hangs(
    device: Path, tmp_path: Path
) -> None:
    asked = tmp_path / "asked"
    environment = {
        **os.environ,
        "LD_PRELOAD": str(device),
        "V4L2_DEVICE": DEVICE,
        "V4L2_FATE": str(tmp_path / "fate"),
        "V4L2_ASKED": str(asked),
    }
    ended = subprocess.run(
        [sys.executable, "-m", "tests.unit.capture.sources.v4l2_story"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    story = json.loads(ended.stdout)
    assert {"format 640 480", "rate 10 1"} <= set(asked.read_text().splitlines())
    assert (story["rate"], story["sizes"]) == (20.0, [[320, 240]])
    assert story["brightness"] == sorted(set(story["brightness"]))
    assert (story["silent"], story["goes_on"], story["plugged_in"]) == (True, 3, 3)
    assert story["unplugged"] == f"{DEVICE}: No such device"
    assert story["hanging"] == "did not open within 1 s"
    assert story["again"] == "the previous attempt still hangs in a system call"
