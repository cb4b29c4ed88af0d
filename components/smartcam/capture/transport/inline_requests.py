"""Inference's requests to send a camera's frames inline."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from smartcam.capture.settings import SourceSettings, TransportKind
from smartcam.contract.errors import ContractError
from smartcam.contract.inline import decode_inline_request
from smartcam.contract.times import NS_PER_S
from smartcam.contract.topics import transport_topic
from smartcam.edge.bus.port import LocalBus
from smartcam.edge.clock import Clock
from smartcam.edge.logs import log

logger = logging.getLogger(__name__)


HELD_S: Final = 90.0
"""How long a request holds: one message, whoever sent it, must not make frames small and dear for good."""
TRIAL_EVERY_S: Final = 20.0
"""How often a frame goes through the ring meanwhile. Inference asks again over one that it cannot read; of the trials
within a request, some may be lost."""


class InlineRequestListener:
    """Whether inference has asked for a camera's frames inline, and why."""

    def __init__(self, settings: SourceSettings, bus: LocalBus, clock: Clock) -> None:
        self._camera = settings.camera
        self._clock = clock
        # Replaced as a whole, because requests come in a thread of the bus.
        self._request: tuple[str, int] = "", 0
        self._trial_at = 0
        self._listens = settings.transport is TransportKind.AUTO
        self._bus = bus

    @property
    def reason(self) -> str:
        """Why frames are to travel inline; empty while nobody asks, or nobody has asked again."""
        reason, until = self._request
        return reason if self._clock.monotonic() < until else ""

    def is_trial(self) -> bool:
        """Whether the next frame is to try the ring, which starts the wait for the next trial."""
        now = self._clock.monotonic()
        if now < self._trial_at:
            return False
        self._trial_at = now + round(TRIAL_EVERY_S * NS_PER_S)
        return True

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
        now = self._clock.monotonic()
        if not self.reason:
            self._trial_at = now + round(TRIAL_EVERY_S * NS_PER_S)
        reason = self.reason or f"inference cannot read the ring: {request.reason}"
        self._request = reason, now + round(HELD_S * NS_PER_S)
