from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from smartcam.contract.event import EventKind, Phase
from smartcam.contract.ids import CameraId
from smartcam.contract.notice import CameraState, FrameNotice, PixelBox, StatusNotice
from smartcam.contract.times import UtcNs
from smartcam.edge.bundle_names import DEFAULT_BUNDLE
from smartcam.edge.ring.frame_ring import RingWriter
from smartcam.inference.analysis.analysis import Model
from smartcam.inference.cameras import AnalysisContext, Cameras
from smartcam.inference.events import Change, restored
from smartcam.inference.settings import AnalysisSettings, InferenceSettings
from smartcam.model.scoring import AnomalyScore
from smartcam.vision.frame import Frame
from smartcam.vision.picture import Picture
from tests.fakes.clock import FakeClock
from tests.unit.inference.stage import (
    EVERYWHERE,
    GATE,
    HERE,
    PICTURE,
    THING,
    YARD,
    counted_ids,
    happened,
    object_model,
    scene_model,
    seen,
)

SOMEBODY = seen(("person", 0.8, HERE))
LOST, RESTORED = ("camera_lost", "raised"), ("camera_restored", "raised")


class Place:
    """Cameras with real rings, a clock that is moved by hand, and capture's side of it."""

    def __init__(self, folder: Path, settings: InferenceSettings | None = None) -> None:
        self.clock = FakeClock()
        self.folder = folder
        self.cameras = Cameras(
            AnalysisContext(THING, self.clock, counted_ids(), folder), settings or InferenceSettings()
        )
        self._writers: dict[CameraId, RingWriter] = {}
        self._seq = 0

    def notice(self, camera: CameraId = YARD, motion: Sequence[PixelBox] = EVERYWHERE) -> FrameNotice:
        if camera not in self._writers:
            self._writers[camera] = RingWriter(self.folder, camera)
        self._seq += 1
        taken = Frame(camera, self._seq, self.clock.utc(), self.clock.monotonic(), 0, PICTURE, tuple(motion))
        return self._writers[camera].write(taken)

    def frames(self, count: int, camera: CameraId = YARD) -> list[Change]:
        changes = []
        for _ in range(count):
            changes += self.cameras.frame(self.notice(camera))
            self.clock.advance(0.2)
        return changes

    def status(self, state: CameraState, camera: CameraId = YARD, reason: str = "") -> list[Change]:
        return self.cameras.status(StatusNotice(camera, state, reason, 5.0, 1, 1, self.clock.utc(), self.clock.utc()))

    def silence(self, seconds: int) -> list[Change]:
        changes = []
        for _ in range(seconds):
            self.clock.advance(1)
            changes += self.cameras.overdue()
        return changes

    def close(self) -> None:
        self.cameras.close()
        for writer in self._writers.values():
            writer.close()
        self._writers = {}


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path)
    yield place
    place.close()


def with_model(place: Place, model: Model) -> Place:
    place.cameras.use({DEFAULT_BUNDLE: model})
    return place


def test_frames_from_the_ring_become_events(place: Place) -> None:
    with_model(place, object_model([SOMEBODY]))
    changes = place.frames(5)
    assert happened(changes) == [("person", "raised")]
    assert changes[0].event is not None
    assert (changes[0].event.model_name, changes[0].event.thing) == ("eyes", THING)
    assert place.cameras.counts.analysed == 5


def test_each_camera_has_episodes_of_its_own(place: Place) -> None:
    with_model(place, scene_model([0.9]))
    changes = place.frames(4, YARD) + place.frames(4, GATE)
    assert [change.event.camera_id for change in changes if change.event is not None] == [YARD, GATE]


def test_without_a_model_cameras_are_watched_all_the_same(place: Place) -> None:
    assert place.frames(3) == []
    assert place.cameras.counts.analysed == 0
    assert happened(place.silence(12)) == [LOST]


