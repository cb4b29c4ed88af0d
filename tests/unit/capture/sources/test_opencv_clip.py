"""What OpenCV's FFmpeg must not do with a clip's name; `test_clip.py` has what all clips have in common."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from smartcam.capture.sources.opencv_clip import OpenCvClip
from smartcam.contract.errors import CameraEnded, CameraLost
from tests.clips import moving_square, write_clip

PATTERNS = ["yard%03d.jpg", "yard%d.jpg", "yard%*.jpg", "yard*.jpg", "yard[0-9].jpg", "yard{1,2}.jpg", "yard?.jpg"]


def greys(clip: OpenCvClip) -> list[int]:
    """The brightness of each picture."""
    found: list[int] = []
    try:
        while True:
            found.append(int(clip.next().picture.luma.mean()))
    except CameraEnded:
        return found
    finally:
        clip.close()


@pytest.mark.parametrize("name", PATTERNS)
def test_a_name_that_is_a_pattern_opens_no_other_file(tmp_path: Path, name: str) -> None:
    for number in range(1, 4):
        for other in (f"yard{number:03d}.jpg", f"yard{number}.jpg"):
            cv2.imwrite(str(tmp_path / other), np.full((64, 64, 3), 250, np.uint8))
    encoded, dark = cv2.imencode(".jpg", np.zeros((64, 64, 3), np.uint8))
    assert encoded
    (tmp_path / name).write_bytes(dark.tobytes())
    assert [grey < 40 for grey in greys(OpenCvClip(tmp_path / name))] == [True]


def test_a_clip_whose_name_holds_signs_of_patterns_plays(tmp_path: Path) -> None:
    for name in ("yard%20gate.mp4", "yard*[1]?.mp4", "100%d.mp4"):
        write_clip(tmp_path / name, moving_square(frames=5))
        assert len(greys(OpenCvClip(tmp_path / name))) == 5


def test_a_file_that_is_gone_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smartcam.capture.sources.opencv_clip.checked_path", lambda path: path)
    with pytest.raises(CameraLost, match=r"yard\.mp4: No such file"):
        OpenCvClip(tmp_path / "yard.mp4")
