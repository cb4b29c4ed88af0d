"""Folders of files that are only ever appended to, bounded in size and in age: the oldest file goes first."""

import os
import re
import stat
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from smartcam.contract.times import NS_PER_S
from smartcam.edge.clock import Clock
from smartcam.edge.files import BYTES_OF_MB, sync_folder

_SHARES: Final = 28
"""A segment covers at most this part of the time and of the room: so much goes at once when the oldest one goes."""
_NAME: Final = re.compile(r"(\d{8,})-(\d+)\.rows", re.ASCII)
_DAY_S: Final = 86_400
_LARGEST: Final = 64 * BYTES_OF_MB


@dataclass(frozen=True, slots=True)
class Segment:
    """A file of such a folder. The numbers give the order, whatever the clock said.

    `begun`: UTC, seconds; 0 where nobody had set the clock.
    """

    number: int
    begun: int
    path: Path
    size: int


@dataclass(frozen=True, slots=True)
class SegmentSettings:
    """Whether such a folder is kept, and how much of the disk and of the past it may take."""

    keep: bool
    max_mb: int
    max_days: int


class SegmentFolder:
    """The writer's side: segments that only their owner can read. For one thread.

    Nothing is repaired: a process never goes on with the segment of an earlier one, nor after a fault. A `durable`
    block survives a power cut from when it is appended.
    """

    def __init__(self, folder: Path, clock: Clock, *, durable: bool = False) -> None:
        self._folder = folder
        self._clock = clock
        self._durable = durable
        self._current: Path | None = None
        self._last = 0

    def append(self, block: bytes, bounds: SegmentSettings) -> None:
        """Write a block, after what it would be too much with. Nothing of it stays in a new segment if it fails.

        Raises:
            OSError: the disk takes nothing; a reader finds a damaged place where the block was written in part.
        """
        self.make_room(bounds, len(block))
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        segment = self._segment_for(len(block), bounds)
        self._current = None  # until it has been written
        # A pipe in its place must not make us wait for somebody who reads from it.
        how = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        try:
            with os.fdopen(os.open(segment.path, how, 0o600), "wb") as file:
                file.write(block)
                if self._durable:
                    file.flush()
                    os.fdatasync(file.fileno())
            if self._durable and not segment.size:
                sync_folder(self._folder)
        except OSError:
            if not segment.size:  # or a full disk would fill with beginnings
                segment.path.unlink(missing_ok=True)
            raise
        self._current = segment.path

    def make_room(self, bounds: SegmentSettings, size: int = 0) -> None:
        """Delete what is too old, and the oldest until there is room for so many bytes more. Raises OSError."""
        kept = segments_in(self._folder)
        utc, longest = self._clock.utc() // NS_PER_S, bounds.max_days * _DAY_S
        # A clock that nobody has set says nothing about ages, and one that jumps must not cost what is there.
        if self._clock.synced():
            kept = _without(kept, [one for one, begun in _dated(kept) if not -_DAY_S <= utc - begun < longest])
        while kept and size + sum(one.size for one in kept) > bounds.max_mb * BYTES_OF_MB:
            kept = _without(kept, kept[:1])

    def clear(self) -> None:
        """Delete all. Raises OSError."""
        there = segments_in(self._folder)
        _without(there, there)

    def _segment_for(self, size: int, bounds: SegmentSettings) -> Segment:
        """The one to go on with; a new one if it is full, of another time or process, or has just failed."""
        utc = max(self._clock.utc() // NS_PER_S, 0) if self._clock.synced() else 0
        there = segments_in(self._folder)
        last = next((one for one in there if one.path == self._current), None)
        if last is not None:
            is_full = last.size + size > bounds.max_mb * BYTES_OF_MB // _SHARES
            is_of_now = bool(utc) == bool(last.begun) and 0 <= utc - last.begun < bounds.max_days * _DAY_S // _SHARES
            if not is_full and is_of_now:
                return last
        # No number comes again when its segment is gone: who follows them would take the new one for the old.
        self._last = number = 1 + max([self._last, *(one.number for one in there)])
        return Segment(number, utc, self._folder / f"{number:08}-{utc}.rows", 0)


def segments_in(folder: Path) -> list[Segment]:
    """What is there, oldest first; none where there is no such folder. Raises OSError."""
    found = []
    for path in folder.iterdir() if folder.is_dir() else ():
        name = _NAME.fullmatch(path.name)
        with suppress(OSError):  # it is gone by now
            if name is not None and not stat.S_ISDIR((status := path.lstat()).st_mode):
                found.append(Segment(int(name[1]), int(name[2]), path, status.st_size))
    return sorted(found, key=lambda one: (one.number, one.begun))


def content_of(path: Path, begin: int = 0) -> bytes:
    """A segment's bytes from a place on; none if it is gone by now, or no plain file."""
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            file.seek(begin)
            return file.read(_LARGEST)
    except OSError:
        return b""


def _dated(segments: Sequence[Segment]) -> Iterator[tuple[Segment, int]]:
    """Segments with when they began; where nobody knew the time, with when the next one did of which it is known.

    What comes after a power cut, on a device without a clock chip, must not be too old when the clock has been set.
    """
    begun = 0
    for one in reversed(segments):
        begun = one.begun or begun
        if begun:
            yield one, begun


def _without(segments: Sequence[Segment], gone: Sequence[Segment]) -> list[Segment]:
    """Deletes some of them. Raises OSError."""
    for segment in gone:
        segment.path.unlink(missing_ok=True)
    return [one for one in segments if one not in gone]
