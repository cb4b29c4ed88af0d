"""Recording all the time: nothing is left out between segments, room and hours hold, and trouble is survived."""

import json
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from smartcam.capture.recording.continuous_folder import RESERVE_BYTES, ContinuousFolder
from smartcam.capture.recording.continuous_recorder import ContinuousRecorder
from smartcam.capture.recording.segment_name import SegmentName
from smartcam.capture.settings import RecordingSettings
from smartcam.contract.ids import CameraId
from smartcam.contract.times import NS_PER_S
from smartcam.edge.ring.packet_ring import PacketRingReader, PacketRingWriter, VideoPacket
from tests.encoded import encoded, played, video_packets
from tests.fakes.clock import FakeClock
from tests.unit.capture.recording.test_clip_folder import MB, padded

YARD = CameraId("yard")
BEGIN_S = 1000.0
KEPT = RecordingSettings(keep=True)


class Yard:
    """A camera's ring and recorder on simulated time; seconds count from the first packet, one packet a second."""

    def __init__(self, folder: Path, packets: Sequence[VideoPacket] = (), capacity: int = 1_000_000) -> None:
        self.shm = folder
        self.clock = FakeClock(mono=round(BEGIN_S * NS_PER_S))
        self.free = 10 * RESERVE_BYTES
        self.capacity = capacity
        self.packets = list(packets or video_packets(encoded(700), from_s=BEGIN_S, each_s=1))
        self.came = 0
        self.start()

    def start(self) -> None:
        self.ring = PacketRingWriter(self.shm, YARD, self.capacity, 4096)
        self.folder = ContinuousFolder(self.shm / "recording", self.clock, lambda _: self.free)
        self.folder.configure(KEPT)
        self.recorder = ContinuousRecorder(YARD, PacketRingReader(self.shm, YARD), self.folder, self.clock)

    def until(self, second: float, step_s: float = 1.0, *, looks: bool = True) -> None:
        """Packets come and, if it `looks`, the recorder looks, until then."""
        end = round((BEGIN_S + second) * NS_PER_S)
        while (now := self.clock.monotonic()) < end:
            self.clock.advance(min(step_s, (end - now) / NS_PER_S))
            while self.came < len(self.packets) and self.packets[self.came].captured_mono <= self.clock.monotonic():
                self.ring.write(self.packets[self.came])
                self.came += 1
            if looks:
                self.recorder.step()

    def close(self) -> None:
        self.recorder.close()
        self.ring.close()

    def shown(self) -> list[list[int]]:
        """The brightness of each picture of each finished segment, by its number."""
        return [played(self.folder.path(name).read_bytes()).numbers for name in self.folder.finished()]

    def files(self) -> list[str]:
        path = self.shm / "recording"
        return sorted(each.name for each in path.iterdir()) if path.exists() else []


@pytest.fixture
def yard(tmp_path: Path) -> Iterator[Yard]:
    made = Yard(tmp_path)
    yield made
    made.close()


def numbers(first: int, last: int) -> list[int]:
    return [seq % 24 for seq in range(first, last)]


def test_all_is_kept_in_segments_of_five_minutes_that_leave_nothing_out(yard: Yard) -> None:
    yard.until(650)
    assert [name.endswith(".part") for name in yard.files()] == [False, False, True]
    yard.recorder.close()
    yard.recorder = ContinuousRecorder(YARD, PacketRingReader(yard.shm, YARD), yard.folder, yard.clock)
    assert yard.shown() == [numbers(0, 300), numbers(300, 600), numbers(600, 651)]


