"""The ring's file in shared memory: its layout, and how it is made, opened, checked and removed.

A page of header, then the slots, each beginning on a page:

    header  magic | birth number | slots | width | height | writer's pid
    slot    stamp | seq | captured_at | captured_mono | position_ns | pixels as tight I420 from byte 64

Words are 64 bits in the machine's byte order. The writer holds an exclusive flock on the file for as long as it
lives: the kernel lets go of it even after kill -9, and unlike a pid it cannot come to mean another process.
"""

import errno
import fcntl
import os
import stat
import struct
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from smartcam.contract.errors import RingError
from smartcam.contract.ids import CameraId
from smartcam.contract.notice import LARGEST_SIDE
from smartcam.vision.picture import Picture

MOST_SLOTS = 1024
Facts = tuple[int, int, int, int]
"""What a slot says about its frame: seq, captured_at, captured_mono, position_ns."""
Buffer = bytes | bytearray | NDArray[np.uint8]
FACTS = struct.Struct("=4Q24x")
"""They fill the slot's head behind the stamp, so that head and pixels are one piece."""
_WORD = 8
_SLOT_HEAD = 64
_PAGE = 4096
_MAGIC = int.from_bytes(b"SMCRING1", "little")
_HEADER = struct.Struct("=6Q")
_MODE = 0o600
_OPEN = os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK


@dataclass(frozen=True, slots=True)
class Layout:
    """Where things lie in a ring of `slots` pictures of `width` x `height`."""

    slots: int
    width: int
    height: int

    @property
    def picture_bytes(self) -> int:
        """Bytes of one picture as tight I420."""
        return self.width * self.height * 3 // 2

    @property
    def stride(self) -> int:
        """Bytes from one slot to the next."""
        return -(-(_SLOT_HEAD + self.picture_bytes) // _PAGE) * _PAGE

    @property
    def size(self) -> int:
        """Bytes of the whole file."""
        return _PAGE + self.slots * self.stride

    def slot_at(self, slot: int) -> int:
        """The byte at which a slot begins."""
        return _PAGE + slot * self.stride

    def is_sound(self) -> bool:
        """Whether a ring can look like this."""
        sides = (self.width, self.height)
        return 1 <= self.slots <= MOST_SLOTS and all(2 <= side <= LARGEST_SIDE and side % 2 == 0 for side in sides)  # noqa: PLR2004  the smallest even side


class Fence:
    """A memory barrier: accesses before a call are not reordered with those after it.

    ARM may reorder plain loads and stores as other processes see them. Python has no barrier of its own, but
    releasing a lock is a store-release and taking it again a load-acquire, in this order a full barrier.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lock.acquire()

    def __call__(self) -> None:
        """The barrier."""
        self._lock.release()
        self._lock.acquire()


class RingFile:
    """An open ring, which is read and written by system calls and never mapped.

    A process that touches a map beyond the end of a file that somebody has cut short is ended by SIGBUS; a system call
    only says so.
    """

    def __init__(self, descriptor: int, layout: Layout, birth: int) -> None:
        self.layout = layout
        self.birth = birth
        self._descriptor = descriptor

    def is_whole_at(self, path: Path) -> bool:
        """Whether the path still leads to this ring, and nobody has cut it short or written over its header."""
        is_whole = _is_same(self._descriptor, path) and os.fstat(self._descriptor).st_size == self.layout.size
        return is_whole and _read_header(self._descriptor)[:2] == (_MAGIC, self.birth)

    def unlink(self, path: Path) -> None:
        """Take the ring's name away, if it is still its own; whoever has it open keeps the memory."""
        _unlink(self._descriptor, path)

    def stamp(self, slot: int) -> int:
        """A slot's stamp: odd while the writer is at work, 0 before the first frame.

        Raises:
            RingError: the ring has been cut short, or cannot be read.
        """
        word = bytearray(_WORD)
        self._read([word], self.layout.slot_at(slot))
        return int.from_bytes(word, sys.byteorder)

    def set_stamp(self, slot: int, stamp: int) -> None:
        """Set it. Raises RingError as `put` does."""
        self._write([stamp.to_bytes(_WORD, sys.byteorder)], self.layout.slot_at(slot))

    def put(self, slot: int, facts: Facts, picture: Picture) -> None:
        """Write what a slot holds besides its stamp.

        Raises:
            RingError: there is no room, or it cannot be written.
        """
        planes = [np.ascontiguousarray(plane) for plane in (picture.y, picture.u, picture.v)]
        self._write([FACTS.pack(*facts), *planes], self.layout.slot_at(slot) + _WORD)

    def get(self, slot: int, pixels: NDArray[np.uint8]) -> Facts:
        """Read what a slot holds besides its stamp; the pixels into a flat buffer of exactly the picture's size.

        Raises:
            RingError: the ring has been cut short, or cannot be read.
        """
        head = bytearray(FACTS.size)
        self._read([head, pixels], self.layout.slot_at(slot) + _WORD)
        seq, captured_at, captured_mono, position_ns = FACTS.unpack(head)
        return seq, captured_at, captured_mono, position_ns

    def close(self) -> None:
        """Let go of the file, and of the writer's lock."""
        fcntl.flock(self._descriptor, fcntl.LOCK_UN)
        os.close(self._descriptor)

    def _read(self, into: list[Buffer], at: int) -> None:
        try:
            count = os.preadv(self._descriptor, into, at)
        except OSError as error:
            raise RingError(f"the ring cannot be read: {error.strerror}") from error
        if count != _length(into):
            raise RingError("the ring has been cut short by somebody else")

    def _write(self, content: Sequence[Buffer], at: int) -> None:
        try:
            count = os.pwritev(self._descriptor, content, at)
        except OSError as error:
            raise RingError(f"the ring cannot be written: {error.strerror}") from error
        if count != _length(content):
            raise RingError(f"the ring cannot be written: {os.strerror(errno.ENOSPC)}")


def _length(buffers: Sequence[Buffer]) -> int:
    return sum(memoryview(buffer).nbytes for buffer in buffers)


def ring_path(folder: Path, camera: CameraId) -> Path:
    """The file of a camera's ring: no path ever travels in a notice."""
    return folder / f"smartcam-{camera}"


def create_ring(path: Path, layout: Layout) -> RingFile:
    """Make the file, all of its memory allocated, for writing.

    Raises:
        RingError: there is a ring already, there is no room, or the folder cannot be written.
    """
    if not layout.is_sound():
        raise RingError(f"no ring has {layout.slots} slots of {layout.width}x{layout.height}")
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | _OPEN, _MODE)
    except OSError as error:
        raise RingError(f"{path} cannot be made: {error.strerror}") from error
    try:
        os.fchmod(descriptor, _MODE)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Memory that is only reserved (ftruncate) may be missing later, in the middle of a frame.
        os.posix_fallocate(descriptor, 0, layout.size)
        birth = int.from_bytes(os.urandom(8)) >> 1
        header = _HEADER.pack(_MAGIC, birth, layout.slots, layout.width, layout.height, os.getpid())
        os.pwrite(descriptor, header, 0)
        return RingFile(descriptor, layout, birth)
    except OSError as error:
        _unlink(descriptor, path)
        os.close(descriptor)
        if error.errno == errno.ENOSPC:
            raise RingError(f"{path.parent} has no room for a ring of {layout.size} bytes ({path.name})") from error
        raise RingError(f"{path} cannot be made: {error.strerror}") from error


