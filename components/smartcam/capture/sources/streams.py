"""Which of a container's video streams is the camera's picture: the largest that moves, no cover and no dead one."""

import logging
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Final

import av
from av.container import InputContainer
from av.stream import Discard, Disposition
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from smartcam.capture.sources.clip import NothingMoves
from smartcam.contract.errors import CameraLost
from smartcam.contract.times import NS_PER_S
from smartcam.edge.logs import log

logger = logging.getLogger(__name__)

_NO_VIDEO: Final = Disposition.attached_pic | Disposition.timed_thumbnails | Disposition.still_image
_TRIAL_PACKETS: Final = 400
"""How far a clip with several streams is looked into: some seconds, a few megabytes."""
_HAS_NO_CLOCK: Final = 0x80
"""FFmpeg's AVFMT_NOTIMESTAMPS, a property of a container's format."""
_MOVES: Final = 5
"""A stream that gives this many pictures is no cover, and no few thumbnails."""


def is_bare(container: InputContainer) -> bool:
    """Whether it is a stream without a container: nothing says when its packets come."""
    return bool(container.format.flags & _HAS_NO_CLOCK)


def says_when_shown(container: InputContainer) -> bool:
    """AVI says when packets are decoded; when pictures are shown FFmpeg guesses, by the packet that comes next."""
    return container.format.name != "avi"


def in_ns(stamp: int | None, base: Fraction | None) -> int | None:
    """A stamp of a packet or picture in nanoseconds; None where it has none."""
    return None if stamp is None or base is None else stamp * base.numerator * NS_PER_S // base.denominator


def video_streams(container: InputContainer, place: str) -> list[VideoStream]:
    """The streams that may be the picture, the largest first; each is decoded in one thread.

    Raises:
        CameraLost: there are none.
    """
    known = [stream for stream in container.streams.video if stream.codec_context is not None]
    streams = [stream for stream in known if not stream.disposition & _NO_VIDEO]
    if known and not streams:
        raise NothingMoves(f"{place}: has no video stream, only a still picture such as a cover")
    if not streams:
        raise CameraLost(f"{place}: has no {'decoder for its ' * bool(container.streams.video)}video stream")
    for stream in streams:
        # One thread: frame threads cost latency and memory, and the cores belong to the models.
        stream.thread_type = "NONE"
        stream.codec_context.thread_count = 1
    return sorted(streams, key=_worth, reverse=True)


def moving_stream(opened: Callable[[], InputContainer], place: str) -> tuple[InputContainer, VideoStream]:
    """The clip at its beginning, and its largest stream that moves; which one is logged if there are several.

    `opened` opens the clip; it is called twice where the beginning has been read to see what moves.

    Raises:
        CameraLost: it holds no video stream.
    """
    container = opened()
    try:
        streams = video_streams(container, place)
        if len(streams) == 1:
            return container, _taken(streams[0], container, place)
        pictures = _pictures_at_the_beginning(container, streams)
    except BaseException:
        container.close()
        raise
    container.close()
    # The first of equals is taken, and the largest is the first.
    index = max(pictures, key=lambda index: min(pictures[index], _MOVES))
    container = opened()
    chosen = next(stream for stream in video_streams(container, place) if stream.index == index)
    return container, _taken(chosen, container, place)


def tell_chosen(chosen: VideoStream, container: InputContainer, place: str) -> None:
    """Write into the log which stream is taken where there are several, be they only covers."""
    if len(container.streams.video) > 1:
        size = f"{chosen.codec_context.width}x{chosen.codec_context.height}"
        codec = chosen.codec_context.name
        log(logger, logging.INFO, "video_stream", place=place, stream=chosen.index, codec=codec, size=size)


def _taken(chosen: VideoStream, container: InputContainer, place: str) -> VideoStream:
    tell_chosen(chosen, container, place)
    for stream in container.streams:
        if stream.index != chosen.index:
            # Not even read: what a broken stream points at may lie beyond the end of the file.
            stream.discard = Discard.all
    return chosen


def _worth(stream: VideoStream) -> tuple[int, bool, int]:
    context = stream.codec_context
    return context.width * context.height, bool(stream.disposition & Disposition.default), -stream.index


def _pictures_at_the_beginning(container: InputContainer, streams: Sequence[VideoStream]) -> dict[int, int]:
    """How many pictures each stream gives, by its index and in the order of `streams`; few are counted."""
    pictures = {stream.index: 0 for stream in streams}
    packets = container.demux(tuple(streams))
    for _ in range(_TRIAL_PACKETS):
        try:
            packet = next(packets, None)
        except (av.FFmpegError, OSError):
            # One stream's fault; the generator has ended with it.
            packets = container.demux(tuple(streams))
            continue
        if packet is None or min(pictures.values()) >= _MOVES:
            break
        index = packet.stream.index
        if pictures[index] < _MOVES:
            pictures[index] += len(_decoded(packet))
    return pictures


def _decoded(packet: "av.Packet[VideoStream]") -> Sequence[VideoFrame]:
    try:
        return packet.decode()
    except (av.FFmpegError, OSError):
        return ()
