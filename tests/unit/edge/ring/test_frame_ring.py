"""Writing and reading the ring: whole frames or none, and what happens when either side goes."""

import gc
import itertools
import os
import threading
import types
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from random import Random

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from smartcam.contract.errors import FrameOverwritten, RingError
from smartcam.contract.ids import CameraId
from smartcam.contract.notice import FrameNotice, decode_notice, encode_notice
from smartcam.edge.ring import frame_ring as ring
from smartcam.edge.ring.frame_ring import RingReader, RingWriter
from smartcam.vision.frame import Frame
from smartcam.vision.picture import Picture
from tests.fakes.frames import MOTION, YARD, is_whole, plain_frame

Make = Callable[..., RingWriter]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    writers: list[RingWriter] = []

    def begin(slots: int = 3) -> RingWriter:
        writers.append(RingWriter(tmp_path, YARD, slots))
        return writers[-1]

    yield begin
    for writer in writers:
        writer.close()


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[RingReader]:
    it = RingReader(tmp_path, YARD)
    yield it
    it.close()


def test_a_frame_comes_out_as_it_went_in(make: Make, reader: RingReader) -> None:
    notice = make().write(plain_frame(7))
    frame = reader.read(notice)
    assert is_whole(frame)
    assert (frame.seq, frame.camera_id, frame.motion) == (7, YARD, MOTION)


@pytest.mark.parametrize("word", range(4))
def test_a_slot_that_says_anything_else_than_the_notice_is_not_read(make: Make, reader: RingReader, word: int) -> None:
    writer = make()
    notice = writer.write(plain_frame(7))
    assert writer._ring is not None
    writer._ring.places[notice.slot].facts.cast("Q")[word] += 1
    with pytest.raises(FrameOverwritten):
        reader.read(notice)


def test_a_notice_that_went_over_the_wire_leads_to_the_frame(make: Make, reader: RingReader) -> None:
    notice = decode_notice(encode_notice(make().write(plain_frame(7))))
    assert isinstance(notice, FrameNotice)
    assert is_whole(reader.read(notice))


@given(
    st.integers(1, 20).map(lambda half: 2 * half),
    st.integers(1, 20).map(lambda half: 2 * half),
    st.integers(0, 9),
    st.randoms(use_true_random=False),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=50)
