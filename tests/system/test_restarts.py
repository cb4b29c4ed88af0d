"""kill -9 of capture, inference and the nucleus, and a cloud that is away: nothing is lost, nothing comes twice."""

import itertools
import math
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from measure.demo.device import DemoDeployment
from measure.demo.plan import CLIP_FOLDER, clip_seconds
from measure.demo.yard_clip import yard_clip
from smartcam.contract.event import Event, Phase
from smartcam.contract.ids import CameraId
from smartcam.contract.times import NS_PER_S
from smartcam.edge.history.past import PastEvent
from smartcam.edge.history.reading import FOLDER, PastEvents
from tests.system import faults
from tests.system.faults import Fault, Moment, Plan
from tests.system.footage import FPS, VISITS, cut, detector_bundle, needs_footage
from tests.system.judge import Judge
from tests.system.rig import INFERENCE, Rig, running, until
from tests.waiting import PATIENCE_S
from tools.build.suite import DEMO_BUNDLE, Built, build_suite

pytestmark = pytest.mark.slow
Seconds = tuple[float, float]
YARD_VISITS: Sequence[Seconds] = ((8.8, 20.3), (25.0, 36.0))
"""When an intruder is to be seen in the demo's clip."""
LONG_CUT_S = 60.0
_GET_GOING_S = 1.0
"""What inference may need to see again once it has its model."""
_AROUND_S = 4.0
"""Somebody who comes must be seen for so long, and nobody for as long before: else it is the visitor before, still."""
_GAP_S = 1.5
"""Frames are announced every second at least; a longer gap is a camera that was away."""


def assert_nothing_lost_or_doubled(rig: Rig, judge: Judge, visits: Sequence[Seconds], done: Plan) -> None:
    """All that was raised reached the cloud; a visit is one event at most, and one if its beginning was undisturbed."""
    assert until(lambda: rig.waiting() == 0, PATIENCE_S), (rig.hurts, rig.logs())
    began = rig.clip_began()
    arrived = judge.events()
    story = [(event.kind.value, round(seconds(event, began), 1)) for event in arrived.values()]
    assert set(faults.raised(rig)) == set(arrived), (rig.hurts, story, rig.logs())
    assert set(judge.events(Phase.CLEARED)) <= set(arrived), (rig.hurts, story)
    assert set(arrived) <= {past.event.event_id for past in history(rig)}, (rig.hurts, story)
    for first, last in visits:
        mine = [event for event in arrived.values() if first - 0.5 <= seconds(event, began) <= last]
        assert len(mine) <= 1, (rig.hurts, story, rig.logs())
        assert mine or is_disturbed(rig, done, first), (rig.hurts, story, rig.logs())
    assert len(arrived) <= len(visits), (rig.hurts, story)


def history(rig: Rig) -> Sequence[PastEvent]:
    """What the device itself remembers, whatever was killed."""
    reader = PastEvents(rig.folder / "work" / INFERENCE / FOLDER)
    reader.refresh()
    return reader.page(limit=1000).events


def is_disturbed(rig: Rig, done: Plan, begin_s: float) -> bool:
    """Whether the camera or inference was away around the beginning of a visit."""
    first, last = begin_s - _AROUND_S, begin_s + _AROUND_S
    if any(away < last and first < back for away, back in blind(rig, done)):
        return True
    seen = [first, *(at_s for at_s in rig.announced_s() if first < at_s < last), last]
    return any(later - earlier > _GAP_S for earlier, later in itertools.pairwise(seen))


def blind(rig: Rig, done: Plan) -> list[Seconds]:
    """From each end of inference, and from the very beginning, to when it saw again."""
    ends = [moment.at_s for moment in done if moment.fault in {Fault.INFERENCE, Fault.NUCLEUS}]
    sighted = rig.sighted_s()
    backs = [min((at_s for at_s in sighted if at_s > end_s), default=math.inf) for end_s in (-math.inf, *ends)]
    return [(end_s, back_s + _GET_GOING_S) for end_s, back_s in zip((-math.inf, *ends), backs, strict=True)]


def seconds(event: Event, began: int) -> float:
    return (event.started_at - began) / NS_PER_S


@contextmanager
def suffering(deployment: DemoDeployment, judge: Judge, folder: Path, plan: Plan) -> Iterator[tuple[Rig, Plan]]:
    """A device that has played its clip under the plan, and what was done to it when."""
    length_s = clip_seconds(deployment.clip)
    with running(deployment, folder) as rig:
        done = faults.play(plan, rig, judge)
        assert until(rig.has_ended, length_s + PATIENCE_S, look_s=0.5), (rig.hurts, rig.logs())
        yield rig, done


def camera(name: str) -> CameraId:
    return CameraId(f"r{os.getpid()}-{name}")


@needs_footage
def test_a_visitor_stays_one_event_through_kills_and_a_cut(tmp_path: Path) -> None:
    first, last = 48, 215
    clip = cut(tmp_path / "visitor.mp4", (first, last))
    built = build_suite(tmp_path / "build", detector_bundle(tmp_path / "coco"))
    visits = [((begin - first) / FPS, (end - first) / FPS) for begin, end in VISITS[:1]]
    plans: dict[str, Plan] = {
        "lite": (
            Moment(0.3, Fault.CUT),
            Moment(0.5, Fault.CAPTURE),
            Moment(0.5, Fault.AWAIT_EVENT),
            Moment(0.5, Fault.INFERENCE),
            Moment(8.0, Fault.MEND),
            Moment(9.0, Fault.NUCLEUS),
        ),
        "classic": (
            Moment(0.3, Fault.INFERENCE),
            Moment(0.3, Fault.AWAIT_EVENT),
            Moment(0.3, Fault.CUT),
            Moment(0.5, Fault.NUCLEUS),
            Moment(9.5, Fault.CAPTURE),
            Moment(10.0, Fault.MEND),
        ),
    }

    def one(profile: str) -> None:
        with Judge(tmp_path / profile / "papers") as judge:
            deployment = DemoDeployment(built, judge.identity, clip, camera(profile), profile=profile)
            with suffering(deployment, judge, tmp_path / profile / "device", plans[profile]) as (rig, done):
                assert_nothing_lost_or_doubled(rig, judge, visits, done)
            assert len(judge.events()) == 1

    with ThreadPoolExecutor(2) as both:
        list(both.map(one, plans))


@pytest.fixture(scope="module")
def demo_built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    return build_suite(tmp_path_factory.mktemp("suite") / "build", DEMO_BUNDLE)


@pytest.mark.soak
@pytest.mark.parametrize("profile", ["lite", "classic"])
@pytest.mark.parametrize("seed", range(6))
def test_the_demo_survives_a_kill_of_each_and_a_minute_without_cloud(
    seed: int, profile: str, demo_built: Built, tmp_path: Path
) -> None:
    clip = yard_clip(CLIP_FOLDER, print)
    plan = faults.random_plan(seed, clip_seconds(clip), LONG_CUT_S)
    with Judge(tmp_path / "papers") as judge:
        deployment = DemoDeployment(demo_built, judge.identity, clip, camera(f"{profile}{seed}"), profile=profile)
        with suffering(deployment, judge, tmp_path / "device", plan) as (rig, done):
            assert_nothing_lost_or_doubled(rig, judge, YARD_VISITS, done)
