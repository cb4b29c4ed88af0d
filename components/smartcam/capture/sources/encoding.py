"""Encodes pictures for clips where a source's own packets cannot be kept: it has none, or they show what is masked."""

import logging
from fractions import Fraction
from typing import Final

import av
import numpy as np
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType, VideoFrame

from smartcam.contract.times import NS_PER_S, MonotonicNs, UtcNs
from smartcam.edge.logs import log
from smartcam.edge.ring.packet_ring import VideoCodec, VideoPacket
from smartcam.vision.picture import Picture

logger = logging.getLogger(__name__)

_HARDWARE: Final = "h264_v4l2m2m"
"""What a Raspberry Pi 4 has."""
_SOFTWARE: Final = "libx264"
_KEY_EVERY_S: Final = 2.0
_NUDGE_NS: Final = 1_000_000
_RATE: Final = 5
_BITS_OF_A_PIXEL: Final = 2
"""Of a second, for an encoder that is told a rate and no quality: 1.8 Mbit/s at 1280x720."""
_QUALITY: Final = {"preset": "superfast", "tune": "zerolatency", "crf": "27"}


class PictureEncoder:
    """Pictures of one camera to packets, each at once; a key frame every so many seconds. For one thread."""

    def __init__(self, key_every_s: float = _KEY_EVERY_S) -> None:
        self._context: VideoCodecContext | None = None
        self._key_every_ns = round(key_every_s * NS_PER_S)
        self._stamp_ns = self._key_ns = -self._key_every_ns

    def begin_anew(self) -> None:
        """The next picture is to be a key frame."""
        self._key_ns = self._stamp_ns - self._key_every_ns

    def encode(self, picture: Picture, captured_at: UtcNs, captured_mono: MonotonicNs) -> list[VideoPacket]:
        """The packets that are ready once this picture has been given; its memory may change afterwards.

        Raises:
            OSError: there is no encoder, or it has failed; the next call begins anew.
        """
        width, height = picture.width, picture.height
        stamp_ns = max(captured_mono, self._stamp_ns + _NUDGE_NS)
        try:
            context = self._context
            if context is None or (context.width, context.height) != (width, height):
                context = self._context = _opened(width, height)
                self._key_ns = stamp_ns - self._key_every_ns
            frame = _frame(picture)
            frame.pts, frame.time_base = stamp_ns, Fraction(1, NS_PER_S)
            if stamp_ns - self._key_ns >= self._key_every_ns:
                frame.pict_type, self._key_ns = PictureType.I, stamp_ns
            encoded = context.encode(frame)
        except (av.FFmpegError, ValueError, MemoryError) as error:
            self._context = None
            raise OSError(f"pictures cannot be encoded: {error}") from error
        self._stamp_ns = stamp_ns
        return [
            VideoPacket(
                bytes(packet),
                VideoCodec.H264,
                width,
                height,
                packet.is_keyframe,
                stamp_ns,
                stamp_ns,
                captured_at,
                captured_mono,
            )
            for packet in encoded
        ]


def _opened(width: int, height: int) -> VideoCodecContext:
    """The encoder of the machine's hardware, else x264."""
    for name in (_HARDWARE, _SOFTWARE):
        try:
            context = av.CodecContext.create(name, "w")
        except ValueError:  # this FFmpeg was built without it
            continue
        context.width, context.height, context.pix_fmt = width, height, "yuv420p"
        context.time_base = Fraction(1, NS_PER_S)
        context.framerate = Fraction(_RATE)
        context.thread_count = 1
        if name == _SOFTWARE:
            context.options = dict(_QUALITY)
        else:
            context.bit_rate = _BITS_OF_A_PIXEL * width * height
        try:
            context.open()
        except (av.FFmpegError, OSError):
            continue
        log(logger, logging.INFO, "encoder", encoder=name, size=f"{width}x{height}")
        return context
    raise ValueError("this FFmpeg has no encoder of H.264")


def _frame(picture: Picture) -> VideoFrame:
    frame = VideoFrame(picture.width, picture.height, "yuv420p")
    for plane, source in zip(frame.planes, (picture.y, picture.u, picture.v), strict=True):
        target = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)  # type: ignore[call-overload]
        np.copyto(target[: source.shape[0], : source.shape[1]], source)
    return frame