def test_a_frame_that_was_overwritten_is_counted_and_the_next_one_taken(place: Place) -> None:
    with_model(place, scene_model([0.9]))
    late = place.notice()
    for _ in range(4):
        place.notice()
    assert place.cameras.frame(late) == []
    assert place.cameras.counts.overwritten == 1
    place.frames(2)
    assert place.cameras.counts.analysed == 2


def test_a_ring_that_is_not_there_is_logged_once_and_ends_nothing(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    with_model(place, scene_model([0.9]))
    ghost = replace(place.notice(), camera_id=GATE)
    for _ in range(5):
        assert place.cameras.frame(ghost) == []
    assert place.cameras.counts.unreadable == 5
    assert caplog.text.count("frame_unreadable") == 1


class BrokenScorer:
    def score(self, pictures: Sequence[Picture]) -> AnomalyScore:
        raise ValueError(f"cannot score {len(pictures)} pictures")


def test_who_shows_frames_and_fails_costs_no_event_and_no_other_frame(place: Place) -> None:
    def fail(*_: object) -> None:
        raise ValueError("no page")

    place.cameras._show = fail
    with_model(place, scene_model([0.9]))
    changes = place.frames(5)
    assert "anomaly" in [change.event.kind for change in changes if change.event is not None]
    assert place.cameras.counts.failed == 5


def test_an_analysis_that_fails_costs_its_frame_and_no_more(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    with_model(place, replace(scene_model([0.9]), scorer=BrokenScorer()))
    assert place.frames(5) == []
    assert place.cameras.counts.failed == 5
    assert caplog.text.count("analysis_failed") == 1


def test_a_camera_that_goes_silent_is_lost_once_and_restored_once(place: Place) -> None:
    with_model(place, scene_model([0.1]))
    place.frames(2)
    assert happened(place.silence(60)) == [LOST]
    assert happened(place.frames(3)) == [("camera_lost", "cleared"), RESTORED]
    assert happened(place.silence(60)) == [LOST]


def test_signs_of_life_without_frames_keep_a_camera(place: Place) -> None:
    place.frames(1)
    for _ in range(10):
        assert place.silence(5) == []
        assert place.status(CameraState.RUNNING) == []


def test_a_camera_that_capture_calls_lost_is_lost_at_once(place: Place) -> None:
    with_model(place, scene_model([0.9]))
    place.frames(4)
    changes = place.status(CameraState.LOST, reason="no picture for 10 s")
    assert happened(changes) == [("anomaly", "cleared"), LOST]
    assert place.status(CameraState.LOST) == []
    assert place.silence(60) == []
    assert happened(place.frames(1)) == [("camera_lost", "cleared"), RESTORED]


def test_a_lost_camera_is_an_open_episode_without_a_model(place: Place) -> None:
    with_model(place, scene_model([0.1]))
    change = place.status(CameraState.LOST)[0]
    assert change.event is not None
    assert change.episode is not None
    assert (change.event.kind, change.event.phase, change.event.model_name) == (
        EventKind.CAMERA_LOST,
        Phase.RAISED,
        None,
    )


def test_the_end_of_a_clip_clears_what_is_on_and_is_no_loss(place: Place) -> None:
    with_model(place, scene_model([0.9]))
    place.frames(4)
    assert happened(place.status(CameraState.ENDED)) == [("anomaly", "cleared")]
    assert place.status(CameraState.ENDED) == []
    assert place.silence(60) == []
    assert happened(place.frames(4)) == [("anomaly", "raised")]


def test_a_restarted_process_ends_the_outage_that_it_finds(place: Place, tmp_path: Path) -> None:
    episode = place.status(CameraState.LOST)[0].episode
    assert episode is not None
    later = Place(tmp_path)
    later.cameras.resume([restored(replace(episode, age_ms=5000))])
    assert later.silence(60) == []
    assert later.status(CameraState.LOST) == []
    assert happened(later.status(CameraState.RUNNING)) == [("camera_lost", "cleared"), RESTORED]


def test_a_restarted_process_misses_the_camera_of_an_open_episode(place: Place, tmp_path: Path) -> None:
    with_model(place, scene_model([0.9]))
    episode = place.frames(4)[0].episode
    assert episode is not None
    later = Place(tmp_path)
    later.cameras.resume([restored(replace(episode, age_ms=5000))])
    # Capture may have been started with it, and not be heard yet.
    assert later.silence(29) == []
    assert happened(later.silence(2)) == [("anomaly", "cleared"), LOST]


def test_while_the_way_to_capture_is_cut_no_camera_is_called_lost(place: Place) -> None:
    place.status(CameraState.RUNNING)
    for _ in range(600):
        place.cameras.deaf()
        assert place.silence(1) == []
    # Once it is open again capture has the time to come back too.
    assert place.silence(28) == []
    assert happened(place.silence(3)) == [LOST]


def test_a_restarted_process_goes_on_with_an_open_episode(place: Place, tmp_path: Path) -> None:
    with_model(place, scene_model([0.9]))
    episode = place.frames(4)[0].episode
    assert episode is not None
    place.close()
    later = with_model(Place(tmp_path), scene_model([0.9, 0.9, 0.9, 0.9, 0.1]))
    later.cameras.resume([restored(replace(episode, age_ms=5000))])
    assert happened(later.frames(20)) == [("anomaly", "cleared")]
    later.close()


def test_another_model_goes_on_with_what_is_on(place: Place) -> None:
    with_model(place, scene_model([0.9]))
    assert happened(place.frames(4)) == [("anomaly", "raised")]
    with_model(place, scene_model([0.9]))
    assert happened(place.frames(4)) == []
    with_model(place, object_model([SOMEBODY]))
    assert happened(place.frames(60)) == [("person", "raised"), ("anomaly", "cleared")]


def test_other_settings_reach_the_cameras_that_are_known(place: Place) -> None:
    with_model(place, scene_model([0.7]))
    place.cameras.configure(InferenceSettings(cameras={YARD: AnalysisSettings(raise_at=0.9)}, camera_lost_after_s=3))
    assert place.frames(6) == []
    assert happened(place.silence(4)) == [LOST]
    place.cameras.configure(InferenceSettings())
    assert ("anomaly", "raised") in happened(place.frames(6))


def test_a_label_that_the_bundle_does_not_have_is_named(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    place.cameras.configure(InferenceSettings(cameras={YARD: AnalysisSettings(labels=("persn",))}))
    with_model(place, object_model([SOMEBODY]))
    assert place.frames(5) == []
    assert "labels_unknown" in caplog.text
    assert "persn" in caplog.text


def test_a_step_of_the_clock_changes_only_the_printed_time(place: Place) -> None:
    with_model(place, scene_model([0.9] * 4 + [0.1]))
    changes = place.frames(4)
    place.clock.step_utc(-3600)
    changes += place.frames(20)
    assert happened(changes) == [("anomaly", "raised"), ("anomaly", "cleared")]
    cleared = changes[-1].event
    assert cleared is not None
    assert UtcNs(cleared.started_at) == cleared.ended_at


def test_the_roster_follows_what_is_heard_of_each_camera(tmp_path: Path) -> None:
    place = Place(tmp_path, InferenceSettings(cameras={GATE: AnalysisSettings()}))
    place.cameras.configure(InferenceSettings(cameras={GATE: AnalysisSettings()}))
    place.frames(1)
    now = place.clock.utc()
    place.cameras.status(StatusNotice(YARD, CameraState.RUNNING, "", 25.0, 1, 1, now, now))
    assert conditions(place) == {GATE: "awaited", YARD: "running"}
    place.clock.advance(11)
    place.cameras.overdue()
    assert conditions(place) == {GATE: "awaited", YARD: "lost"}
    place.frames(1)
    assert conditions(place) == {GATE: "awaited", YARD: "running"}
    place.cameras.status(StatusNotice(YARD, CameraState.ENDED, "", 0.0, 1, 1, now, now))
    assert conditions(place) == {GATE: "awaited", YARD: "ended"}


def test_that_a_cameras_footage_is_collected_is_reported_for_as_long_as_capture_says_so(tmp_path: Path) -> None:
    place = Place(tmp_path, InferenceSettings())
    now = place.clock.utc()
    said = []
    for collects in (False, True, False):
        status = StatusNotice(YARD, CameraState.RUNNING, "", 25.0, 1, 1, now, now, collects_footage=collects)
        place.cameras.status(status)
        said += [one.collects_footage for one in place.cameras.conditions.cameras()]
    assert said == [False, True, False]


def conditions(place: Place) -> dict[CameraId, str]:
    return {one.camera_id: str(one.condition) for one in place.cameras.conditions.cameras()}


def two_detectors(gate: str = "traffic") -> InferenceSettings:
    return InferenceSettings(bundles={"traffic": None}, cameras={GATE: AnalysisSettings(detector=gate)})


def model_names(changes: Sequence[Change]) -> set[tuple[CameraId, str | None]]:
    return {(change.event.camera_id, change.event.model_name) for change in changes if change.event is not None}


def test_each_camera_is_analysed_with_the_model_of_its_own_bundle_and_its_events_name_it(place: Place) -> None:
    place.cameras.configure(two_detectors())
    place.cameras.use({"default": scene_model([0.9]), "traffic": object_model([SOMEBODY])})
    assert model_names(place.frames(5, YARD) + place.frames(5, GATE)) == {(YARD, "nose"), (GATE, "eyes")}


def test_a_new_model_of_one_bundle_reaches_its_own_cameras_alone(place: Place) -> None:
    place.cameras.configure(two_detectors())
    default = scene_model([0.1] * 6 + [0.9])
    place.cameras.use({"default": default, "traffic": scene_model([0.9])})
    assert happened(place.frames(3, YARD) + place.frames(4, GATE)) == [("anomaly", "raised")]
    place.cameras.use({"default": default, "traffic": object_model([SOMEBODY])})
    # The yard's model goes on in its script; the gate's episode ends, because nothing is left to go on with it.
    assert happened(place.frames(60, GATE)) == [("person", "raised"), ("anomaly", "cleared")]
    assert happened(place.frames(3, YARD)) == []
    assert model_names(place.frames(4, YARD)) == {(YARD, "nose")}


def test_a_camera_that_is_given_another_detector_goes_on_with_what_is_on(place: Place) -> None:
    place.cameras.configure(two_detectors())
    place.cameras.use({"default": scene_model([0.9]), "traffic": scene_model([0.9])})
    assert happened(place.frames(4, GATE)) == [("anomaly", "raised")]
    place.cameras.configure(two_detectors(gate="default"))
    assert happened(place.frames(10, GATE)) == []
    place.cameras.use({"default": scene_model([0.1])})
    assert happened(place.frames(40, GATE)) == [("anomaly", "cleared")]


def test_an_episode_that_is_on_ends_with_its_camera_also_between_two_models(place: Place) -> None:
    place.cameras.configure(two_detectors())
    place.cameras.use({"default": scene_model([0.9]), "traffic": scene_model([0.9])})
    place.frames(4, GATE)
    place.cameras.configure(two_detectors(gate="default"))
    assert happened(place.status(CameraState.ENDED, GATE)) == [("anomaly", "cleared")]


def test_a_camera_whose_bundle_could_never_be_opened_has_the_default_one_until_it_can(place: Place) -> None:
    place.cameras.configure(two_detectors())
    place.cameras.use({"default": scene_model([0.9])})
    assert model_names(place.frames(4, GATE)) == {(GATE, "nose")}
    place.cameras.use({"default": scene_model([0.1]), "traffic": object_model([SOMEBODY])})
    assert ("person", "raised") in happened(place.frames(5, GATE))
