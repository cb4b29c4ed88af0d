"""The ring where something goes wrong in the middle: a slot being written, a kernel that refuses, a stranger."""

import errno
import os
import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from smartcam.contract.errors import FrameOverwritten, RingError
from smartcam.contract.notice import FrameNotice
from smartcam.edge.ring.frame_ring import RingReader, RingWriter
from smartcam.edge.ring.ring_file import Layout, create_ring, open_ring, remove_leftover
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
    read = os.preadv

    def overtaken(descriptor: int, into: list[bytearray], at: int) -> int:
        if len(into) > 1:
            monkeypatch.undo()
            count = read(descriptor, into, at)
            writer.write(plain_frame(8))
            return count
        return read(descriptor, into, at)

    monkeypatch.setattr(os, "preadv", overtaken)
    with pytest.raises(FrameOverwritten, match=r"^frame 7 of yard was overwritten while it was read$"):
        reader.read(notice)


def test_a_buffer_of_just_the_pictures_size_is_enough(writer: RingWriter, reader: RingReader) -> None:
    notice = writer.write(plain_frame(7))
    assert is_whole(reader.read(notice, np.zeros(LAYOUT.picture_bytes, np.uint8)))
    with pytest.raises(ValueError, match=f"32x16 takes a flat uint8 buffer of {LAYOUT.picture_bytes} bytes"):
        reader.read(notice, np.zeros(LAYOUT.picture_bytes - 1, np.uint8))


def test_a_file_that_is_all_a_ring_but_for_its_version_is_refused(path: Path) -> None:
    create_ring(path, LAYOUT).close()
    open_ring(path).close()
    with path.open("r+b") as file:
        file.write(b"SMCRING9")
    with pytest.raises(RingError, match="is capture of another version"):
        open_ring(path)


@pytest.mark.parametrize(("word", "value"), [(2, 0), (2, 1025), (3, 31), (3, 0), (4, 8194), (4, 15)])
def test_a_header_that_no_ring_can_have_is_refused(path: Path, word: int, value: int) -> None:
    create_ring(path, LAYOUT).close()
    with path.open("r+b") as file:
        header = list(struct.unpack("=6Q", file.read(48)))
        header[word] = value
        file.seek(0)
        file.write(struct.pack("=6Q", *header))
    os.truncate(path, Layout(*header[2:5]).size)
    with pytest.raises(RingError, match="is not a whole ring"):
        open_ring(path)


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


@pytest.mark.parametrize("call", ["posix_fallocate", "pwrite", "fchmod"])
def test_a_ring_that_the_kernel_refuses_leaves_neither_name_nor_descriptor(
    path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    before = open_files()
    monkeypatch.setattr(os, call, refusing(errno.EIO))
    with pytest.raises(RingError, match="smartcam-yard cannot be made: Input/output error"):
        create_ring(path, LAYOUT)
    assert not path.exists()
    assert open_files() == before


def test_a_ring_whose_header_cannot_be_read_is_named_and_let_go(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    create_ring(path, LAYOUT).close()
    before = open_files()
    monkeypatch.setattr(os, "pread", refusing(errno.EIO))
    with pytest.raises(RingError, match="smartcam-yard cannot be read: Input/output error"):
        open_ring(path)
    assert open_files() == before


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


@pytest.mark.parametrize("call", ["pwritev", "preadv"])
def test_a_slot_that_the_kernel_refuses_is_an_error_of_the_ring(
    writer: RingWriter, reader: RingReader, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    notice = writer.write(plain_frame(1))
    reader.read(notice)
    monkeypatch.setattr(os, call, refusing(errno.EIO))
    with pytest.raises(RingError, match=r"the ring cannot be (read|written): Input/output error"):
        writer.write(plain_frame(2)) if call == "pwritev" else reader.read(notice)


def test_a_slot_for_which_there_is_no_room_any_more_is_an_error_of_the_ring(
    writer: RingWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer.write(plain_frame(1))
    monkeypatch.setattr(os, "pwritev", lambda *_: 5)
    with pytest.raises(RingError, match="the ring cannot be written: No space left on device"):
        writer.write(plain_frame(2))
