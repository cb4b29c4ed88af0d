"""From the pictures that inference gets to segments on the disk, and what keeps them from it."""

import io
import json
import logging
import threading
import time
from pathlib import Path

import av
import numpy as np
import pytest

from smartcam.capture.recording.footage_folder import RESERVE_BYTES, FootageFolder
from smartcam.capture.recording.footage_recording import FootageRecorder, FootageRecording, Taken
from smartcam.capture.recording.port import NoRecording, Recordings
from smartcam.capture.settings import FootageSettings, SourceSettings
from smartcam.capture.sources.encoding import PictureEncoder
from smartcam.capture.sources.source import TimedPicture
from smartcam.contract.ids import CameraId
from smartcam.edge.lifecycle import StopToken
from smartcam.vision.picture import Picture
from tests.clips import picture_of
from tests.encoded import played
from tests.fakes.clock import FakeClock
from tests.waiting import until

YARD, GATE = CameraId("yard"), CameraId("gate")


class Yard:
    """A recorder on simulated time."""

    def __init__(self, path: Path, camera: CameraId = YARD) -> None:
        self.path = path / "footage"
        self.clock = FakeClock()
        self.free = 10 * RESERVE_BYTES
        self.folder = FootageFolder(self.path, self.clock, lambda _: self.free)
        self.recorder = FootageRecorder(camera, self.folder, self.clock)
        self.count = 0

    def take(self, pictures: int = 1, size: tuple[int, int] = (64, 48), every_s: float = 1) -> None:
        for _ in range(pictures):
            shade = np.full(size[::-1], 40 + self.count % 8 * 20, np.uint8)
            self.recorder.take(Taken(picture_of(shade), self.clock.utc(), self.clock.monotonic()))
            self.count += 1
            self.clock.advance(every_s)

    def kept(self) -> list[bytes]:
        self.recorder.finish()
        return [self.folder.path(name).read_bytes() for name in self.folder.finished()]


@pytest.fixture
def yard(tmp_path: Path) -> Yard:
    return Yard(tmp_path)


def times(content: bytes) -> list[float]:
    with av.open(io.BytesIO(content), "r") as container:
        return [float(frame.time or 0) for frame in container.decode(video=0)]


def test_a_segment_holds_every_picture_at_its_time(yard: Yard) -> None:
    yard.take(40)
    yard.clock.advance(20)
    yard.take(3)
    (content,) = yard.kept()
    assert times(content) == pytest.approx([*range(40), 60, 61, 62], abs=0.001)
    with av.open(io.BytesIO(content), "r") as container:
        facts = json.loads(container.metadata["comment"])
    assert facts == {"camera": "yard", "begins_at": "2026-03-01T12:00:00.000Z", "clock_synced": True}


def test_every_ten_minutes_another_segment_begins_and_none_leaves_anything_out(yard: Yard) -> None:
    yard.take(150, every_s=10)
    kept = yard.kept()
    assert [len(times(content)) for content in kept] == [60, 60, 30]
    assert [str(name).split(".")[1] for name in yard.folder.finished()] == [
        "20260301T120000Z",
        "20260301T121000Z",
        "20260301T122000Z",
    ]


def test_a_process_that_is_killed_leaves_all_but_the_last_picture_and_the_next_one_finishes_it(yard: Yard) -> None:
    yard.take(30)
    later = FootageFolder(yard.path, yard.clock)
    later.tend()
    (name,) = later.finished()
    assert len(times(later.path(name).read_bytes())) >= 28
    assert [path.name for path in yard.path.iterdir()] == [str(name)]


def test_a_camera_that_sends_in_another_size_goes_on_in_another_segment(yard: Yard) -> None:
    yard.take(3)
    yard.take(3, size=(128, 96))
    yard.take(3)
    assert [len(times(content)) for content in yard.kept()] == [3, 3, 3]


def test_key_frames_are_rare_because_they_are_large(yard: Yard) -> None:
    for _ in range(90):
        yard.count = 0  # nothing changes
        yard.take()
    (content,) = yard.kept()
    with av.open(io.BytesIO(content), "r") as container:
        keys = [packet.is_keyframe for packet in container.demux(video=0) if packet.size]
    assert keys.count(True) == 3


def test_two_cameras_share_the_folder_and_a_camera_that_is_renamed_leaves_what_it_had(tmp_path: Path) -> None:
    one, other = Yard(tmp_path), Yard(tmp_path, GATE)
    other.recorder = FootageRecorder(GATE, one.folder, other.clock)
    for _ in range(5):
        one.take()
        other.take()
    other.recorder.finish()
    assert len(one.kept()) == 2
    assert {name.camera for name in one.folder.finished()} == {YARD, GATE}


