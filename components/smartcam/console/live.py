"""The live picture: a camera's own packets as fragments that a browser appends, or the analysed frames as JPEG."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Final, Protocol

from smartcam.contract.errors import PacketOverwritten, RingError, SmartcamError
from smartcam.contract.ids import CameraId
from smartcam.contract.notice import FrameNotice
from smartcam.contract.times import NS_PER_S, MonotonicNs
from smartcam.edge.fragments import FragmentWriter
from smartcam.edge.ring.packet_ring import PacketRingReader, VideoCodec, VideoPacket

if TYPE_CHECKING:
    from smartcam.edge.ring.frame_ring import RingReader

_MOST_BEHIND_NS: Final = NS_PER_S
"""A viewer who is further behind goes on with the newest key frame."""
_MOST_SILENT_NS: Final = 2 * NS_PER_S
"""Without a packet for so long, the ring may be that of a process that has ended."""
_LONGEST_SIDE: Final = 1280
_LARGEST_JPEG: Final = 512 * 1024


class NotForBrowsers(SmartcamError):
    """Packets that a browser cannot play."""


class NotByWebRtc(SmartcamError):
    """Why somebody who has chosen WebRTC sees the picture in another way."""


@dataclass(frozen=True, slots=True)
class VideoBegins:
    """What follows is a new stream. `start_mono_ns`: when its media time 0 was, by the clock of this device.

    `mime` is empty where it does not come as a file.
    """

    mime: str
    width: int
    height: int
    start_mono_ns: MonotonicNs


LivePiece = VideoBegins | bytes | VideoPacket


class ViewedStream(Protocol):
    """One stream as a viewer takes it, from a key frame on. Making it with another packet raises ValueError."""

    begins: VideoBegins
    """What the viewer is told first."""

    def is_over(self, key_frame: VideoPacket) -> bool:
        """Whether another stream begins with this packet."""

    def write(self, packet: VideoPacket) -> Sequence[bytes | VideoPacket]:
        """What the viewer gets now."""


class VideoFollower:
    """One viewer's way through a camera's ring of packets. For one thread; capture notices nothing of it."""

    def __init__(
        self,
        open_ring: Callable[[], PacketRingReader],
        now: Callable[[], MonotonicNs],
        begin: Callable[[VideoPacket], ViewedStream] | None = None,
    ) -> None:
        """`begin` makes a stream; fragmented MP4 if none is given. Raises what `step` raises."""
        self._open_ring = open_ring
        self._now = now
        self._begin = begin or _FragmentStream
        self._reader = open_ring()
        self._next: int | None = None
        self._looked_to = 0
        """No key frame comes before this packet that is not known."""
        self._stream: ViewedStream | None = None
        self._came_at = now()

    def step(self) -> list[LivePiece]:
        """What has come since the last step, whole and in order.

        Raises:
            RingError: capture does not write this ring any more.
            NotForBrowsers: no browser plays it.
        """
        numbers = self._reader.numbers
        if self._next is not None and self._next >= numbers.stop:
            self._see_whether_it_ended()
            return []
        self._keep_up(numbers)
        found: list[LivePiece] = []
        if self._next is None:
            return found
        for seq in range(self._next, numbers.stop):
            try:
                packet = self._reader.read(seq)
            except PacketOverwritten:
                self._next = None
                return found
            found += self._take(packet)
            self._next = seq + 1
        self._came_at = self._now()
        return found

    def _keep_up(self, numbers: range) -> None:
        """Go on at the newest key frame, if the next packet is no longer there or too far behind."""
        if self._next is not None and self._next < numbers.start:
            self._next = None
        if self._next is None or self._is_behind(self._next, numbers):
            key = self._newest_key(numbers)
            if key is not None and (self._next is None or key > self._next):
                self._next, self._stream = key, None

    def close(self) -> None:
        """Let go of the ring."""
        self._reader.close()

    def _take(self, packet: VideoPacket) -> list[LivePiece]:
        if packet.codec is not VideoCodec.H264:
            raise NotForBrowsers(f"the camera sends {packet.codec}, which browsers do not play")
        stream = self._stream
        if stream is not None and not (packet.is_key and stream.is_over(packet)):
            return [*stream.write(packet)]
        try:
            self._stream = stream = self._begin(packet)
        except ValueError:  # it is no key frame, or lacks what a decoder needs
            return []
        return [stream.begins]

    def _is_behind(self, ours_seq: int, numbers: range) -> bool:
        try:
            ours = self._reader.read(ours_seq).captured_mono
            return self._reader.read(numbers.stop - 1).captured_mono - ours > _MOST_BEHIND_NS
        except PacketOverwritten:
            return True

    def _newest_key(self, numbers: range) -> int | None:
        looked_to, self._looked_to = self._looked_to, numbers.stop
        for seq in reversed(range(max(numbers.start, looked_to), numbers.stop)):
            try:
                if self._reader.read(seq).is_key:
                    return seq
            except PacketOverwritten:
                return None
        return None

    def _see_whether_it_ended(self) -> None:
        """Raises RingError."""
        if self._now() - self._came_at < _MOST_SILENT_NS:
            return
        self._came_at = self._now()
        fresh = self._open_ring()
        is_same = fresh.birth == self._reader.birth
        self._reader.close()
        self._reader = fresh
        if not is_same:
            self._next, self._stream, self._looked_to = None, None, 0


class _FragmentStream:
    """One stream as Media Source Extensions take it."""

    def __init__(self, first: VideoPacket) -> None:
        """Raises ValueError: no stream can begin with this packet."""
        self._writer = FragmentWriter(first)
        # Media time 0 is the first packet's decoding time, and it came when it was to be shown.
        start = MonotonicNs(first.captured_mono - (first.show_ns - first.decode_ns))
        self.begins = VideoBegins(f'video/mp4; codecs="{self._writer.codec}"', first.width, first.height, start)

    def is_over(self, key_frame: VideoPacket) -> bool:
        """Whether a decoder needs to be told of other pictures before it shows this one."""
        return not self._writer.fits(key_frame)

    def write(self, packet: VideoPacket) -> list[bytes]:
        fragment = self._writer.write(packet)
        return [fragment] if fragment else []


@dataclass(frozen=True, slots=True)
class LivePicture:
    """An analysed frame."""

    jpeg: bytes
    width: int
    height: int
    captured_mono: MonotonicNs


class LivePictures:
    """One camera's newest analysed frame as JPEG, encoded once however many look at it. For any thread."""

    def __init__(self, folder: Path, camera: CameraId) -> None:
        self._place = folder, camera
        self._reader: RingReader | None = None
        self._newest: tuple[FrameNotice, LivePicture] | None = None
        self._one_at_a_time = Lock()

    def picture(self, notice: FrameNotice) -> LivePicture:
        """The frame that a notice announces.

        Raises:
            RingError: it is gone (`FrameOverwritten`), or there is no ring that we can read.
            ValueError: it does not fit into a JPEG of this size.
        """
        import cv2  # noqa: PLC0415  30 MB for whoever looks, with what follows

        from smartcam.edge.ring.frame_ring import RingReader  # noqa: PLC0415  as above
        from smartcam.vision.jpeg import encode_jpeg, fitted  # noqa: PLC0415  as above

        with self._one_at_a_time:
            if self._newest is None or self._newest[0] != notice:
                cv2.setNumThreads(1)
                self._reader = self._reader or RingReader(*self._place)
                frame = self._reader.read(notice)
                size = fitted(notice.width, notice.height, _LONGEST_SIDE)
                jpeg = encode_jpeg(frame.picture, size, _LARGEST_JPEG)
                self._newest = notice, LivePicture(jpeg, *size, frame.captured_mono)
            return self._newest[1]

    def close(self) -> None:
        """Let go of the ring."""
        if self._reader is not None:
            self._reader.close()


def why_not_video(open_ring: Callable[[], PacketRingReader]) -> str:
    """Why a browser cannot play a camera's own packets; empty if it can."""
    try:
        reader = open_ring()
    except RingError:
        return "clips.keep and recording.keep are off, and so is the camera's own video; this shows what is analysed"
    try:
        newest = reader.read(reader.numbers.stop - 1)
    except PacketOverwritten:
        return "the camera's own video has not begun; this shows what is analysed"
    finally:
        reader.close()
    if newest.codec is VideoCodec.H264:
        return ""
    return f"the camera sends {newest.codec}, which browsers do not play; this shows what is analysed"
