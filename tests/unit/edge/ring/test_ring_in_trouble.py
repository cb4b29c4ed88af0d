"""The ring where something goes wrong in the middle: a slot being written, a kernel that refuses, a stranger."""

import errno
import mmap
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from smartcam.contract.errors import FrameOverwritten, RingError
from smartcam.contract.notice import FrameNotice
from smartcam.edge.ring.frame_ring import RingReader, RingWriter
from smartcam.edge.ring.ring_file import Layout, create_ring, open_ring
from smartcam.edge.ring.sealed import remove_leftover
from tests.fakes.frames import YARD, is_whole, plain_frame

LAYOUT = Layout(2, 32, 16)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "smartcam-yard"


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[RingWriter]:
    it = RingWriter(tmp_path, YARD, slots=1)
    yield it
    it.close()


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[RingReader]:
    it = RingReader(tmp_path, YARD)
    yield it
    it.close()


@contextmanager
def lying(path: Path, word: int, value: int) -> Iterator[None]:
    """A live ring of whose header one word is wrong."""
    ring = create_ring(path, LAYOUT)
    with lying_again(path, word, value):
        yield
    ring.close()


@contextmanager
def lying_again(path: Path, word: int, value: int) -> Iterator[None]:
    with path.open("r+b") as file:
        header = list(struct.unpack("=7Q", file.read(56)))
        header[word] = value
        file.seek(0)
        file.write(struct.pack("=7Q", *header))
    yield


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def refusing(code: int) -> object:
    def refuse(*_: object, **__: object) -> object:
        raise OSError(code, os.strerror(code))

    return refuse


def test_a_frame_is_gone_from_the_moment_on_in_which_its_slot_is_taken(writer: RingWriter, reader: RingReader) -> None:
    fence, taken = writer._fence, []
    before = writer.write(plain_frame(0))
    assert is_whole(reader.read(before))

    def look(notice: FrameNotice) -> None:
        """The slot is marked, and still holds the whole facts and pixels of the frame before."""
        fence()
        if notice.seq not in taken:
            taken.append(notice.seq)
            with pytest.raises(FrameOverwritten, match=f"frame {notice.seq} of yard is gone"):
                reader.read(notice)

    for seq in range(1, 5):
        writer._fence = lambda notice=before: look(notice)  # type: ignore[assignment]
        before = writer.write(plain_frame(seq))
    assert taken == [0, 1, 2, 3]


