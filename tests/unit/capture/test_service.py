import gc
import logging
import os
import threading
import time
import weakref
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest

from smartcam.capture.service import CaptureService
from smartcam.capture.settings import AtEnd, SourceSettings, TransportKind
from smartcam.capture.sources.file import open_file
from smartcam.contract.errors import CameraEnded, CameraLost, RingError
from smartcam.contract.ids import CameraId
from smartcam.contract.notice import CameraState, FrameNotice, StatusNotice, decode_notice
from smartcam.contract.times import NS_PER_S
from smartcam.contract.topics import frames_topic
from smartcam.edge.clock import SystemClock
from smartcam.edge.lifecycle import StopToken
from smartcam.edge.ring.frame_ring import RingReader, RingWriter
from smartcam.vision.picture import Picture
from tests.clips import moving_square, still_scene, write_clip
from tests.fakes.bus import FakeNucleus
from tests.fakes.clock import FakeClock
from tests.fakes.source import FakeOpener, SimulatedStop, Step
from tests.system.resources import usage

YARD = CameraId("yard")
SETTINGS = SourceSettings(YARD, Path("unused.mp4"))
STILL = next(still_scene(64, 48, 1))


@dataclass
class Bench:
    """A capture service among fakes, on simulated time."""

    folder: Path
    clock: FakeClock = field(default_factory=FakeClock)
    nucleus: FakeNucleus = field(default_factory=FakeNucleus)
    settings: SourceSettings = SETTINGS
    open_ring: Callable[[], RingWriter] | None = None

    def play(self, *scripts: Iterable[Step] | Exception, for_s: float = 30) -> FakeOpener:
        opener = FakeOpener(self.clock, *scripts)
        service = CaptureService(
            self.settings,
            opener,
            self.open_ring or (lambda: RingWriter(self.folder, YARD)),
            self.nucleus.bus("smartcam.Capture"),
            self.clock,
            lambda: 1.0,
        )
        service.run(SimulatedStop(self.clock, for_s))
        return opener

    def notices(self) -> list[FrameNotice | StatusNotice]:
        return [decode_notice(payload) for payload in self.nucleus.local_payloads(frames_topic(YARD))]

    def frames(self) -> list[FrameNotice]:
        return [notice for notice in self.notices() if isinstance(notice, FrameNotice)]

    def statuses(self) -> list[StatusNotice]:
        return [notice for notice in self.notices() if isinstance(notice, StatusNotice)]

    def states(self) -> list[tuple[CameraState, str]]:
        """Without repetitions."""
        told = [(notice.state, notice.reason) for notice in self.statuses()]
        return [now for before, now in zip([None, *told], told, strict=False) if now != before]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def stills(frames: int) -> Iterable[Step]:
    return [STILL] * frames


def test_a_still_scene_is_announced_once_a_second_without_boxes(bench: Bench) -> None:
    bench.play(stills(41))
    assert [notice.position_ns / NS_PER_S for notice in bench.frames()] == [0, 1, 2, 3, 4]
    assert [notice.seq for notice in bench.frames()] == [1, 2, 3, 4, 5]
    assert all(notice.motion == () for notice in bench.frames())


def test_motion_is_announced_with_its_boxes_five_times_a_second_and_ten_times_while_it_is_new(bench: Bench) -> None:
    bench.play(moving_square(frames=60, still_first=20))
    moving = [notice for notice in bench.frames() if notice.motion]
    gaps = np.diff([notice.position_ns for notice in moving]) / NS_PER_S
    assert moving[0].position_ns <= 2.6 * NS_PER_S
    assert set(np.round(gaps[:5], 3)) == {0.1}
    assert set(np.round(gaps[6:], 3)) == {0.2}
    for notice in moving[2:]:
        x = (notice.position_ns / NS_PER_S * 10 - 20) * 4
        assert any(box.x1 <= x + 20 <= box.x2 and box.y1 <= 120 <= box.y2 for box in notice.motion)


def test_announced_pixels_lie_in_the_ring(bench: Bench) -> None:
    taken: list[bool] = []
    made = list(moving_square(frames=30))

    def read(_topic: str, payload: bytes) -> None:
        notice = decode_notice(payload)
        if isinstance(notice, FrameNotice):
            frame = reader.read(notice)
            made_here = made[round(notice.position_ns / NS_PER_S * 10)]
            taken.append(np.array_equal(frame.picture.y, made_here.y) and frame.motion == notice.motion)

    reader = RingReader(bench.folder, YARD)
    bench.nucleus.bus("smartcam.Inference").subscribe_local("smartcam/frames/+", read)
    bench.play(made)
    reader.close()
    assert len(taken) > 3
    assert all(taken)


