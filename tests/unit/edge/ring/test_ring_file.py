"""The ring's file among processes: leftovers, rivals, strangers, a full disk, kill -9."""

import errno
import os
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from smartcam.contract.errors import FrameOverwritten, RingError
from smartcam.contract.notice import FrameNotice, decode_notice
from smartcam.edge.ring.frame_ring import RingReader, RingWriter
from smartcam.edge.ring.ring_file import Layout
from smartcam.vision.frame import Frame
from smartcam.vision.picture import Picture
from tests.fakes.frames import YARD, is_whole, plain_frame

WRITER = """
import sys, time
from pathlib import Path
from smartcam.contract.notice import encode_notice
from smartcam.edge.ring.frame_ring import RingWriter
from tests.fakes.frames import YARD, plain_frame

folder, pause = Path(sys.argv[1]), float(sys.argv[2])
writer = RingWriter(folder, YARD, 2)
for seq in range(10**9):
    notice = writer.write(plain_frame(seq, 320, 180))
    sys.stdout.write(encode_notice(notice).decode() + "\\n")
    sys.stdout.flush()
    time.sleep(pause)
"""


class Child:
    """A writer in a process of its own, as fast as `pause` lets it."""

    def __init__(self, folder: Path, pause: float) -> None:
        arguments = [sys.executable, "-c", WRITER, str(folder), str(pause)]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        self.process = subprocess.Popen(arguments, stdout=subprocess.PIPE, env=environment)

    def notice(self) -> FrameNotice:
        assert self.process.stdout is not None
        notice = decode_notice(self.process.stdout.readline())
        assert isinstance(notice, FrameNotice)
        return notice

    def kill(self) -> None:
        assert self.process.stdout is not None
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[float], Child]]:
    children: list[Child] = []

    def begin(pause: float) -> Child:
        children.append(Child(tmp_path, pause))
        return children[-1]

    yield begin
    for child in children:
        child.kill()


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[RingReader]:
    it = RingReader(tmp_path, YARD)
    yield it
    it.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "smartcam-yard"


def read_until(reader: RingReader, child: Child, whole: int) -> int:
    """Reads until so many frames were whole; returns how many were overwritten meanwhile."""
    overwritten = 0
    while whole:
        try:
            assert is_whole(reader.read(child.notice()))
            whole -= 1
        except FrameOverwritten:
            overwritten += 1
    return overwritten


def test_two_processes_at_full_speed_never_share_a_torn_frame(
    start: Callable[[float], Child], reader: RingReader
) -> None:
    assert read_until(reader, start(0.0), 500) >= 0


def test_after_kill_9_the_next_writer_recovers_and_the_reader_follows(
    start: Callable[[float], Child], reader: RingReader, path: Path
) -> None:
    first = start(0.001)
    read_until(reader, first, 3)
    last = first.notice()
    first.kill()
    assert path.exists(), "a killed writer cannot clean up"
    second = start(0.001)
    new = second.notice()
    assert new.ring != last.ring
    read_until(reader, second, 3)
    with pytest.raises(FrameOverwritten, match="capture has a new one"):
        reader.read(last)


def test_the_leftover_of_a_killed_writer_is_removed_at_the_next_start(
    start: Callable[[float], Child], path: Path, tmp_path: Path
) -> None:
    child = start(0.001)
    child.notice()
    child.kill()
    assert path.exists()
    assert RingWriter(tmp_path, YARD).removed_leftover
    assert not path.exists()
    assert not RingWriter(tmp_path, YARD).removed_leftover


def test_a_second_writer_of_one_camera_is_refused_with_the_pid_of_the_first(
    start: Callable[[float], Child], tmp_path: Path
) -> None:
    child = start(0.001)
    child.notice()
    with pytest.raises(RingError, match=f"camera yard is being written already, by process {child.process.pid} "):
        RingWriter(tmp_path, YARD)
    child.notice()


def test_two_writers_that_begin_together_do_not_both_write(tmp_path: Path) -> None:
    first, second = RingWriter(tmp_path, YARD), RingWriter(tmp_path, YARD)
    first.write(plain_frame(1))
    with pytest.raises(RingError, match=f"by process {os.getpid()} "):
        second.write(plain_frame(1))
    first.close()
    second.write(plain_frame(2))
    second.close()