def test_a_frame_that_is_overwritten_while_it_is_read_is_named(
    writer: RingWriter, reader: RingReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    notice = writer.write(plain_frame(7))
    reader.read(notice)
    copy = np.copyto

    def overtaken(target: object, source: object) -> None:
        monkeypatch.undo()
        writer.write(plain_frame(8))
        copy(target, source)  # type: ignore[arg-type]

    monkeypatch.setattr(np, "copyto", overtaken)
    with pytest.raises(FrameOverwritten, match=r"^frame 7 of yard was overwritten while it was read$"):
        reader.read(notice)


def test_a_buffer_of_just_the_pictures_size_is_enough(writer: RingWriter, reader: RingReader) -> None:
    notice = writer.write(plain_frame(7))
    assert is_whole(reader.read(notice, np.zeros(LAYOUT.picture_bytes, np.uint8)))
    with pytest.raises(ValueError, match=f"32x16 takes a flat uint8 buffer of {LAYOUT.picture_bytes} bytes"):
        reader.read(notice, np.zeros(LAYOUT.picture_bytes - 1, np.uint8))


def test_a_file_that_is_all_a_ring_but_for_its_version_is_refused(path: Path) -> None:
    ring = create_ring(path, LAYOUT)
    open_ring(path).close()
    with path.open("r+b") as file:
        file.write(b"SMCRING9")
    with pytest.raises(RingError, match="is capture of another version"):
        open_ring(path)
    ring.close()


@pytest.mark.parametrize(("word", "value"), [(2, 0), (2, 1025), (3, 31), (3, 0), (4, 8194), (4, 15)])
def test_a_header_that_no_ring_can_have_is_refused(path: Path, word: int, value: int) -> None:
    with lying(path, word, value), pytest.raises(RingError, match="is not a whole ring"):
        open_ring(path)


@pytest.mark.parametrize(("word", "value"), [(1, 7), (2, 3), (3, 64), (4, 32)])
def test_a_header_that_does_not_say_what_the_memory_says_is_refused(path: Path, word: int, value: int) -> None:
    with lying(path, word, value), pytest.raises(RingError, match="leads to memory that is not its own"):
        open_ring(path)


def test_a_header_that_leads_to_a_file_on_a_disk_is_refused(path: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    with lying(path, 0, int.from_bytes(b"SMCRING2", "little")), other.open("w+b") as open_file:
        other.write_bytes(path.read_bytes())
        os.truncate(other, LAYOUT.size)
        with lying_again(path, 6, open_file.fileno()), pytest.raises(RingError, match="memory that is not its own"):
            open_ring(path)


@pytest.mark.parametrize("kind", ["a pipe", "nothing", "a process that has ended"])
def test_a_header_that_leads_elsewhere_is_refused(path: Path, kind: str) -> None:
    reading, writing = os.pipe()
    word, value = {"a pipe": (6, reading), "nothing": (6, 99_999), "a process that has ended": (5, 2**22 + 1)}[kind]
    with lying(path, word, value), pytest.raises(RingError, match=r"smartcam-yard (leads|cannot be opened)"):
        open_ring(path)
    os.close(reading)
    os.close(writing)


def test_the_memory_of_a_ring_cannot_be_cut_short_even_by_its_owner(path: Path) -> None:
    ring = create_ring(path, LAYOUT)
    memory = f"/proc/{os.getpid()}/fd/{ring._memory}"
    for length in (0, 4096, LAYOUT.size - 1, LAYOUT.size + 1):
        with pytest.raises(PermissionError):
            os.truncate(memory, length)
    assert Path(memory).stat().st_mode & 0o777 == 0o600
    ring.close()


def test_a_taken_name_makes_no_ring_and_what_lies_there_is_left_alone(path: Path) -> None:
    path.write_bytes(b"precious")
    with pytest.raises(RingError, match="smartcam-yard cannot be made: File exists"):
        create_ring(path, LAYOUT)
    assert path.read_bytes() == b"precious"


def test_the_name_is_for_its_owner_alone_from_the_first_moment(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    modes, close = [], os.close

    def look_and_close(descriptor: int) -> None:
        modes.append(os.fstat(descriptor).st_mode & 0o777)
        close(descriptor)

    monkeypatch.setattr(os, "fchmod", refusing(errno.EPERM))
    monkeypatch.setattr(os, "close", look_and_close)
    with pytest.raises(RingError, match="cannot be made: Operation not permitted"):
        create_ring(path, LAYOUT)
    assert modes == [0o600]


@pytest.mark.parametrize("call", ["posix_fallocate", "pwrite", "fchmod", "memfd_create"])
def test_a_ring_that_the_kernel_refuses_leaves_neither_name_nor_descriptor(
    path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    before = open_files()
    monkeypatch.setattr(os, call, refusing(errno.EIO))
    with pytest.raises(RingError, match="smartcam-yard cannot be made: Input/output error"):
        create_ring(path, LAYOUT)
    assert not path.exists()
    assert open_files() == before


def test_a_ring_that_cannot_be_mapped_is_named_and_let_go(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ring = create_ring(path, LAYOUT)
    before = open_files()
    monkeypatch.setattr(mmap, "mmap", refusing(errno.ENOMEM))
    with pytest.raises(RingError, match="smartcam-yard cannot be mapped: Cannot allocate memory"):
        open_ring(path)
    assert open_files() == before
    ring.close()


def test_what_cannot_be_opened_is_refused_with_the_kernels_reason(path: Path) -> None:
    path.mkdir()
    with pytest.raises(RingError, match="smartcam-yard cannot be opened: Is a directory"):
        remove_leftover(path, YARD)


@pytest.mark.parametrize("access", ["read", "write"])
def test_a_pipe_is_refused_by_its_kind(path: Path, access: str) -> None:
    os.mkfifo(path, 0o600)
    with pytest.raises(RingError, match=r"smartcam-yard is not a regular file$"):
        open_ring(path) if access == "read" else remove_leftover(path, YARD)


def test_nothing_left_over_is_no_leftover(path: Path) -> None:
    assert not remove_leftover(path, YARD)
    create_ring(path, LAYOUT).close()
    assert remove_leftover(path, YARD)
    assert not path.exists()


def test_a_writer_that_was_overtaken_at_its_first_frame_says_whose_camera_it_is(tmp_path: Path) -> None:
    first, second = RingWriter(tmp_path, YARD), RingWriter(tmp_path, YARD)
    first.write(plain_frame(1))
    with pytest.raises(RingError, match=f"^camera yard is being written already, by process {os.getpid()} "):
        second.write(plain_frame(1))
    first.close()
