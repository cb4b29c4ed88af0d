"""Asks capture for clips: of each event, from when it began until it ends; and says which it may do without."""

import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from smartcam.contract.clip import (
    MOST_WAITING,
    ClipHeard,
    ClipKept,
    ClipMessage,
    ClipRequest,
    ClipWorth,
    encode_clip_message,
)
from smartcam.contract.errors import BusError, ContractError, OutboxError
from smartcam.contract.event import Event, Phase
from smartcam.contract.health import CameraHealth
from smartcam.contract.ids import EventId
from smartcam.contract.times import NS_PER_S, MonotonicNs
from smartcam.contract.topics import clips_topic
from smartcam.contract.wanted import MOST_VERDICTS, Verdict
from smartcam.edge.bus.port import LocalBus
from smartcam.edge.clock import Clock
from smartcam.edge.logs import log
from smartcam.inference.events import Change, restored

logger = logging.getLogger(__name__)

_AHEAD_NS: Final = 60 * NS_PER_S
"""An episode that is open is asked for again three times in this time, whenever its state is stored. If inference dies,
its clip ends then."""
_WEIGH_NS: Final = 60 * NS_PER_S
"""How often capture is told, which may have been started anew meanwhile."""
_OLDEST_NS: Final = 60 * NS_PER_S
"""How old an event can be when it is raised. A step of UTC meanwhile moves a clip's beginning by no more."""


class ClipRequests:
    """Asks for the clips of what changes. A request that cannot be sent is lost: evidence never delays an event."""

    def __init__(self, bus: LocalBus, clock: Clock) -> None:
        self._bus = bus
        self._clock = clock
        self._is_failing = False
        self._weigh_at = MonotonicNs(0)
        self._weighed = False

    def weigh(
        self,
        cameras: Callable[[], Iterable[CameraHealth]],
        verdicts: Sequence[Verdict],
        unacknowledged: Callable[[int], Sequence[EventId]],
    ) -> None:
        """Say now and then of which events clips go first where room is needed, and of which last.

        `unacknowledged` gives the newest so many events that the cloud does not know; it may raise OutboxError.
        """
        now = self._clock.monotonic()
        if now < self._weigh_at:
            return
        self._weigh_at = MonotonicNs(now + _WEIGH_NS)
        false = tuple(one.event_id for one in verdicts if not one.true)[-MOST_VERDICTS:]
        try:
            waiting = tuple(unacknowledged(MOST_WAITING))
        except OutboxError:  # who stores the next event says so
            waiting = ()
        if false or waiting or self._weighed:
            for camera in cameras():
                self._send(ClipWorth(camera.camera_id, false, waiting))
        # What was said last holds until it is taken back.
        self._weighed = bool(false or waiting)

    def ask(self, change: Change) -> None:
        """Ask for the clip of what has been raised, goes on, or has ended."""
        event = _event(change)
        if event is None or event.phase is Phase.RECORDED:
            return
        now = self._clock.monotonic()
        until = now if change.episode is None else MonotonicNs(now + _AHEAD_NS)
        age_ns = min(max(self._clock.utc() - event.started_at, 0), _OLDEST_NS)
        self._send(ClipRequest(event, MonotonicNs(max(now - age_ns, 0)), until))

    def heard(self, kept: ClipKept) -> None:
        """Tell capture that it need not say it again."""
        self._send(ClipHeard(kept.camera_id, kept.event.event_id, kept.event.revision))

    def _send(self, message: ClipMessage) -> None:
        try:
            self._bus.publish_local(clips_topic(message.camera_id), encode_clip_message(message))
        except (BusError, ContractError) as error:
            level = logging.DEBUG if self._is_failing else logging.WARNING
            self._is_failing = True
            log(logger, level, "clip_not_requested", camera=message.camera_id, error=error)
            return
        self._is_failing = False


def _event(change: Change) -> Event | None:
    if change.event is not None or change.episode is None:
        return change.event
    try:
        return restored(change.episode).event
    except ContractError:
        return None
