"""Takes a source's packets on their way to the decoder, for clips: the same bytes, in one form and on one time line."""

from collections.abc import Callable
from typing import Final

import av
from av.bitstream import BitStreamFilterContext
from av.container import InputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from smartcam.capture.sources.clip import believable_rate
from smartcam.capture.sources.packet_times import PacketTimes
from smartcam.capture.sources.streams import in_ns, is_bare, says_when_shown
from smartcam.contract.times import NS_PER_S
from smartcam.edge.clock import Clock
from smartcam.edge.ring.packet_ring import VideoCodec, VideoPacket

_USUAL_RATE: Final = 25.0


class PacketTap:
    """Hands the packets of one camera to `keep`. The source tells it of each stream, and then of each packet."""

    def __init__(self, keep: Callable[[VideoPacket], object], clock: Clock) -> None:
        self.refused = "the source has no packets"
        """Why the packets are of no use, so that pictures have to be encoded; empty if they are."""
        self._keep = keep
        self._clock = clock
        self._times = PacketTimes()
        self._stream: VideoStream | None = None

    def begin(self, container: InputContainer, stream: VideoStream) -> None:
        """From now on the packets are those of this stream."""
        self._stream = None
        name = stream.codec_context.codec.canonical_name
        self.refused = _unfit(name, container)
        if self.refused:
            return
        # The form in which cameras send; each key frame with its parameter sets, so that a clip can begin there.
        self._filter = BitStreamFilterContext(f"{name}_mp4toannexb,dump_extra=freq=keyframe", stream)
        self._codec = VideoCodec(name)
        rate = believable_rate(float(stream.average_rate or stream.guessed_rate or 0)) or _USUAL_RATE
        self._times.begin(round(NS_PER_S / rate), int(stream.codec_context.has_b_frames))
        self._stream = stream

    def refuse(self, reason: str) -> None:
        """What the packets hold is not what a clip is to show."""
        self.refused, self._stream = reason, None

    def take(self, packet: "Packet[VideoStream]") -> None:
        """The next packet that the decoder has taken."""
        stream = self._stream
        if stream is None or not packet.size:
            return
        copy = av.Packet(bytes(packet))
        copy.is_keyframe = packet.is_keyframe
        try:
            content = b"".join(bytes(each) for each in self._filter.filter(copy))
        except av.FFmpegError:
            return  # damaged; the decoder makes of it what it can
        if not content:
            return
        mono = self._clock.monotonic()
        base = packet.time_base
        decode_ns, show_ns = self._times.place(in_ns(packet.dts, base), in_ns(packet.pts, base), mono)
        context = stream.codec_context
        self._keep(
            VideoPacket(
                content,
                self._codec,
                context.width,
                context.height,
                packet.is_keyframe,
                decode_ns,
                show_ns,
                self._clock.utc(),
                mono,
            )
        )


def _unfit(codec: str, container: InputContainer) -> str:
    if codec not in tuple(VideoCodec):
        return f"the source sends {codec}"
    if is_bare(container) or not says_when_shown(container):
        return "the source does not say when pictures are shown"
    return ""