def test_every_pixel_survives_whatever_the_size_and_the_padding(
    make: Make, reader: RingReader, width: int, height: int, padding: int, random: Random
) -> None:
    def plane(columns: int, rows: int) -> NDArray[np.uint8]:
        raw = np.frombuffer(random.randbytes(rows * (columns + padding)), np.uint8)
        return raw.reshape(rows, columns + padding)[:, :columns]

    picture = Picture(plane(width, height), plane(width // 2, height // 2), plane(width // 2, height // 2))
    frame = replace(plain_frame(1), picture=picture)
    writer = make()
    try:
        read = reader.read(writer.write(frame)).picture
    finally:
        writer.close()
    assert all(
        np.array_equal(one, other)
        for one, other in zip((read.y, read.u, read.v), (picture.y, picture.u, picture.v), strict=True)
    )


def test_the_last_frames_stay_readable_and_older_ones_are_gone(make: Make, reader: RingReader) -> None:
    writer = make(slots=3)
    notices = [writer.write(plain_frame(seq)) for seq in range(8)]
    assert [is_whole(reader.read(notice)) for notice in notices[-3:]] == [True] * 3
    for notice in notices[:-3]:
        with pytest.raises(FrameOverwritten, match=f"frame {notice.seq} of yard is gone"):
            reader.read(notice)


def test_a_frame_is_read_into_the_buffer_that_is_lent(make: Make, reader: RingReader) -> None:
    notice = make().write(plain_frame(7))
    buffer = np.zeros(2000, np.uint8)
    frame = reader.read(notice, buffer)
    assert np.shares_memory(frame.picture.y, buffer)
    assert is_whole(frame)
    assert not buffer[frame.picture.nbytes :].any()


def test_a_frame_that_was_read_is_the_readers_own(make: Make, reader: RingReader) -> None:
    writer = make(slots=1)
    frame = reader.read(writer.write(plain_frame(1)))
    reader.read(writer.write(plain_frame(2)))
    writer.close()
    reader.close()
    assert is_whole(frame)


@pytest.mark.parametrize(
    "buffer", [np.zeros(10, np.uint8), np.zeros((24, 32), np.uint8), np.zeros(768, np.int8).view(np.int8)]
)
def test_a_buffer_that_does_not_fit_is_refused(make: Make, reader: RingReader, buffer: NDArray[np.uint8]) -> None:
    notice = make().write(plain_frame(1))
    with pytest.raises(ValueError, match="flat uint8 buffer of 768 bytes"):
        reader.read(notice, buffer)


def test_another_picture_size_makes_a_new_ring_and_the_reader_follows(make: Make, reader: RingReader) -> None:
    writer = make()
    small = writer.write(plain_frame(1))
    assert reader.read(small).picture.width == 32
    large = writer.write(plain_frame(2, 64, 48))
    frame = reader.read(large)
    assert (frame.picture.width, frame.picture.height, is_whole(frame)) == (64, 48, True)
    assert large.ring != small.ring
    with pytest.raises(FrameOverwritten, match="capture has a new one"):
        reader.read(small)
    assert is_whole(reader.read(large))


def test_a_restarted_writer_is_noticed(make: Make, reader: RingReader) -> None:
    first = make()
    old = first.write(plain_frame(1))
    reader.read(old)
    first.close()
    new = make().write(plain_frame(1))
    assert is_whole(reader.read(new))
    with pytest.raises(FrameOverwritten):
        reader.read(old)


def test_a_restarted_reader_goes_on(make: Make, reader: RingReader, tmp_path: Path) -> None:
    notice = make().write(plain_frame(1))
    reader.read(notice)
    reader.close()
    assert is_whole(reader.read(notice))
    assert is_whole(RingReader(tmp_path, YARD).read(notice))


def test_a_ring_that_vanished_is_named(make: Make, reader: RingReader) -> None:
    writer = make()
    notice = writer.write(plain_frame(1))
    writer.close()
    with pytest.raises(RingError, match="smartcam-yard is not there: capture does not write this camera"):
        reader.read(notice)


def test_a_reader_that_has_the_ring_open_still_reads_its_last_frames(make: Make, reader: RingReader) -> None:
    writer = make()
    notices = [writer.write(plain_frame(seq)) for seq in (1, 2)]
    reader.read(notices[0])
    writer.close()
    assert is_whole(reader.read(notices[1]))


@pytest.mark.parametrize(
    "wrong", [{"slot": 3}, {"slot": 1023}, {"width": 64}, {"height": 8}, {"camera_id": CameraId("door")}]
)
def test_a_notice_that_does_not_fit_the_ring_is_refused(
    make: Make, reader: RingReader, wrong: dict[str, object]
) -> None:
    notice = make().write(plain_frame(1))
    with pytest.raises(RingError, match="yard"):
        reader.read(replace(notice, **wrong))  # type: ignore[arg-type]


def test_a_slot_that_was_never_written_holds_no_frame(make: Make, reader: RingReader) -> None:
    notice = make().write(plain_frame(0))
    with pytest.raises(FrameOverwritten):
        reader.read(replace(notice, slot=1))


def test_closing_removes_the_file_and_may_be_done_twice(make: Make, tmp_path: Path) -> None:
    writer = make()
    writer.write(plain_frame(1))
    assert (tmp_path / "smartcam-yard").exists()
    writer.close()
    writer.close()
    assert not list(tmp_path.iterdir())


def test_a_closed_writer_leaves_the_ring_of_its_successor_alone(make: Make, tmp_path: Path) -> None:
    first = make()
    first.write(plain_frame(1))
    (tmp_path / "smartcam-yard").unlink()
    make().write(plain_frame(1))
    first.close()
    assert (tmp_path / "smartcam-yard").exists()


def test_a_ring_whose_file_was_removed_is_made_anew_with_the_next_frame(make: Make, tmp_path: Path) -> None:
    writer = make()
    writer.write(plain_frame(1))
    (tmp_path / "smartcam-yard").unlink()
    notice = writer.write(plain_frame(2))
    late = RingReader(tmp_path, CameraId("yard"))
    assert late.read(notice).seq == 2
    late.close()


def held() -> int:
    """How many rings of the camera this process holds; others than the test's are of other tests."""
    return Path("/proc/self/maps").read_text(encoding="utf-8").count("smartcam-yard")


def test_a_frame_that_cannot_be_written_does_not_keep_the_memory(make: Make, tmp_path: Path) -> None:
    gc.collect()  # rings of other tests
    before, writer = held(), make()
    writer.write(plain_frame(1))
    assert held() > before
    broken = types.SimpleNamespace(y=plain_frame(2).picture.y, u=np.zeros((1, 3), np.uint8), v=None)
    with pytest.raises(ValueError, match="broadcast") as caught:
        writer.write(replace(plain_frame(2), picture=broken))  # type: ignore[arg-type]
    writer.close()
    assert caught.value is not None
    assert not list(tmp_path.iterdir())
    del caught
    gc.collect()
    assert held() == before


@pytest.mark.parametrize("length", [0, 48, 4096, 5000])
def test_a_ring_that_somebody_cuts_short_is_made_anew_with_the_next_frame(
    make: Make, reader: RingReader, tmp_path: Path, length: int
) -> None:
    writer = make()
    cut = writer.write(plain_frame(1))
    os.truncate(tmp_path / "smartcam-yard", length)
    new = writer.write(plain_frame(2))
    assert is_whole(reader.read(new))
    assert (new.ring != cut.ring) is (length < 56)


def test_a_ring_whose_header_somebody_writes_over_is_made_anew(make: Make, reader: RingReader, tmp_path: Path) -> None:
    writer = make()
    writer.write(plain_frame(1))
    (tmp_path / "smartcam-yard").write_bytes(bytes(100_000))
    assert is_whole(reader.read(writer.write(plain_frame(2))))


def damage(path: Path, how: str) -> None:
    os.truncate(path, 1 << 20 if how == "grow" else 0)
    if how == "scribble":
        path.write_bytes(b"SMCRING2" + bytes(range(48)))
    if how == "remove":
        path.unlink()


@given(st.lists(st.sampled_from(["write", "read", "cut", "grow", "remove", "scribble"]), min_size=1, max_size=20))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None)
def test_whatever_somebody_does_to_the_file_costs_frames_and_no_more(
    make: Make, reader: RingReader, tmp_path: Path, steps: list[str]
) -> None:
    path, writer = tmp_path / "smartcam-yard", make()
    notice = writer.write(plain_frame(0))
    for seq, step in enumerate(steps, 1):
        if step == "write":
            notice = writer.write(plain_frame(seq))
        elif step == "read":
            with suppress(RingError):
                assert is_whole(reader.read(notice))
        else:
            with suppress(FileNotFoundError):
                damage(path, step)
    assert is_whole(reader.read(writer.write(plain_frame(99))))
    writer.close()


def test_a_half_written_slot_gives_no_frame(make: Make, reader: RingReader) -> None:
    writer = make(slots=1)
    notice = writer.write(plain_frame(1))
    assert writer._ring is not None
    writer._ring.places[0].stamp[0] += 1
    with pytest.raises(FrameOverwritten):
        reader.read(notice)


@pytest.mark.parametrize("slots", [0, -1, 1025])
def test_a_ring_without_a_sensible_number_of_slots_is_refused(make: Make, slots: int) -> None:
    with pytest.raises(RingError, match="1 to 1024 slots"):
        make(slots)


class Lockstep:
    """Runs two jobs as threads of which one moves at a time, from step to step, by a schedule.

    It stands in for numpy within the ring: copies are made by halves with a step before, between and after.
    """

    def __init__(self) -> None:
        self.empty, self.uint8 = np.empty, np.uint8
        self._moved = threading.Condition()
        self._turn = ""
        self._running: set[str] = set()

    def run(self, jobs: dict[str, Callable[[], None]], schedule: list[str]) -> None:
        threads = [threading.Thread(target=self._run, args=item, name=item[0]) for item in jobs.items()]
        self._running = set(jobs)
        for thread in threads:
            thread.start()
        for name in [*schedule, *(name for name in jobs for _ in range(1000))]:
            with self._moved:
                if name in self._running:
                    self._turn = name
                    self._moved.notify_all()
                    assert self._moved.wait_for(lambda: not self._turn, 10)
        for thread in threads:
            thread.join()

    def step(self) -> None:
        name = threading.current_thread().name
        if name in self._running:
            with self._moved:
                if self._turn == name:
                    self._turn = ""
                    self._moved.notify_all()
                assert self._moved.wait_for(lambda: self._turn == name, 10)

    def copyto(self, target: NDArray[np.uint8], source: NDArray[np.uint8]) -> None:
        half = len(target) // 2
        self.step()
        np.copyto(target[:half], source[:half])
        self.step()
        np.copyto(target[half:], source[half:])
        self.step()

    def _run(self, name: str, job: Callable[[], None]) -> None:
        self.step()
        try:
            job()
        finally:
            with self._moved:
                self._running.discard(name)
                self._turn = ""
                self._moved.notify_all()


@given(
    slots=st.integers(1, 2),
    writes=st.integers(1, 4),
    behind=st.lists(st.integers(1, 3), min_size=1, max_size=3),
    bursts=st.lists(st.integers(1, 8), min_size=2, max_size=8),
)
@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None, max_examples=200
)
def test_no_interleaving_of_writes_and_reads_gives_a_torn_frame(
    make: Make, reader: RingReader, slots: int, writes: int, behind: list[int], bursts: list[int]
) -> None:
    writer, lockstep = make(slots), Lockstep()
    notices = [writer.write(plain_frame(seq)) for seq in range(4)]
    frames: list[Frame] = []

    def write() -> None:
        for seq in range(4, 4 + writes):
            notices.append(writer.write(plain_frame(seq)))  # noqa: PERF401  the reader must see each at once

    def read() -> None:
        for place in behind:
            with suppress(FrameOverwritten):
                frames.append(reader.read(notices[-place]))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ring, "np", lockstep)
        patch.setattr(writer, "_fence", lockstep.step)
        patch.setattr(reader, "_fence", lockstep.step)
        names = itertools.cycle(["reader", "writer"])
        schedule = [name for name, steps in zip(names, bursts, strict=False) for _ in range(steps)]
        lockstep.run({"writer": write, "reader": read}, schedule)
    writer.close()
    assert [frame.seq for frame in frames if not is_whole(frame)] == []


