import os
import subprocess
import sys
from pathlib import Path

import pytest

from smartcam.capture.main import build, main
from smartcam.contract.notice import FrameNotice, StatusNotice, decode_notice
from smartcam.edge.lifecycle import StopToken
from tests.clips import moving_square, write_clip
from tests.fakes.bus import FakeNucleus, Publication

ROOT = Path(__file__).parents[3]


def test_help_says_what_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--help"])
    assert caught.value.code == 0
    assert "SMARTCAM_SHM" in capsys.readouterr().out


def test_without_a_nucleus_one_line_says_so_and_the_code_is_2() -> None:
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT / "components")}
    ended = subprocess.run(
        [sys.executable, "-m", "smartcam.capture.main"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ended.returncode == 2
    assert ended.stderr.startswith("smartcam-capture: ")
    assert len(ended.stderr.splitlines()) == 1


def test_the_built_component_plays_a_configured_clip(tmp_path: Path) -> None:
    nucleus, stop = FakeNucleus(), StopToken()
    path = write_clip(tmp_path / "a.mp4", moving_square(frames=40), fps=20)
    nucleus.configure("smartcam.Capture", {"cameras": {"yard": {"path": str(path), "pacing": "fast"}}})
    (tmp_path / "shm").mkdir()

    def stop_at_the_end(_topic: str, payload: bytes) -> None:
        notice = decode_notice(payload)
        if isinstance(notice, StatusNotice) and notice.state == "ended":
            stop.set()

    nucleus.bus("smartcam.Inference").subscribe_local("smartcam/frames/+", stop_at_the_end)
    ((name, service),) = build(nucleus.bus("smartcam.Capture"), tmp_path / "shm")
    service.run(stop)
    notices = [decode_notice(item.payload) for item in nucleus.published_local]
    assert name == "cameras"
    assert any(notice.motion for notice in notices if isinstance(notice, FrameNotice))
    assert all(isinstance(item, Publication) and len(item.payload) < 1000 for item in nucleus.published_local)
    assert list((tmp_path / "shm").iterdir()) == []
