import base64
import logging
import threading
import tracemalloc
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from smartcam.contract.clip import ClipHeard, ClipKept, ClipWorth, decode_clip_message, encode_clip_message
from smartcam.contract.errors import ContractError, OutboxError
from smartcam.contract.event import ClipPart, Event, EventKind, Phase
from smartcam.contract.health import FrameHealth
from smartcam.contract.ids import CameraId, EventId
from smartcam.contract.inline import InlineFrame, encode_inline
from smartcam.contract.notice import CameraState, FrameNotice, StatusNotice, encode_notice
from smartcam.contract.times import NS_PER_S, MonotonicNs, UtcNs
from smartcam.contract.topics import clips_topic, frames_topic, views_topic
from smartcam.contract.view import CameraView, ViewWatch, decode_view_message, encode_view_message
from smartcam.contract.wanted import NOTHING_WANTED, Verdict
from smartcam.edge.history.folder import EventHistory
from smartcam.edge.history.past import PastEvent
from smartcam.edge.history.reading import PastEvents
from smartcam.edge.journal.folder import TrackJournal, read_journal
from smartcam.edge.lifecycle import StopToken
from smartcam.edge.memory_file import MemoryFile
from smartcam.edge.outbox.outbox import Episode, Outbox
from smartcam.edge.pictures.clip_uploader import ClipUploader
from smartcam.edge.pictures.folder import PictureFolder
from smartcam.edge.pictures.s3 import S3Store
from smartcam.edge.pictures.uploader import SnapshotUploader
from smartcam.edge.ring.frame_ring import RingWriter
from smartcam.inference.analysis.analysis import Model
from smartcam.inference.bundles import BundleKeeper, BundlesInUse
from smartcam.inference.cameras import AnalysisContext
from smartcam.inference.events import Change, Trigger, restored
from smartcam.inference.frames.mailbox import Notice
from smartcam.inference.service import InferenceService, Uploads
from smartcam.vision.frame import Frame
from tests.clip_events import event_of
from tests.fakes.bus import FakeNucleus
from tests.fakes.clock import FakeClock
from tests.fakes.row_models import linear, write_filter
from tests.training.tabular.verdicts import judged_history
from tests.unit.inference.stage import (
    EVERYWHERE,
    GATE,
    PICTURE,
    THING,
    YARD,
    counted_ids,
    maker,
    notice,
    object_model,
    scene_model,
    seen,
)
from training.tabular.silencing import learn_filter

NAME = "smartcam.Inference"


def wait_until(condition: Callable[[], object]) -> None:
    stop = StopToken()
    for _ in range(6000):
        if condition():
            return
        stop.wait(0.01)
    raise AssertionError("it never became true")


class MeanDisk(Outbox):
    """An outbox that takes nothing while it is told so."""

    is_full = False
    refuses = False

    def put(self, event: Event, episode: Episode | None = None) -> None:
        if self.is_full:
            raise OutboxError("database or disk is full")
        if self.refuses:
            raise ContractError("event", "has 5000 bytes, at most 4096 are allowed")
        super().put(event, episode)

    def close_episode(self, event_id: EventId) -> None:
        if self.is_full:
            raise OutboxError("database or disk is full")
        super().close_episode(event_id)