def open_ring(path: Path) -> RingFile:
    """Open a camera's ring for reading, after checking that it is ours and whole.

    Raises:
        RingError: it is not there, not ours, or not a ring.
    """
    descriptor = _open_ours(path, os.O_RDONLY)
    try:
        magic, birth, slots, width, height, _ = _read_header(descriptor)
        layout = Layout(slots, width, height)
        if magic != _MAGIC or not layout.is_sound() or os.fstat(descriptor).st_size != layout.size:
            raise RingError(f"{path} is not a whole ring of this version: is capture of another version?")
        return RingFile(descriptor, layout, birth)
    except RingError:
        os.close(descriptor)
        raise
    except OSError as error:
        os.close(descriptor)
        raise RingError(f"{path} cannot be read: {error.strerror}") from error


def remove_leftover(path: Path, camera: CameraId) -> bool:
    """Remove what a dead writer left behind; True if there was anything.

    Raises:
        RingError: a live process writes this camera, or what lies there is not ours.
    """
    try:
        descriptor = _open_ours(path, os.O_RDWR)
    except RingAbsent:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return _unlink(descriptor, path)
    except BlockingIOError as error:
        pid = _read_header(descriptor)[-1]
        raise RingError(f"camera {camera} is being written already, by process {pid} ({path})") from error
    finally:
        os.close(descriptor)


class RingAbsent(RingError):
    """There is no such file."""


def _open_ours(path: Path, access: int) -> int:
    try:
        descriptor = os.open(path, access | _OPEN)
    except FileNotFoundError as error:
        raise RingAbsent(f"{path} is not there: capture does not write this camera") from error
    except OSError as error:
        reason = "is a symbolic link" if error.errno == errno.ELOOP else f"cannot be opened: {error.strerror}"
        raise RingError(f"{path} {reason}") from error
    found = os.fstat(descriptor)
    reason = ""
    if not stat.S_ISREG(found.st_mode):
        reason = "is not a regular file"
    elif found.st_uid != os.geteuid():
        reason = f"belongs to user {found.st_uid}, not to {os.geteuid()}: run the components as one user"
    elif stat.S_IMODE(found.st_mode) != _MODE:
        reason = f"has mode {stat.S_IMODE(found.st_mode):04o} instead of {_MODE:04o}"
    if reason:
        os.close(descriptor)
        raise RingError(f"{path} {reason}")
    return descriptor


def _read_header(descriptor: int) -> tuple[int, int, int, int, int, int]:
    raw = os.pread(descriptor, _HEADER.size, 0).ljust(_HEADER.size, b"\0")
    magic, birth, slots, width, height, pid = _HEADER.unpack(raw)
    return magic, birth, slots, width, height, pid


def _unlink(descriptor: int, path: Path) -> bool:
    if not _is_same(descriptor, path):
        return False
    path.unlink(missing_ok=True)
    return True


def _is_same(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.lstat())
    except FileNotFoundError:
        return False
