"""Which clips capture has: a third phase of their events, for a cloud that has said that it takes it."""

import logging
from collections import deque
from collections.abc import Callable
from typing import Final

from smartcam.contract.clip import ClipKept, decode_clip_message
from smartcam.contract.errors import ContractError
from smartcam.contract.event import Event, Phase
from smartcam.contract.ids import EventId, ThingName
from smartcam.contract.topics import clips_topic
from smartcam.edge.logs import log
from smartcam.inference.events import Change

logger = logging.getLogger(__name__)

_MOST: Final = 256
"""Capture says again what was not heard."""
_LOG_EVERY: Final = 100


class ClipRecords:
    """What capture says of its clips. `hear` may be called from any thread.

    `takes` gives what the cloud takes; `heard` tells capture that it was heard. `noted` hears of events with clips that
    the cloud does not take.
    """

    def __init__(
        self,
        thing: ThingName,
        takes: Callable[[], tuple[str, ...]],
        heard: Callable[[ClipKept], None],
        noted: Callable[[Event], object] = lambda _: None,
    ) -> None:
        self._thing = thing
        self._takes = takes
        self._heard = heard
        self._noted = noted
        self._kept: deque[ClipKept] = deque(maxlen=_MOST)
        self._unstored: tuple[ClipKept, ...] = ()
        self._refused = 0

    def hear(self, topic: str, payload: bytes) -> None:
        """Take a message of the topic; most are not of capture."""
        try:
            message = decode_clip_message(payload)
            if topic != clips_topic(message.camera_id):
                raise ContractError("camera_id", f"is not the camera of the topic {topic}")
            if isinstance(message, ClipKept):
                if message.event.thing != self._thing:
                    raise ContractError("event.thing", f"must be {self._thing}")
                self._kept.append(message)
        except ContractError as error:
            self._refused += 1
            if self._refused % _LOG_EVERY == 1:
                log(logger, logging.WARNING, "clip_message_refused", topic=topic, error=error, refused=self._refused)

    def changes(self) -> list[Change]:
        """What there is to be sent: nothing where the cloud would refuse it, or before the last ones are `stored`."""
        if self._unstored:
            return []
        newest: dict[EventId, ClipKept] = {}
        while self._kept:
            kept = self._kept.popleft()
            newest[kept.event.event_id] = kept
        self._unstored = tuple(newest.values())
        if Phase.RECORDED in self._takes():
            return [Change(kept.event, None) for kept in self._unstored]
        for kept in self._unstored:
            self._noted(kept.event)
        return []

    def stored(self) -> None:
        """What `changes` gave is on the disk. Only now may capture forget it: either process may die at any time."""
        for kept in self._unstored:
            self._heard(kept)
        self._unstored = ()