class Stage:
    """The service in a thread, with a nucleus, a ring and an outbox; time is moved by hand."""

    def __init__(self, folder: Path, scores: Sequence[float], document: Mapping[str, object] | None = None) -> None:
        self.clock = FakeClock()
        self.nucleus = FakeNucleus()
        self.nucleus.configure(NAME, document or {})
        (folder / "bundle").mkdir(exist_ok=True)
        (folder / "bundle" / "manifest.json").write_text("{}")
        self.folder = folder
        self.album = PictureFolder(folder / "pictures")
        self.journal = TrackJournal(folder / "journal", self.clock)
        self.history = EventHistory(folder / "history", self.clock)
        self.outbox = MeanDisk(folder / "outbox.sqlite3", self.clock)
        self.opened: list[Path] = []
        self.keys: list[bytes | None] = []
        self._scores = scores
        self.objects: Model | None = None
        self.stored = 0
        self.uploads = self._uploads(folder)
        self.service = InferenceService(
            bus=self.nucleus.bus(NAME),
            outbox=self.outbox,
            context=AnalysisContext(
                THING,
                self.clock,
                counted_ids(),
                folder,
                folder,
                album=self.album,
                journal=self.journal,
                history=self.history,
            ),
            bundles=BundlesInUse(lambda _: BundleKeeper(None, self.clock, lambda: 1.0, self._open)),
            bundle=folder / "bundle",
            on_stored=self._on_stored,
            random=lambda: 1.0,
            uploads=self.uploads,
        )
        self._bus = self.nucleus.bus("smartcam.Capture")
        self._writers: dict[CameraId, RingWriter] = {}
        self._seq = 0
        self._done = 0
        self._count_what_is_done()
        self._stop = StopToken()
        self._thread = threading.Thread(target=self.service.run, args=(self._stop,), daemon=True)

    def _count_what_is_done(self) -> None:
        """When the service asks for the next notice, it has kept what the frames so far have changed."""
        take = self.service._mailbox.take

        def asked(timeout_s: float) -> Notice | None:
            self._done = self.service.facts.analysed
            return take(timeout_s)

        self.service._mailbox.take = asked  # type: ignore[method-assign]

    def _uploads(self, folder: Path) -> Uploads:
        """What only remembers what it would upload."""
        cloud = S3Store("eu-west-1", {}, self.clock)
        memory = MemoryFile(folder / "to-upload")
        snapshots = SnapshotUploader(folder / "snapshots", THING, cloud, lambda: 1.0)
        return Uploads(snapshots, ClipUploader(folder / "clips", THING, cloud, lambda: 1.0, memory))

    def start(self, *, opens: bool = True) -> "Stage":
        self._thread.start()
        if opens:
            wait_until(lambda: self.opened)
        return self

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(60)
        assert not self._thread.is_alive()
        self.outbox.close()
        for writer in self._writers.values():
            writer.close()

    def frame(self, camera: CameraId = YARD) -> None:
        """One frame as capture announces it, and the time until what it changes is kept."""
        before = self.service.facts.analysed
        self.announce(camera)
        wait_until(lambda: self._done > before)

    def announce(self, camera: CameraId = YARD) -> None:
        """One frame as capture announces it."""
        if camera not in self._writers:
            self._writers[camera] = RingWriter(self.folder, camera)
        self._seq += 1
        self.clock.advance(0.2)
        taken = Frame(camera, self._seq, self.clock.utc(), self.clock.monotonic(), 0, PICTURE, EVERYWHERE)
        self._bus.publish_local(frames_topic(camera), encode_notice(self._writers[camera].write(taken)))

    def frames(self, count: int) -> None:
        for _ in range(count):
            self.frame()

    def status(self, state: CameraState) -> None:
        status = StatusNotice(YARD, state, "", 5.0, 1, 1, self.clock.utc(), self.clock.utc())
        self._bus.publish_local(frames_topic(YARD), encode_notice(status))

    def tell(self, topic: str, payload: bytes) -> None:
        self._bus.publish_local(topic, payload)

    def kinds(self) -> list[tuple[str, str]]:
        """What waits in the outbox."""
        self.outbox.retry_now()
        return sorted((str(due.event.kind), str(due.event.phase)) for due in self.outbox.due(100))

    def _open(self, path: Path, trusted_key: bytes | None) -> Model:
        self.keys.append(trusted_key)
        self.opened.append(path)
        return self.objects or scene_model(self._scores)

    def _on_stored(self) -> None:
        self.stored += 1


