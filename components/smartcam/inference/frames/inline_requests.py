"""Asks capture for frames inside messages where the ring cannot be opened."""

import logging
from dataclasses import dataclass
from typing import Final

from smartcam.contract.errors import BusError, RingError
from smartcam.contract.ids import CameraId
from smartcam.contract.inline import InlineRequest, encode_inline_request
from smartcam.contract.reading import printable
from smartcam.contract.times import NS_PER_S, MonotonicNs
from smartcam.contract.topics import transport_topic
from smartcam.edge.bus.port import LocalBus
from smartcam.edge.clock import Clock
from smartcam.edge.logs import log

logger = logging.getLogger(__name__)

_FAULTS: Final = 3
"""How many frames in a row must be unreadable before capture is asked: one may be of a ring that has just gone."""
_AGAIN_S: Final = 10.0


@dataclass(slots=True)
class _Unreadable:
    again_at: MonotonicNs
    faults: int = 0


class InlineRequests:
    """Counts a camera's unreadable frames in a row, and asks capture for inline frames every few seconds."""

    def __init__(self, bus: LocalBus, clock: Clock) -> None:
        self._bus = bus
        self._clock = clock
        self._cameras: dict[CameraId, _Unreadable] = {}

    def succeeded(self, camera: CameraId) -> None:
        """A frame of the camera could be read."""
        self._cameras.pop(camera, None)

    def failed(self, camera: CameraId, error: RingError) -> None:
        """A frame of the camera could not be read."""
        state = self._cameras.setdefault(camera, _Unreadable(MonotonicNs(0)))
        state.faults += 1
        now = self._clock.monotonic()
        if state.faults < _FAULTS or now < state.again_at:
            return
        state.again_at = MonotonicNs(now + round(_AGAIN_S * NS_PER_S))
        log(logger, logging.WARNING, "inline_wanted", camera=camera, error=error)
        request = InlineRequest(camera, printable(str(error)) or "unknown")
        try:
            self._bus.publish_local(transport_topic(camera), encode_inline_request(request))
        except BusError as refusal:
            log(logger, logging.WARNING, "wish_not_sent", camera=camera, error=refusal)
