"""Which decoder a stream gets: software, or hardware by FFmpeg's names for it. Nothing else can be configured."""

import logging
from collections.abc import Callable, Sequence
from typing import Final

import av
from av.codec.hwaccel import HWAccel, hwdevices_available
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from smartcam.capture.settings import Decoder
from smartcam.contract.errors import CameraLost
from smartcam.edge.logs import log

logger = logging.getLogger(__name__)

CODECS: Final = ("h264", "hevc", "vvc", "mjpeg", "mpeg4", "vp8", "vp9", "av1", "rawvideo")
SOFTWARE: Final = (*CODECS, "libdav1d")
"""What decodes them, by FFmpeg's names: its own decoder of AV1 is for hardware alone."""
_IN_ORDER: Final = (Decoder.V4L2M2M, Decoder.DRM, Decoder.VAAPI, Decoder.QSV, Decoder.CUDA)
"""What `auto` tries: what a Raspberry Pi has comes first."""

Decode = Callable[["Packet[VideoStream]"], Sequence[VideoFrame]]


def candidates(decoder: Decoder) -> tuple[Decoder, ...]:
    """What is tried, in this order; software is always the last."""
    if decoder is Decoder.SOFTWARE:
        return (Decoder.SOFTWARE,)
    return (*(_IN_ORDER if decoder is Decoder.AUTO else (decoder,)), Decoder.SOFTWARE)


def offered() -> tuple[Decoder, ...]:
    """What this FFmpeg was built with; whether the machine has it too shows when a stream is opened."""
    devices = hwdevices_available()
    by_name = Decoder.V4L2M2M, "h264_v4l2m2m" in av.codecs_available
    known = [by_name, *((each, str(each) in devices) for each in _IN_ORDER[1:])]
    return (Decoder.SOFTWARE, *(each for each, is_there in known if is_there))


def choose(stream: VideoStream, decoder: Decoder, camera: str) -> Decode:
    """A decoder for the stream. Hardware that is missing or does not support the codec is logged and passed over.

    Raises:
        CameraLost: the codec is not one that a camera may send.
    """
    codec = stream.codec_context.codec.canonical_name
    if codec not in CODECS:
        raise CameraLost(f"sends {codec}, which is none of {', '.join(CODECS)}")
    for candidate in candidates(decoder):
        if candidate is Decoder.SOFTWARE:
            break
        try:
            context = _hardware(stream, candidate)
        except (av.FFmpegError, ValueError, OSError, NotImplementedError, RuntimeError) as error:
            reason = getattr(error, "strerror", None) or error
            log(logger, logging.WARNING, "decoder_passed_over", camera=camera, decoder=candidate, reason=reason)
            continue
        log(logger, logging.INFO, "decoder", camera=camera, decoder=candidate, codec=codec)
        return context.decode
    log(logger, logging.INFO, "decoder", camera=camera, decoder=Decoder.SOFTWARE, codec=codec)
    return stream.codec_context.decode


def _hardware(stream: VideoStream, decoder: Decoder) -> VideoCodecContext:
    ours = stream.codec_context
    name = ours.codec.canonical_name
    if decoder is Decoder.V4L2M2M:
        context = av.CodecContext.create(f"{name}_v4l2m2m", "r")
    else:
        context = av.CodecContext.create(name, "r", HWAccel(str(decoder), allow_software_fallback=False))
    if not isinstance(context, VideoCodecContext):
        raise TypeError(f"{name} is no video codec")
    context.width, context.height, context.pix_fmt = ours.width, ours.height, ours.pix_fmt
    context.extradata = ours.extradata
    context.open()
    return context
