"""Chooses a camera's transport, and hears what inference asks for."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from smartcam.capture.settings import CameraSettings, TransportKind
from smartcam.capture.transport.transports import AutoTransport, InlineTransport, Publisher, SharedTransport, Transport
from smartcam.contract.errors import ContractError
from smartcam.contract.inline import decode_inline_request
from smartcam.contract.topics import transport_topic
from smartcam.edge.bus.port import LocalBus
from smartcam.edge.clock import Clock
from smartcam.edge.logs import log
from smartcam.edge.ring.frame_ring import RingWriter

logger = logging.getLogger(__name__)


class Wish:
    """Whether inference has asked for a camera's frames inline, and why. It is granted until the process ends."""

    def __init__(self, settings: CameraSettings, bus: LocalBus) -> None:
        self._camera = settings.camera
        self._is_heard = settings.transport is TransportKind.AUTO
        self._bus = bus
        self._reason = ""

    def __call__(self) -> str:
        """The reason; empty while nobody has asked."""
        return self._reason

    @contextmanager
    def heard(self) -> Iterator[None]:
        """Listen for as long as the context lasts, if the camera's settings leave the choice."""
        if not self._is_heard:
            yield
            return
        subscription = self._bus.subscribe_local(transport_topic(self._camera), self._on_wish)
        try:
            yield
        finally:
            subscription.close()

    def _on_wish(self, topic: str, payload: bytes) -> None:
        try:
            wish = decode_inline_request(payload)
            if wish.camera_id != self._camera:
                raise ContractError("camera_id", f"is not the camera of the topic {topic}")
        except ContractError as error:
            log(logger, logging.WARNING, "wish_refused", topic=topic, error=error)
            return
        self._reason = self._reason or f"inference cannot read the ring: {wish.reason}"


def new_transport(
    settings: CameraSettings,
    publisher: Publisher,
    clock: Clock,
    open_ring: Callable[[], RingWriter],
    random: Callable[[], float],
    wish: Callable[[], str],
) -> Transport:
    """The transport that the camera's settings name."""
    inline = InlineTransport(publisher, settings.inline_side)
    if settings.transport is TransportKind.INLINE:
        return inline
    shared = SharedTransport(settings.camera, publisher, clock, open_ring, random)
    if settings.transport is TransportKind.SHARED:
        return shared
    return AutoTransport(settings.camera, shared, inline, wish)
