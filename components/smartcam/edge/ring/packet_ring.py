"""The ring of packets: what a camera has sent in the last seconds, encoded as it came, for clips that begin earlier.

It lies in sealed memory (`smartcam.edge.ring.sealed`); its three numbers are the entries, the bytes for packets, and 0:

    page 0   header | at byte 64: end | first | begun
    table    one entry each: stamp | seq | position | size | kind | decode_ns | show_ns | captured_at | captured_mono
    bytes    the packets one behind the other, each in one piece

Positions count all bytes ever laid down; `begun` is the position up to which the writer may have written over what was
there. Packets `first` to `end`, the second excluded, are whole. Readers take no locks: a stamp that has changed, or a
`begun` that has come too far, shows that a packet was written over while it was copied.
"""

from collections import deque
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from smartcam.contract.errors import PacketOverwritten, RingError
from smartcam.contract.ids import CameraId
from smartcam.contract.reading import LARGEST_INTEGER
from smartcam.contract.times import MonotonicNs, UtcNs
from smartcam.edge.ring.sealed import (
    HEADER_BYTES,
    PAGE,
    WORD,
    Fence,
    SealedHeader,
    SealedMap,
    SealedShape,
    create_sealed,
    open_sealed,
    remove_leftover,
)

MOST_BYTES: Final = 1 << 30
MOST_ENTRIES: Final = 1 << 16
_MAGIC: Final = int.from_bytes(b"SMCPACK1", "little")
_WORDS_OF_AN_ENTRY: Final = 9
_COUNTERS: Final = (HEADER_BYTES + WORD) // WORD
_SIDE: Final = 0xFFFF


class VideoCodec(StrEnum):
    """How packets are encoded, by FFmpeg's names."""

    H264 = "h264"
    H265 = "hevc"


_CODECS: Final = tuple(VideoCodec)


@dataclass(frozen=True, slots=True)
class VideoPacket:
    """One encoded picture, in the byte stream format (Annex B); a key frame brings its parameter sets along.

    `decode_ns` grows from packet to packet, and `show_ns` is never before it: nanoseconds of a time line of the
    camera's own, which its clock does not move. Both captured times are those at which the packet came.
    """

    content: bytes
    codec: VideoCodec
    width: int
    height: int
    is_key: bool
    decode_ns: int
    show_ns: int
    captured_at: UtcNs
    captured_mono: MonotonicNs


