"""The way of a new user: from an empty folder to a real detector that finds people, in one command."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.file_server import FileServer, serving
from tests.pipeline.test_footage import MODEL, SHARED
from tests.system.footage import FPS, VISITS, cut
from tools.model.catalogue import OURS
from tools.model.command import main as model
from tools.score.command import main as score

pytestmark = pytest.mark.skipif(not MODEL.is_file(), reason=f"the shared footage and models are not at {SHARED}")
NAME = "ssd-mobilenet-v1"


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FileServer]:
    """Has the model, under an address that stands in for the publisher's; all else is our catalogue's."""
    with serving(FileServer({"/detect.tflite": MODEL.read_bytes()}, tags={"/detect.tflite": '"1"'})) as server:
        document = json.loads(OURS.read_bytes())
        for entry in document["models"]:
            entry["address"] = server.address("/detect.tflite")
        (tmp_path / "catalogue.json").write_text(json.dumps(document))
        monkeypatch.setenv("SMARTCAM_CATALOGUE", str(tmp_path / "catalogue.json"))
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        monkeypatch.setattr("time.sleep", lambda _: None)
        yield server


@pytest.mark.slow
def test_from_an_empty_folder_a_detector_is_got_and_finds_the_visitor(server: FileServer, tmp_path: Path) -> None:
    server.breaks = [1_000_000]
    assert model(["get", NAME, "--out", str(tmp_path / "bundle")]) == 0
    assert server.asked[1][1]["Range"] == "bytes=1000000-"
    first, (begin, end) = 30, VISITS[0]  # the other five are test_footage's
    clip, labels = cut(tmp_path / "visitor.mp4", (first, end + 20)), tmp_path / "labels.json"
    labels.write_text(json.dumps({clip.name: {"fps": FPS, "person": [[begin - first, end - first]]}}))
    footage = ["--video", str(clip), "--labels", str(labels)]
    assert score([*footage, "--bundle", str(tmp_path / "bundle"), "--least-recall", "1", "--most-false", "0"]) == 0


def test_wrong_bytes_of_the_right_length_end_in_one_error_and_nothing_on_disk(
    server: FileServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content = bytearray(MODEL.read_bytes())
    content[len(content) // 2] ^= 1
    server.files["/detect.tflite"] = bytes(content)
    assert model(["get", NAME, "--out", str(tmp_path / "bundle")]) == 1
    complaints = [line for line in capsys.readouterr().err.splitlines() if line.startswith("smartcam")]
    assert len(complaints) == 1
    assert "is not the file that is meant: its SHA-256 is" in complaints[0]
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["catalogue.json"]
