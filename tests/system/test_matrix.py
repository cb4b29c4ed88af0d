"""The six-person run on real processes: both transports, both kinds of nucleus, both model runtimes."""

import itertools
import os
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from measure.demo.device import DemoDeployment
from smartcam.contract.event import EventKind, Phase
from smartcam.contract.ids import CameraId
from smartcam.contract.times import NS_PER_S
from tests.system.footage import FPS, SIX_PEOPLE, VISITS, cut, detector_bundle, needs_footage
from tests.system.judge import Judge
from tests.system.rig import Rig, running, states, until
from tests.waiting import PATIENCE_S
from tools.build.suite import Built, build_suite
from tools.command_line import ROOT

PYTHONS = {"LiteRT": sys.executable, "tflite-runtime": str(ROOT / ".venv-tflite" / "bin" / "python")}
pytestmark = [
    needs_footage,
    pytest.mark.slow,
    pytest.mark.skipif(
        not Path(PYTHONS["tflite-runtime"]).is_file(), reason="`make setup-tflite` makes the environment .venv-tflite"
    ),
]


@dataclass(frozen=True, slots=True)
class Way:
    transport: str
    profile: str
    runtime: str

    def __str__(self) -> str:
        return f"{self.transport}-{self.profile}-{self.runtime}"


ALL = [Way(*names) for names in itertools.product(("shared", "inline"), ("lite", "classic"), PYTHONS)]
HEAD_START_S = 20
"""Inference is to see the first frames, however long its processes take to start on a busy machine."""
# Every pair of values is in one of these four; the others are in the soak.
PAIRS = [way for way in ALL if (way.transport == "shared") ^ (way.profile == "lite") ^ (way.runtime == "LiteRT")]


@dataclass(frozen=True, slots=True)
class Run:
    """What came of one run."""

    way: Way
    seen_s: list[float]
    """When each person was raised, in seconds of the clip."""
    kinds: list[str]
    waiting: int
    faults: list[str]
    carried: set[str]
    """How frames came to inference, by its log."""
    runtime: str
    logs: str


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    folder = tmp_path_factory.mktemp("matrix")
    return build_suite(folder / "build", detector_bundle(folder / "coco"))


def play(way: Way, built: Built, clip: Path, seconds: float, folder: Path) -> Run:
    camera = CameraId(f"m{os.getpid()}-{way}".replace(".", "")[:64])
    with Judge(folder / "papers") as judge:
        deployment = DemoDeployment(
            built,
            judge.identity,
            clip,
            camera,
            profile=way.profile,
            python=PYTHONS[way.runtime],
            camera_settings={"transport": way.transport, "start_delay_s": HEAD_START_S},
        )
        with running(deployment, folder / "device") as rig:
            assert until(rig.has_ended, seconds + PATIENCE_S, look_s=0.5), rig.logs()
            # The episode that is open when the clip ends is cleared a moment later.
            until(lambda: len(judge.events(Phase.CLEARED)) == len(judge.events()) and rig.waiting() == 0, PATIENCE_S)
            return outcome(way, rig, judge)


def outcome(way: Way, rig: Rig, judge: Judge) -> Run:
    began = rig.clip_began()
    raised = sorted(judge.events().values(), key=lambda event: event.started_at)
    broken = [f"{name} {state}" for name in ("smartcam.Capture", "smartcam.Inference") for state in states(rig, name)]
    return Run(
        way=way,
        seen_s=[(event.started_at - began) / NS_PER_S for event in raised if event.kind is EventKind.PERSON],
        kinds=[str(event.kind) for event in raised],
        waiting=rig.waiting(),
        faults=[fault for fault in broken if fault.endswith(("ERRORED", "BROKEN"))],
        carried=rig.carried(),
        runtime=rig.runtime(),
        logs=rig.logs(),
    )


def assert_one_event_a_visit(run: Run, visits: Sequence[tuple[int, int]], first: int) -> None:
    intervals = [((begin - first) / FPS, (end - first) / FPS) for begin, end in visits]
    assert run.kinds == ["person"] * len(visits), (run.way, run.seen_s, run.logs)
    for seen, (begin, end) in zip(run.seen_s, intervals, strict=True):
        # How soon is judged elsewhere: here the machine plays several devices at once.
        assert begin - 0.5 <= seen <= end, (run.way, run.seen_s)
    assert (run.waiting, run.faults) == (0, []), (run.way, run.logs)
    assert run.carried == {run.way.transport}, run.way
    assert run.runtime == run.way.runtime


def test_the_four_cover_every_pair_of_values() -> None:
    for places in itertools.combinations(range(3), 2):
        wanted = {tuple(str(way).split("-", 2)[place] for place in places) for way in ALL}
        assert {tuple(str(way).split("-", 2)[place] for place in places) for way in PAIRS} == wanted


def test_a_visitor_is_one_event_whatever_carries_runs_and_computes(built: Built, tmp_path: Path) -> None:
    first, last = 48, 135
    clip = cut(tmp_path / "visitor.mp4", (first, last))
    # Two at a time: four would want more than two cores.
    with ThreadPoolExecutor(2) as two:
        runs = list(two.map(lambda way: play(way, built, clip, (last - first) / FPS, tmp_path / str(way)), PAIRS))
    for run in runs:
        assert_one_event_a_visit(run, VISITS[:1], first)


@pytest.mark.soak
@pytest.mark.parametrize("way", [way for way in ALL if way not in PAIRS], ids=str)
def test_a_visitor_is_one_event_in_the_other_four(way: Way, built: Built, tmp_path: Path) -> None:
    clip = cut(tmp_path / "visitor.mp4", (48, 225))
    assert_one_event_a_visit(play(way, built, clip, 18, tmp_path), VISITS[:1], 48)


@pytest.mark.soak
@pytest.mark.parametrize("way", [Way("shared", "lite", "LiteRT"), Way("inline", "classic", "tflite-runtime")], ids=str)
def test_six_visitors_are_six_events(way: Way, built: Built, tmp_path: Path) -> None:
    assert_one_event_a_visit(play(way, built, SIX_PEOPLE, 140, tmp_path), VISITS, 0)
