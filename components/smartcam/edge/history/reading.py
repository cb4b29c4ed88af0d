"""Reads the history of events, and follows what another process appends to it."""

import logging
from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from smartcam.contract.errors import ContractError
from smartcam.contract.ids import EventId, event_id
from smartcam.contract.reading import Fields
from smartcam.edge.history.past import EventChoice, KnownEvent, PastEvent
from smartcam.edge.history.records import SaidOfEvent, document_in, unpack_lines
from smartcam.edge.logs import log
from smartcam.edge.pictures.folder import has_picture, read_picture
from smartcam.edge.segments import Segment, content_of, segments_in

logger = logging.getLogger(__name__)

FOLDER: Final = "history"
"""Where it is in the work folder of smartcam.Inference."""
MOST_OF_A_PAGE: Final = 1000
_ANY: Final = EventChoice()


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """Some events, newest first; `more`: there are older ones that were looked for."""

    events: tuple[PastEvent, ...]
    more: bool


@dataclass(slots=True)
class _ReadSoFar:
    """How far a segment has been read: its size then, and the end of its last whole block."""

    size: int = 0
    end: int = 0


class PastEvents:
    """The events of a folder, as far as they were there at the last `refresh`. For one thread; raises nothing.

    It holds each event's newest line in memory, which is bounded as the folder is. `pictures` is the folder of the
    events' pictures.
    """

    def __init__(self, folder: Path, pictures: Path | None = None) -> None:
        self._folder = folder
        self._pictures = pictures
        self._is_failing = False
        self.changed: dict[EventId, bool] = {}
        self._begin_anew()

    def refresh(self) -> bool:
        """Read what was appended since the last time, and forget what is gone; whether anything has changed.

        `changed` then names the events that something was said of, and whether they were not there before.
        """
        self.changed = {}
        try:
            segments = segments_in(self._folder)
        except OSError as error:
            level = logging.DEBUG if self._is_failing else logging.WARNING
            self._is_failing = True
            log(logger, level, "history_not_read", folder=self._folder, error=error)
            return False
        self._is_failing = False
        has_changed = self._forget(segments)
        for segment in segments:
            place = self._places.setdefault(segment.path, _ReadSoFar())
            if segment.size != place.size:
                self._read(segment, place)
                has_changed = True
        return has_changed

    def page(self, chosen: EventChoice = _ANY, *, before: EventId | None = None, limit: int = 50) -> HistoryPage:
        """At most `limit` of the events that are looked for, newest first, and older than `before`.

        `before` need not be there any more. A `limit` beyond `MOST_OF_A_PAGE` is that.
        """
        limit = max(1, min(limit, MOST_OF_A_PAGE))
        found: list[PastEvent] = []
        for past in self._newest_first(chosen, before):
            if len(found) == limit:
                return HistoryPage(tuple(found), more=True)
            found.append(past)
        return HistoryPage(tuple(found), more=False)

    def event(self, event: EventId) -> PastEvent | None:
        """What is known of one event; None if it is not there."""
        known = self._known.get(event)
        if known is None or not known.is_told:
            return None
        try:
            past = known.past()
        except ContractError as error:
            log(logger, logging.DEBUG, "history_record_unreadable", event_id=event, error=error)
            return None
        return replace(past, has_picture=self._has_picture(past))

    def picture(self, event: EventId) -> bytes | None:
        """The picture of an event that is there, a JPEG; None if there is none."""
        past = self.event(event)
        if past is None or self._pictures is None:
            return None
        return read_picture(self._pictures, past.event.camera_id, event)

    def _newest_first(self, chosen: EventChoice, before: EventId | None) -> Iterator[PastEvent]:
        end = len(self._order) if before is None else bisect_left(self._order, before)
        for place in range(end - 1, -1, -1):
            event = self._order[place]
            past = self.event(event) if self._known[event].fits(chosen) else None
            if past is not None:
                yield past

    def _has_picture(self, past: PastEvent) -> bool:
        where = self._pictures
        return where is not None and has_picture(where, past.event.camera_id, past.event.event_id)

    def _begin_anew(self) -> None:
        self._places: dict[Path, _ReadSoFar] = {}
        self._known: defaultdict[EventId, KnownEvent] = defaultdict(KnownEvent)
        self._order: list[EventId] = []

    def _forget(self, segments: Sequence[Segment]) -> bool:
        """What stood only in segments that are gone; whether there are any."""
        sizes = {one.path: one.size for one in segments}
        if any(sizes.get(path, place.size) < place.size for path, place in self._places.items()):
            self._begin_anew()  # somebody has cut one: nothing says what of it has been read
            return True
        gone = self._places.keys() - sizes.keys()
        for path in gone:
            del self._places[path]
        if gone:
            for event in [event for event, known in self._known.items() if known.newest in gone]:
                del self._known[event]
            self._order = [event for event in self._order if event in self._known]
        return bool(gone)

    def _read(self, segment: Segment, place: _ReadSoFar) -> None:
        """What has been appended to a segment. A part of a block at its end may be whole the next time."""
        begin, damaged, is_damaged = place.end, 0, False
        for lines, end in unpack_lines(content_of(segment.path, begin)):
            if lines:
                place.end, damaged = begin + end, damaged + is_damaged
                for line in lines:
                    self._take(line, segment.path)
            is_damaged = not lines
        place.size = segment.size
        if damaged:
            log(logger, logging.WARNING, "history_damaged", file=segment.path, places=damaged)

    def _take(self, line: bytes, segment: Path) -> None:
        """A record; one of another version is left out."""
        document = document_in(line)
        if document is None:
            return
        try:
            event, judged = event_id(Fields(document).text("event_id")), SaidOfEvent.from_document(document)
            known = self._known[event]
            was_told = known.is_told
            if judged is None:
                known.tell(document, line)
            else:
                known.judge(judged)
        except ContractError as error:
            log(logger, logging.DEBUG, "history_record_left_out", error=error)
            return
        known.newest = segment
        is_new = known.is_told and not was_told
        self.changed[event] = is_new or self.changed.get(event, False)
        if is_new:
            insort(self._order, event)
