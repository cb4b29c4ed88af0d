"""Writes clips: fragmented MP4 from a camera's own packets, without encoding them again."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Final, Protocol

import av
from av.container import OutputContainer
from av.stream import Stream

from smartcam.contract.times import TICKS
from smartcam.edge.ring.packet_ring import VideoCodec, VideoPacket

_NS: Final = Fraction(1, 1_000_000_000)
_START: Final = b"\0\0\1"
_UNIT: Final = re.compile(_START + b"(.)", re.DOTALL)
_PARAMETERS: Final = {VideoCodec.H264: {7, 8}, VideoCodec.H265: {33, 34}}
"""Types of units without which nothing can be decoded (ITU-T H.264, table 7-1; H.265, table 7-1)."""
_OPTIONS: Final = {
    # Nothing is written at the end: a file that breaks off is as good as one that was closed.
    "movflags": "empty_moov+default_base_moof+frag_keyframe+skip_trailer",
    "flush_packets": "1",
    # In microseconds. What is not in a whole fragment yet is lost in a power cut.
    "frag_duration": "500000",
}


class ClipFile(Protocol):
    """Where a clip goes: bytes are appended, nothing is read or written over."""

    def write(self, content: bytes) -> int:
        """Append all of it. What it raises goes through `ClipWriter`."""


class ClipWriter:
    """One clip, playable while it grows. It begins with its first packet, which is a key frame."""

    def __init__(self, file: ClipFile, first: VideoPacket, title: str, comment: str) -> None:
        """`title` and `comment` go into the file for whoever opens it.

        Raises:
            ValueError: the first packet is no key frame, or lacks its parameter sets.
            OSError: see `write`.
        """
        if not first.is_key or not _unit_types(first) >= _PARAMETERS[first.codec]:
            raise ValueError("a clip begins with a key frame and its parameter sets")
        self._first = first
        self._container: OutputContainer = av.open(file, "w", format="mp4", container_options=_OPTIONS)
        self._container.metadata.update({"title": title, "comment": comment})
        self._stream: Stream = self._container.add_mux_stream(str(first.codec), width=first.width, height=first.height)
        self._stream.time_base = Fraction(1, TICKS)
        self.write(first)

    def fits(self, packet: VideoPacket) -> bool:
        """Whether the packet is of the same kind as the first one; another kind needs another clip."""
        kind = self._first.codec, self._first.width, self._first.height
        return kind == (packet.codec, packet.width, packet.height)

    def write(self, packet: VideoPacket) -> bool:
        """Append a packet; False for one that is to be shown before the first, which cannot be decoded without others.

        Raises:
            OSError: what the file raises.
            ValueError: it is no packet of this codec; the clip can go on without it.
        """
        if packet.show_ns < self._first.show_ns:
            return False
        if not packet.content.partition(_START)[2].strip(b"\0\1"):
            # It would be a picture of no bytes, over which players give up.
            raise ValueError("the packet is empty")
        muxed = av.Packet(packet.content)
        muxed.stream = self._stream
        muxed.time_base = _NS
        muxed.is_keyframe = packet.is_key
        with _faults_of_muxing():
            muxed.dts = packet.decode_ns - self._first.decode_ns
            muxed.pts = packet.show_ns - self._first.decode_ns
            self._container.mux(muxed)
        return True

    def close(self) -> None:
        """Write the last fragment; closing twice is allowed. Raises what `write` raises."""
        with _faults_of_muxing():
            self._container.close()


def comment_of(path: Path) -> str:
    """The `comment` that was given to a clip's writer; empty where there is none. Raises OSError."""
    try:
        only_files = {"protocol_whitelist": "file"}
        with av.open(str(path), format="mp4", options=only_files, metadata_errors="replace") as container:
            return container.metadata.get("comment", "")
    except av.FFmpegError as error:
        raise OSError(f"no clip: {error.strerror or type(error).__name__}") from error


def _unit_types(packet: VideoPacket) -> set[int]:
    shift, mask = (0, 0x1F) if packet.codec is VideoCodec.H264 else (1, 0x3F)
    return {found[1][0] >> shift & mask for found in _UNIT.finditer(packet.content)}


@contextmanager
def _faults_of_muxing() -> Iterator[None]:
    try:
        yield
    except av.FFmpegError as error:
        raise ValueError(f"cannot be muxed: {error.strerror or type(error).__name__}") from error
    except OverflowError as error:
        raise ValueError("cannot be muxed: its time is beyond 64 bits") from error
