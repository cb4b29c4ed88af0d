"""Numbers the frames and hands them on."""

from smartcam.capture.sources.source import TimedPicture
from smartcam.capture.transport.transports import Transport
from smartcam.contract.ids import CameraId
from smartcam.contract.notice import PixelBox
from smartcam.vision.frame import Frame


class Announcer:
    """Makes frames of pictures and counts those that were announced."""

    def __init__(self, camera: CameraId, transport: Transport) -> None:
        self.announced = 0
        self._camera = camera
        self._transport = transport
        self._seq = 0

    @property
    def fault(self) -> str:
        """Why no frame can be handed on at the moment; empty when all is well."""
        return self._transport.fault

    @property
    def remark(self) -> str:
        """What an operator should know of how frames travel."""
        return self._transport.remark

    def announce(self, timed: TimedPicture, motion: tuple[PixelBox, ...]) -> None:
        """Hand the frame on; where that fails it is dropped."""
        self._seq += 1
        frame = Frame(
            self._camera,
            self._seq,
            timed.captured_at,
            timed.captured_mono,
            timed.position_ns,
            timed.picture,
            motion,
        )
        self.announced += self._transport.send(frame)

    def close(self) -> None:
        """Let go of what the transport holds."""
        self._transport.close()
