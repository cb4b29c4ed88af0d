"""A camera that has learnt its yard, in a world in memory: rings, detector, learned scene, a disk between starts."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from smartcam.contract.event import Event
from smartcam.contract.health import SceneStage
from smartcam.contract.notice import PixelBox
from smartcam.edge.bundle_names import DEFAULT_BUNDLE
from smartcam.edge.memory_file import MemoryFile
from smartcam.edge.ring.frame_ring import RingWriter
from smartcam.inference.analysis.analysis import ObjectModel
from smartcam.inference.analysis.learned import place_encoder
from smartcam.inference.cameras import AnalysisContext, Cameras
from smartcam.inference.settings import AnalysisSettings, InferenceSettings
from smartcam.model.looks import Eye
from smartcam.model.manifest import ModelKind
from smartcam.model.scoring import Detections
from smartcam.vision.frame import Frame
from smartcam.vision.picture import Picture
from tests.fakes.clock import FakeClock
from tests.unit.inference.analysis.learned_yard import ON, PLAN, pictures, what_was_learnt
from tests.unit.inference.stage import THING, YARD, counted_ids, manifest, seen
from tests.unit.vision.normal.drawn_looks import HEIGHT, WIDTH

EVERYWHERE = (PixelBox(0, 0, WIDTH, HEIGHT),)
THERE, ELSEWHERE = ("person", 0.8, (80.0, 14.0, 104.0, 42.0)), ("person", 0.8, (4.0, 30.0, 20.0, 62.0))
NOBODY = seen()
REASONS = {"fast", "nowhere", "looks"}


class Eyes:
    """A detector that sees what it is told to."""

    def __init__(self) -> None:
        self.found = NOBODY

    def detect(self, picture: Picture, regions: Sequence[PixelBox]) -> Detections:  # noqa: ARG002
        return self.found


class World:
    """One camera and its device, on a clock moved by hand."""

    def __init__(self, folder: Path) -> None:
        self.clock, self.folder, self.ids, self._seq = FakeClock(), folder, counted_ids(), 0
        self.detector, self.events = Eyes(), list[Event]()
        self.writer = RingWriter(folder, YARD)
        self.start()

    def start(self, settings: AnalysisSettings = ON) -> None:
        context = AnalysisContext(THING, self.clock, self.ids, self.folder, self.folder, plan=PLAN)
        self.cameras = Cameras(context, InferenceSettings(cameras={YARD: settings}))
        self.cameras.use({DEFAULT_BUNDLE: ObjectModel(manifest(ModelKind.DETECTOR), self.detector)})

    def show(
        self, seconds: float, *, strange: bool = False, found: Detections = NOBODY, step_s: float = 1.0
    ) -> list[str]:
        """Kinds and phases of the events that came of it."""
        self.detector.found, before = found, len(self.events)
        chosen = pictures(strange=strange)
        for _ in range(round(seconds / step_s)):
            self._seq += 1
            picture, now = chosen[self._seq % len(chosen)], self.clock.monotonic()
            motion = EVERYWHERE if found is not NOBODY else ()
            frame = Frame(YARD, self._seq, self.clock.utc(), now, 0, picture, motion)
            changes = self.cameras.frame(self.writer.write(frame))
            self.events += [change.event for change in changes if change.event is not None]
            self.clock.advance(step_s)
        return [f"{event.kind} {event.phase}" for event in self.events[before:]]

    def close(self) -> None:
        self.cameras.close()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    yield world
    world.close()
    world.writer.close()


@pytest.fixture
def known(world: World) -> World:
    MemoryFile(world.folder / "normal-yard").store(what_was_learnt(place_encoder))
    assert world.show(20) == []
    return world


def test_something_strange_is_one_event_and_the_health_says_so(known: World) -> None:
    assert known.show(60, strange=True) == ["anomaly raised"]
    assert known.events[-1].cause == "unusual"
    (camera,) = known.cameras.conditions.cameras()
    assert camera.scene is not None
    assert (camera.scene.stage, camera.scene.raised, camera.scene.drift) == (SceneStage.WATCHING, 1, False)
    assert known.show(300) == ["anomaly cleared"]


def test_a_person_whom_the_detector_sees_at_once_is_one_event_with_both_scores(known: World) -> None:
    assert known.show(60, strange=True, found=seen(THERE), step_s=0.5) == ["person raised"]
    assert known.show(240) == ["person cleared"]
    assert known.events[0].scene_reason == known.events[-1].scene_reason in REASONS
    assert known.events[-1].scene_score is not None
    assert known.events[-1].score == pytest.approx(0.8)


def test_a_person_whom_the_scene_finds_unusual_later_is_told_again_once_with_the_reason(known: World) -> None:
    assert known.show(5, found=seen(THERE), step_s=0.5) == ["person raised"]
    assert known.show(60, strange=True, found=seen(THERE), step_s=0.5) == ["person raised"]
    first, again = known.events
    assert (first.event_id, first.scene_reason, first.revision) == (again.event_id, None, 0)
    assert again.scene_reason in REASONS
    assert again.revision == 1


def test_a_person_whom_the_detector_sees_late_is_one_event_that_gets_the_name(known: World) -> None:
    assert known.show(30, strange=True) == ["anomaly raised"]
    assert known.show(60, strange=True, found=seen(THERE), step_s=0.5) == ["person raised"]
    assert known.show(240) == ["person cleared"]
    assert len({event.event_id for event in known.events}) == 1
    assert [event.revision for event in known.events] == [0, 1, 1]
    assert known.events[-1].scene_score is not None


def test_somebody_elsewhere_is_an_event_of_their_own_whatever_the_scene_says(known: World) -> None:
    assert known.show(30, strange=True) == ["anomaly raised"]
    assert known.show(10, strange=True, found=seen(ELSEWHERE), step_s=0.5) == ["person raised"]
    assert len({event.event_id for event in known.events}) == 2


def test_a_learner_that_fails_costs_the_detector_nothing(known: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(Eye, "look", broken)
    assert known.show(5, found=seen(THERE), step_s=0.5) == ["person raised"]
    assert known.cameras.counts.failed == 0
    assert known.cameras.conditions.cameras()[0].scene is None


def test_a_restart_keeps_what_was_learnt_and_a_kill_the_last_minute_but_one(known: World) -> None:
    known.show(120)
    known.start()  # nobody has closed the one before
    assert known.show(30) == []
    scene = known.cameras.conditions.cameras()[0].scene
    assert scene is not None
    assert scene.stage is SceneStage.WATCHING
    known.close()
    known.start()
    known.show(30)
    assert known.show(30, strange=True) == ["anomaly raised"]


def test_a_camera_that_was_told_nothing_of_it_works_as_before(world: World) -> None:
    world.start(AnalysisSettings())
    assert world.show(5, found=seen(THERE), step_s=0.5) == ["person raised"]
    assert world.cameras.conditions.cameras()[0].scene is None
    world.close()
    assert not (world.folder / "normal-yard").exists()
