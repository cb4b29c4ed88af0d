"""A folder of films that grow: bounded by bytes and hours, the disk keeps room, and nothing half done stays.

The files are the truth: each says by its name what it is of, and by its content what it holds.
"""

import errno
import hashlib
import io
import logging
import os
import stat
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Generic, Protocol, Self, TypeVar

from smartcam.capture.recording.fragments import playable_bytes
from smartcam.contract.times import NS_PER_S
from smartcam.edge.clock import Clock
from smartcam.edge.files import BYTES_OF_MB, replace_file, sync_folder
from smartcam.edge.logs import log

logger = logging.getLogger(__name__)

_NS_PER_HOUR: Final = 3600 * NS_PER_S
_LOOK_NS: Final = 600 * NS_PER_S
FILM: Final = ".mp4"
GROWING: Final = ".part"
"""What a file's name ends in while it is being written."""
_OPEN: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW


class FileName(Protocol):
    """What a file is called by; `str` is the name itself. Sorts by age, the oldest first."""

    def __lt__(self, other: Any, /) -> bool:  # noqa: ANN401  as dataclasses have it
        """Whether the file is older."""

    def next_part(self) -> Self:
        """The name to take where this one is taken."""


N = TypeVar("N", bound=FileName)


@dataclass(frozen=True, slots=True)
class FolderBounds:
    """What all files of a folder may take. `what` they are is the settings' table, too.

    `reserve_bytes` stay free on the disk: the outbox, the pictures and the rest of the machine need them more.
    """

    what: str
    most_mb: int
    hours: int
    reserve_bytes: int


def free_bytes_of(folder: Path) -> int:
    """What is free for this user on the disk of the folder."""
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize


