"""A camera's H.264 as fragmented MP4 (ISO/IEC 14496-12 and -15) for whoever watches: one picture a fragment."""

import struct
from struct import pack
from typing import Final

from smartcam.contract.times import NS_PER_S, TICKS
from smartcam.edge.ring.packet_ring import VideoCodec, VideoPacket

_SEQUENCE, _PICTURES, _DELIMITER = 7, 8, 9
"""Types of units (ITU-T H.264, table 7-1): parameter sets, which stand in the head, and what parts pictures."""
_SLICES: Final = range(1, 6)
"""Those of pictures."""
_LEAST_OF_A_SEQUENCE: Final = 4
"""Bytes: its type, then profile, constraints and level (7.3.2.1.1)."""
_TO_THE_PICTURE: Final = 112
"""From the beginning of a fragment, in bytes."""
_TRACK: Final = 1
_SHOWN_AS_IT_IS: Final = pack(">9I", 1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)
_ALONE, _WITH_OTHERS = 0x02000000, 0x01010000
"""Whether a picture can be decoded without others."""


class FragmentWriter:
    """One stream, from a key frame on. A fragment says how long its picture lasts, so the next one has to be there."""

    def __init__(self, first: VideoPacket) -> None:
        """Raises ValueError: it is no key frame of H.264 with its parameter sets."""
        units = _units(first)
        sequences, pictures = _parameters(units)
        is_h264 = first.codec is VideoCodec.H264 and first.is_key and _picture(units)
        if not (is_h264 and pictures and sequences and len(sequences[0]) >= _LEAST_OF_A_SEQUENCE):
            raise ValueError("a stream begins with a key frame and its parameter sets")
        self.codec = f"avc1.{sequences[0][1:4].hex()}"
        """As browsers are told it (RFC 6381)."""
        self._first = self._last = first
        self._parameters = sequences, pictures
        self._picture = _picture(units)
        self._number = 0
        try:
            self._head = _head(first.width, first.height, sequences, pictures)
        except struct.error as error:
            raise ValueError("its parameter sets are larger or more than any are") from error

    def fits(self, key_frame: VideoPacket) -> bool:
        """Whether the stream goes on with this key frame; with other parameters another one begins."""
        ours, other = ((each.codec, each.width, each.height) for each in (self._first, key_frame))
        return ours == other and _parameters(_units(key_frame)) == self._parameters

    def write(self, packet: VideoPacket) -> bytes:
        """The fragment of the picture before; before the first one, the stream's head.

        Empty where there is none: what holds no picture is left out, and what is to be shown before the first one,
        which cannot be decoded without others.
        """
        picture = _picture(_units(packet))
        if packet.show_ns < self._first.show_ns or not picture:
            return b""
        begin, shown, end = map(self._ticks, (self._last.decode_ns, self._last.show_ns, packet.decode_ns))
        self._number += 1
        facts = self._number, begin, max(1, end - begin), shown - begin
        try:
            written = self._head + _fragment(*facts, self._picture, is_key=self._last.is_key)
            self._head = b""
        except struct.error:  # stamps beyond all that a camera sends
            written = b""
        self._picture, self._last = picture, packet
        return written

    def _ticks(self, at_ns: int) -> int:
        return (at_ns - self._first.decode_ns) * TICKS // NS_PER_S


def _units(packet: VideoPacket) -> list[bytes]:
    units = (each.rstrip(b"\0") for each in packet.content.split(b"\0\0\1")[1:])
    return [unit for unit in units if unit]


def _parameters(units: list[bytes]) -> tuple[list[bytes], list[bytes]]:
    """Those of sequences, and those of pictures."""
    sequences, pictures = ([unit for unit in units if unit[0] & 0x1F == kind] for kind in (_SEQUENCE, _PICTURES))
    return sequences, pictures


def _picture(units: list[bytes]) -> bytes:
    """What is not in the head, each unit behind its length; empty where nothing of it is a picture's."""
    inside = [unit for unit in units if unit[0] & 0x1F not in {_SEQUENCE, _PICTURES, _DELIMITER}]
    is_picture = any(unit[0] & 0x1F in _SLICES for unit in inside)
    return b"".join(pack(">I", len(unit)) + unit for unit in inside if is_picture)


def _box(kind: bytes, *content: bytes) -> bytes:
    return pack(">I4s", 8 + sum(map(len, content)), kind) + b"".join(content)


def _head(width: int, height: int, sequences: list[bytes], pictures: list[bytes]) -> bytes:
    sets = [b"".join(pack(">H", len(unit)) + unit for unit in units) for units in (sequences, pictures)]
    counts = pack(">BB", 0xFF, 0xE0 + len(sequences)), pack(">B", len(pictures))
    decoding = _box(b"avcC", b"\1", sequences[0][1:4], counts[0], sets[0], counts[1], sets[1])
    size, resolution = pack(">2H", width, height), pack(">2I", 72 << 16, 72 << 16)
    plain = pack(">I", 0), pack(">H", 1), bytes(32), pack(">2H", 24, 0xFFFF)
    entry = _box(b"avc1", bytes(6), pack(">H", 1), bytes(16), size, resolution, *plain, decoding)
    tables = _box(b"stts", bytes(8)), _box(b"stsc", bytes(8)), _box(b"stsz", bytes(12)), _box(b"stco", bytes(8))
    samples = _box(b"stbl", _box(b"stsd", pack(">2I", 0, 1), entry), *tables)
    place = _box(b"dinf", _box(b"dref", pack(">2I", 0, 1), _box(b"url ", pack(">I", 1))))
    info = _box(b"minf", _box(b"vmhd", pack(">I", 1), bytes(8)), place, samples)
    clock = _box(b"mdhd", bytes(12), pack(">2I2H", TICKS, 0, 0x55C4, 0))
    media = _box(b"mdia", clock, _box(b"hdlr", bytes(8), b"vide", bytes(13)), info)
    shown = bytes(24), _SHOWN_AS_IT_IS, pack(">2I", width << 16, height << 16)
    track = _box(b"trak", _box(b"tkhd", pack(">4I", 3, 0, 0, _TRACK), *shown), media)
    rate = bytes(12), pack(">3IH", TICKS, 0, 1 << 16, 1 << 8), bytes(10)
    movie = _box(b"mvhd", *rate, _SHOWN_AS_IT_IS, bytes(24), pack(">I", _TRACK + 1))
    fragments = _box(b"mvex", _box(b"trex", pack(">3I", 0, _TRACK, 1), bytes(12)))
    return _box(b"ftyp", b"iso5", bytes(4), b"iso5", b"iso6", b"mp41") + _box(b"moov", movie, track, fragments)


def _fragment(number: int, begin: int, duration: int, until_shown: int, picture: bytes, *, is_key: bool) -> bytes:
    kind = _ALONE if is_key else _WITH_OTHERS
    run = pack(">6Ii", 0x01000F01, 1, _TO_THE_PICTURE, duration, len(picture), kind, until_shown)
    when = _box(b"tfdt", pack(">IQ", 1 << 24, begin))
    track = _box(b"traf", _box(b"tfhd", pack(">2I", 0x020000, _TRACK)), when, _box(b"trun", run))
    return _box(b"moof", _box(b"mfhd", pack(">2I", 0, number)), track) + _box(b"mdat", picture)
