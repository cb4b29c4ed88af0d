"""Sealed memory that other processes may map, and the file that leads to it: made, opened, checked and removed.

What lies in it is memory that the kernel has sealed (memfd): nobody can cut it short, not even its owner. A file that
is cut short under a process that has it mapped ends that process with SIGBUS. It begins with a page of header:

    magic | birth number | three numbers that say how the rest lies | writer's pid | writer's descriptor of the memory

The file in shared memory holds the same header, and with it the way to the memory: /proc/<pid>/fd/<descriptor>, which
the kernel opens for the writer's own user. Words are 64 bits in the machine's byte order. The writer holds an exclusive
flock on the file for as long as it lives: the kernel lets go of it even after kill -9, and unlike a pid it cannot come
to mean another process.
"""

import errno
import fcntl
import mmap
import os
import stat
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Final, TypeVar

from smartcam.contract.errors import RingError
from smartcam.contract.ids import CameraId

DEFAULT_FOLDER: Final = Path("/dev/shm")  # noqa: S108  shared memory is the point; names are opened exclusively
FOLDER_VARIABLE: Final = "SMARTCAM_SHM"
"""The environment variable with which the components' main functions choose another folder."""
PAGE: Final = 4096
WORD: Final = 8
HEADER_BYTES: Final = 7 * WORD
_HEADER = struct.Struct("=7Q")
_MODE = 0o600
_SEALS = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL
_OPEN = os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
_THROUGH_PROC = os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
"""Each name there is a link, which only the kernel can make."""


@dataclass(frozen=True, slots=True)
class SealedShape:
    """What is to be made: whose memory it is (`magic`), the three numbers of its header, and its bytes in all."""

    magic: int
    numbers: tuple[int, int, int]
    size: int


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


@dataclass(frozen=True, slots=True)
class SealedHeader:
    """What the file and the memory's first page say alike."""

    magic: int
    birth: int
    first: int
    second: int
    third: int
    pid: int
    descriptor: int

    @classmethod
    def read(cls, descriptor: int) -> "SealedHeader":
        """The header at the beginning of an open file; zeros for what is not there."""
        return cls(*_HEADER.unpack(os.pread(descriptor, _HEADER.size, 0).ljust(_HEADER.size, b"\0")))

    def write(self, descriptor: int) -> None:
        """Write it at the beginning of an open file."""
        os.pwrite(descriptor, _HEADER.pack(*astuple(self)), 0)


class SealedMap:
    """Sealed memory that is mapped. No view of it may outlive `close`."""

    def __init__(self, memory: int, header: SealedHeader, size: int, file: int | None = None) -> None:
        """Takes the descriptor of the memory; the writer also gives the one of its file."""
        protection = mmap.PROT_READ if file is None else mmap.PROT_READ | mmap.PROT_WRITE
        self.birth = header.birth
        self._header = header
        self._file = file
        self._memory = memory
        self._map = mmap.mmap(memory, size, mmap.MAP_SHARED | mmap.MAP_POPULATE, protection)
        self._bytes = memoryview(self._map)
        self._words = self._bytes.cast("Q")

    def is_at(self, path: Path) -> bool:
        """Whether the path still leads to this memory: nobody has removed, replaced, cut or overwritten its file."""
        return self._file is not None and _is_same(self._file, path) and SealedHeader.read(self._file) == self._header

    def unlink(self, path: Path) -> None:
        """Take the name away, if it is still its own; whoever has mapped the memory keeps it."""
        if self._file is not None:
            _unlink(self._file, path)

    def close(self) -> None:
        """Unmap, and let go of the writer's lock."""
        self._words.release()
        self._bytes.release()
        with suppress(BufferError):  # a traceback may still hold a view: the memory is then freed with it
            self._map.close()
        os.close(self._memory)
        if self._file is not None:
            os.close(self._file)


M = TypeVar("M", bound=SealedMap)
Mapped = Callable[[int, SealedHeader, int | None], M]
"""Maps a memory: its descriptor, its header, and its file's descriptor where it is to be written."""


