"""Clips with real processes, recipes and rights: an event has its clip, and kill -9 costs a second of it, of whomever.

And the console beside them: it shows what they do within its rights, and kill -9 of it costs nobody anything.
"""

import json
import os
import re
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import av
import pytest
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect
from websockets.typing import Origin

from measure.demo.device import CONSOLE, remove_rings
from measure.demo.plan import free_port
from smartcam.contract.ids import CameraId
from smartcam.contract.times import NS_PER_S, parse_utc
from tests.real.hold import processes
from tests.real.standin import StandInHold
from tests.system.footage import first_visitor
from tests.system.rig import CAPTURE, INFERENCE, until
from tests.waiting import PATIENCE_S
from tools.build.suite import DEMO_BUNDLE, ON_DEMAND, build_suite

pytestmark = pytest.mark.soak
CAMERA = CameraId(f"clips{os.getpid()}")


@pytest.fixture
def nucleus(tmp_path: Path) -> Iterator[StandInHold]:
    hold = StandInHold(tmp_path)
    try:
        yield hold
    finally:
        hold.close()
        remove_rings(CAMERA)


def test_an_event_has_its_clip_and_one_that_is_broken_off_goes_on(nucleus: StandInHold, tmp_path: Path) -> None:
    built = build_suite(tmp_path / "build", DEMO_BUNDLE)
    camera = {"path": str(first_visitor(tmp_path / "visitor.mp4")), "at_end": "reopen", "start_delay_s": 2}
    clips = {"keep": True, "after_s": 2}
    nucleus.merges = {
        "smartcam.Runtime": {"python": sys.executable},
        CAPTURE: {"cameras": {CAMERA: camera}, "clips": clips},
    }
    nucleus.merges[CONSOLE] = {"port": (port := free_port())}
    wanted = {name: built.version for name in built.components if name not in ON_DEMAND or name == CONSOLE}
    assert nucleus.deploy(built.recipes, built.artifacts, wanted).good
    folder = nucleus.root / "work" / CAPTURE / "clips"
    assert until(lambda: any(folder.glob("*.part")), PATIENCE_S), nucleus.log(CAPTURE)

    kill_the_console(nucleus, port)
    for victims in ((CAPTURE,), (INFERENCE,), (CAPTURE, INFERENCE)):
        kill(nucleus, folder, *victims)
    assert "clip_kept" in nucleus.log(CAPTURE)

    raised = set(re.findall(r"event_id=(\S+) .*phase=raised", nucleus.log(INFERENCE)))
    for path in folder.glob("*.mp4"):
        facts, times = film(path)
        assert facts["event"]["event_id"] in raised
        assert path.name == f"{facts['event']['event_id']}.{CAMERA}.{facts['part']:03d}.mp4"
        assert times == sorted(set(times))
    assert not any("BusRefused" in nucleus.log(name) for name in (CAPTURE, INFERENCE, CONSOLE))


def film(path: Path) -> tuple[dict[str, Any], list[float]]:
    """What a clip says of itself, and at which of its seconds it shows a picture; also while it grows."""
    with av.open(str(path), "r") as container:
        return json.loads(container.metadata["comment"]), [float(f.time or 0) for f in container.decode(video=0)]


def growing(folder: Path) -> list[Path]:
    """The clips that are being written and can be played for a second."""
    found = []
    for path in folder.glob("*.part"):
        with suppress(OSError, av.FFmpegError, IndexError, KeyError):  # it has just begun, or is finished
            found += [path] if film(path)[1][-1] > 1 else []
    return found


def kill(nucleus: StandInHold, folder: Path, *components: str) -> None:
    """Kill -9 while a clip is written: a second of it is lost at most, and the next event has its clip again."""
    assert until(lambda: bool(growing(folder)), PATIENCE_S), nucleus.log(CAPTURE)
    broken, before = growing(folder), set(folder.glob("*.mp4"))
    running = processes(nucleus.root)
    for name in components:
        os.kill(running[name].pid, signal.SIGKILL)
    died = time.time()
    kept = [path.with_suffix("") for path in broken]
    assert until(lambda: all(path.is_file() for path in kept), PATIENCE_S), nucleus.log(CAPTURE)
    if CAPTURE in components:
        for path in kept:
            facts, times = film(path)
            assert parse_utc(facts["begins_at"], "begins_at") / NS_PER_S + times[-1] >= died - 1.5
    assert until(lambda: bool(set(folder.glob("*.mp4")) - before - set(kept)), PATIENCE_S), nucleus.log(CAPTURE)


def kill_the_console(nucleus: StandInHold, port: int) -> None:
    """Look at the camera, kill the console while somebody looks, and look again; nobody else has noticed anything."""
    assert until(lambda: shows_video(port), PATIENCE_S), nucleus.log(CONSOLE)
    before = {name: one.pid for name, one in processes(nucleus.root).items()}
    os.kill(before[CONSOLE], signal.SIGKILL)
    assert until(lambda: shows_video(port), PATIENCE_S), nucleus.log(CONSOLE)
    after = {name: one.pid for name, one in processes(nucleus.root).items()}
    assert [name for name in before if before[name] != after[name]] == [CONSOLE]


def shows_video(port: int) -> bool:
    """Whether the console shows the camera's own packets, and what is seen on them."""
    address = f"127.0.0.1:{port}"
    try:
        with connect(f"ws://{address}/api/live/{CAMERA}", origin=Origin(f"http://{address}"), open_timeout=5) as viewer:
            said: set[str] = set()
            while said != {"video", "bytes", "view"}:
                got = viewer.recv(timeout=20)
                said |= {"bytes"} if isinstance(got, bytes) else {json.loads(got)["type"]} - {"said"}
    except (OSError, WebSocketException):  # also of the one that is just being killed
        return False
    return True
