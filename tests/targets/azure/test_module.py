"""The module as a process of its own on the stand-in edge hub: events, outages, kills, settings, the direct method."""

import shutil
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from smartcam.contract.event import Event, Phase
from standins.azure.store import Received
from standins.azure.testbed import DEVICE, EdgeDevice
from tests.fakes import onnx_maker
from tests.pipeline.square_visit import SquareVisit, made_bundle
from tests.pipeline.visitor import red_bundle, visit_clip
from tests.targets.azure.running import PATIENCE_S, RunningModule, settings, until

pytest.importorskip("azure.iot.device", reason="needs .venv-azure")

pytestmark = pytest.mark.targets

STAYS = 60
"""Three seconds: a machine with much else to do looks away for one of them."""


@pytest.fixture
def module(device: EdgeDevice, tmp_path: Path) -> Iterator[RunningModule]:
    running = RunningModule(device, tmp_path, red_bundle(tmp_path / "bundle"))
    try:
        yield running
    finally:
        running.kill()
        shutil.rmtree(running.shm, ignore_errors=True)


def has_both_phases(received: list[Received]) -> bool:
    phases = {Event.from_json(item.payload).phase for item in received if item.output == "event"}
    return phases >= {Phase.RAISED, Phase.CLEARED}


def test_a_visit_settings_a_test_event_and_health_reach_the_hub_once(module: RunningModule, tmp_path: Path) -> None:
    clip = visit_clip(tmp_path / "yard.mp4", empty=40, stays=STAYS)
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
    clips = {name: visit_clip(tmp_path / f"{name}.mp4", empty=40, stays=STAYS) for name in names}
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
    # Again and again: a machine with much else to do may miss a visit.
    module.film(SquareVisit(left=160, colour=(20, 20, 255)).written(tmp_path), at_end="reopen")
    module.start()
    until(lambda: module.delivered()["visit", "person", "raised"])
    assert "ONNX Runtime" in module.said()
    module.film()
    until(lambda: module.delivered()["visit", "person", "cleared"])
    counts = Counter(item.identity for item in module.hub.received if item.output == "event")
    assert set(counts.values()) == {1}
