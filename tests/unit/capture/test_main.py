import logging
import os
import subprocess
import sys
import time
from pathlib import Path
from threading import Thread

import av
import numpy as np
import pytest

from smartcam.capture.main import KEY_FILE, WorkFolder, build, main
from smartcam.capture.recording.clip_folder import ClipFolder
from smartcam.capture.recording.continuous_folder import ContinuousFolder
from smartcam.capture.recording.daily import DailyHighlights
from smartcam.capture.recording.footage_folder import FootageFolder
from smartcam.capture.recording.seal import Sealer
from smartcam.capture.settings import CaptureSettings, ClipSettings
from smartcam.contract.notice import FrameNotice, StatusNotice, decode_notice
from smartcam.edge.lifecycle import StopToken
from smartcam.edge.memory_file import MemoryFile
from tests.clip_events import YARD
from tests.clips import moving_square, picture_of, write_clip
from tests.fakes.bus import FakeNucleus, Publication
from tests.fakes.clock import FakeClock

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


def test_clips_that_are_switched_off_are_deleted_also_where_no_camera_is_left(tmp_path: Path) -> None:
    folder = tmp_path / "clips"
    folder.mkdir()
    old = folder / "019ca945-0de8-7000-8000-000000000001.yard.001.mp4"
    old.write_bytes(b"old")
    nucleus = FakeNucleus()
    nucleus.configure("smartcam.Capture", {"cameras": {}, "clips": {"keep": False}})
    (_, service), _ = build(nucleus.bus("smartcam.Capture"), tmp_path, tmp_path)
    stop = StopToken()
    thread = Thread(target=service.run, args=(stop,))
    thread.start()
    deadline = time.monotonic() + 60
    while old.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    stop.set()
    thread.join(60)
    assert not old.exists()


def test_what_is_collected_shows_what_inference_gets_and_its_state_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    bright = (picture_of(np.full((240, 320), 200, np.uint8)) for _ in range(300))
    clip = write_clip(tmp_path / "bright.mp4", bright)
    left = [[0.0, 0.0], [0.5, 0.0], [0.5, 1.0], [0.0, 1.0]]
    camera = {"path": str(clip), "masks": {"left": left}, "collect_footage": True, "keep_alive_s": 0.2}
    nucleus = FakeNucleus()
    nucleus.configure("smartcam.Capture", {"cameras": {"yard": camera}, "footage": {"every_s": 0.2}})
    (_, service), _ = build(nucleus.bus("smartcam.Capture"), tmp_path, tmp_path)
    stop = StopToken()
    thread = Thread(target=service.run, args=(stop,))
    thread.start()
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and sum(p.stat().st_size for p in tmp_path.glob("footage/*.part")) < 4000:
        time.sleep(0.05)
    stop.set()
    thread.join(60)
    (path,) = (tmp_path / "footage").iterdir()
    assert path.name.startswith("yard.")
    assert path.stat().st_mode & 0o777 == 0o600
    with av.open(str(path)) as container:
        pictures = [frame.to_ndarray()[:240] for frame in container.decode(video=0)]
    assert len(pictures) > 1
    for picture in pictures:
        assert picture[:, :150].max() < 40
        assert picture[:, 170:].min() > 180
    notices = [decode_notice(item.payload) for item in nucleus.published_local]
    statuses = [notice for notice in notices if isinstance(notice, StatusNotice)]
    assert all(notice.collects_footage for notice in statuses)
    key = Sealer(MemoryFile(tmp_path / KEY_FILE).load()).key
    assert {notice.clip_key for notice in statuses} == {key}
    assert "footage collecting=yard" in caplog.text
    assert not list((tmp_path / "clips").glob("*"))


def test_without_the_setting_no_footage_is_collected_and_none_is_spoken_of(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "walk.mp4", moving_square(frames=10))
    nucleus = FakeNucleus()
    nucleus.configure("smartcam.Capture", {"cameras": {"yard": {"path": str(clip)}}})
    (_, service), _ = build(nucleus.bus("smartcam.Capture"), tmp_path, tmp_path)
    stop = StopToken()
    thread = Thread(target=service.run, args=(stop,))
    thread.start()
    time.sleep(1.5)
    stop.set()
    thread.join(60)
    assert not (tmp_path / "footage").exists()
    assert all(b"footage" not in item.payload for item in nucleus.published_local)


def test_clips_that_are_too_old_go_also_where_no_camera_is_left(tmp_path: Path) -> None:
    clock = FakeClock()
    clips, films = ClipFolder(tmp_path / "clips", clock), tmp_path / "films"
    work = WorkFolder(
        tmp_path,
        clips,
        ContinuousFolder(films, clock),
        FootageFolder(films, clock),
        DailyHighlights(tmp_path / "clips", films, clock),
    )
    (tmp_path / "clips").mkdir()
    old = tmp_path / "clips" / "019ca945-0de8-7000-8000-000000000001.yard.001.mp4"
    old.write_bytes(b"film")
    os.utime(old, ns=(clock.utc(), clock.utc()))
    work.tell(CaptureSettings((), clips=ClipSettings(keep=True, days=7)))
    work.tend()
    assert [name.camera for name in clips.finished()] == [YARD]
    clock.advance(8 * 86_400)
    work.tend()
    assert not old.exists()
