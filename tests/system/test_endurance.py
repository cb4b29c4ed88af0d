"""Fifty thousand frames through both processes: what they hold stays what it was."""

import json
import os
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from measure.demo.device import DemoDeployment
from measure.demo.plan import CLIP_FOLDER
from measure.demo.yard_clip import yard_clip
from smartcam.contract.ids import CameraId
from tests.clips import repeated
from tests.system.footage import SIX_PEOPLE, detector_bundle, needs_footage
from tests.system.judge import Judge
from tests.system.resources import MIB, Usage, growth, shared_bytes, usage
from tests.system.rig import CAPTURE, INFERENCE, Rig, running, until
from tests.waiting import PATIENCE_S
from tools.build.suite import DEMO_BUNDLE, build_suite
from tools.command_line import ROOT

pytestmark = pytest.mark.soak
FRAMES = int(os.environ.get("SMARTCAM_ENDURANCE_FRAMES", "50000"))
LOOK_S = 2.0
TIMES_OVER = 12
LIMIT_S = 3600.0
RESULT = ROOT / "build" / "endurance.json"


@dataclass(slots=True)
class Watched:
    """Samples of a run, taken every two seconds."""

    capture: list[Usage] = field(default_factory=list)
    inference: list[Usage] = field(default_factory=list)
    shared: list[float] = field(default_factory=list)
    frames: int = 0
    took_s: float = 0.0

    def figures(self) -> dict[str, float]:
        together = [one.rss_mib + other.rss_mib for one, other in zip(self.capture, self.inference, strict=True)]
        return {
            "frames": self.frames,
            "took_s": round(self.took_s, 1),
            "rss_together_mib": round(max(together), 1),
            "capture_rss_mib": round(max(sample.rss_mib for sample in self.capture), 1),
            "inference_rss_mib": round(max(sample.rss_mib for sample in self.inference), 1),
            "capture_rss_growth_mib": round(growth([sample.rss_mib for sample in self.capture]), 2),
            "inference_rss_growth_mib": round(growth([sample.rss_mib for sample in self.inference]), 2),
            "capture_handles_growth": growth([sample.handles for sample in self.capture]),
            "inference_handles_growth": growth([sample.handles for sample in self.inference]),
            "capture_threads_growth": growth([sample.threads for sample in self.capture]),
            "inference_threads_growth": growth([sample.threads for sample in self.inference]),
            "shared_growth_mib": round(growth(self.shared), 2),
            "shared_mib": round(max(self.shared), 2),
        }


def watch(rig: Rig) -> Watched:
    """Until so many frames have been read. The clip begins again and again, with a fresh source and after a pause."""
    assert until(lambda: bool(rig.pids(CAPTURE) and rig.pids(INFERENCE) and rig.statuses()), PATIENCE_S), rig.logs()
    (capture,), (inference,) = rig.pids(CAPTURE), rig.pids(INFERENCE)
    watched, began = Watched(), time.monotonic()
    while watched.frames < FRAMES:
        time.sleep(LOOK_S)
        watched.capture.append(usage(capture))
        watched.inference.append(usage(inference))
        watched.shared.append(shared_bytes(capture) / MIB)
        watched.frames = rig.last_status().frames_read
        assert time.monotonic() - began < LIMIT_S, rig.logs()
    watched.took_s = time.monotonic() - began
    return watched


def endure(name: str, bundle: Path, clip: Path, folder: Path) -> dict[str, float]:
    # As fast as it can be read, every frame announced, the clip over and over.
    clip = repeated(clip, folder / "long.mp4", TIMES_OVER)
    settings = {"pacing": "fast", "at_end": "reopen", "analyse_fps": 60, "keep_alive_s": 0.1, "start_delay_s": 1}
    with Judge(folder / "papers") as judge:
        deployment = DemoDeployment(
            build_suite(folder / "build", bundle),
            judge.identity,
            clip,
            CameraId(f"e{os.getpid()}-{name}"),
            python=sys.executable,
            camera_settings=settings,
        )
        with running(deployment, folder / "device") as rig:
            figures = watch(rig).figures()
    known = json.loads(RESULT.read_text()) if RESULT.is_file() else {}
    RESULT.parent.mkdir(parents=True, exist_ok=True)
    RESULT.write_text(json.dumps(known | {name: figures}, indent=1) + "\n")
    return figures


def assert_flat(figures: dict[str, float], most_mib: float) -> None:
    assert figures["frames"] >= FRAMES
    assert figures["rss_together_mib"] < most_mib, figures
    for process in ("capture", "inference"):
        assert figures[f"{process}_rss_growth_mib"] < 4, figures
        assert abs(figures[f"{process}_handles_growth"]) <= 1, figures
        assert figures[f"{process}_threads_growth"] == 0, figures
    assert figures["shared_mib"] > 0, figures
    assert figures["shared_growth_mib"] == 0, figures


def test_the_demos_model_holds_under_200_mib_and_stays_flat(tmp_path: Path) -> None:
    assert_flat(endure("demo", DEMO_BUNDLE, yard_clip(CLIP_FOLDER, print), tmp_path), 200)


@needs_footage
def test_the_stock_detector_holds_under_250_mib_and_stays_flat(tmp_path: Path) -> None:
    assert_flat(endure("detector", detector_bundle(tmp_path / "coco"), SIX_PEOPLE, tmp_path), 250)