def create_sealed(path: Path, shape: SealedShape, mapped: Mapped[M]) -> M:
    """Make the file and the memory, all of it allocated, and map it for writing.

    Raises:
        RingError: there is a ring already, there is no room, or the folder cannot be written.
    """
    _check_room(path, shape.size)
    try:
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | _OPEN, _MODE)
    except OSError as error:
        raise RingError(f"{path} cannot be made: {error.strerror}") from error
    memory = -1
    try:
        os.fchmod(file, _MODE)
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        memory = os.memfd_create(path.name, os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        os.fchmod(memory, _MODE)
        # Memory that is only reserved (ftruncate) would end the process with SIGBUS when there is none left.
        os.posix_fallocate(memory, 0, shape.size)
        birth = int.from_bytes(os.urandom(8)) >> 1
        header = SealedHeader(shape.magic, birth, *shape.numbers, os.getpid(), memory)
        header.write(memory)
        fcntl.fcntl(memory, fcntl.F_ADD_SEALS, _SEALS)
        if not _is_sealed(memory, shape.size):  # until then anybody of our user can do it
            raise OSError(errno.EBADFD, "it was cut short while it was made")
        made = mapped(memory, header, file)
        header.write(file)
    except OSError as error:
        _unlink(file, path)
        os.close(file)
        if memory >= 0:
            os.close(memory)
        if error.errno in (errno.ENOSPC, errno.ENOMEM):
            raise _no_room(path, shape.size) from error
        raise RingError(f"{path} cannot be made: {error.strerror}") from error
    return made


def open_sealed(path: Path, size_of: Callable[[SealedHeader], int], mapped: Mapped[M]) -> M:
    """Map what the path leads to for reading, after checking that it is ours and whole.

    `size_of` gives the bytes of a memory with this header; 0: it is none that the caller can read.

    Raises:
        RingError: it is not there, not ours, or not a ring.
    """
    file = _open_ours(path, os.O_RDONLY)
    try:
        header = SealedHeader.read(file)
    except OSError as error:
        raise RingError(f"{path} cannot be read: {error.strerror}") from error
    finally:
        os.close(file)
    size = size_of(header)
    if not size or not header.pid:
        raise RingError(f"{path} is not a whole ring of this version: is capture of another version?")
    try:
        memory = os.open(f"/proc/{header.pid}/fd/{header.descriptor}", os.O_RDONLY | _THROUGH_PROC)
    except OSError as error:
        remedy = "capture has ended, or runs as another user or group, or in a container"
        raise RingError(f"the memory of {path} cannot be opened: {error.strerror}; {remedy}") from error
    try:
        # Another process may have got the pid meanwhile, and have anything open under that number.
        if not _is_sealed(memory, size) or SealedHeader.read(memory) != header:
            raise RingError(f"{path} leads to memory that is not its own: capture has ended")
        return mapped(memory, header, None)
    except OSError as error:
        os.close(memory)
        raise RingError(f"{path} cannot be mapped: {error.strerror}") from error
    except RingError:
        os.close(memory)
        raise


def _check_room(path: Path, size: int) -> None:
    """At most half of what is available: the kernel gives the whole of it, and then ends processes to get it back.

    Raises:
        RingError: there is no room.
    """
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:  # some sandboxes hide it: the kernel alone knows then whether there is room
        lines = []
    available = next((int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")), None)
    if available is not None and size > available // 2:
        raise _no_room(path, size)


def _no_room(path: Path, size: int) -> RingError:
    return RingError(f"memory has no room for a ring of {size} bytes ({path.name})")


def _is_sealed(memory: int, size: int) -> bool:
    """Whether it is memory of this size that nobody can cut short any more."""
    found = os.fstat(memory)
    if not stat.S_ISREG(found.st_mode) or found.st_size != size:
        return False
    try:
        return fcntl.fcntl(memory, fcntl.F_GET_SEALS) & _SEALS == _SEALS
    except OSError:  # a file on a disk cannot be sealed
        return False


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
        pid = SealedHeader.read(descriptor).pid
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