@given(slots=st.integers(1, 4), behind=st.integers(1, 6))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_without_a_rival_exactly_the_frames_within_the_ring_are_read(
    make: Make, reader: RingReader, slots: int, behind: int
) -> None:
    writer = make(slots)
    notices = [writer.write(plain_frame(seq)) for seq in range(6)]
    if behind <= slots:
        assert is_whole(reader.read(notices[-behind]))
    else:
        with pytest.raises(FrameOverwritten):
            reader.read(notices[-behind])
    writer.close()


def test_a_writer_thread_at_full_speed_never_gives_a_torn_frame(make: Make, reader: RingReader) -> None:
    writer, newest, done = make(slots=2), list[FrameNotice](), threading.Event()
    frames = [plain_frame(seq, 640, 360) for seq in range(64)]
    newest.append(writer.write(frames[0]))

    def write() -> None:
        seq = 0
        while not done.is_set():
            seq += 1
            newest[0] = writer.write(frames[seq % 64])

    thread = threading.Thread(target=write)
    thread.start()
    whole = overwritten = 0
    try:
        while whole + overwritten < 400:
            try:
                assert is_whole(reader.read(newest[0]))
                whole += 1
            except FrameOverwritten:
                overwritten += 1
    finally:
        done.set()
        thread.join()
    assert whole
