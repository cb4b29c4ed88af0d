"""The folder of the track journal: what moved where and when, without pictures, bounded in size and in age."""

import logging
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from smartcam.contract.times import NS_PER_S, MonotonicNs
from smartcam.edge.clock import Clock
from smartcam.edge.journal.blocks import pack_block, unpack_blocks
from smartcam.edge.logs import log
from smartcam.edge.segments import SegmentFolder, SegmentSettings, content_of, segments_in
from smartcam.vision.journal import JournalRow

logger = logging.getLogger(__name__)

FOLDER: Final = "journal"
"""Where it is in the work folder of smartcam.Inference."""
_STORE_EVERY_S: Final = 10.0
"""What is lost when the process is killed. A memory card takes a block of a few hundred bytes as gladly as one row."""
_MOST_WAITING: Final = 20_000
"""Rows in memory; 64 cameras with thirty objects each give fewer."""


@dataclass(frozen=True, slots=True)
class JournalSettings(SegmentSettings):
    """Of the track journal."""

    keep: bool = True
    max_mb: int = 50
    max_days: int = 7


class TrackJournal:
    """Segments, each readable by its owner only, to which blocks are appended. For one thread; raises nothing.

    Nothing is repaired and nothing synced: a power cut costs some seconds of the past. Nothing is written before it is
    known whether a journal is wanted. `lost` counts the rows for which there was no room, on the disk or in memory.
    """

    def __init__(self, folder: Path, clock: Clock) -> None:
        self.lost = 0
        self._folder = folder
        self._segments = SegmentFolder(folder, clock)
        self._clock = clock
        self._settings: JournalSettings | None = None
        self._waiting: deque[JournalRow] = deque(maxlen=_MOST_WAITING)
        self._store_at = MonotonicNs(0)
        self._is_failing = False

    def configure(self, settings: JournalSettings) -> None:
        """Go on with other settings. Where no journal is wanted, the one that is there is deleted."""
        self._settings = settings
        if not settings.keep:
            self._waiting.clear()
            try:
                self._segments.clear()
            except OSError as error:
                log(logger, logging.WARNING, "journal_not_deleted", folder=self._folder, error=error)

    def add(self, rows: Sequence[JournalRow]) -> None:
        """Take note of rows; `store` writes them."""
        if self._settings is None or self._settings.keep:
            self.lost += max(0, len(self._waiting) + len(rows) - _MOST_WAITING)
            self._waiting.extend(rows)

    def store(self, *, at_once: bool = False) -> None:
        """Write what waits, some seconds after the last time or at once, and let go of what is too old or too much."""
        now = self._clock.monotonic()
        if self._settings is None or not self._settings.keep or (now < self._store_at and not at_once):
            return
        self._store_at = MonotonicNs(now + round(_STORE_EVERY_S * NS_PER_S))
        rows = list(self._waiting)
        self._waiting.clear()
        try:
            if rows:
                self._segments.append(pack_block(rows), self._settings)
            else:
                self._segments.make_room(self._settings)
        except OSError as error:
            self.lost += len(rows)
            # Once, however long the disk takes nothing.
            level = logging.DEBUG if self._is_failing else logging.WARNING
            log(logger, level, "journal_not_kept", folder=self._folder, error=error, lost=self.lost)
            self._is_failing = True
            return
        if self._is_failing and rows:
            log(logger, logging.INFO, "journal_kept_again", folder=self._folder, lost=self.lost)
            self._is_failing = False


def read_journal(folder: Path) -> Iterator[JournalRow]:
    """All rows, in the order in which they came. What is damaged is left out, and logged once a file.

    May be read while another process writes. Raises nothing.
    """
    try:
        segments = segments_in(folder)
    except OSError as error:
        log(logger, logging.WARNING, "journal_not_read", folder=folder, error=error)
        return
    for segment in segments:
        damaged = 0
        for rows in unpack_blocks(content_of(segment.path)):
            damaged += not rows
            yield from rows
        if damaged:
            log(logger, logging.WARNING, "journal_damaged", file=segment.path, places=damaged)
