"""A camera that is killed and comes back, again and again, before both components."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest

from measure.demo.device import DemoDeployment
from smartcam.contract.event import Phase
from smartcam.contract.ids import CameraId
from standins.rtsp import RtspServer
from tests.pipeline.site import Site
from tests.pipeline.visitor import FPS, red_bundle, visits
from tests.rtsp.camera import RtspCamera, record
from tests.system.judge import Judge
from tests.system.resources import Usage, growth, usage
from tests.system.rig import CAPTURE, INFERENCE, running
from tests.waiting import PATIENCE_S, until
from tools.build.suite import build_suite

OUTAGES = int(os.environ.get("SMARTCAM_OUTAGES", "50"))
LOST, RESTORED, ANOMALY = "camera_lost", "camera_restored", "anomaly"


@pytest.fixture(scope="session")
def visit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of nobody, a visitor who comes and goes, and then nobody for long."""
    pictures = visits(empty=2 * FPS, stays=FPS, then_empty=60 * FPS)
    return record(tmp_path_factory.mktemp("visit") / "visit.h264", pictures, fps=FPS)


def settings(camera: RtspCamera) -> dict[str, object]:
    return {"source": "rtsp", "url": camera.url, "analyse_fps": 10, "keep_alive_s": 0.5}


def live_at(server: RtspServer, port: int, clip: Path) -> RtspCamera:
    """The camera, back on its old port."""
    camera = RtspCamera(server, port)
    camera.show(clip, fps=FPS)
    return camera


class Told(Protocol):
    """Counts the events of a kind that have reached the cloud in a phase."""

    def __call__(self, kind: str, phase: Phase) -> int: ...


def survive(camera: RtspCamera, server: RtspServer, clip: Path, outages: int, told: Told) -> Iterator[int]:
    """Kills the camera so often; yields at the end of each time that it was up. Everything is waited for."""

    def wait_for(kind: str, phase: Phase, number: int) -> None:
        until(lambda: told(kind, phase) == number, PATIENCE_S)

    try:
        for outage in range(outages + 1):
            wait_for(ANOMALY, Phase.RAISED, outage + 1)
            wait_for(ANOMALY, Phase.CLEARED, outage + 1)
            yield outage
            if outage == outages:
                break
            port = camera.port
            camera.kill()
            wait_for(LOST, Phase.RAISED, outage + 1)
            camera = live_at(server, port, clip)
            wait_for(RESTORED, Phase.RAISED, outage + 1)
            wait_for(LOST, Phase.CLEARED, outage + 1)
        # Each visit once, each outage once, each with its end.
        for kind, number in ((ANOMALY, outages + 1), (LOST, outages), (RESTORED, outages)):
            assert told(kind, Phase.RAISED) == number
    finally:
        camera.kill()


def test_a_camera_that_is_killed_and_returns_loses_no_event(tmp_path: Path, server: RtspServer, visit: Path) -> None:
    site = Site(tmp_path, red_bundle(tmp_path / "bundle"), {})
    camera = live_at(server, 0, visit)
    site.nucleus.configure("smartcam.Capture", {"cameras": {"gate": settings(camera)}})
    # On a slow machine the empty scene stands still for as long as a picture that is frozen.
    site.nucleus.configure("smartcam.Inference", {"cameras": {"gate": {"tamper": False}}})
    site.start_inference()
    site.start_capture()

    def told(kind: str, phase: Phase) -> int:
        return sum((str(event.kind), event.phase) == (kind, phase) for event in list(site.cloud.events))

    try:
        assert list(survive(camera, server, visit, 2, told)) == [0, 1, 2]
        others = [event for event in site.cloud.events if event.kind not in {ANOMALY, LOST, RESTORED}]
        assert others == []
    finally:
        site.stop()


@pytest.mark.soak
def test_a_camera_that_is_killed_and_returns_50_times_loses_no_event_and_leaves_nothing_behind(
    tmp_path: Path, server: RtspServer, visit: Path
) -> None:
    """Real processes, so that their memory is theirs."""
    held: dict[str, list[Usage]] = {CAPTURE: [], INFERENCE: []}
    built = build_suite(tmp_path / "build", red_bundle(tmp_path / "bundle"))
    camera = live_at(server, 0, visit)
    chosen = {**settings(camera), "path": ""}
    with Judge(tmp_path / "judge") as judge:
        name = CameraId(f"r{os.getpid()}-gate")
        deployment = DemoDeployment(built, judge.identity, visit, name, camera_settings=chosen)

        def told(kind: str, phase: Phase) -> int:
            return sum(str(event.kind) == kind for event in judge.events(phase).values())

        with running(deployment, tmp_path / "device") as rig:
            for _ in survive(camera, server, visit, OUTAGES, told):
                for component, usages in held.items():
                    (pid,) = rig.pids(component)
                    usages.append(usage(pid))
            assert until(lambda: rig.waiting() == 0, PATIENCE_S), rig.logs()
    for component, usages in held.items():
        memory = [round(each.rss_mib, 1) for each in usages]
        sys.stdout.write(f"\n{component}: MiB {memory}, handles {usages[-1].handles}, threads {usages[-1].threads}\n")
        assert growth([each.rss_mib for each in usages]) < 3
        assert growth([each.handles for each in usages]) <= 0
        assert growth([each.threads for each in usages]) <= 0
