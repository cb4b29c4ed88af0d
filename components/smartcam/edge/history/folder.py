"""The history of events: each change of an event, appended to a folder that is bounded in size and in age."""

import logging
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from smartcam.contract.errors import ContractError
from smartcam.contract.event import Event
from smartcam.contract.ids import EventId
from smartcam.contract.times import NS_PER_S, MonotonicNs
from smartcam.contract.wanted import Verdict
from smartcam.edge.clock import Clock
from smartcam.edge.history.records import SaidOfEvent, pack_lines
from smartcam.edge.logs import log
from smartcam.edge.segments import SegmentFolder, SegmentSettings

logger = logging.getLogger(__name__)

_MOST_WAITING: Final = 200
"""Records in memory while the disk takes nothing: together they fit into the smallest history."""
_AGAIN_S: Final = 10.0
"""When a disk is asked again that has taken nothing."""
_TIDY_EVERY_S: Final = 600.0
"""How often what is too old goes where nothing comes."""


@dataclass(frozen=True, slots=True)
class HistorySettings(SegmentSettings):
    """Of the history of events."""

    keep: bool = True
    max_mb: int = 20
    max_days: int = 30


class EventHistory:
    """Segments, each readable by its owner only. `add` and `judge` may be called from any thread; raises nothing.

    What is stored survives a power cut. While the disk takes nothing, records wait; `lost` counts those for which there
    was no room in memory. Nothing is written before it is known whether a history is wanted.
    """

    def __init__(self, folder: Path, clock: Clock) -> None:
        self.lost = 0
        self.folder = folder
        self._segments = SegmentFolder(folder, clock, durable=True)
        self._clock = clock
        self._settings: HistorySettings | None = None
        self._lock = threading.Lock()
        self._waiting: tuple[bytes, ...] = ()
        self._of_cloud: tuple[Verdict, ...] = ()
        self._again_at = self._tidy_at = MonotonicNs(0)
        self._is_failing = False

    def configure(self, settings: HistorySettings) -> None:
        """Go on with other settings. Where no history is wanted, the one that is there is deleted."""
        self._settings = settings
        self._tidy_at = MonotonicNs(0)
        if not settings.keep:
            self._waiting = ()
            try:
                self._segments.clear()
            except OSError as error:
                log(logger, logging.WARNING, "history_not_deleted", folder=self.folder, error=error)

    def add(self, event: Event) -> None:
        """Take note of a change of an event; `store` writes it."""
        try:
            self._wait((event.to_json(),))
        except ContractError as error:
            log(logger, logging.ERROR, "history_event_left_out", event_id=event.event_id, error=error)

    def judge(self, event: EventId, *, true: bool | None) -> None:
        """Take note of what somebody says here of an event; None takes it back."""
        self._wait((SaidOfEvent(event, true).to_json(),))

    def take_verdicts(self, verdicts: Iterable[Verdict]) -> None:
        """Take note of what the cloud says that people have said, which it says again and again."""
        heard = tuple(verdicts)
        for verdict in heard:
            if verdict not in self._of_cloud:
                self._wait((SaidOfEvent(verdict.event_id, verdict.true, of_cloud=True).to_json(),))
        self._of_cloud = heard

    def store(self) -> None:
        """Write what waits, and now and then let go of what is too old."""
        now, settings = self._clock.monotonic(), self._settings
        if settings is None or not settings.keep or now < self._again_at:
            return
        if not self._waiting and now < self._tidy_at:
            return
        self._tidy_at = MonotonicNs(now + round(_TIDY_EVERY_S * NS_PER_S))
        with self._lock:
            lines, self._waiting = self._waiting, ()
        try:
            if lines:
                self._segments.append(pack_lines(lines), settings)
            else:
                self._segments.make_room(settings)
        except OSError as error:
            self._again_at = MonotonicNs(now + round(_AGAIN_S * NS_PER_S))
            self._wait(lines, first=True)
            # Once, however long the disk takes nothing.
            level = logging.DEBUG if self._is_failing else logging.WARNING
            log(logger, level, "history_not_kept", folder=self.folder, error=error, waiting=len(lines))
            self._is_failing = True
            return
        if self._is_failing and lines:
            log(logger, logging.INFO, "history_kept_again", folder=self.folder, lost=self.lost)
            self._is_failing = False

    def _wait(self, lines: tuple[bytes, ...], *, first: bool = False) -> None:
        """Keep lines for `store`, before or behind those that wait; the oldest are lost where there are too many."""
        if self._settings is not None and not self._settings.keep:
            return
        with self._lock:
            waiting = (*lines, *self._waiting) if first else (*self._waiting, *lines)
            self.lost += max(0, len(waiting) - _MOST_WAITING)
            self._waiting = waiting[-_MOST_WAITING:]