class BoundedFolder(Generic[N]):
    """All files of one kind on the device. Safe to use from any thread."""

    largest_ending = 0
    beside = ""
    """What the name of a small file that belongs to one of these ends in instead; empty: they have none."""

    def __init__(
        self,
        folder: Path,
        clock: Clock,
        limits: FolderBounds,
        read_name: Callable[[str], N | None],
        free_bytes: Callable[[Path], int] = free_bytes_of,
    ) -> None:
        """`read_name` gives None for what is no name of these files; such files are neither counted nor touched."""
        self._folder = folder
        self._clock = clock
        self._limits = limits
        self._read_name = read_name
        self._free_bytes = free_bytes
        self.lock = threading.RLock()
        self._sizes: dict[N, int] | None = None
        """Of all files, finished or growing, in the order in which they ended; None: not looked at yet.

        A device whose clock is behind gives new files names that sort before old ones.
        """
        self._growing: set[N] = set()
        self._hashes: dict[N, str] = {}
        """Of those that were written here; the others are read for it."""
        self._undated: set[N] = set()
        """Ended while UTC was not known to be right: their age counts from when it is."""
        self._look_at = 0

    def limit(self, limits: FolderBounds) -> None:
        """Go on with other limits."""
        with self.lock:
            self._limits = limits

    def known(self) -> dict[N, int]:
        """The bytes of all files, finished or growing, in the order in which they ended; to be read under the lock."""
        if self._sizes is None:
            self._sizes = {}
            try:
                found = list(self._folder.iterdir())
                named = [(path, self._read_name(path.name.removesuffix(GROWING))) for path in found]
                ours = [(_written_ns(path), name, path) for path, name in named if name is not None]
                for _, name, path in sorted(ours, key=lambda each: each[:2]):
                    self._take_up(path, name, self._sizes)
                self._tidy_beside(found, self._sizes)
            except FileNotFoundError:
                pass
            except OSError as error:  # who wants to begin a file there hears of it again
                log(logger, logging.WARNING, f"{self._limits.what}_not_read", folder=self._folder, error=error)
        return self._sizes

    def finished(self) -> list[N]:
        """The finished ones, the oldest first by their names."""
        with self.lock:
            return sorted(name for name in self.known() if name not in self._growing)

    def path(self, name: N) -> Path:
        """Where a finished file lies."""
        return self._folder / str(name)

    def grow(self, name: N) -> "GrowingFile[N]":
        """A new file of this name, or of the next part where that is taken, which only its owner can read.

        Raises:
            OSError: it cannot be made.
        """
        with self.lock:
            known = self.known()
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            while os.path.lexists(path := self._folder / f"{name}{GROWING}") or os.path.lexists(self.path(name)):
                name = name.next_part()  # one that could not be finished, or no file of ours at all
            growing = GrowingFile(self, name, os.open(path, _OPEN, 0o600), path)
            known[name] = self.largest_ending
            self._growing.add(name)
            return growing

    def reserve(self, name: N, count: int) -> None:
        """Make room for so many more bytes of a growing file, by deleting finished ones.

        Raises:
            OSError: ENOSPC where there are no more to delete.
        """
        with self.lock:
            known = self.known()
            while fault := self._lacks(count):
                first = self.first_to_go([each for each in known if each not in self._growing])
                if first is None or not self.delete(first, "room"):
                    raise OSError(errno.ENOSPC, fault)
            known[name] = known.get(name, 0) + count

    def put_beside(self, name: N, content: bytes, *, durable: bool = False) -> None:
        """Put a small file beside a growing one, in place of the one before. It counts, and goes when the other goes.

        Raises:
            OSError: there is no room, or the disk cannot be written; what was there stays.
        """
        before = self._bytes_beside(name)
        self.reserve(name, len(content))  # both are there for a moment
        surplus = len(content)
        try:
            replace_file(self._path_beside(name), content, durable=durable)
            surplus = before
        finally:
            with self.lock:
                self.known()[name] -= surplus

    def first_to_go(self, finished: list[N]) -> N | None:
        """Which of these is deleted first where there is no room; they come in the order in which they ended."""
        return next(iter(finished), None)

    def ending(self, name: N, size: int, sha256: str) -> bytes:  # noqa: ARG002
        """What goes to the end of a file of so many bytes with this hash; at most `largest_ending` bytes."""
        return b""

    def finish(self, name: N, growing: Path, written: int, digest: "hashlib._Hash") -> None:
        """Give a growing file its name; what cannot be played of it is cut off, and if that is all, it is deleted.

        `digest` is of the bytes that were `written`, and of no use any more.

        Raises:
            OSError: the disk cannot be written; the next process tries again.
        """
        size, sha256 = 0, ""
        try:
            size, sha256 = self._finished(name, growing, written, digest)
        finally:
            with self.lock:
                self._growing.discard(name)
                self.known().pop(name, None)
                if size:
                    self.known()[name], self._hashes[name] = size + self._bytes_beside(name), sha256
                    if not self._clock.synced():
                        self._undated.add(name)

    def expire(self) -> None:
        """Delete what is older than the limits allow; now and then is enough. Not while UTC may be wrong."""
        now = self._clock.monotonic()
        with self.lock:
            if now < self._look_at or not self._clock.synced():
                return
            self._look_at = now + _LOOK_NS
            today = self._clock.utc()
            oldest = today - self._limits.hours * _NS_PER_HOUR
            for name in self.finished():
                try:
                    if name in self._undated:
                        os.utime(self.path(name), ns=(today, today), follow_symlinks=False)
                        self._undated.discard(name)
                    if self.path(name).stat().st_mtime_ns < oldest:
                        self.delete(name, "age")
                except FileNotFoundError:  # somebody has fetched it
                    self.forget(name)
                except OSError as error:
                    log(logger, logging.WARNING, f"{self._limits.what}_not_read", file=name, error=error)

    def sha256(self, name: N) -> tuple[int, str]:
        """Bytes and hash of a finished file as it is on the disk. Raises OSError."""
        with self.path(name).open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            sha256 = self._hashes.get(name)
            if sha256 is None:
                sha256 = self._hashes[name] = hashlib.file_digest(file, "sha256").hexdigest()
        return size, sha256

    def delete(self, name: N, reason: str) -> bool:
        """Delete a file; whether it is gone."""
        what = self._limits.what
        try:
            self.path(name).unlink(missing_ok=True)
        except OSError as error:
            log(logger, logging.WARNING, f"{what}_not_deleted", file=name, error=error)
            return False
        self.forget(name)
        log(logger, logging.INFO, f"{what}_deleted", file=name, reason=reason)
        return True

    def forget(self, name: N) -> None:
        """The file is gone, and so goes what lies beside it."""
        with self.lock:
            self._drop_beside(name)
            self.known().pop(name, None)
            self._undated.discard(name)
            self._hashes.pop(name, None)

    def _lacks(self, count: int) -> str:
        """Why so many more bytes do not fit; empty if they do."""
        limits = self._limits
        if sum(self.known().values()) + count > limits.most_mb * BYTES_OF_MB:
            return f"{limits.what} may take {limits.most_mb} MB ({limits.what}.most_mb)"
        if self._free_bytes(self._folder) - count < limits.reserve_bytes:
            left = limits.reserve_bytes // BYTES_OF_MB
            return f"the disk has less than {left} MB left, which {limits.what} must leave free"
        return ""

    def _take_up(self, path: Path, name: N, sizes: dict[N, int]) -> None:
        """A file that an earlier process has left: one that it did not finish is finished where it broke off."""
        try:
            found = path.lstat()
            if not stat.S_ISREG(found.st_mode):  # no file of ours: it must neither be counted nor be in the way
                return
            size = self._finished(name, path)[0] if path.name.endswith(GROWING) else found.st_size
        except OSError as error:
            log(logger, logging.WARNING, f"{self._limits.what}_not_finished", file=name, error=error)
            size = 0
        if size:
            sizes[name] = size + self._bytes_beside(name)
            # An earlier process of this boot has written it, by a clock as wrong as today's.
            if not self._clock.synced() and found.st_mtime_ns >= self._clock.utc() - self._clock.monotonic():
                self._undated.add(name)

    def _path_beside(self, name: N) -> Path:
        return self.path(name).with_suffix(self.beside)

    def _bytes_beside(self, name: N) -> int:
        try:
            found = self._path_beside(name).lstat() if self.beside else None
        except OSError:
            return 0
        return found.st_size if found is not None and stat.S_ISREG(found.st_mode) else 0

    def _drop_beside(self, name: N) -> None:
        if self.beside:
            path = self._path_beside(name)
            try:
                path.unlink(missing_ok=True)
            except OSError as error:  # the next process tries again
                log(logger, logging.WARNING, f"{self._limits.what}_not_deleted", file=path.name, error=error)

    def _tidy_beside(self, found: list[Path], sizes: dict[N, int]) -> None:
        """Delete what lies beside nothing, and what a dead process has not written to its end."""
        for path in found if self.beside else ():
            end = path.name.removesuffix(GROWING)
            name = self._read_name(end.removesuffix(self.beside) + FILM) if end.endswith(self.beside) else None
            if name is not None and (end != path.name or name not in sizes):
                with suppress(OSError):  # no plain file, or a disk that cannot be written: it is in nobody's way
                    path.unlink()

    def _finished(
        self, name: N, growing: Path, written: int = 0, digest: "hashlib._Hash | None" = None
    ) -> tuple[int, str]:
        """See `finish`: the bytes and the hash of the finished file, 0 if nothing was left of it."""
        descriptor = os.open(growing, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
        with os.fdopen(descriptor, "r+b", buffering=0) as file:
            size = playable_bytes(file)
            if size:
                file.truncate(size)
                if digest is None or size != written:
                    file.seek(0)
                    digest = hashlib.file_digest(file, "sha256")
                file.seek(size)
                size += self._end(name, file, size, digest)
                os.fsync(descriptor)
        if size:
            growing.rename(self.path(name))
        else:
            growing.unlink()
            self._drop_beside(name)
        sync_folder(self._folder)
        return size, digest.hexdigest() if size and digest else ""

    def _end(self, name: N, file: io.FileIO, size: int, digest: "hashlib._Hash") -> int:
        """The bytes of the ending that was written, which the digest then includes."""
        ending = self.ending(name, size, digest.hexdigest())
        try:
            if file.write(ending) == len(ending):
                digest.update(ending)
                return len(ending)
        except OSError as error:
            log(logger, logging.WARNING, f"{self._limits.what}_without_ending", file=name, error=error)
        file.truncate(size)  # a film without it is better than none
        return 0


def _written_ns(path: Path) -> int:
    """When a file was last written: what a device that does not know the time calls its files says no order."""
    try:
        return path.lstat().st_mtime_ns
    except OSError:  # who takes it up says so
        return 0


class GrowingFile(Generic[N]):
    """A file that is being written. What has been written is taken up even if the process dies."""

    def __init__(self, folder: BoundedFolder[N], name: N, descriptor: int, path: Path) -> None:
        self.name = name
        self._folder = folder
        self._descriptor = descriptor
        self._path = path
        self._has_grown = False
        self._size = 0
        self._digest = hashlib.sha256()

    def write(self, content: bytes) -> int:
        """Append all of it. Raises OSError where there is no room, or the disk cannot be written."""
        self._folder.reserve(self.name, len(content))
        # To read gigabytes again when it is finished would cost the packets of another clip meanwhile.
        self._digest.update(content)
        self._size += len(content)
        left = memoryview(content)
        while left:
            left = left[os.write(self._descriptor, left) :]
        self._has_grown = True
        return len(content)

    def sync(self) -> None:
        """Make what has been written survive a power cut. Raises OSError."""
        if self._has_grown:
            self._has_grown = False
            os.fdatasync(self._descriptor)

    def finish(self) -> None:
        """Give the file its name; what cannot be played of it is cut off, and if that is all, it is deleted.

        Raises:
            OSError: the disk cannot be written; the next process tries again.
        """
        os.close(self._descriptor)
        self._folder.finish(self.name, self._path, self._size, self._digest)