class PacketRingWriter:
    """Keeps one camera's newest packets, as many as fit. For one thread."""

    def __init__(self, folder: Path, camera: CameraId, capacity: int, entries: int) -> None:
        """Makes the ring, all of it allocated; removes what a dead process left behind.

        Raises:
            RingError: there is no room, the name is taken, or a live process writes this camera.
        """
        if not (0 < capacity <= MOST_BYTES and 0 < entries <= MOST_ENTRIES):
            raise RingError(f"no ring of packets has {capacity} bytes and {entries} entries")
        self._path = packets_path(folder, camera)
        remove_leftover(self._path, camera)
        numbers = entries, -(-capacity // PAGE) * PAGE, 0
        self._ring = create_sealed(self._path, SealedShape(_MAGIC, numbers, _size_of(*numbers)), _PacketMap)
        self._fence = Fence()
        self._positions: deque[int] = deque()
        """Of the packets that are whole, the oldest first."""
        self._end = 0
        self._position = 0
        self._has_chain = False

    def write(self, packet: VideoPacket) -> bool:
        """Keep the packet in place of the oldest ones; False where it is of no use.

        That is one which is larger than the ring, and what cannot be decoded without it: all up to the next key frame.
        """
        ring, size = self._ring, len(packet.content)
        self._has_chain = 0 < size <= ring.capacity and (packet.is_key or self._has_chain)
        if not self._has_chain:
            return False
        begins = self._position
        if begins % ring.capacity + size > ring.capacity:
            begins += -begins % ring.capacity
        self._position = begins + size
        self._make_room(self._position - ring.capacity)
        entry = ring.entry(self._end)
        stamp = 2 * self._end + 1
        ring.words[entry] = stamp
        self._fence()
        facts = self._end, begins, size, _kind(packet), packet.decode_ns, packet.show_ns
        for place, word in enumerate((*facts, packet.captured_at, packet.captured_mono), entry + 1):
            ring.words[place] = word
        at = begins % ring.capacity
        ring.content[at : at + size] = packet.content
        self._fence()
        ring.words[entry] = stamp + 1
        self._positions.append(begins)
        self._end += 1
        ring.end = self._end
        return True

    def close(self) -> None:
        """Remove the ring; readers that have it open can still read what is in it."""
        self._ring.unlink(self._path)
        self._ring.close()

    def _make_room(self, lost_before: int) -> None:
        """Give up what is written over now; readers are told before a byte of it changes."""
        positions = self._positions
        while positions and (positions[0] < lost_before or len(positions) == self._ring.entries):
            positions.popleft()
        self._ring.first = self._end - len(positions)
        self._ring.begun = self._position
        self._fence()


class PacketRingReader:
    """Reads one camera's packets by their numbers. For one thread."""

    def __init__(self, folder: Path, camera: CameraId) -> None:
        """Raises RingError: there is no ring, or it is not ours."""
        self._camera = camera
        self._ring = open_sealed(packets_path(folder, camera), _size, _PacketMap)
        self._fence = Fence()

    @property
    def birth(self) -> int:
        """Another one for each ring: the numbers of its packets begin anew."""
        return self._ring.birth

    @property
    def numbers(self) -> range:
        """The packets that are there now, the oldest first; never more than the ring has entries."""
        first = self._ring.first
        self._fence()
        end = max(first, self._ring.end)
        # A foreign writer may have put any numbers there, and whoever goes through them would not come to an end.
        return range(max(first, end - self._ring.entries), end)

    def read(self, seq: int) -> VideoPacket:
        """The packet with this number, copied once and whole.

        Raises:
            PacketOverwritten: it is not there any more, or not yet.
        """
        ring = self._ring
        entry = ring.entry(seq)
        before = ring.words[entry]
        self._fence()
        found, begins, size, kind, decode_ns, show_ns, at, mono = ring.words[entry + 1 : entry + _WORDS_OF_AN_ENTRY]
        offset = begins % ring.capacity
        # What a dying or foreign writer has left half done must not lead out of the ring.
        is_whole = before == 2 * seq + 2 and found == seq and offset + size <= ring.capacity
        is_whole = is_whole and max(decode_ns, show_ns, at, mono) <= LARGEST_INTEGER
        content = bytes(ring.content[offset : offset + size]) if is_whole else b""
        self._fence()
        if not is_whole or ring.words[entry] != before or ring.begun - begins > ring.capacity:
            raise PacketOverwritten(f"packet {seq} of {self._camera} is not in the ring")
        codec, width, height = _CODECS[kind >> 1 & 1], kind >> 16 & _SIDE, kind >> 32 & _SIDE
        is_key = bool(kind & 1)
        return VideoPacket(content, codec, width, height, is_key, decode_ns, show_ns, UtcNs(at), MonotonicNs(mono))

    def close(self) -> None:
        """Let go of the memory."""
        self._ring.close()


class _PacketMap(SealedMap):
    """A mapped ring of packets."""

    def __init__(self, memory: int, header: SealedHeader, file: int | None = None) -> None:
        self.entries, self.capacity = header.first, header.second
        super().__init__(memory, header, _size(header), file)
        self.words = self._words
        at = PAGE + _table_bytes(self.entries)
        self.content = self._bytes[at : at + self.capacity]

    def entry(self, seq: int) -> int:
        """The word at which a packet's entry begins."""
        return PAGE // WORD + seq % self.entries * _WORDS_OF_AN_ENTRY

    def close(self) -> None:
        """Unmap, and let go of the writer's lock."""
        self.content.release()
        super().close()

    @property
    def end(self) -> int:
        """One more than the number of the newest packet."""
        return self.words[_COUNTERS]

    @end.setter
    def end(self, seq: int) -> None:
        self.words[_COUNTERS] = seq

    @property
    def first(self) -> int:
        """The number of the oldest packet that is whole."""
        return self.words[_COUNTERS + 1]

    @first.setter
    def first(self, seq: int) -> None:
        self.words[_COUNTERS + 1] = seq

    @property
    def begun(self) -> int:
        """The position up to which bytes may have been written over."""
        return self.words[_COUNTERS + 2]

    @begun.setter
    def begun(self, position: int) -> None:
        self.words[_COUNTERS + 2] = position


def packets_path(folder: Path, camera: CameraId) -> Path:
    """The file of a camera's ring of packets. No camera's id has a dot."""
    return folder / f"smartcam-{camera}.packets"


def _kind(packet: VideoPacket) -> int:
    """All that a word holds besides numbers: key frame or not, codec, width and height."""
    codec = _CODECS.index(packet.codec)
    return packet.is_key | codec << 1 | (packet.width & _SIDE) << 16 | (packet.height & _SIDE) << 32


def _table_bytes(entries: int) -> int:
    return -(-entries * _WORDS_OF_AN_ENTRY * WORD // PAGE) * PAGE


def _size_of(entries: int, capacity: int, _: int) -> int:
    return PAGE + _table_bytes(entries) + capacity


def _size(header: SealedHeader) -> int:
    is_sound = 0 < header.first <= MOST_ENTRIES and 0 < header.second <= MOST_BYTES and header.second % PAGE == 0
    return _size_of(header.first, header.second, 0) if header.magic == _MAGIC and is_sound else 0
