"""Live streams through PyAV: RTSP cameras over TCP, and V4L2 devices."""

import logging
import select
import socket
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import av
from av.container import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from smartcam.capture.credentials import address, read_credentials
from smartcam.capture.settings import Decoder, SourceSettings
from smartcam.capture.sources.clip import believable_rate, check_sides
from smartcam.capture.sources.decoders import CODECS, Decode, choose
from smartcam.capture.sources.live import READ_S
from smartcam.capture.sources.pyav_clip import next_turn, picture_of, video_stream
from smartcam.capture.sources.still_clock import STILL_S, StillClock
from smartcam.contract.errors import CameraLost
from smartcam.edge.logs import log
from smartcam.vision.picture import Picture
from smartcam.vision.turn import AS_IT_IS

logger = logging.getLogger(__name__)

_OPEN_S: Final = 10.0
_US_PER_S: Final = 1_000_000
_RTSP_PORT: Final = 554
_FAULTS_OF_HARDWARE: Final = 50
"""A hardware decoder that has refused this many packets in a row will refuse the others too."""
_RTSP_OPTIONS: Final = {
    "rtsp_transport": "tcp",
    "allowed_media_types": "video",
    "protocol_whitelist": "rtsp,rtp,tcp",
    "codec_whitelist": ",".join(CODECS),
    "fflags": "nobuffer",
    "analyzeduration": str(2 * _US_PER_S),
    "timeout": str(round(_OPEN_S * _US_PER_S)),
}
"""A camera must not make the player open files or other protocols; its sound is not read."""
_NOTHING_YET: Final = (av.ExitError, av.BlockingIOError)


class PyAvStream:
    """See `LiveStream`. The pictures are views into the decoder's memory and keep it alive."""

    def __init__(
        self, container: InputContainer, place: str, settings: SourceSettings, ready: Callable[[], bool]
    ) -> None:
        """`place` names the camera in messages; `ready` waits at most a second for something to read."""
        self._container = container
        self._place = place
        self._camera = settings.camera
        self._ready = ready
        self._stream = video_stream(container, place)
        self.frames_per_second = believable_rate(float(self._stream.average_rate or self._stream.guessed_rate or 0))
        self._decode: Decode = choose(self._stream, settings.decoder, settings.camera)
        self._turn = AS_IT_IS
        self._faults = 0
        self._packets = container.demux(self._stream)
        self._frames: list[VideoFrame] = []
        self._clock = StillClock()

    def next(self) -> Picture | None:
        """See `LiveStream`."""
        if not self._frames:
            packet = self._packet()
            if packet is None:
                return None
            self._frames += self._decoded(packet)
        if not self._frames:
            return None
        frame = self._frames.pop(0)
        if self._clock.stands(frame.pts, time.monotonic()):
            raise CameraLost(f"{self._place}: the camera's clock has stood still for {STILL_S:.0f} s")
        check_sides(Path(self._place), frame.width, frame.height)
        self._turn = next_turn(frame, self._turn)
        return picture_of(frame, self._turn)

    def close(self) -> None:
        """See `LiveStream`."""
        self._container.close()

    def _packet(self) -> "Packet[VideoStream] | None":
        if not self._ready():
            return None
        try:
            packet = next(self._packets, None)
        except _NOTHING_YET:
            # The generator has ended with the error; the connection has not.
            self._packets = self._container.demux(self._stream)
            return None
        except (av.FFmpegError, OSError) as error:
            # Not chained: the other error's text may hold the address with user and password.
            raise CameraLost(f"{self._place}: {_words(error)}") from None
        if packet is None or packet.size == 0:
            raise CameraLost(f"{self._place}: the camera has ended the stream")
        return packet

    def _decoded(self, packet: "Packet[VideoStream]") -> Sequence[VideoFrame]:
        try:
            frames = self._decode(packet)
        except (av.FFmpegError, OSError) as error:
            # Damaged, or the first packets before a key frame: the decoder goes on with the next.
            self._faults += 1
            if self._faults == _FAULTS_OF_HARDWARE and self._decode != self._stream.codec_context.decode:
                log(logger, logging.WARNING, "decoder_given_up", camera=self._camera, reason=_words(error))
                self._decode = choose(self._stream, Decoder.SOFTWARE, self._camera)
            return ()
        if frames:
            self._faults = 0
        return frames


def open_rtsp(settings: SourceSettings) -> PyAvStream:
    """The camera's stream, over TCP.

    Raises:
        CameraLost: it cannot be opened. No message holds the user or the password, whatever FFmpeg says.
    """
    place = settings.url
    target = address(place, read_credentials(Path(settings.credentials))) if settings.credentials else place
    began = time.monotonic()
    try:
        container = av.open(target, mode="r", format="rtsp", options=dict(_RTSP_OPTIONS), timeout=(_OPEN_S, READ_S))
    except (av.FFmpegError, ValueError, OSError) as error:
        raise CameraLost(f"{place}: {_why_not_open(error, place, time.monotonic() - began)}") from None
    return _streaming(container, place, settings, lambda: True)


def open_v4l2(settings: SourceSettings) -> PyAvStream:
    """The device's stream.

    Raises:
        CameraLost: it cannot be opened; the message names the device and the cause.
    """
    place = settings.device
    if not Path(place).is_char_device():
        raise CameraLost(f"{place}: {'is not a device' if Path(place).exists() else 'no such device'}")
    options = {"video_size": f"{settings.width}x{settings.height}"}
    if settings.max_fps:
        options["framerate"] = f"{settings.max_fps:g}"
    try:
        # Not as `options`: those go to the decoder too, which would take the requested size for the device's.
        container = av.open(place, mode="r", format="v4l2", container_options=options, timeout=(_OPEN_S, READ_S))
    except (av.FFmpegError, ValueError, OSError) as error:
        raise CameraLost(f"{place}: {_words(error)}") from None
    return _streaming(container, place, settings, _readiness(place))


def _streaming(
    container: InputContainer, place: str, settings: SourceSettings, ready: Callable[[], bool]
) -> PyAvStream:
    try:
        return PyAvStream(container, place, settings, ready)
    except CameraLost:
        container.close()
        raise


def _readiness(device: str) -> Callable[[], bool]:
    """Waits for the device: FFmpeg's own read never times out, and a dead camera would block the thread."""
    real = Path(device).resolve()
    for entry in Path("/proc/self/fd").iterdir():
        with suppress(OSError):  # one that was closed meanwhile
            if entry.readlink() == real:
                descriptor = int(entry.name)
                return lambda: bool(select.select([descriptor], [], [], READ_S)[0])
    return lambda: True


def _why_not_open(error: Exception, url: str, after_s: float) -> str:
    if isinstance(error, av.HTTPUnauthorizedError):
        return "the camera refuses the user or the password (401)"
    if isinstance(error, av.ExitError) or after_s >= _OPEN_S:
        return f"does not answer within {_OPEN_S:.0f} s"
    if isinstance(error, av.InvalidDataError):
        return _reachable(url) or _words(error)
    return _words(error)


def _reachable(url: str) -> str:
    """Why no connection can be made, where FFmpeg's error does not say; empty if one can."""
    parts = urlsplit(url)
    try:
        socket.create_connection((parts.hostname or "", parts.port or _RTSP_PORT), READ_S).close()
    except OSError as error:
        return error.strerror or str(error)
    return ""


def _words(error: Exception) -> str:
    """The cause alone: FFmpeg's errors also name what was opened."""
    return str(getattr(error, "strerror", None) or type(error).__name__)
