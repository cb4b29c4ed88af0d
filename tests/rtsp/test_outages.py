"""A camera that is killed and comes back, again and again, before both components."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from devkit.rtsp import RtspServer
from tests.pipeline.site import Site, wait_until
from tests.pipeline.visitor import FPS, red_bundle, visits
from tests.rtsp.camera import RtspCamera, record

LOST, RESTORED, ANOMALY = "camera_lost", "camera_restored", "anomaly"


@pytest.fixture(scope="session")
def visit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of nobody, a visitor who comes and goes, and then nobody for long."""
    pictures = visits(empty=2 * FPS, stays=FPS, then_empty=60 * FPS)
    return record(tmp_path_factory.mktemp("visit") / "visit.h264", pictures, fps=FPS)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """Both components, configured for one RTSP camera that is not there yet."""
    site = Site(tmp_path, red_bundle(tmp_path / "bundle"), {})
    yield site
    site.stop()


def configure(site: Site, port: int) -> None:
    camera = {"source": "rtsp", "url": f"rtsp://127.0.0.1:{port}/live", "analyse_fps": "10", "keep_alive_s": "0.5"}
    site.nucleus.configure("smartcam.Capture", {"cameras": {"gate": camera}})


def live_at(server: RtspServer, port: int, clip: Path) -> RtspCamera:
    """The camera, back on its old port."""
    camera = RtspCamera(server, port)
    camera.show(clip, fps=FPS)
    return camera


def rss_kb() -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1])


def survive(site: Site, server: RtspServer, clip: Path, outages: int) -> list[int]:
    """Kills the camera so often; returns the memory in kB at the end of each time that it was up."""
    camera = live_at(server, 0, clip)
    configure(site, camera.port)
    site.start_inference()
    site.start_capture()
    memory: list[int] = []
    try:
        for outage in range(outages + 1):
            wait_for(site, ANOMALY, "raised", outage + 1)
            wait_for(site, ANOMALY, "cleared", outage + 1)
            memory.append(rss_kb())
            if outage == outages:
                break
            port = camera.port
            camera.kill()
            wait_for(site, LOST, "raised", outage + 1)
            camera = live_at(server, port, clip)
            wait_for(site, RESTORED, "raised", outage + 1)
    finally:
        camera.kill()
    return memory


def wait_for(site: Site, kind: str, phase: str, number: int) -> None:
    wait_until(lambda: count(site, kind, phase) == number, 90)


def count(site: Site, kind: str, phase: str) -> int:
    return sum((str(event.kind), str(event.phase)) == (kind, phase) for event in list(site.cloud.events))


def check_events(site: Site, outages: int) -> None:
    """Each visit once, each outage once, nothing else; each outage ends."""
    assert count(site, ANOMALY, "raised") == count(site, ANOMALY, "cleared") == outages + 1
    assert count(site, LOST, "raised") == outages
    assert count(site, RESTORED, "raised") == outages
    wait_until(lambda: count(site, LOST, "cleared") == outages)
    kinds = {str(event.kind) for event in site.cloud.events}
    assert kinds <= {ANOMALY, LOST, RESTORED}


def test_a_camera_that_is_killed_and_returns_loses_no_event(site: Site, server: RtspServer, visit: Path) -> None:
    survive(site, server, visit, outages=2)
    check_events(site, 2)


@pytest.mark.soak
def test_a_camera_that_is_killed_and_returns_50_times_loses_no_event_and_takes_no_memory(
    site: Site, server: RtspServer, visit: Path
) -> None:
    handles = len(os.listdir("/proc/self/fd"))  # noqa: PTH208  a count
    memory = survive(site, server, visit, outages=50)
    check_events(site, 50)
    site.stop()
    assert len(os.listdir("/proc/self/fd")) <= handles + 2  # noqa: PTH208  a count
    early, late = sorted(memory[5:15])[5], sorted(memory[-10:])[5]
    print(f"RSS after each outage, kB: {memory}")  # noqa: T201  the soak's result
    assert late - early < 8_000, memory
