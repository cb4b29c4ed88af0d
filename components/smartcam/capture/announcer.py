"""Hands frames and states on: pixels to the ring, notices to the bus. Faults of either never stop capture."""

import logging
from collections.abc import Callable
from typing import Final

from smartcam.capture.sources.source import TimedPicture
from smartcam.contract.errors import BusError, RingError
from smartcam.contract.ids import CameraId
from smartcam.contract.notice import FrameNotice, PixelBox, StatusNotice, encode_notice
from smartcam.contract.times import NS_PER_S
from smartcam.contract.topics import frames_topic
from smartcam.edge.backoff import Backoff
from smartcam.edge.bus import Bus
from smartcam.edge.clock import Clock
from smartcam.edge.logs import log
from smartcam.edge.ring import RingWriter
from smartcam.vision.frame import Frame

logger = logging.getLogger(__name__)

_FIRST_RETRY_S: Final = 0.5
_LONGEST_RETRY_S: Final = 10.0


class Publisher:
    """Publishes one camera's notices; what the bus does not take is dropped and counted."""

    def __init__(self, camera: CameraId, bus: Bus) -> None:
        self.dropped = 0
        self._camera = camera
        self._topic = frames_topic(camera)
        self._bus = bus
        self._fault = ""

    def publish(self, notice: FrameNotice | StatusNotice) -> bool:
        """Whether the bus has taken it."""
        try:
            self._bus.publish_local(self._topic, encode_notice(notice))
        except BusError as error:
            self.dropped += 1
            if type(error).__name__ != self._fault:
                self._fault = type(error).__name__
                log(logger, logging.WARNING, "notices_dropped", camera=self._camera, fault=self._fault, error=error)
            return False
        if self._fault:
            log(logger, logging.INFO, "notices_taken_again", camera=self._camera, dropped=self.dropped)
            self._fault = ""
        return True


class Announcer:
    """Writes frames into the ring and announces them. `fault` says why it cannot at the moment."""

    def __init__(
        self,
        camera: CameraId,
        publisher: Publisher,
        clock: Clock,
        open_ring: Callable[[], RingWriter],
        random: Callable[[], float],
    ) -> None:
        self.announced = 0
        self.fault = ""
        self._camera = camera
        self._publisher = publisher
        self._clock = clock
        self._open_ring = open_ring
        self._backoff = Backoff(_FIRST_RETRY_S, _LONGEST_RETRY_S, random)
        self._ring: RingWriter | None = None
        self._seq = 0
        self._retry_at_ns = 0

    def announce(self, timed: TimedPicture, motion: tuple[PixelBox, ...]) -> None:
        """Hand the frame on; where shared memory fails it is dropped, and the ring is made anew a little later."""
        if self.fault and self._clock.monotonic() < self._retry_at_ns:
            return
        frame = Frame(
            self._camera,
            self._seq + 1,
            timed.captured_at,
            timed.captured_mono,
            timed.position_ns,
            timed.picture,
            motion,
        )
        try:
            if self._ring is None:
                self._ring = self._open_ring()
            notice = self._ring.write(frame)
        except RingError as error:
            self._give_up(error)
            return
        if self.fault:
            log(logger, logging.INFO, "ring_recovered", camera=self._camera)
            self.fault = ""
            self._backoff.reset()
        self._seq += 1
        if self._publisher.publish(notice):
            self.announced += 1

    def close(self) -> None:
        """Remove the ring."""
        ring, self._ring = self._ring, None
        if ring is not None:
            ring.close()

    def _give_up(self, error: RingError) -> None:
        if str(error) != self.fault:
            log(logger, logging.ERROR, "ring_failed", camera=self._camera, error=error)
        self.fault = str(error)
        self._retry_at_ns = self._clock.monotonic() + round(self._backoff.next() * NS_PER_S)
        self.close()