@pytest.fixture
def stage(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> Iterator[Stage]:
    caplog.set_level(logging.INFO)
    stage = Stage(tmp_path, [0.9]).start()
    yield stage
    stage.stop()


def test_frames_become_an_event_and_an_open_episode_on_the_disk(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    stage.frames(5)
    assert "camera=yard kind=anomaly label=intruder phase=raised score=0.9" in caplog.text
    assert stage.kinds() == [("anomaly", "raised")]
    assert [episode.camera_id for episode in stage.outbox.open_episodes()] == [YARD]
    assert stage.stored == 1
    assert stage.service.changes.raised == 1


def test_what_nobody_had_time_to_look_at_comes_with_the_next_frame(stage: Stage) -> None:
    told, go_on, look = list[int](), threading.Event(), stage.service._cameras.frame

    def slow(notice: FrameNotice | InlineFrame, skipped: tuple[FrameNotice, ...] = ()) -> list[Change]:
        told.extend(each.seq for each in skipped)
        assert go_on.wait(60)
        return look(notice, skipped)

    stage.service._cameras.frame = slow  # type: ignore[method-assign]
    stage.announce()
    wait_until(lambda: not stage.service._mailbox._waiting)
    for _ in range(3):
        stage.announce()
    go_on.set()
    wait_until(lambda: len(told) == 2)
    assert told == [2, 3]


def test_the_end_of_a_clip_clears_the_episode(stage: Stage) -> None:
    stage.frames(3)
    stage.status(CameraState.ENDED)
    wait_until(lambda: stage.kinds() == [("anomaly", "cleared"), ("anomaly", "raised")])
    assert stage.outbox.open_episodes() == []


def test_a_camera_that_goes_silent_is_raised_within_a_moment(stage: Stage) -> None:
    stage.frame()

    def is_raised_by_now() -> bool:
        stage.clock.advance(0.05)
        return stage.kinds() == [("camera_lost", "raised")]

    wait_until(is_raised_by_now)
    assert [due.event.camera_id for due in stage.outbox.due(100)] == [YARD]


def test_a_nucleus_that_is_away_makes_no_camera_lost(stage: Stage) -> None:
    stage.frame()
    stage.nucleus.away = True
    for _ in range(300):
        stage.clock.advance(0.1)
        StopToken().wait(0.01)
    stage.nucleus.away = False
    stage.frame()
    assert stage.kinds() == []


def test_garbage_and_a_notice_on_another_cameras_topic_are_refused_and_logged_once(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    for payload in (b"", b"{}", b"\xff\xfe", b'{"type": "frame"}'):
        stage.tell(frames_topic(YARD), payload)
    stage.tell(frames_topic(GATE), encode_notice(notice(YARD)))
    assert stage.service.facts.frames.refused == 5
    assert caplog.text.count("notice_refused") == 1
    stage.frames(4)
    assert stage.service.changes.raised == 1


def test_what_became_of_the_frames_is_counted_for_the_sign_of_life(stage: Stage) -> None:
    stage.tell(frames_topic(YARD), b"?")
    stage.frames(4)
    for camera, count in ((YARD, 7), (GATE, 5)):
        status = StatusNotice(camera, CameraState.RUNNING, "", 5.0, count, count - 3, UtcNs(0), UtcNs(0))
        stage.tell(frames_topic(camera), encode_notice(status))
    wait_until(lambda: stage.service.facts.frames.read == 12)
    assert stage.service.facts.frames == FrameHealth(read=12, announced=6, heard=4, refused=1)


def test_what_capture_runs_and_what_it_refused_is_known_until_capture_falls_silent(stage: Stage) -> None:
    stage.frame()
    now = stage.clock.utc()
    refusal = "0.3.0: smartcam.Capture: it cannot see"
    status = StatusNotice(YARD, CameraState.RUNNING, "", 5.0, 1, 1, now, now, "0.2.0", refusal, clip_key="f" * 64)
    stage.tell(frames_topic(YARD), encode_notice(status))
    wait_until(lambda: stage.service.facts.capture_version == "0.2.0")
    assert (stage.service.facts.release_refused, stage.service.facts.clip_key) == (refusal, "f" * 64)

    def is_silent_by_now() -> bool:
        stage.clock.advance(0.05)
        return not stage.service.facts.capture_version

    wait_until(is_silent_by_now)
    assert not stage.service.facts.release_refused
    assert not stage.service.facts.clip_key


def test_a_changed_configuration_is_taken_at_run_time(stage: Stage) -> None:
    stage.nucleus.configure(NAME, {"cameras": {"yard": {"min_frames": "20"}}})
    wait_until(lambda: not stage.service._settings_due.is_set())
    stage.frames(10)
    assert stage.service.changes.raised == 0
    stage.frames(11)
    assert stage.service.changes.raised == 1


def test_a_wrong_configuration_is_logged_with_key_and_remedy_and_the_old_one_stays(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    stage.nucleus.configure(NAME, {"cameras": {"yard": {"min_frames": 4}}})
    wait_until(lambda: not stage.service._settings_due.is_set())
    stage.nucleus.configure(NAME, {"cameras": {"yard": {"min_frames": "many", "raise_at": 0.99}}})
    wait_until(lambda: "configuration_refused" in caplog.text)
    assert "key=cameras.yard.min_frames" in caplog.text
    assert "whole number" in caplog.text
    stage.frames(3)
    assert stage.service.changes.raised == 0
    stage.frames(2)
    assert stage.service.changes.raised == 1


def test_a_configuration_that_cannot_be_had_is_asked_for_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    stage = Stage(tmp_path, [0.9], {"cameras": {"yard": {"min_frames": 2}}})
    stage.nucleus.away = True
    stage.start(opens=False)
    wait_until(lambda: "configuration_unavailable" in caplog.text)
    for _ in range(100):
        stage.clock.advance(1)
        StopToken().wait(0.01)
    assert caplog.text.count("configuration_unavailable") == 1
    # It is not known yet by whom bundles have to be signed.
    assert stage.opened == []
    stage.nucleus.away = False
    stage.clock.advance(31)
    wait_until(lambda: stage.opened)
    stage.frames(3)
    assert stage.service.changes.raised == 1
    stage.stop()


KEY = base64.b64encode(bytes(range(32))).decode()


@pytest.mark.parametrize(
    ("document", "key"),
    [
        ({}, None),
        ({"trusted_key": KEY}, bytes(range(32))),
        ({"trusted_key": KEY, "camera": {}}, bytes(range(32))),
        ({"trusted_key": KEY[:-2]}, b""),
    ],
)
def test_bundles_have_to_be_signed_by_the_trusted_key_also_where_another_setting_is_wrong(
    tmp_path: Path, document: Mapping[str, object], key: bytes | None
) -> None:
    stage = Stage(tmp_path, [0.9], document).start()
    stage.stop()
    assert stage.keys == [key]


@pytest.mark.parametrize(
    ("document", "key"),
    [
        ({"trusted_key": KEY, "camera": {}}, bytes(range(32))),
        ({"trusted_key": KEY[:-2]}, b""),
        ({"camera": {}}, None),
    ],
)
def test_a_key_that_comes_with_a_mistake_counts_also_where_an_earlier_configuration_is_remembered(
    tmp_path: Path, document: Mapping[str, object], key: bytes | None
) -> None:
    Stage(tmp_path, [0.9], {"armed": True}).start().stop()
    stage = Stage(tmp_path, [0.9], document).start()
    stage.stop()
    assert stage.keys == [key]


def test_a_mistake_does_not_take_the_remembered_key_away(tmp_path: Path) -> None:
    Stage(tmp_path, [0.9], {"trusted_key": KEY}).start().stop()
    stage = Stage(tmp_path, [0.9], {"camera": {}}).start()
    stage.stop()
    assert stage.keys == [bytes(range(32))]


def test_a_refused_configuration_is_told_to_the_cloud_with_its_key_and_so_is_its_mending(stage: Stage) -> None:
    stage.nucleus.configure(NAME, {"cameras": {"yard": {"raise_ta": 0.5}}})
    wait_until(lambda: stage.service.facts.configuration_refused)
    assert "cameras.yard.raise_ta is not a setting; did you mean raise_at?" in stage.service.facts.configuration_refused
    stage.nucleus.configure(NAME, {})
    wait_until(lambda: not stage.service.facts.configuration_refused)


def test_a_process_that_starts_with_a_wrong_configuration_goes_on_with_the_last_right_one(tmp_path: Path) -> None:
    first = Stage(tmp_path, [0.9], {"cameras": {"yard": {"min_frames": 2}}}).start()
    first.stop()
    # As a version with other keys, which was not to be, has left it.
    second = Stage(tmp_path, [0.9], {"cameras": {"yard": {"min_frames": 2}}, "novelty": 1}).start()
    second.frames(2)
    assert second.service.facts.configuration_refused.startswith("novelty ")
    assert second.service.changes.raised == 1
    second.stop()


def test_another_bundle_in_the_configuration_is_opened(stage: Stage) -> None:
    other = stage.folder / "other"
    other.mkdir()
    (other / "manifest.json").write_text("{}")
    stage.nucleus.configure(NAME, {"bundle": str(other)})
    wait_until(lambda: len(stage.opened) > 1)
    assert stage.opened == [stage.folder / "bundle", other]


def test_an_event_that_the_disk_does_not_take_is_kept_and_put_later(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    stage.outbox.is_full = True
    stage.frames(3)
    wait_until(lambda: "event_not_stored" in caplog.text)
    assert stage.service.changes.unstored == 1
    stage.outbox.is_full = False
    stage.clock.advance(2)
    wait_until(lambda: not stage.service.changes.unstored)
    assert stage.kinds() == [("anomaly", "raised")]


def test_an_event_that_can_never_be_stored_is_told_and_holds_up_no_other(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    stage.outbox.refuses = True
    stage.frames(3)
    wait_until(lambda: "event_not_storable" in caplog.text)
    stage.outbox.refuses = False
    stage.status(CameraState.LOST)
    wait_until(lambda: len(stage.kinds()) > 1)
    assert stage.kinds() == [("anomaly", "cleared"), ("camera_lost", "raised")]
    assert caplog.text.count("event_not_storable") == 1


def test_an_event_is_on_the_disk_before_its_picture_takes_any_room(stage: Stage) -> None:
    stage.outbox.is_full = True
    stage.frames(4)
    assert stage.album.pictures() == []
    stage.outbox.is_full = False
    stage.clock.advance(2)
    wait_until(stage.album.pictures)
    assert stage.kinds() == [("anomaly", "raised")]


def test_a_restarted_process_goes_on_with_its_episode_and_raises_no_second_event(tmp_path: Path) -> None:
    first = Stage(tmp_path, [0.9]).start()
    first.frames(4)
    first.stop()
    second = Stage(tmp_path, [0.9] * 6 + [0.1])
    second.start()
    second.frames(25)
    assert (second.service.changes.raised, second.service.changes.cleared) == (0, 1)
    kinds = second.kinds()
    second.stop()
    assert kinds == [("anomaly", "cleared"), ("anomaly", "raised")]


def test_an_episode_on_the_disk_that_nobody_can_read_is_forgotten(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first = Stage(tmp_path, [0.9]).start()
    first.frames(4)
    episode = first.outbox.open_episodes()[0]
    first.outbox.put_episode(Episode(episode.key, YARD, episode.event_id, {"raised": "?"}))
    first.stop()
    second = Stage(tmp_path, [0.1]).start()
    assert "episode_unreadable" in caplog.text
    assert second.outbox.open_episodes() == []
    second.stop()


def test_a_disk_that_is_full_at_the_start_does_not_keep_an_unreadable_episode_from_being_passed_over(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first = Stage(tmp_path, [0.9]).start()
    first.frames(4)
    episode = first.outbox.open_episodes()[0]
    first.outbox.put_episode(Episode(episode.key, YARD, episode.event_id, {"raised": "?"}))
    first.stop()
    second = Stage(tmp_path, [0.1])
    second.outbox.is_full = True
    second.start()
    assert "episode_unreadable" in caplog.text
    second.frames(1)
    second.stop()


def test_stopping_leaves_episodes_open_and_reports_the_counters(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    stage = Stage(tmp_path, [0.9]).start()
    stage.frames(3)
    stage.stop()
    assert [episode.camera_id for episode in stage.outbox.open_episodes()] == [YARD]
    stage.outbox.close()
    report = [record.message for record in caplog.records if record.message.startswith("inference_health")][-1]
    assert "notices=3 dropped=0 analysed=3" in report


def test_what_is_raised_is_of_the_bundles_kind(stage: Stage) -> None:
    stage.frames(4)
    assert stage.outbox.due()[0].event.kind is EventKind.ANOMALY


def test_the_picture_of_an_event_is_kept_on_the_device_until_nobody_wants_it(stage: Stage) -> None:
    stage.frames(4)
    (picture,) = stage.album.pictures()
    assert picture.camera == YARD
    assert picture.path.read_bytes()
    assert [str(episode.event_id) for episode in stage.outbox.open_episodes()] == [picture.event]
    stage.nucleus.configure(NAME, {"pictures": {"keep": "false"}})
    wait_until(lambda: stage.album.pictures() == [])


def test_the_outbox_gets_the_configured_limits_at_once_and_keeps_them_where_the_next_document_is_wrong(
    tmp_path: Path,
) -> None:
    stage = Stage(tmp_path, [0.9], {"outbox": {"max_events": "50", "max_age_h": "2"}}).start()
    assert (stage.outbox.limits.max_events, stage.outbox.limits.max_age_s) == (50, 7200)
    stage.nucleus.configure(NAME, {"outbox": {"max_events": "60"}})
    wait_until(lambda: stage.outbox.limits.max_events == 60)
    stage.stop()
    wrong = Stage(tmp_path, [0.9], {"outbox": {"max_events": "none"}})
    assert wrong.outbox.limits.max_events == 60, "those of the process before, before anything is sent"
    wrong.start().stop()
    assert wrong.outbox.limits.max_events == 60


def with_somebody(folder: Path, document: Mapping[str, object] | None = None) -> Stage:
    """A stage on which somebody walks through the picture."""
    stage = Stage(folder, [], document)
    stage.objects = object_model([seen(("person", 0.8, (2.0 * x, 10.0, 2.0 * x + 20.0, 50.0))) for x in range(20)])
    return stage.start()


def test_who_was_where_is_noted_at_once_at_the_end_and_deleted_where_nobody_wants_it(tmp_path: Path) -> None:
    stage = with_somebody(tmp_path)
    stage.frames(12)
    stage.stop()
    rows = list(read_journal(tmp_path / "journal"))
    assert [(row.camera, row.label, row.is_on) for row in rows] == [(YARD, "person", True)] * len(rows)
    assert len(rows) in (3, 4)
    with_somebody(tmp_path, {"journal": {"keep": "false"}}).stop()
    assert list(read_journal(tmp_path / "journal")) == []


def test_a_journal_that_the_disk_does_not_take_keeps_no_event_back(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "journal").write_text("in the way")
    stage = with_somebody(tmp_path)
    for _ in range(4):
        stage.frames(3)
        stage.clock.advance(9)
    assert [due.event.kind for due in stage.outbox.due()][:1] == [EventKind.PERSON]
    stage.stop()
    assert caplog.text.count("journal_not_kept") == 1


def test_a_device_that_was_told_to_keep_no_journal_writes_none_while_its_nucleus_does_not_answer(
    tmp_path: Path,
) -> None:
    with_somebody(tmp_path, {"journal": {"keep": "false"}}).stop()
    stage = with_somebody(tmp_path, {"camera": {}})
    stage.frames(10)
    stage.stop()
    assert not (tmp_path / "journal").exists()


def past(folder: Path) -> list[PastEvent]:
    """What is in the history, oldest first."""
    reader = PastEvents(folder / "history", folder / "pictures")
    reader.refresh()
    return list(reader.page().events)[::-1]


def test_each_change_of_an_event_is_in_the_history_with_its_picture_also_after_a_restart(tmp_path: Path) -> None:
    stage = Stage(tmp_path, [0.9]).start()
    stage.frames(5)
    wait_until(lambda: past(tmp_path))
    (begun,) = past(tmp_path)
    assert (begun.event.kind, begun.event.phase, begun.has_picture) == (EventKind.ANOMALY, Phase.RAISED, True)
    stage.stop()
    stage = Stage(tmp_path, [0.9]).start()
    stage.frames(2)
    stage.status(CameraState.ENDED)
    wait_until(lambda: [one.event.phase for one in past(tmp_path)] == [Phase.CLEARED])
    (over,) = past(tmp_path)
    stage.stop()
    assert over.event.event_id == begun.event.event_id


def test_a_process_that_died_between_the_outbox_and_the_history_leaves_no_gap(tmp_path: Path) -> None:
    stage = Stage(tmp_path, [0.9]).start()
    stage.frames(5)
    stage.stop()
    for file in (tmp_path / "history").iterdir():
        file.unlink()
    stage = Stage(tmp_path, [0.9]).start()
    wait_until(lambda: past(tmp_path))
    stage.stop()
    assert [one.event.event_id for one in past(tmp_path)] == [
        episode.event_id for episode in Outbox(tmp_path / "outbox.sqlite3", FakeClock()).open_episodes()
    ]


@pytest.mark.parametrize("fault", ["in the way", "no space"])
def test_a_history_that_the_disk_does_not_take_keeps_no_event_back(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, fault: str
) -> None:
    (tmp_path / "history").write_text(fault)
    stage = Stage(tmp_path, [0.9]).start()
    for _ in range(4):
        stage.frames(3)
        stage.clock.advance(9)
    assert stage.kinds() == [("anomaly", "raised")]
    assert caplog.text.count("history_not_kept") == 1
    (tmp_path / "history").unlink()
    stage.clock.advance(11)
    wait_until(lambda: len(past(tmp_path)) == 1)
    stage.stop()


def test_what_the_outbox_does_not_take_is_in_the_history_all_the_same(tmp_path: Path) -> None:
    stage = Stage(tmp_path, [0.9]).start()
    stage.outbox.is_full = True
    stage.frames(5)
    wait_until(lambda: past(tmp_path))
    stage.outbox.is_full = False
    stage.stop()


def test_a_history_that_nobody_wants_is_deleted(tmp_path: Path) -> None:
    stage = Stage(tmp_path, [0.9]).start()
    stage.frames(5)
    wait_until(lambda: past(tmp_path))
    stage.nucleus.configure(NAME, {"history": {"keep": "false"}})
    wait_until(lambda: past(tmp_path) == [])
    stage.status(CameraState.ENDED)
    wait_until(lambda: ("anomaly", "cleared") in stage.kinds())
    stage.stop()
    assert past(tmp_path) == []


def test_what_people_have_told_the_cloud_is_a_part_of_the_event(tmp_path: Path) -> None:
    stage = Stage(tmp_path, [0.9]).start()
    stage.frames(5)
    wait_until(lambda: past(tmp_path))
    (one,) = past(tmp_path)
    verdicts = (Verdict(one.event.event_id, true=False),)
    stage.service.wanted.hear("", replace(NOTHING_WANTED, revision=3, verdicts=verdicts).to_json())
    wait_until(lambda: [one.verdict for one in past(tmp_path)] == [False])
    stage.stop()
    for file in (tmp_path / "history").iterdir():
        file.unlink()
    Stage(tmp_path, [0.9]).start().stop()
    assert [one.verdict for one in past(tmp_path)] == [False], "it is known from the start"


def test_clips_of_which_the_cloud_wants_to_hear_nothing_are_in_the_history(stage: Stage, tmp_path: Path) -> None:
    event = event_of(1, thing=THING)
    clips = (ClipPart(1, 1000, "a" * 64),)
    kept = ClipKept(replace(event, phase=Phase.RECORDED, revision=1, clips=clips))
    stage.tell(clips_topic(event.camera_id), encode_clip_message(kept))
    wait_until(lambda: [one.clips for one in past(tmp_path)] == [clips])


def test_who_says_that_he_looks_is_told_what_is_seen_and_nobody_else_is(tmp_path: Path) -> None:
    stage = with_somebody(tmp_path)
    stage.frames(2)
    assert stage.nucleus.local_payloads("smartcam/views/+") == []
    stage.tell(views_topic(YARD), encode_view_message(ViewWatch(YARD)))
    stage.frames(4)
    said = [decode_view_message(each) for each in stage.nucleus.local_payloads(views_topic(YARD))[1:]]
    stage.stop()
    assert len(said) >= 3
    assert all(isinstance(one, CameraView) and one.objects[0].label == "person" for one in said)


def many(count: int) -> list[CameraId]:
    return [CameraId(f"foreign-{number}") for number in range(count)]


def test_six_hundred_cameras_that_nobody_configured_take_the_memory_of_sixteen(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (480, 640, 3), np.uint8)
    jpeg = bytes(cv2.imencode(".jpg", noise, [cv2.IMWRITE_JPEG_QUALITY, 90])[1])
    assert len(jpeg) > 256_000
    stage = Stage(tmp_path, [0.1])
    stage.service._settings_due.set()
    stage.service._step()
    tracemalloc.start()
    try:
        for camera in many(600):
            at = FrameNotice(camera, 1, 0, 0, 640, 480, stage.clock.utc(), stage.clock.monotonic(), 0, ())
            for chunk in encode_inline(InlineFrame(at, jpeg)):
                stage.service._on_notice(frames_topic(camera), chunk)
        for _ in range(17):
            stage.service._step()
        assert tracemalloc.get_traced_memory()[1] < 32 << 20
    finally:
        tracemalloc.stop()
    facts = stage.service.facts
    assert (facts.analysed, len(facts.cameras), facts.cameras_left_out) == (16, 16, 256)
    stage.service._cameras.close()
    stage.outbox.close()


def test_five_thousand_cameras_that_nobody_configured_raise_the_events_of_sixteen_and_lose_no_change(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    stage = Stage(tmp_path, [0.1])
    for state in (CameraState.RUNNING, CameraState.LOST):
        for camera in many(5000):
            status = StatusNotice(camera, state, "cable", 5.0, 1, 1, stage.clock.utc(), stage.clock.utc())
            stage.service._on_notice(frames_topic(camera), encode_notice(status))
        for _ in range(17):
            stage.service._step()
    stage.clock.advance(12)
    stage.service._step()
    assert [kind for kind, _ in stage.kinds()] == ["camera_lost"] * 16
    assert caplog.text.count("change_lost") == 0
    assert caplog.text.count("camera_left_out") == 1
    assert stage.service.facts.cameras_left_out == 256
    stage.outbox.close()


def test_a_configured_camera_is_analysed_however_many_others_came_before_it(tmp_path: Path) -> None:
    stage = Stage(tmp_path, [0.9], {"cameras": {"yard": {}}})
    for camera in many(200):
        stage.service._on_notice(frames_topic(camera), encode_notice(notice(camera)))
    stage.start()
    stage.frames(4)
    assert stage.kinds() == [("anomaly", "raised")]
    stage.stop()


def test_chunks_of_one_camera_on_the_topic_of_another_take_no_place(stage: Stage) -> None:
    at = FrameNotice(GATE, 1, 0, 0, 64, 48, UtcNs(1), MonotonicNs(1), 0, ())
    for chunk in encode_inline(InlineFrame(at, b"jpeg" * 5000)):
        stage.tell(frames_topic(YARD), chunk)
    assert stage.service.facts.frames.refused == 3
    assert not stage.service._roster.holds(GATE)


@pytest.mark.parametrize("ahead_s", [2, 10**9])
def test_one_foreign_frame_from_the_future_hides_no_frame_that_comes_after_it(stage: Stage, ahead_s: int) -> None:
    stage.frames(1)
    jpeg = cv2.imencode(".jpg", np.zeros((60, 100, 3), np.uint8))[1].tobytes()
    later = MonotonicNs(stage.clock.monotonic() + ahead_s * NS_PER_S)
    at = replace(notice(YARD), captured_mono=later)
    for payload in (encode_notice(at), *encode_inline(InlineFrame(at, jpeg))):
        stage.tell(frames_topic(YARD), payload)
    assert stage.service.facts.frames.refused == 2
    stage.frames(5)
    assert stage.kinds() == [("anomaly", "raised")]


def test_a_camera_that_leaves_the_configuration_is_forgotten_and_what_is_open_of_it_ends(stage: Stage) -> None:
    stage.nucleus.configure(NAME, {"cameras": {"yard": {}}})
    stage.frames(5)
    wait_until(lambda: stage.service._settings.cameras)
    stage.nucleus.configure(NAME, {})
    wait_until(lambda: stage.service.facts.cameras == ())
    wait_until(lambda: stage.kinds() == [("anomaly", "cleared"), ("anomaly", "raised")])
    assert stage.outbox.open_episodes() == []
    cameras = stage.service._cameras
    assert [len(each) for each in (cameras._cameras, cameras._readers._readers)] == [0, 0]
    stage.clock.advance(600)
    stage.frames(5)
    assert ("camera_lost", "raised") not in stage.kinds()


def test_a_lost_camera_that_leaves_the_configuration_is_not_lost_any_more(stage: Stage) -> None:
    stage.nucleus.configure(NAME, {"cameras": {"yard": {}}})
    wait_until(lambda: stage.service._settings.cameras)
    stage.status(CameraState.LOST)
    wait_until(lambda: stage.kinds() == [("camera_lost", "raised")])
    stage.nucleus.configure(NAME, {})
    wait_until(lambda: stage.kinds() == [("camera_lost", "cleared"), ("camera_lost", "raised")])
    assert stage.outbox.open_episodes() == []


def test_what_an_earlier_process_left_open_of_more_cameras_than_have_places_ends(tmp_path: Path) -> None:
    stage = Stage(tmp_path, [0.1])
    for camera in many(40):
        trigger = Trigger(EventKind.CAMERA_LOST, 1.0, 0.0)
        _, change = replace(maker(camera), new_id=stage.service._cameras._context.new_id).raised(
            trigger, stage.clock.utc(), stage.clock.monotonic()
        )
        assert change.event is not None
        stage.outbox.put(change.event, change.episode)
    stage.start()
    wait_until(lambda: len(stage.outbox.open_episodes()) == 16)
    assert sum(camera.outage is not None for camera in stage.service._cameras._cameras.values()) == 16
    stage.stop()


def test_capture_hears_which_clips_may_go_first_and_which_last(stage: Stage) -> None:
    false, waiting = event_of(1).event_id, event_of(2, thing=THING)
    stage.outbox.put(waiting)
    said = replace(NOTHING_WANTED, verdicts=(Verdict(false, true=False),))
    stage.service.wanted.hear("", said.to_json())
    stage.frame()
    stage.clock.advance(60)

    def is_told() -> bool:
        said = map(decode_clip_message, stage.nucleus.local_payloads(clips_topic(YARD)))
        # That the camera has been silent meanwhile may be an event that waits too.
        return any(
            isinstance(each, ClipWorth) and each.false == (false,) and waiting.event_id in each.waiting for each in said
        )

    wait_until(is_told)


def test_capture_hears_that_a_clip_is_known_when_its_record_is_on_the_disk_and_not_before(stage: Stage) -> None:
    stage.service.wanted.hear("", replace(NOTHING_WANTED, takes=("recorded",)).to_json())
    event = event_of(1, thing=THING)
    clips = (ClipPart(1, 1000, "a" * 64),)
    kept = ClipKept(replace(event, phase=Phase.RECORDED, revision=1, clips=clips))
    stage.outbox.is_full = True
    stage.tell(clips_topic(YARD), encode_clip_message(kept))
    wait_until(lambda: stage.service.changes.unstored)
    said = [decode_clip_message(each) for each in stage.nucleus.local_payloads(clips_topic(YARD))]
    assert not any(isinstance(each, ClipHeard) for each in said)
    stage.outbox.is_full = False
    stage.clock.advance(2)
    heard = encode_clip_message(ClipHeard(YARD, event.event_id, 1))
    wait_until(lambda: heard in stage.nucleus.local_payloads(clips_topic(YARD)))
    assert stage.kinds() == [("person", "recorded")]
    assert stage.uploads.clips.waiting() == 0


def test_a_clip_waits_for_its_upload_where_the_configuration_wants_that(tmp_path: Path) -> None:
    wanted = {"enabled": True, "bucket": "pictures", "clips": True}
    stage = Stage(tmp_path, [0.1], {"snapshots": wanted}).start()
    try:
        clips = (ClipPart(1, 1000, "a" * 64), ClipPart(2, 10, "b" * 64))
        kept = ClipKept(replace(event_of(1, thing=THING), phase=Phase.RECORDED, revision=2, clips=clips))
        stage.tell(clips_topic(YARD), encode_clip_message(kept))
        wait_until(lambda: stage.uploads.clips.waiting() == 2)
        stage.nucleus.configure(NAME, {"snapshots": {**wanted, "clips": False}})
        wait_until(lambda: stage.uploads.clips.waiting() == 0)
    finally:
        stage.stop()


def add_bundle(stage: Stage, name: str) -> Path:
    folder = stage.folder / "bundle" / name
    folder.mkdir(exist_ok=True)
    (folder / "manifest.json").write_text("{}")
    return folder


def reported_models(stage: Stage) -> dict[str, str | None]:
    return {one.camera_id: one.model for one in stage.service.facts.cameras}


def test_a_camera_that_names_a_bundle_of_the_release_is_analysed_with_it_and_health_says_so(stage: Stage) -> None:
    traffic = add_bundle(stage, "traffic")
    stage.objects = object_model([seen(("person", 0.8, (40.0, 10.0, 60.0, 50.0)))])
    stage.nucleus.configure(
        NAME, {"bundles": {"traffic": ""}, "cameras": {"gate": {"detector": "traffic"}, "yard": {}}}
    )
    wait_until(lambda: traffic in stage.opened)
    for _ in range(5):
        stage.frame(GATE)
        stage.frame(YARD)
    wait_until(lambda: len(stage.kinds()) == 2)
    stage.outbox.retry_now()
    events = {due.event.camera_id: due.event.model_name for due in stage.outbox.due(9)}
    assert events == {GATE: "eyes", YARD: "nose"}
    assert reported_models(stage) == {GATE: "eyes 1.2.0", YARD: None}
    assert (stage.service.facts.model_name, stage.service.facts.bundle_refused) == ("nose", "")
    stage.nucleus.configure(NAME, {"bundles": {"traffic": ""}, "cameras": {"gate": {}, "yard": {}}})
    wait_until(lambda: reported_models(stage) == {GATE: None, YARD: None})


def test_a_bundle_that_is_not_there_is_told_and_its_camera_is_watched_with_the_default_one(stage: Stage) -> None:
    stage.nucleus.configure(NAME, {"bundles": {"traffic": ""}, "cameras": {"gate": {"detector": "traffic"}}})
    wait_until(lambda: stage.service.facts.bundle_refused)
    assert "traffic is no bundle" in stage.service.facts.bundle_refused
    for _ in range(4):
        stage.frame(GATE)
    assert stage.service.changes.raised == 1
    assert (reported_models(stage)[GATE], stage.service.facts.model_name) == (None, "nose")


def test_a_detector_that_is_misspelt_changes_nothing_and_is_told_with_the_names_that_there_are(stage: Stage) -> None:
    add_bundle(stage, "traffic")
    stage.nucleus.configure(NAME, {"bundles": {"traffic": ""}, "cameras": {"yard": {"detector": "trafic"}}})
    wait_until(lambda: stage.service.facts.configuration_refused)
    said = stage.service.facts.configuration_refused
    assert said.startswith("cameras.yard.detector must be one of default, traffic; did you mean traffic?")
    stage.frames(4)
    assert stage.service.changes.raised == 1


def test_what_is_kept_of_a_bundle_is_deleted_when_no_camera_names_it_but_not_before_that_is_known(
    tmp_path: Path,
) -> None:
    kept = tmp_path / "last-good-bundle-traffic"
    kept.mkdir()
    Stage(tmp_path, [0.9], {"novelty": 1}).start().stop()
    assert kept.exists()
    Stage(tmp_path, [0.9], {"bundles": {"traffic": ""}, "cameras": {"yard": {"detector": "traffic"}}}).start().stop()
    assert kept.exists()
    Stage(tmp_path, [0.9], {}).start().stop()
    assert not kept.exists()


def test_a_configured_filter_holds_back_an_event_that_goes_on_and_ends_as_others_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the network says is covered elsewhere: here it calls everything false."""
    monkeypatch.setattr("smartcam.model.rows.bundle.RowBundle.holds_back", lambda *_: True)
    folder = write_filter(tmp_path / "filter", learn_filter(judged_history(), linear), "3")
    stage = Stage(tmp_path, [0.9] * 9, {"filter": str(folder)})
    stage.service.wanted.hear("", replace(NOTHING_WANTED, takes=("held_back",)).to_json())
    stage.start()
    try:
        for _ in range(4):
            stage.frame()
        wait_until(lambda: stage.outbox.due(9))
        (raised,) = [due.event for due in stage.outbox.due(9)]
        assert raised.held_back == "events 3"
        wait_until(lambda: [one.event.held_back for one in past(tmp_path)] == ["events 3"])
        (episode,) = stage.outbox.open_episodes()
        assert restored(episode).event.held_back is None
        stage.nucleus.configure(NAME, {"filter": str(tmp_path / "none")})
        wait_until(lambda: "filter: " in stage.service.facts.bundle_refused)
    finally:
        stage.stop()