def test_a_segment_says_its_camera_and_its_begin_and_only_its_owner_can_read_it(yard: Yard) -> None:
    yard.until(310)
    (name,) = yard.folder.finished()
    path = yard.folder.path(name)
    assert str(name) == "yard.19700101T001640Z.001.mp4"
    facts = json.loads(played(path.read_bytes()).comment)
    assert facts == {"camera": "yard", "begins_at": "1970-01-01T00:16:40.000Z", "clock_synced": True}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_what_a_killed_process_left_plays_and_the_next_one_goes_on(yard: Yard) -> None:
    yard.until(45)
    yard.ring.close()
    yard.start()
    yard.until(99)
    yard.recorder.close()
    yard.recorder = ContinuousRecorder(YARD, PacketRingReader(yard.shm, YARD), yard.folder, yard.clock)
    before, after = yard.shown()
    assert before == numbers(0, len(before))
    assert len(before) >= 44
    assert after == numbers(50, 100)
    assert all(name.endswith(".mp4") for name in yard.files())


def test_a_full_disk_is_reported_and_when_it_has_room_recording_goes_on(yard: Yard) -> None:
    yard.until(25)
    yard.free = 0
    yard.until(60)
    assert yard.recorder.fault.startswith("nothing is recorded: the disk has less than 500 MB left")
    assert all(name.endswith(".mp4") for name in yard.files())
    yard.free = 10 * RESERVE_BYTES
    yard.until(99)
    assert yard.recorder.fault == ""
    assert [name.endswith(".part") for name in yard.files()] == [True]


@pytest.mark.parametrize("call", ["open", "write", "fdatasync", "fsync"])
def test_whatever_the_disk_refuses_recording_recovers(yard: Yard, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    yard.until(5)
    with monkeypatch.context() as patch:

        def refused(*_: object, **__: object) -> None:
            raise OSError(30, "Read-only file system")

        patch.setattr(os, call, refused)
        yard.until(20)
    yard.until(60)
    assert yard.recorder.fault == ""
    assert any(name.endswith(".part") for name in yard.files())


def test_what_the_ring_has_lost_is_a_gap_between_two_segments(tmp_path: Path) -> None:
    yard = Yard(tmp_path, capacity=4096)
    yard.until(20)
    yard.until(300, looks=False)
    yard.until(305)
    yard.close()
    before, after = yard.shown()
    assert before == numbers(0, len(before))
    assert len(after) % 24
    assert after[-1] == 305 % 24


def test_a_camera_that_is_lost_leaves_a_finished_segment(tmp_path: Path) -> None:
    yard = Yard(tmp_path, video_packets(encoded(60), from_s=BEGIN_S, each_s=1))
    yard.until(130)
    assert yard.shown() == [numbers(0, 60)]
    yard.close()


def test_packets_that_are_none_and_another_resolution_cost_no_more_than_themselves(tmp_path: Path) -> None:
    packets = video_packets(encoded(60), from_s=BEGIN_S, each_s=1)
    packets[33] = replace(packets[33], content=b"\0\0\1")
    size = (128, 96)
    packets += video_packets(encoded(60, size=size), size=size, from_s=BEGIN_S + 60, each_s=1)
    yard = Yard(tmp_path, packets)
    yard.until(125)
    yard.close()
    assert yard.recorder.fault == ""
    small, large = (played(yard.folder.path(name).read_bytes(), is_damaged=True) for name in yard.folder.finished())
    assert len(small.stamps) == 59
    assert large.numbers == numbers(0, 60)


def test_bytes_and_hours_are_bounded_and_the_oldest_goes_first(tmp_path: Path) -> None:
    clock = FakeClock()
    folder = ContinuousFolder(tmp_path / "recording", clock, lambda _: 10 * RESERVE_BYTES)
    folder.configure(replace(KEPT, most_mb=1, hours=2))
    names = []
    for _ in range(6):
        growing = folder.grow(SegmentName.of(YARD, clock.utc(), clock.monotonic(), clock))
        growing.write(padded(0, 300_000))
        growing.finish()
        os.utime(folder.path(growing.name), ns=(clock.utc(), clock.utc()))
        names.append(growing.name)
        clock.advance(300)
        assert sum(each.stat().st_size for each in (tmp_path / "recording").iterdir()) <= MB
    assert folder.finished() == names[-3:]
    clock.advance(2 * 3600 - 599)
    folder.expire()
    assert folder.finished() == names[-1:]
    folder.configure(replace(KEPT, keep=False))
    assert folder.finished() == []
