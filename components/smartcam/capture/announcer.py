"""Numbers the frames and hands them to the transport."""

from smartcam.capture.sources.source import TimedPicture
from smartcam.capture.transport.frame_transports import Transport
from smartcam.contract.ids import CameraId
from smartcam.contract.notice import PixelBox
from smartcam.vision.frame import Frame


class Announcer:
    """Makes frames from pictures and counts those that were announced."""

    def __init__(self, camera: CameraId, transport: Transport) -> None:
        self.announced = 0
        self._camera = camera
        self._transport = transport
        self._seq = 0

    def announce(self, timed: TimedPicture, motion: tuple[PixelBox, ...]) -> None:
        """Send the frame; if that fails it is dropped."""
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
