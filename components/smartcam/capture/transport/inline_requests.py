"""Inference's requests to send a camera's frames inline."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from smartcam.capture.settings import SourceSettings, TransportKind
from smartcam.contract.errors import ContractError
from smartcam.contract.inline import decode_inline_request
from smartcam.contract.topics import transport_topic
from smartcam.edge.bus.port import LocalBus
from smartcam.edge.logs import log

logger = logging.getLogger(__name__)


class InlineRequestListener:
    """Whether inference has asked for a camera's frames inline, and why. A request holds until the process ends."""

    def __init__(self, settings: SourceSettings, bus: LocalBus) -> None:
        self.reason = ""
        """Why frames are to travel inline; empty while nobody has asked."""
        self._camera = settings.camera
        self._listens = settings.transport is TransportKind.AUTO
        self._bus = bus

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Listen for as long as the context lasts, if the camera's settings leave the choice of the transport."""
        if not self._listens:
            yield
            return
        subscription = self._bus.subscribe_local(transport_topic(self._camera), self._on_request)
        try:
            yield
        finally:
            subscription.close()

    def _on_request(self, topic: str, payload: bytes) -> None:
        try:
            request = decode_inline_request(payload)
            if request.camera_id != self._camera:
                raise ContractError("camera_id", f"is not the camera of the topic {topic}")
        except ContractError as error:
            log(logger, logging.WARNING, "wish_refused", topic=topic, error=error)
            return
        self.reason = self.reason or f"inference cannot read the ring: {request.reason}"
