"""What changed, on its way into the outbox; what the outbox does not take now is kept and tried again."""

import logging
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from smartcam.contract.errors import ContractError, OutboxError
from smartcam.contract.event import Event, Phase
from smartcam.contract.ids import CameraId, EventId
from smartcam.contract.times import NS_PER_S, MonotonicNs
from smartcam.edge.backoff import Backoff
from smartcam.edge.clock import Clock
from smartcam.edge.logs import log
from smartcam.edge.outbox.outbox import Outbox
from smartcam.inference.clip_requests import ClipRequests
from smartcam.inference.events import Change, EpisodePicture

logger = logging.getLogger(__name__)

PictureKeeper = Callable[[CameraId, EventId, bytes], object]
"""Keeps the picture of a camera's event, a JPEG."""
_MOST_UNSTORED: Final = 1000
_MOST_PICTURES: Final = 16


class ChangeStore:
    """Stores changes in order, and then their pictures. For one thread."""

    def __init__(
        self,
        outbox: Outbox,
        clock: Clock,
        backoff: Backoff,
        on_stored: Callable[[], None],
        pictures: Sequence[PictureKeeper] = (),
        clips: ClipRequests | None = None,
        judged: Callable[[Event], Event] = lambda event: event,
        noted: Callable[[Event], object] = lambda _: None,
    ) -> None:
        """`on_stored` is called when events may have been stored. `clips` hears of changes at once, disk or no disk.

        `judged` gives an event back as it is to be sent: a filter may hold it back. `noted` hears of it as it is then.
        """
        self.raised = 0
        """Events that were raised, each revision counted."""
        self.cleared = 0
        """Events that have ended."""
        self._outbox = outbox
        self._clock = clock
        self._backoff = backoff
        self._on_stored = on_stored
        self._pictures = pictures
        self._clips = clips
        self._judged = judged
        self._noted = noted
        self._waiting: deque[Change] = deque(maxlen=_MOST_UNSTORED)
        self._store_at = MonotonicNs(0)

    @property
    def unstored(self) -> int:
        """How many changes wait for a disk that takes them."""
        return len(self._waiting)

    def keep(self, changes: Sequence[Change]) -> None:
        """Take note of changes; `store` puts them into the outbox."""
        for change in changes:
            if self._clips is not None:
                self._clips.ask(change)
            if change.event is not None:
                self._count(change.event)
                event = self._judged(change.event)
                self._noted(event)
                change = replace(change, event=event)  # noqa: PLW2901
            if len(self._waiting) == _MOST_UNSTORED:
                self.store()
            if len(self._waiting) == _MOST_UNSTORED:
                _log_lost(self._waiting[0])
            # Events are small; pictures that wait with them would fill the memory.
            has_room = len(self._waiting) < _MOST_PICTURES
            self._waiting.append(change if has_room else replace(change, snapshot=None))

    def _count(self, event: Event) -> None:
        self.cleared += event.phase is Phase.CLEARED
        self.raised += event.phase is Phase.RAISED
        log(
            logger,
            logging.INFO,
            "event",
            event_id=event.event_id,
            camera=event.camera_id,
            kind=event.kind,
            label=event.label or "none",
            phase=event.phase,
            score=event.score,
        )

    def store(self) -> None:
        """Put what waits into the outbox, in order."""
        now = self._clock.monotonic()
        if not self._waiting or now < self._store_at:
            return
        try:
            while self._waiting:
                self._put(self._waiting[0])
                # After its event, which needs the last free space on the disk more.
                picture = self._waiting.popleft().snapshot
                if picture is not None:
                    self._keep_picture(picture)
            self._backoff.reset()
        except OutboxError as error:
            wait_s = self._backoff.next()
            self._store_at = MonotonicNs(now + round(wait_s * NS_PER_S))
            log(logger, logging.ERROR, "event_not_stored", waiting=len(self._waiting), error=error, again_s=wait_s)
        self._on_stored()

    def _keep_picture(self, picture: EpisodePicture) -> None:
        for keep in self._pictures:
            keep(picture.camera, picture.event_id, picture.jpeg)

    def _put(self, change: Change) -> None:
        """Raises OutboxError. What no outbox can ever hold is logged and not tried again."""
        try:
            if change.event is not None:
                self._outbox.put(change.event, change.episode)
            elif change.episode is not None:
                self._outbox.put_episode(change.episode)
        except ContractError as error:
            log(logger, logging.CRITICAL, "event_not_storable", error=error)


def _log_lost(change: Change) -> None:
    event = change.event
    facts = {} if event is None else {"event_id": event.event_id, "camera": event.camera_id, "kind": event.kind}
    log(logger, logging.ERROR, "change_lost", reason="the outbox takes nothing and memory is bounded", **facts)
