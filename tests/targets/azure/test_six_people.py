"""The clip with six people before the module with the shared SSD as ONNX: undisturbed, and with what can happen."""

import shutil
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest

pytest.importorskip("azure.iot.device", reason="needs .venv-azure")

from smartcam.contract.event import Event, Phase
from smartcam.contract.times import NS_PER_S
from standins.azure.testbed import running_device
from tests.system.footage import FPS, SHARED, SIX_PEOPLE, VISITS, cut, needs_footage
from tests.targets.azure.running import RunningModule, until
from tools.bundle.command import main as make_bundle
from tools.child import run_there
from tools.setup import setup_training

pytestmark = [pytest.mark.soak, needs_footage]

SSD = SHARED / "models" / "coco_ssd_mobilenet_v1_1.0_quant_2018_06_29.tflite"
OUTAGE_S = 60.0
NOBODY = (0, 55)
PARTS = (((0, 620),), (NOBODY, NOBODY, NOBODY, (735, 1100)), (NOBODY, NOBODY, NOBODY, (1225, 1393)))
"""First and last frames of what is filmed until the first kill, the second one and the end. An event waits ten seconds
for whom it is about, so that long there is nobody, as the camera filmed it: one picture again and again is a camera
that has frozen."""
PATIENCE_S = 400.0
"""The clip takes 140 s, and the machine may have much else to do."""
SOON_S = 2.0
"""The log says a little late that the camera runs."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """What came of a play: the phases that the hub has of each event, and what it refused."""

    raised: list[Event]
    cleared: list[Event]
    identities: list[str | None]
    waiting: int
    hub_refused: list[str]
    said: str


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shared SSD, as `smartcam export --to onnx` converts it."""
    folder = tmp_path_factory.mktemp("ssd")
    model = folder / "ssd.onnx"
    run_there(setup_training(), "measure.export.making_onnx", [str(SSD), str(model)], "tf2onnx")
    labels = SSD.with_name("coco_ssd_labelmap.txt")
    made = folder / "bundle"
    assert make_bundle(["--model", str(model), "--kind", "detector", "--labels", str(labels), "--out", str(made)]) == 0
    return made


@pytest.fixture(scope="module")
def played(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Delivered]]:
    """Both plays at once, each with a hub of its own: the clip takes its time."""
    ways = {"undisturbed": undisturbed, "disturbed": disturbed}
    folders = {name: tmp_path_factory.mktemp(name) for name in ways}
    with ThreadPoolExecutor(len(ways)) as beside:
        runs = {name: beside.submit(play, way, bundle, folders[name]) for name, way in ways.items()}
        yield {name: run.result() for name, run in runs.items()}


def play(way: Callable[[RunningModule, Path], None], bundle: Path, folder: Path) -> Delivered:
    with running_device() as device:
        module = RunningModule(device, folder, bundle)
        clip = folder / "gate.mp4"
        device.hub.desire({"capture": {"cameras": {"gate": {"path": str(clip)}}}})
        try:
            way(module, clip)
            until(lambda: "camera_ended" in module.said() and not module.waiting(), PATIENCE_S)
            until(lambda: len(phase_of(module, Phase.CLEARED)) == len(phase_of(module, Phase.RAISED)), PATIENCE_S)
        finally:
            module.kill()
            shutil.rmtree(module.shm, ignore_errors=True)
        messages = [item for item in device.hub.received if item.output == "event"]
        return Delivered(
            raised=sorted(phase_of(module, Phase.RAISED), key=lambda event: event.started_at),
            cleared=phase_of(module, Phase.CLEARED),
            identities=[item.identity for item in messages],
            waiting=module.waiting(),
            hub_refused=device.hub.refused,
            said=module.said(),
        )


def phase_of(module: RunningModule, phase: Phase) -> list[Event]:
    """What a receiver has that takes each phase of an event once."""
    return list({event.event_id: event for event in module.events() if event.phase is phase}.values())


def undisturbed(module: RunningModule, clip: Path) -> None:
    shutil.copyfile(SIX_PEOPLE, clip)
    module.start()


def disturbed(module: RunningModule, clip: Path) -> None:
    """Killed while the third and the fifth are in sight, who leave meanwhile, and while the hub takes the first event.

    From the third to the last there is no hub. A new process has a while to see that somebody has left; then the film
    goes on, however long the start takes.
    """
    parts = [cut(clip.with_name(f"{number}.mp4"), *stretches) for number, stretches in enumerate(PARTS)]
    parts[0].replace(clip)
    module.start()
    until(lambda: module.raised() >= 3, PATIENCE_S)
    module.kill()
    module.hub.stop()
    gone_at = time.monotonic()
    parts[1].replace(clip)
    module.start()
    until(lambda: module.raised() >= 5, PATIENCE_S)
    module.kill()
    parts[2].replace(clip)
    module.start()
    until(lambda: module.raised() >= 6 and time.monotonic() >= gone_at + OUTAGE_S, PATIENCE_S)
    before = len(module.hub.received)
    module.hub.cuts_after = "event"  # it has the event, and the module does not know
    module.hub.start()
    until(lambda: len(module.hub.received) > before, PATIENCE_S)
    module.kill()
    module.start()


def began(said: str) -> float:
    """When the camera gave its first picture, in seconds since 1970, by the module's log."""
    running = next(line for line in said.splitlines() if "camera_running" in line)
    return datetime.fromisoformat(running.split()[0]).timestamp()


def assert_six_people_once(delivered: Delivered) -> None:
    assert [str(event.kind) for event in delivered.raised] == ["person"] * 6, delivered.said
    assert {event.event_id for event in delivered.cleared} == {event.event_id for event in delivered.raised}
    assert (delivered.waiting, delivered.hub_refused) == (0, [])


def test_six_people_are_six_events_at_the_hub(played: dict[str, Delivered]) -> None:
    delivered = played["undisturbed"]
    assert_six_people_once(delivered)
    assert len(set(delivered.identities)) == len(delivered.identities), "nothing had to be sent twice"
    assert "ONNX Runtime" in delivered.said
    begun = began(delivered.said)
    for event, (begin, end) in zip(delivered.raised, VISITS, strict=True):
        assert begin / FPS - SOON_S <= event.started_at / NS_PER_S - begun <= end / FPS


def test_three_kills_and_a_minute_without_a_hub_lose_none_of_the_six_and_double_none(
    played: dict[str, Delivered],
) -> None:
    delivered = played["disturbed"]
    assert_six_people_once(delivered)
    assert len(set(delivered.identities)) < len(delivered.identities), "the cut was to make one come twice"
