"""The module as a process of its own on the stand-in edge hub: events, outages, kills, settings, the direct method."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from smartcam.contract.event import Event, Phase
from standins.azure.hub import StandInHub
from standins.azure.store import Received
from standins.azure.testbed import DEVICE, EdgeDevice
from tests.fakes import onnx_maker
from tests.pipeline.square_visit import SquareVisit, made_bundle
from tests.pipeline.visitor import red_bundle, visit_clip

pytest.importorskip("azure.iot.device", reason="needs .venv-azure")

pytestmark = pytest.mark.targets

PATIENCE_S = 240.0
"""A machine with much else to do."""


class RunningModule:
    """The module's process, its folders, and what it has said."""

    def __init__(self, device: EdgeDevice, folder: Path, bundle: Path) -> None:
        self.device, self.folder, self.bundle = device, folder, bundle
        self.work, self.shm, self.log = folder / "work", folder / "shm", folder / "log"
        for made in (self.work, self.shm):
            made.mkdir()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def hub(self) -> StandInHub:
        return self.device.hub

    def start(self) -> None:
        environment = {
            **os.environ,
            **self.device.environment,
            "SMARTCAM_SHM": str(self.shm),
            "SMARTCAM_BUNDLE": str(self.bundle),
        }
        with self.log.open("ab") as log:
            command = [sys.executable, "-m", "targets.azure.main", "--work", str(self.work)]
            self._process = subprocess.Popen(command, env=environment, stderr=log)

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        return self._end(signal.SIGTERM)

    def said(self) -> str:
        return self.log.read_text(encoding="utf-8")

    def events(self) -> list[Event]:
        return [Event.from_json(item.payload) for item in self.hub.received if item.output == "event"]

    def delivered(self) -> Counter[tuple[str, str, str]]:
        """What a receiver has that takes each phase of an event once: how many of each kind and phase of a camera."""
        once = {(event.event_id, event.phase): event for event in self.events()}
        return Counter((str(event.camera_id), str(event.kind), str(event.phase)) for event in once.values())

    def has_raised(self, camera: str) -> bool:
        return (camera, "anomaly", "raised") in self.delivered()

    def film(self, *clips: Path) -> None:
        """Other cameras than before."""
        self.hub.desire({"capture": {"cameras": None}})
        self.hub.desire({"capture": settings(*clips)})

    def waiting(self, *words: str) -> int:
        """How many events wait in the outbox's file, of those that have all of these words in them."""
        path = self.work / "smartcam.Inference" / "outbox.sqlite3"
        if not path.exists():
            return 0
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            try:
                payloads = [bytes(row[0]) for row in connection.execute("SELECT CAST(payload AS BLOB) FROM waiting")]
            except sqlite3.OperationalError:
                return 0
        return sum(all(f'"{word}"'.encode() in payload for word in words) for payload in payloads)

    def _end(self, number: signal.Signals) -> int:
        process, self._process = self._process, None
        if process is None:
            return 0
        process.send_signal(number)
        return process.wait(60)


def until(condition: Callable[[], object], patience_s: float = PATIENCE_S) -> None:
    deadline = time.monotonic() + patience_s
    while not condition():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.05)


@pytest.fixture
def module(device: EdgeDevice, tmp_path: Path) -> Iterator[RunningModule]:
    running = RunningModule(device, tmp_path, red_bundle(tmp_path / "bundle"))
    try:
        yield running
    finally:
        running.kill()
        shutil.rmtree(running.shm, ignore_errors=True)


def settings(*clips: Path, **more: object) -> dict[str, Any]:
    pace = {"analyse_fps": 20, "keep_alive_s": 0.2, **more}
    return {"cameras": {clip.stem: {"path": str(clip), **pace} for clip in clips}}


def has_both_phases(received: list[Received]) -> bool:
    phases = {Event.from_json(item.payload).phase for item in received if item.output == "event"}
    return phases >= {Phase.RAISED, Phase.CLEARED}


def test_a_visit_settings_a_test_event_and_health_reach_the_hub_once(module: RunningModule, tmp_path: Path) -> None:
    clip = visit_clip(tmp_path / "yard.mp4", empty=40)
    module.hub.desire({"capture": settings(clip), "inference": {"timezone": "Europe/Nowhere"}})
    module.start()
    assert module.hub.wait_for(has_both_phases, PATIENCE_S)
    status, answered = module.hub.invoke("testEvent", {"camera": "yard"})
    assert status == 200
    assert isinstance(answered, dict)
    until(lambda: answered["event_id"] in {event.event_id for event in module.events()})
    assert module.hub.invoke("testEvent", {"camera": "a b"})[0] == 400
    wanted = {("yard", "anomaly", "raised"): 1, ("yard", "anomaly", "cleared"): 1, ("yard", "test", "raised"): 1}
    assert module.delivered() == wanted
    assert {event.thing for event in module.events()} == {DEVICE}
    until(lambda: any(item.output == "health" for item in module.hub.received))
    said = module.hub.reported.document()["settings"]
    assert isinstance(said, dict)
    assert said["capture"] == {"refused": []}
    assert [refused["key"] for refused in said["inference"]["refused"]] == ["timezone"]
    assert module.hub.refused == []
    assert module.stop() == 0


def test_three_kills_and_an_outage_lose_nothing_and_double_nothing(module: RunningModule, tmp_path: Path) -> None:
    names = ["lost", "away", "known"]
    clips = {name: visit_clip(tmp_path / f"{name}.mp4", empty=40, stays=10) for name in names}
    for name, clip in clips.items():
        module.film(clip)
        if name == "lost":
            module.hub.cuts_after = "event"  # it has the event, and the module does not know
        module.start()
        if name == "away":
            until(lambda: "camera_starting camera=away" in module.said())
            module.hub.stop()
            # On the disk: the log tells of it a moment before.
            until(lambda: module.waiting("away", "anomaly", "raised"))
        else:
            until(partial(module.has_raised, name))
        module.kill()
        if name == "away":
            module.hub.start()
    module.film()
    module.start()
    until(lambda: "no_cameras" in module.said() and module.hub.is_connected() and not module.waiting())
    raised = {key: count for key, count in module.delivered().items() if key[2] == "raised"}
    assert raised == {(name, "anomaly", "raised"): 1 for name in names}
    again = Counter(item.identity for item in module.hub.received if item.output == "event")
    assert max(again.values()) >= 2, "the cut was to make one come twice"


def test_an_onnx_bundle_is_analysed_with_and_each_of_its_events_comes_once(
    module: RunningModule, tmp_path: Path
) -> None:
    (tmp_path / "net.onnx").write_bytes(onnx_maker.yolo())
    assert made_bundle(tmp_path, tmp_path / "net.onnx", onnx_maker.LABELS) == 0
    module.bundle = tmp_path / "b"
    module.film(SquareVisit(left=160, colour=(20, 20, 255)).written(tmp_path))
    module.start()
    until(lambda: module.delivered()["visit", "person", "raised"])
    assert "ONNX Runtime" in module.said()
    module.film()
    until(lambda: module.delivered()["visit", "person", "cleared"])
    counts = Counter(item.identity for item in module.hub.received if item.output == "event")
    assert set(counts.values()) == {1}