def test_running_is_told_at_the_first_picture_and_again_every_five_seconds(bench: Bench) -> None:
    began = bench.clock.utc()
    bench.play(stills(200), for_s=18)
    running = [notice for notice in bench.statuses() if notice.state is CameraState.RUNNING]
    assert [(notice.sent_at - began) // NS_PER_S for notice in running] == [0, 5, 10, 15]
    assert {notice.opened_at for notice in running} == {began}
    assert running[-1].frames_read == pytest.approx(151, abs=1)
    assert running[-1].frames_announced == pytest.approx(16, abs=1)
    assert running[-1].frames_per_second == pytest.approx(10, abs=0.1)


def test_the_end_of_a_clip_is_told_again_and_again_and_the_clip_is_not_opened_again(bench: Bench) -> None:
    opener = bench.play(stills(10), for_s=31)
    ended = [notice for notice in bench.statuses() if notice.state is CameraState.ENDED]
    assert len(opener.opened_at_s) == 1
    assert len(ended) >= 6
    assert {(notice.frames_read, notice.frames_announced) for notice in ended} == {(10, 1)}
    assert opener.sources[0].is_closed


def test_a_clip_that_is_to_be_reopened_begins_again_after_a_wait(bench: Bench) -> None:
    bench.settings = replace(SETTINGS, at_end=AtEnd.REOPEN)
    opener = bench.play(stills(10), for_s=12)
    assert np.diff(opener.opened_at_s) == pytest.approx([1.9, 2.9, 4.9])
    assert [state for state, _ in bench.states()][:3] == [
        CameraState.RUNNING,
        CameraState.ENDED,
        CameraState.RUNNING,
    ]
    seqs = [notice.seq for notice in bench.frames()]
    assert seqs == list(range(1, len(seqs) + 1))


def test_a_source_that_cannot_be_opened_is_told_and_tried_with_growing_waits(bench: Bench) -> None:
    opener = bench.play(CameraLost("/clips/a.mp4: No such file or directory"), for_s=100)
    assert np.diff(opener.opened_at_s)[:6] == pytest.approx([1, 2, 4, 8, 16, 30])
    assert bench.states() == [(CameraState.LOST, "/clips/a.mp4: No such file or directory")]
    ages = np.diff([notice.sent_at for notice in bench.statuses()]) / NS_PER_S
    assert ages.max() < 10


def test_a_source_that_fails_and_comes_back_is_told_as_lost_and_running(bench: Bench) -> None:
    bench.play([*stills(5), CameraLost("cable")], CameraLost("no route"), stills(20), for_s=20)
    assert [reason or state for state, reason in bench.states()][:4] == ["running", "cable", "no route", "running"]


def test_after_a_good_spell_the_waits_begin_anew(bench: Bench) -> None:
    lost = CameraLost("gone")
    opener = bench.play(lost, lost, lost, [*stills(150), CameraLost("cable")], lost, for_s=40)
    waits = np.diff(opener.opened_at_s)
    assert waits[:3] == pytest.approx([1, 2, 4])
    assert waits[3] - 14.9 == pytest.approx(1)


def test_a_source_without_pictures_is_lost_after_its_time_and_opened_again(bench: Bench) -> None:
    opener = bench.play([*stills(5), *[None] * 60], stills(50), for_s=20)
    assert (CameraState.LOST, "no picture for 10 s") in bench.states()
    assert len(opener.opened_at_s) == 2
    assert opener.sources[0].is_closed


def test_a_camera_that_sends_but_no_key_frame_yet_is_told_lost_and_not_opened_again(bench: Bench) -> None:
    waiting = "rtsp://gate: waiting for a key frame"
    opener = bench.play([waiting, *[None] * 25, "", *stills(60)], for_s=29)
    assert len(opener.opened_at_s) == 1
    assert bench.states() == [(CameraState.LOST, waiting), (CameraState.RUNNING, "")]
    assert [notice.state for notice in bench.statuses()].count(CameraState.LOST) >= 3


def test_a_short_wait_for_a_key_frame_is_no_loss(bench: Bench) -> None:
    opener = bench.play([*stills(5), "waiting for a key frame", *[None] * 9, "", *stills(40)], for_s=13)
    assert len(opener.opened_at_s) == 1
    assert {state for state, _ in bench.states()} == {CameraState.RUNNING}


def test_a_camera_that_falls_silent_while_it_is_waited_for_is_opened_again(bench: Bench) -> None:
    opener = bench.play([*stills(5), "waiting for a key frame", *[None] * 15, "", *[None] * 3], stills(50), for_s=25)
    assert len(opener.opened_at_s) == 2
    assert (CameraState.LOST, "waiting for a key frame") in bench.states()


def test_a_pause_shorter_than_the_stall_is_no_loss(bench: Bench) -> None:
    bench.play([*stills(5), *[None] * 9, *stills(5), CameraEnded("over")], for_s=12)
    assert CameraState.LOST not in [state for state, _ in bench.states()]


def test_a_fault_that_nobody_foresaw_is_a_loss_with_a_traceback_not_an_end(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        opener = bench.play([ZeroDivisionError("oh")], stills(5), for_s=5)
    assert (CameraState.LOST, "ZeroDivisionError: oh") in bench.states()
    assert len(opener.opened_at_s) == 2
    assert "capture_failed" in caplog.text


def test_a_dead_bus_stops_nothing_and_is_said_once(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    def away() -> None:
        bench.nucleus.away = True

    def back() -> None:
        bench.nucleus.away = False

    with caplog.at_level(logging.INFO):
        bench.play([*stills(20), away, *stills(40), back, *stills(20)], for_s=20)
    frames = bench.frames()
    assert caplog.text.count("notices_dropped") == 1
    assert caplog.text.count("notices_taken_again") == 1
    assert [notice.seq for notice in frames] == [1, 2, 7, 8]
    assert bench.statuses()[-1].frames_read == 80
    assert bench.statuses()[-1].frames_announced == 4


def test_a_bus_that_refuses_stops_nothing(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    bench.nucleus.refused.add("smartcam/frames/yard")
    opener = bench.play(stills(50), for_s=10)
    assert len(opener.opened_at_s) == 1
    assert caplog.text.count("notices_dropped") == 1
    assert bench.notices() == []


def test_shared_memory_that_fails_is_told_and_made_anew_without_opening_the_source_again(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    faults = [RingError("no room in /dev/shm")] * 3

    def open_ring() -> RingWriter:
        if faults:
            raise faults.pop()
        return RingWriter(bench.folder, YARD)

    bench.open_ring = open_ring
    bench.settings = replace(SETTINGS, transport=TransportKind.SHARED)
    opener = bench.play(stills(100), for_s=9)
    assert len(opener.opened_at_s) == 1
    assert bench.states() == [(CameraState.LOST, "no room in /dev/shm"), (CameraState.RUNNING, "")]
    assert [notice.position_ns / NS_PER_S for notice in bench.frames()][:3] == [4, 5, 6]
    assert caplog.text.count("ring_failed") == 1


def test_the_ring_is_removed_at_the_end(bench: Bench) -> None:
    bench.play(stills(20), for_s=1)
    assert len(bench.frames()) > 0
    assert list(bench.folder.iterdir()) == []


def test_a_change_of_the_pictures_size_is_followed(bench: Bench) -> None:
    small = Picture.from_i420(np.full(32 * 16 * 3 // 2, 90, np.uint8), 32, 16)
    bench.play([*stills(15), *[small] * 15], for_s=5)
    assert [(notice.width, notice.height) for notice in bench.frames()] == [(64, 48), (64, 48), (32, 16)]
    assert len({notice.ring for notice in bench.frames()}) == 2


def test_the_start_can_be_delayed(bench: Bench) -> None:
    bench.settings = replace(SETTINGS, start_delay_s=3)
    began = bench.clock.monotonic() / NS_PER_S
    assert bench.play(stills(5), for_s=10).opened_at_s == [began + 3]


def test_a_service_that_is_stopped_before_it_begins_opens_nothing(bench: Bench) -> None:
    assert bench.play(stills(5), for_s=0).opened_at_s == []


def test_a_reason_of_any_kind_can_be_told(bench: Bench) -> None:
    bench.play(CameraLost("bad\n\x00name" + "x" * 500), for_s=2)
    assert bench.statuses()[0].reason.startswith("bad??name")
    assert len(bench.statuses()[0].reason) == 256


@pytest.mark.parametrize("at_end", AtEnd)
def test_a_real_clip_in_real_time_stops_long_before_its_next_picture(tmp_path: Path, at_end: AtEnd) -> None:
    nucleus, clock, stop = FakeNucleus(), SystemClock(), StopToken()
    settings = replace(SETTINGS, path=write_clip(tmp_path / "a.mp4", moving_square(frames=3), fps=0.02), at_end=at_end)
    service = CaptureService(
        settings,
        lambda token: open_file(settings, clock, token),
        lambda: RingWriter(tmp_path, YARD),
        nucleus.bus("smartcam.Capture"),
        clock,
        lambda: 0.5,
    )
    thread = threading.Thread(target=service.run, args=(stop,))
    thread.start()
    deadline = time.monotonic() + 60
    while not nucleus.published_local and time.monotonic() < deadline:
        stop.wait(0.01)
    stop.set()
    thread.join(60)
    assert not thread.is_alive()
    assert nucleus.published_local


def test_what_a_lost_camera_has_freed_goes_back_to_the_system(bench: Bench) -> None:
    pins: list[bytes] = []
    most: list[float] = []

    def leave_holes() -> None:
        blocks = [b"1" * 60_000 for _ in range(500)]
        pins.extend(blocks[::50])  # so that no block at the end of the heap is free
        most.append(usage(os.getpid()).rss_mib)

    bench.play([leave_holes, STILL, CameraLost("the cable is cut")], for_s=2)
    assert usage(os.getpid()).rss_mib < most[-1] - 15
    assert pins


class Circle:
    """What only the garbage collection finds, as PyAV's containers and streams."""

    def __init__(self) -> None:
        self.itself = self


def test_a_lost_camera_s_decoder_does_not_wait_for_the_garbage_collection(bench: Bench) -> None:
    left: list[weakref.ref[Circle]] = []
    gc.disable()
    try:
        bench.play([lambda: left.append(weakref.ref(Circle())), STILL, CameraLost("the cable is cut")], for_s=2)
        assert left[0]() is None
    finally:
        gc.enable()
