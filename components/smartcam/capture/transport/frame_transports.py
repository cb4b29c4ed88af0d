"""How frames get to inference: through shared memory or inside messages. Faults of either never stop capture."""

import logging
from collections.abc import Callable
from typing import Final, Protocol

from smartcam.capture.settings import SourceSettings, TransportKind
from smartcam.capture.transport.inline_requests import InlineRequestListener
from smartcam.capture.transport.publisher import Publisher
from smartcam.contract.errors import ContractError, RingError
from smartcam.contract.ids import CameraId
from smartcam.contract.inline import LARGEST_INLINE, InlineFrame, encode_inline
from smartcam.contract.notice import FrameNotice
from smartcam.contract.times import NS_PER_S
from smartcam.edge.backoff import Backoff
from smartcam.edge.clock import Clock
from smartcam.edge.logs import log
from smartcam.edge.ring.frame_ring import RingWriter
from smartcam.vision.frame import Frame
from smartcam.vision.jpeg import encode_jpeg, fitted, scaled_box

logger = logging.getLogger(__name__)

_FIRST_RETRY_S: Final = 0.5
_LONGEST_RETRY_S: Final = 10.0
_ROOM_FOR_NOTICE: Final = 1024


class Transport(Protocol):
    """Sends frames to inference. For one thread."""

    @property
    def fault(self) -> str:
        """Why no frame can be sent at the moment; empty when all is well."""

    @property
    def remark(self) -> str:
        """What an operator should know about how frames travel; empty for the usual way."""

    def send(self, frame: Frame) -> bool:
        """Whether the frame has been announced. One that has not is dropped."""

    def close(self) -> None:
        """Release what it holds; sending again is allowed."""


class SharedTransport:
    """Pixels to the ring, notices to the bus. A ring that fails is recreated a little later."""

    remark = ""

    def __init__(
        self,
        camera: CameraId,
        publisher: Publisher,
        clock: Clock,
        open_ring: Callable[[], RingWriter],
        random: Callable[[], float],
    ) -> None:
        self.fault = ""
        self._camera = camera
        self._publisher = publisher
        self._clock = clock
        self._open_ring = open_ring
        self._backoff = Backoff(_FIRST_RETRY_S, _LONGEST_RETRY_S, random)
        self._ring: RingWriter | None = None
        self._retry_at_ns = 0

    def send(self, frame: Frame) -> bool:
        """See `Transport`."""
        if self.fault and self._clock.monotonic() < self._retry_at_ns:
            return False
        try:
            if self._ring is None:
                self._ring = self._open_ring()
            notice = self._ring.write(frame)
        except RingError as error:
            self._give_up(error)
            return False
        if self.fault:
            log(logger, logging.INFO, "ring_recovered", camera=self._camera)
            self.fault = ""
            self._backoff.reset()
        return self._publisher.publish(notice)

    def close(self) -> None:
        """See `Transport`: removes the ring."""
        ring, self._ring = self._ring, None
        if ring is not None:
            ring.close()

    def _give_up(self, error: RingError) -> None:
        if str(error) != self.fault:
            log(logger, logging.ERROR, "ring_failed", camera=self._camera, error=error)
        self.fault = str(error)
        self._retry_at_ns = self._clock.monotonic() + round(self._backoff.next() * NS_PER_S)
        self.close()


class InlineTransport:
    """Each frame as a small JPEG in chunks that every nucleus carries."""

    fault = ""
    remark = ""

    def __init__(self, publisher: Publisher, longest_side: int) -> None:
        self._publisher = publisher
        self._longest_side = longest_side

    def send(self, frame: Frame) -> bool:
        """See `Transport`."""
        try:
            chunks = encode_inline(inline(frame, self._longest_side))
        except (ValueError, ContractError) as error:
            log(logger, logging.WARNING, "frame_too_large", camera=frame.camera_id, error=error)
            return False
        return self._publisher.publish_all(chunks)

    def close(self) -> None:
        """See `Transport`."""


class AutoTransport:
    """Shared memory; inline while the ring cannot be made, and while inference says that it cannot open the ring."""

    fault = ""

    def __init__(
        self, camera: CameraId, shared: SharedTransport, other: InlineTransport, requests: InlineRequestListener
    ) -> None:
        self.remark = ""
        self._camera = camera
        self._shared = shared
        self._inline = other
        self._requests = requests

    def send(self, frame: Frame) -> bool:
        """See `Transport`."""
        reason = self._requests.reason
        if not reason or self._requests.is_trial():
            is_sent = self._shared.send(frame)
            if not self._shared.fault:
                self._say(reason)
                return is_sent
        self._say(reason or self._shared.fault)
        return self._inline.send(frame)

    def close(self) -> None:
        """See `Transport`."""
        self._shared.close()

    def _say(self, reason: str) -> None:
        remark = f"frames travel inline: {reason}" if reason else ""
        if remark != self.remark:
            self.remark = remark
            level, way = (logging.WARNING, "inline") if reason else (logging.INFO, "shared")
            log(logger, level, "transport_changed", camera=self._camera, transport=way, reason=reason or "none")


def inline(frame: Frame, longest_side: int) -> InlineFrame:
    """The frame as it travels inside messages: scaled down, with its boxes.

    Raises:
        ValueError: it cannot be made small enough.
    """
    full = frame.picture.width, frame.picture.height
    size = fitted(*full, longest_side)
    notice = FrameNotice(
        camera_id=frame.camera_id,
        seq=frame.seq,
        ring=0,
        slot=0,
        width=size[0],
        height=size[1],
        captured_at=frame.captured_at,
        captured_mono=frame.captured_mono,
        position_ns=frame.position_ns,
        motion=tuple(scaled_box(box, full, size) for box in frame.motion),
    )
    return InlineFrame(notice, encode_jpeg(frame.picture, size, LARGEST_INLINE - _ROOM_FOR_NOTICE))


def new_transport(
    settings: SourceSettings,
    publisher: Publisher,
    clock: Clock,
    open_ring: Callable[[], RingWriter],
    random: Callable[[], float],
    requests: InlineRequestListener,
) -> Transport:
    """The transport that the camera's settings name."""
    inline_transport = InlineTransport(publisher, settings.inline_side)
    if settings.transport is TransportKind.INLINE:
        return inline_transport
    shared = SharedTransport(settings.camera, publisher, clock, open_ring, random)
    if settings.transport is TransportKind.SHARED:
        return shared
    return AutoTransport(settings.camera, shared, inline_transport, requests)
