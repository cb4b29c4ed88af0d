"""Short streams of encoded pictures, made on the fly: each picture's brightness says which one it is."""

import io
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from functools import cache

import av
import numpy as np
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from smartcam.contract.times import NS_PER_S, MonotonicNs, UtcNs
from smartcam.edge.ring.packet_ring import VideoCodec, VideoPacket

_ENCODERS = {VideoCodec.H264: "libx264", VideoCodec.H265: "libx265"}
_SHADES = 24


@dataclass(frozen=True, slots=True)
class Encoded:
    """One packet as a camera sends it; stamps in pictures from the beginning."""

    content: bytes
    is_key: bool
    decode: int
    show: int


@cache
def encoded(
    frames: int,
    codec: VideoCodec = VideoCodec.H264,
    *,
    key_every: int = 10,
    b_frames: int = 0,
    is_open: bool = False,
    size: tuple[int, int] = (64, 48),
) -> tuple[Encoded, ...]:
    """Picture `i` has the brightness `shade(i)`. Open: pictures after a key frame may need what came before it."""
    context = av.CodecContext.create(_ENCODERS[codec], "w")
    assert isinstance(context, VideoCodecContext)
    context.width, context.height = size
    context.pix_fmt = "yuv420p"
    context.time_base = Fraction(1, 10)
    context.framerate = Fraction(10)
    gop = {"keyint": key_every, "min-keyint": key_every, "scenecut": 0, "bframes": b_frames, "open-gop": int(is_open)}
    quiet = {} if codec is VideoCodec.H264 else {"log-level": "none", "pools": "none", "frame-threads": 1}
    name = "x264-params" if codec is VideoCodec.H264 else "x265-params"
    text = ":".join(f"{key}={value}" for key, value in {**gop, **quiet, "repeat-headers": 1}.items())
    context.options = {name: text, "preset": "veryfast", "crf": "10"}
    context.thread_count = 1
    packets = [packet for i in range(frames) for packet in context.encode(_frame(i, size))]
    packets += context.encode(None)
    return tuple(Encoded(bytes(each), each.is_keyframe, each.dts or 0, each.pts or 0) for each in packets)


def shade(i: int) -> int:
    return 20 + i % _SHADES * 9


def video_packets(
    stream: Sequence[Encoded],
    codec: VideoCodec = VideoCodec.H264,
    *,
    size: tuple[int, int] = (64, 48),
    from_s: float = 1000.0,
    each_s: float = 0.1,
) -> list[VideoPacket]:
    """The packets as a source hands them on, `each_s` apart; the first one comes at this time."""
    begin = round(from_s * NS_PER_S)
    step = round(each_s * NS_PER_S)
    first = stream[0].decode
    return [
        VideoPacket(
            each.content,
            codec,
            *size,
            each.is_key,
            begin + (each.decode - first) * step,
            begin + (each.show - first) * step,
            UtcNs(begin + i * step),
            MonotonicNs(begin + i * step),
        )
        for i, each in enumerate(stream)
    ]


@dataclass(frozen=True, slots=True)
class Played:
    """What a player shows of a clip: each picture's time in seconds, and its brightness; and each packet's stamps."""

    times: tuple[float, ...]
    shades: tuple[int, ...]
    stamps: tuple[tuple[int, int], ...]
    comment: str

    @property
    def numbers(self) -> list[int]:
        """Which pictures of `encoded` they are."""
        return [round((shown - 20) / 9) % _SHADES for shown in self.shades]


def played(content: bytes, *, is_damaged: bool = False) -> Played:
    """A clip from first to last picture. Unless it is damaged, a packet that cannot be decoded raises."""
    with av.open(io.BytesIO(content), "r") as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
        stamps = tuple((packet.dts or 0, packet.pts or 0) for packet in packets)
    with av.open(io.BytesIO(content), "r") as container:
        stream = container.streams.video[0]
        stream.thread_type = "NONE"
        frames = [frame for packet in container.demux(stream) for frame in _decoded(packet, is_damaged=is_damaged)]
        times = tuple(float(frame.time or 0) for frame in frames)
        shades = tuple(round(float(np.mean(frame.to_ndarray()[: frame.height]))) for frame in frames)
        return Played(times, shades, stamps, container.metadata.get("comment", ""))


def _decoded(packet: "av.Packet[VideoStream]", *, is_damaged: bool) -> list[VideoFrame]:
    with suppress(*[av.FFmpegError] * is_damaged):
        return packet.decode()
    return []


def _frame(i: int, size: tuple[int, int]) -> VideoFrame:
    width, height = size
    luma = np.full((height, width), shade(i), np.uint8)
    chroma = np.full((height // 2, width), 128, np.uint8)
    frame = VideoFrame.from_ndarray(np.vstack([luma, chroma]), format="yuv420p")
    frame.pts = i
    frame.time_base = Fraction(1, 10)
    return frame