def test_the_file_is_for_its_owner_alone_whatever_the_umask(tmp_path: Path, path: Path) -> None:
    before = os.umask(0o277)
    try:
        writer = RingWriter(tmp_path, YARD)
        writer.write(plain_frame(1))
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    writer.close()


def test_all_memory_is_allocated_at_the_start(tmp_path: Path) -> None:
    writer = RingWriter(tmp_path, YARD, 4)
    writer.write(plain_frame(1, 640, 360))
    assert writer._ring is not None
    found = os.fstat(writer._ring._memory)
    assert found.st_size == Layout(4, 640, 360).size
    assert found.st_blocks * 512 >= found.st_size
    writer.close()


def test_a_symbolic_link_in_its_place_is_refused_and_left_alone(tmp_path: Path, path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    path.symlink_to(victim)
    with pytest.raises(RingError, match="smartcam-yard is a symbolic link"):
        RingWriter(tmp_path, YARD)
    with pytest.raises(RingError, match="smartcam-yard is a symbolic link"):
        RingReader(tmp_path, YARD).read(_some_notice())
    assert victim.read_bytes() == b"precious"


def test_a_link_that_appears_after_the_start_is_refused_too(tmp_path: Path, path: Path) -> None:
    writer = RingWriter(tmp_path, YARD)
    path.symlink_to(tmp_path / "victim")
    with pytest.raises(RingError, match="is a symbolic link"):
        writer.write(plain_frame(1))
    assert not (tmp_path / "victim").exists()


def _make_fifo(path: Path) -> None:
    os.mkfifo(path, 0o600)


def _make_open_file(path: Path) -> None:
    path.touch()
    path.chmod(0o666)


@pytest.mark.parametrize(
    ("occupy", "reason"),
    [(_make_fifo, "is not a regular file"), (_make_open_file, "has mode 0666 instead of 0600"), (Path.mkdir, "")],
    ids=["a pipe", "a file that everybody may write", "a folder"],
)
def test_what_is_not_ours_is_refused_and_left_alone(
    tmp_path: Path, path: Path, occupy: Callable[[Path], None], reason: str
) -> None:
    occupy(path)
    with pytest.raises(RingError, match=f"smartcam-yard.*{reason}"):
        RingWriter(tmp_path, YARD)
    with pytest.raises(RingError, match=f"smartcam-yard.*{reason}"):
        RingReader(tmp_path, YARD).read(_some_notice())
    assert path.exists()


def test_the_ring_of_another_user_is_refused(
    tmp_path: Path, reader: RingReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = RingWriter(tmp_path, YARD)
    notice = writer.write(plain_frame(1))
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    with pytest.raises(RingError, match=r"belongs to user \d+, not to 12345"):
        reader.read(notice)
    with pytest.raises(RingError, match=r"belongs to user \d+, not to 12345"):
        RingWriter(tmp_path, YARD)
    writer.close()


@pytest.mark.parametrize(
    "content",
    [b"", b"SMCRING1", b"\xff" * 4096, b"\0" * 8192, np.arange(2000, dtype=np.uint64).tobytes()],
    ids=["nothing", "only the magic", "ones", "zeros", "numbers"],
)
def test_a_file_that_is_no_whole_ring_is_refused(
    tmp_path: Path, path: Path, reader: RingReader, content: bytes
) -> None:
    path.touch(0o600)
    path.write_bytes(content)
    with pytest.raises(RingError, match="is not a whole ring of this version"):
        reader.read(_some_notice())
    writer = RingWriter(tmp_path, YARD)
    assert writer.removed_leftover
    assert is_whole(reader.read(writer.write(plain_frame(1))))
    writer.close()


def test_a_ring_that_was_cut_short_is_refused_before_it_can_harm(
    tmp_path: Path, path: Path, reader: RingReader
) -> None:
    writer = RingWriter(tmp_path, YARD)
    notice = writer.write(plain_frame(1))
    os.truncate(path, 40)
    with pytest.raises(RingError, match="is not a whole ring"):
        reader.read(notice)
    writer.close()


def test_a_ring_that_would_take_more_than_half_of_the_memory_that_is_left_is_an_error_and_leaves_nothing(
    tmp_path: Path, path: Path
) -> None:
    needed = Layout(1024, 8192, 8192).size
    buffer = np.empty(8192 * 8192 * 3 // 2, np.uint8)
    writer = RingWriter(tmp_path, YARD, 1024)
    with pytest.raises(RingError, match=f"memory has no room for a ring of {needed} bytes"):
        writer.write(_with_picture(Picture.from_i420(buffer, 8192, 8192)))
    assert not path.exists()


@pytest.mark.parametrize("content", [None, "MemTotal: 1000 kB\n"])
def test_where_nobody_says_how_much_memory_is_left_the_kernel_decides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str | None
) -> None:
    read_text = Path.read_text

    def hidden(path: Path, encoding: str | None = None) -> str:
        if path != Path("/proc/meminfo"):
            return read_text(path, encoding)
        if content is None:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return content

    monkeypatch.setattr(Path, "read_text", hidden)
    writer = RingWriter(tmp_path, YARD)
    writer.write(plain_frame(1))
    writer.close()


def test_a_writer_goes_on_when_there_is_room_again(
    tmp_path: Path, path: Path, reader: RingReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_descriptor: int, _start: int, _length: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    writer = RingWriter(tmp_path, YARD)
    with monkeypatch.context() as patch:
        patch.setattr(os, "posix_fallocate", full)
        for _ in range(2):
            with pytest.raises(RingError, match="has no room"):
                writer.write(plain_frame(1))
        assert not path.exists()
    assert is_whole(reader.read(writer.write(plain_frame(2))))
    writer.close()


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(RingError, match=r"absent/smartcam-yard cannot be made: No such file or directory"):
        RingWriter(tmp_path / "absent", YARD).write(plain_frame(1))


def test_a_picture_that_no_notice_can_announce_makes_no_ring(tmp_path: Path) -> None:
    wide = Picture.from_i420(np.zeros(8194 * 2 * 3 // 2, np.uint8), 8194, 2)
    with pytest.raises(RingError, match="no ring has 3 slots of 8194x2"):
        RingWriter(tmp_path, YARD).write(_with_picture(wide))


def test_opening_and_closing_leaves_no_descriptor_and_no_mapping(tmp_path: Path) -> None:
    def held() -> tuple[int, bool]:
        maps = Path("/proc/self/maps").read_text(encoding="utf-8")
        return len(list(Path("/proc/self/fd").iterdir())), "smartcam-yard" in maps

    before = held()
    for seq in range(5):
        writer, reader = RingWriter(tmp_path, YARD), RingReader(tmp_path, YARD)
        frame = reader.read(writer.write(plain_frame(seq)))
        writer.write(plain_frame(seq, 64, 48))
        reader.close()
        reader.close()
        writer.close()
        assert is_whole(frame)
    assert held() == before


def _with_picture(picture: Picture) -> Frame:
    return replace(plain_frame(1), picture=picture)


def _some_notice() -> FrameNotice:
    frame = plain_frame(1)
    return FrameNotice(YARD, 1, 1, 0, 32, 16, frame.captured_at, frame.captured_mono, 0, ())


CUTTER = """
import os, sys, threading
from contextlib import suppress
from pathlib import Path
from smartcam.contract.errors import RingError
from smartcam.edge.ring.frame_ring import RingReader, RingWriter
from tests.fakes.frames import YARD, is_whole, plain_frame

folder = Path(sys.argv[1])
writer, reader = RingWriter(folder, YARD, 2), RingReader(folder, YARD)
over = threading.Event()

def cut():
    while not over.is_set():
        for path in [folder / "smartcam-yard", *Path("/proc/self/fd").iterdir()]:
            with suppress(OSError):
                if "smartcam-yard" in str(path.resolve()) or "smartcam-yard" in os.readlink(path):
                    os.truncate(path, 0)

thread = threading.Thread(target=cut)
thread.start()
whole = 0
for seq in range(300):
    with suppress(RingError):
        whole += is_whole(reader.read(writer.write(plain_frame(seq, 640, 360))))
over.set()
thread.join()
print(whole > 0)
"""


def test_a_ring_that_somebody_cuts_short_all_the_time_kills_neither_its_writer_nor_its_reader(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-c", CUTTER, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False, timeout=60)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "True", "")
