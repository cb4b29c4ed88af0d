"""One camera's messages on the local bus."""

import logging
from collections.abc import Sequence

from smartcam.contract.errors import BusError
from smartcam.contract.ids import CameraId
from smartcam.contract.notice import FrameNotice, StatusNotice, encode_notice
from smartcam.contract.topics import frames_topic
from smartcam.edge.bus.port import LocalBus
from smartcam.edge.logs import log

logger = logging.getLogger(__name__)


class Publisher:
    """Publishes one camera's messages; what the bus does not take is dropped and counted."""

    def __init__(self, camera: CameraId, bus: LocalBus) -> None:
        self.dropped = 0
        self._camera = camera
        self._topic = frames_topic(camera)
        self._bus = bus
        self._fault = ""

    def publish(self, notice: FrameNotice | StatusNotice) -> bool:
        """Whether the bus has taken it."""
        return self.publish_all([encode_notice(notice)])

    def publish_all(self, payloads: Sequence[bytes]) -> bool:
        """Whether the bus has taken all payloads of one frame; after a refusal the rest are not tried."""
        try:
            for payload in payloads:
                self._bus.publish_local(self._topic, payload)
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