def test_a_full_disk_is_reported_once_and_collecting_goes_on_when_there_is_room(
    yard: Yard, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    yard.take(5)
    yard.free = RESERVE_BYTES
    yard.take(30)
    assert yard.recorder.fault.startswith("footage is not collected: the disk has less than 500 MB")
    assert sum(record.getMessage().startswith("footage_not_collected") for record in caplog.records) == 1
    yard.free = 10 * RESERVE_BYTES
    yard.take(15)
    assert not yard.recorder.fault
    assert [len(times(content)) for content in yard.kept()] == [15]


@pytest.mark.parametrize("step", ["open", "write", "fsync", "rename"])
def test_whatever_the_disk_refuses_the_recorder_goes_on_and_recovers(
    yard: Yard, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def refuse(*_: object, **__: object) -> int:
        raise OSError(5, "Input/output error")

    yard.take(3)
    with monkeypatch.context() as broken:
        if step == "rename":
            broken.setattr(Path, "rename", refuse)
        else:
            broken.setattr(f"os.{step}", refuse)
        yard.take(3)
        yard.recorder.finish()
        yard.take(3)
        yard.recorder.finish()
    yard.take(30)
    assert not yard.recorder.fault
    assert len(times(yard.kept()[-1])) >= 15


def test_an_encoder_that_fails_is_a_fault_and_no_more(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError("pictures cannot be encoded: no encoder")

    with monkeypatch.context() as broken:
        broken.setattr(PictureEncoder, "encode", fail)
        yard.take(3)
    assert yard.recorder.fault == "footage is not collected: pictures cannot be encoded: no encoder"
    yard.take(12)
    assert not yard.recorder.fault


class Running:
    """A camera's recording with its thread, on real time."""

    def __init__(self, path: Path, every_s: float = 1) -> None:
        self.clock = FakeClock()
        self.folder = FootageFolder(path / "footage", self.clock)
        settings = SourceSettings(YARD, collect_footage=True, footage=FootageSettings(every_s))
        self.recording = FootageRecording(settings, self.folder, self.clock)

    def show(self, picture: Picture, seconds: float) -> None:
        now = self.clock.monotonic()
        self.recording.picture(TimedPicture(picture, 0, now, self.clock.utc(), now), picture)
        self.clock.advance(seconds)

    def has_begun(self) -> bool:
        """Whether a picture has been written. Asked without the lock, the folder would finish what is being written."""
        with self.folder.lock:
            return bool(self.folder.known())


def grey(shade: int) -> Picture:
    return picture_of(np.full((48, 64), shade, np.uint8))


def test_of_the_pictures_that_come_as_many_are_taken_as_the_setting_says(tmp_path: Path) -> None:
    running = Running(tmp_path, every_s=0.5)
    stop = StopToken()
    with running.recording.running(stop):
        until(lambda: [pulse.name for pulse in stop.loops.pulses() if pulse.is_resting] == ["footage-yard"])
        for number in range(100):
            running.show(grey(20 + number), 0.1)
            until(lambda: running.recording._waiting is not None and running.recording._waiting.empty())
    (name,) = running.folder.finished()
    assert times(running.folder.path(name).read_bytes()) == pytest.approx([n / 2 for n in range(20)], abs=0.001)


def test_a_picture_is_its_own_by_the_time_it_is_written(tmp_path: Path) -> None:
    running = Running(tmp_path)
    shown = np.full((48, 64), 60, np.uint8)
    with running.recording.running(StopToken()):
        running.show(picture_of(shown), 1)
        shown[:] = 250  # the mask's picture is written over by the next one
        time.sleep(0.05)
    (name,) = running.folder.finished()
    (frame,) = av.open(str(running.folder.path(name))).decode(video=0)
    assert abs(int(frame.to_ndarray()[:48].mean()) - 60) < 4


def test_a_disk_that_hangs_costs_footage_and_never_a_frame(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    running = Running(tmp_path)
    go_on = threading.Event()
    take = FootageRecorder.take
    monkeypatch.setattr(FootageRecorder, "take", lambda self, taken: (go_on.wait(60), take(self, taken)))
    with running.recording.running(StopToken()):
        began = time.monotonic()
        for number in range(200):
            running.show(grey(20 + number), 1)
        assert time.monotonic() - began < 60
        go_on.set()
    (name,) = running.folder.finished()
    assert 1 <= len(played(running.folder.path(name).read_bytes()).shades) <= 5


def test_pictures_before_and_after_it_runs_are_not_taken(tmp_path: Path) -> None:
    running = Running(tmp_path)
    running.show(grey(50), 1)
    with running.recording.running(StopToken()):
        pass
    running.show(grey(50), 1)
    assert running.folder.finished() == []


def test_whatever_one_picture_does_the_next_one_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    running = Running(tmp_path)
    encode = PictureEncoder.encode

    def once(*_: object) -> None:
        monkeypatch.setattr(PictureEncoder, "encode", encode)
        raise RuntimeError("unforeseen")

    with running.recording.running(StopToken()):
        running.show(grey(50), 1)
        until(running.has_begun)
        monkeypatch.setattr(PictureEncoder, "encode", once)
        running.show(grey(90), 1)
        until(lambda: PictureEncoder.encode is encode)
        running.show(grey(90), 1)
    assert len(running.folder.finished()) == 2


def test_the_faults_of_several_recordings_are_reported_together() -> None:
    both = Recordings(NoRecording("clips are not kept: a"), NoRecording(), NoRecording("footage is not collected: b"))
    assert both.fault == "clips are not kept: a; footage is not collected: b"


def test_a_day_says_in_the_log_once_what_encodes(yard: Yard, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    yard.take(100, every_s=60)
    assert len(yard.kept()) == 10
    assert sum(record.getMessage().startswith("encoder ") for record in caplog.records) == 1
