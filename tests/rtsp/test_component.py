"""The whole component before RTSP cameras: secrets, and several cameras at once."""

import json
import logging
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from smartcam.contract.notice import CameraState, FrameNotice, StatusNotice
from standins.rtsp import RtspServer
from tests.clips import moving_square, write_clip
from tests.pipeline.site import Site
from tests.pipeline.visitor import red_bundle
from tests.rtsp.camera import RtspCamera
from tests.waiting import until

ROOT = Path(__file__).parents[2]
USER, RIGHT, WRONG = "viewer-Ulm", "right-Secret-7 %/@", "wrong-Secret-3"


@pytest.fixture
def locked(server: RtspServer, clips: Path) -> Iterator[RtspCamera]:
    with RtspCamera(server, user=USER, password=RIGHT) as camera:
        camera.show(clips / "small.h264")
        yield camera


def secret(folder: Path, password: str) -> Path:
    path = folder / "gate.credentials"
    path.write_text(f"user={USER}\npassword={password}\n")
    path.chmod(0o600)
    return path


def holds_secret(text: str) -> bool:
    """Whether a secret shows, also as it stands in an address."""
    return any(word in text for word in (USER, RIGHT, WRONG, "right-Secret", "wrong-Secret"))


def test_neither_logs_nor_notices_nor_events_show_a_refused_password(
    locked: RtspCamera, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    site = Site(tmp_path, red_bundle(tmp_path / "bundle"), {})
    camera = {"source": "rtsp", "url": locked.url, "credentials": str(secret(tmp_path, WRONG))}
    site.nucleus.configure("smartcam.Capture", {"cameras": {"gate": camera}})
    with caplog.at_level(logging.DEBUG):
        site.start_inference()
        site.start_capture()
        try:
            until(lambda: any(str(event.kind) == "camera_lost" for event in site.cloud.events))
        finally:
            site.stop()
    reasons = {notice.reason for notice in site.notices() if isinstance(notice, StatusNotice)}
    assert f"{locked.url}: the camera refuses the user or the password (401)" in reasons
    said = [item.payload.decode() for item in [*site.nucleus.published_local, *site.nucleus.published_cloud]]
    assert not holds_secret(f"{caplog.text}{said}")


@pytest.mark.parametrize(("password", "code"), [(RIGHT, 0), (WRONG, 1)], ids=["right", "wrong"])
def test_the_process_shows_its_password_to_nobody(locked: RtspCamera, tmp_path: Path, password: str, code: int) -> None:
    camera = {"source": "rtsp", "url": locked.url, "credentials": str(secret(tmp_path, password))}
    document = tmp_path / "document.json"
    document.write_text(json.dumps({"cameras": {"gate": camera}}))
    (tmp_path / "shm").mkdir()
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT / "components"),
        "SMARTCAM_SHM": str(tmp_path / "shm"),
    }
    for command in ("--check", "--once"):
        arguments = [command, "--configuration", str(document), "--log-level", "DEBUG"]
        process = subprocess.Popen(
            [sys.executable, "-m", "smartcam.capture.main", *arguments],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        shown = ""
        while process.poll() is None:
            for name in ("cmdline", "environ", "comm"):
                try:
                    shown += Path(f"/proc/{process.pid}/{name}").read_text()
                except OSError:
                    break
            time.sleep(0.05)
        output, _ = process.communicate()
        assert process.returncode == (0 if command == "--check" else code), output
        assert "camera gate: " in output
        assert not holds_secret(output + shown)


def test_several_cameras_of_different_kinds_run_side_by_side(
    server: RtspServer, clips: Path, camera: RtspCamera, tmp_path: Path
) -> None:
    clip = write_clip(tmp_path / "yard.mp4", moving_square(frames=200), fps=20)
    site = Site(tmp_path, red_bundle(tmp_path / "bundle"), {})
    with RtspCamera(server) as other:
        other.show(clips / "small.h265", "h265")
        limited = {"max_fps": "5", "analyse_fps": "20"}
        cameras = {
            "yard": {"path": str(clip), "analyse_fps": "20"},
            "gate": {"source": "rtsp", "url": camera.url, "analyse_fps": "20"},
            "hall": {"source": "rtsp", "url": other.url, **limited},
            "attic": {"source": "v4l2", "device": "/dev/video99"},
        }
        site.nucleus.configure("smartcam.Capture", {"cameras": cameras})
        site.start_capture()
        try:
            until(lambda: all(frames(site, name) >= 20 for name in ("yard", "gate", "hall")))
            until(lambda: frames(site, "gate") >= frames(site, "hall") + 20)
        finally:
            site.stop()
    statuses = [notice for notice in site.notices() if isinstance(notice, StatusNotice)]
    lost = {status.camera_id: status.reason for status in statuses if status.state is CameraState.LOST}
    assert lost == {"attic": "/dev/video99: no such device"}
    assert rate(site, "hall") < 7
    assert list(site.shm.iterdir()) == []


def test_a_stall_is_an_outage_and_a_new_resolution_is_none(camera: RtspCamera, clips: Path, tmp_path: Path) -> None:
    site = Site(tmp_path, red_bundle(tmp_path / "bundle"), {})
    chosen = {"source": "rtsp", "url": camera.url, "stall_s": "8"}
    site.nucleus.configure("smartcam.Capture", {"cameras": {"gate": chosen}})
    site.start_inference()
    site.start_capture()
    try:
        until(lambda: frames(site, "gate") > 2)
        camera.show(clips / "large.h264")
        until(lambda: widths(site) == [320, 640])
        camera.stall()
        until(lambda: kinds(site) == ["camera_lost"])
        camera.go_on()
        until(lambda: kinds(site) == ["camera_lost", "camera_lost", "camera_restored"])
        facts = site.service().facts
        assert (facts.failed, facts.frames.unreadable) == (0, 0)
    finally:
        site.stop()


def widths(site: Site) -> list[int]:
    """Of the frames so far, without repetitions."""
    found = [notice.width for notice in site.notices() if isinstance(notice, FrameNotice)]
    return [now for before, now in zip([None, *found], found, strict=False) if now != before]


def kinds(site: Site) -> list[str]:
    """Of the events, raised and cleared."""
    return sorted(str(event.kind) for event in list(site.cloud.events))


def moments(site: Site, camera: str) -> list[int]:
    return [n.captured_mono for n in site.notices() if isinstance(n, FrameNotice) and n.camera_id == camera]


def frames(site: Site, camera: str) -> int:
    return len(moments(site, camera))


def rate(site: Site, camera: str) -> float:
    """Frames a second while something moved."""
    at = moments(site, camera)
    return (len(at) - 1) / (at[-1] - at[0]) * 1e9
