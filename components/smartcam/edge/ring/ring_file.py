"""The ring's file in shared memory: its layout, and how it is made, opened, checked and removed.

A page of header, then the slots, each beginning on a page:

    header  magic | birth number | slots | width | height | writer's pid
    slot    stamp | seq | captured_at | captured_mono | position_ns | pixels as tight I420 from byte 64

Words are 64 bits in the machine's byte order. The writer holds an exclusive flock on the file for as long as it
lives: the kernel lets go of it even after kill -9, and unlike a pid it cannot come to mean another process.
"""

import errno
import fcntl
import mmap
import os
import stat
import struct
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from smartcam.contract.errors import RingError
from smartcam.contract.ids import CameraId
from smartcam.contract.notice import LARGEST_SIDE
from smartcam.vision.picture import Picture

MOST_SLOTS = 1024
FACTS = struct.Struct("=4Q")
"""What a slot says about its frame: seq, captured_at, captured_mono, position_ns."""
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


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """One slot in the map. The stamp is odd while the writer is at work, 0 before the first frame."""

    stamp: memoryview
    """One aligned word, which the machine loads and stores atomically."""
    facts: memoryview
    pixels: NDArray[np.uint8]
    """Tight I420, flat."""
    planes: Picture
    """The same pixels as planes."""


class RingMap:
    """A mapped ring. No view of the map may outlive `close`."""

    def __init__(self, descriptor: int, layout: Layout, birth: int, *, writable: bool) -> None:
        protection = mmap.PROT_READ | mmap.PROT_WRITE if writable else mmap.PROT_READ
        self.layout = layout
        self.birth = birth
        self._descriptor = descriptor
        self._map = mmap.mmap(descriptor, layout.size, mmap.MAP_SHARED | mmap.MAP_POPULATE, protection)
        self._bytes = memoryview(self._map)
        self._words = self._bytes.cast("Q")
        whole = np.frombuffer(self._map, np.uint8)
        self.places = [self._place(whole, layout.slot_at(slot)) for slot in range(layout.slots)]

    def is_at(self, path: Path) -> bool:
        """Whether the path still leads to this ring."""
        return _is_same(self._descriptor, path)

    def close(self) -> None:
        """Unmap, and let go of the writer's lock."""
        views = [view for place in self.places for view in (place.stamp, place.facts)]
        self.places.clear()
        for view in (*views, self._words, self._bytes):
            view.release()
        fcntl.flock(self._descriptor, fcntl.LOCK_UN)
        with suppress(BufferError):  # a traceback may still hold a view: the memory is then freed with it
            self._map.close()
        os.close(self._descriptor)

    def _place(self, whole: NDArray[np.uint8], at: int) -> Place:
        pixels = whole[at + _SLOT_HEAD : at + _SLOT_HEAD + self.layout.picture_bytes]
        return Place(
            stamp=self._words[at // _WORD : at // _WORD + 1],
            facts=self._bytes[at + _WORD : at + _SLOT_HEAD],
            pixels=pixels,
            planes=Picture.from_i420(pixels, self.layout.width, self.layout.height),
        )


def ring_path(folder: Path, camera: CameraId) -> Path:
    """The file of a camera's ring: no path ever travels in a notice."""
    return folder / f"smartcam-{camera}"


def create_ring(path: Path, layout: Layout) -> RingMap:
    """Make the file, all of its memory allocated, and map it for writing.

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
        # Memory that is only reserved (ftruncate) would end the process with SIGBUS when tmpfs is full.
        os.posix_fallocate(descriptor, 0, layout.size)
        birth = int.from_bytes(os.urandom(8)) >> 1
        header = _HEADER.pack(_MAGIC, birth, layout.slots, layout.width, layout.height, os.getpid())
        os.pwrite(descriptor, header, 0)
        return RingMap(descriptor, layout, birth, writable=True)
    except OSError as error:
        _unlink(descriptor, path)
        os.close(descriptor)
        if error.errno == errno.ENOSPC:
            raise RingError(f"{path.parent} has no room for a ring of {layout.size} bytes ({path.name})") from error
        raise RingError(f"{path} cannot be made: {error.strerror}") from error


def open_ring(path: Path) -> RingMap:
    """Map a camera's ring for reading, after checking that it is ours and whole.

    Raises:
        RingError: it is not there, not ours, or not a ring.
    """
    descriptor = _open_ours(path, os.O_RDONLY)
    try:
        magic, birth, slots, width, height, _ = _read_header(descriptor)
        layout = Layout(slots, width, height)
        if magic != _MAGIC or not layout.is_sound() or os.fstat(descriptor).st_size != layout.size:
            raise RingError(f"{path} is not a whole ring of this version: is capture of another version?")
        return RingMap(descriptor, layout, birth, writable=False)
    except RingError:
        os.close(descriptor)
        raise
    except OSError as error:
        os.close(descriptor)
        raise RingError(f"{path} cannot be mapped: {error.strerror}") from error


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


def remove_ring(ring: RingMap, path: Path) -> None:
    """Take the ring's name away, if it is still its own; whoever has mapped it keeps the memory."""
    if ring.is_at(path):
        path.unlink(missing_ok=True)


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
