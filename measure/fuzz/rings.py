"""What lies in shared memory, where a neighbour may write anything: rings of frames and packets; and films of these."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Final, cast

import av
import numpy as np

from measure.fuzz.device import EVENT, hurt
from measure.fuzz.places import file_with
from measure.fuzz.target import FuzzTarget, Unfaithful, decoding
from smartcam.capture.recording.bounded_folder import GrowingFile
from smartcam.capture.recording.highlights import clips_of_day
from smartcam.capture.recording.open_film import OpenFilm
from smartcam.console.live import NotForBrowsers, VideoFollower, why_not_video
from smartcam.contract.errors import PacketOverwritten, RingError
from smartcam.contract.ids import CameraId
from smartcam.contract.notice import FrameNotice
from smartcam.contract.times import NS_PER_MS, MonotonicNs, UtcNs
from smartcam.edge.clip_name import ClipName
from smartcam.edge.muxing import ClipWriter
from smartcam.edge.ring.frame_ring import RingReader, RingWriter
from smartcam.edge.ring.packet_ring import PacketRingReader, PacketRingWriter, VideoCodec, VideoPacket, packets_path
from smartcam.edge.ring.ring_file import ring_path
from smartcam.edge.ring.sealed import HEADER_BYTES, PAGE, SealedHeader
from smartcam.vision.frame import Frame
from smartcam.vision.picture import Picture

av.logging.set_level(None)

_CAMERA: Final = CameraId("fuzz")
"""No test's: these rings stay in memory for as long as the process."""
_SIDE: Final = 16
_SETS: Final = {
    VideoCodec.H264: b"\0\0\1\x67\x42\0\x0asets\0\0\1\x68sets\0\0\1\x65picture",
    VideoCodec.H265: b"\0\0\1\x42\1sets\0\0\1\x44\1sets\0\0\1\x26\1picture",
}
_HEAD: Final = 4
_KEY, _OTHER_CODEC, _OTHER_SIZE, _EARLY, _FAR, _BARE = (1 << bit for bit in range(6))
"""The bits of a packet's first byte."""
_ID: Final = b"01930000-0000-7000-8000-000000000000"
_FACTS: Final = b'{"begins_at":"2026-11-30T09:22:16.000Z","event":%s}' % (EVENT % _ID)
_FOREVER: Final = UtcNs(1 << 62)


class _Held:
    """A film's file in memory."""

    def __init__(self) -> None:
        self.content = b""

    def write(self, content: bytes) -> int:
        self.content += bytes(content)
        return len(content)

    def finish(self) -> None:
        """Nothing is to be put in place."""


def _folder() -> Path:
    return file_with("shm/here", b"").parent


def _packet(number: int, content: bytes, *, is_key: bool, codec: VideoCodec = VideoCodec.H264) -> VideoPacket:
    at = (1 + number) * 100 * NS_PER_MS
    return VideoPacket(content, codec, _SIDE, _SIDE, is_key, at, at, UtcNs(at), MonotonicNs(at))


@cache
def _frames() -> tuple[RingWriter, list[FrameNotice], bytes]:
    """A ring of two frames, the notices of these, and its file and its memory."""
    folder = _folder()
    writer = RingWriter(folder, _CAMERA, 2)
    picture = Picture.from_i420(np.zeros(_SIDE * _SIDE * 3 // 2, np.uint8), _SIDE, _SIDE)
    frames = [Frame(_CAMERA, seq, UtcNs(seq), MonotonicNs(seq), 0, picture, ()) for seq in (1, 2)]
    return writer, [writer.write(frame) for frame in frames], _bytes_of(ring_path(folder, _CAMERA))


@cache
def _packets() -> tuple[PacketRingWriter, bytes]:
    """A ring of three packets, and its file and its memory."""
    folder = _folder()
    writer = PacketRingWriter(folder, _CAMERA, PAGE, 4)
    for number in range(3):
        writer.write(_packet(number, _SETS[VideoCodec.H264], is_key=not number))
    return writer, _bytes_of(packets_path(folder, _CAMERA))


def shared_memory() -> tuple[Path, FrameNotice]:
    """The folder with both rings of one camera, and a notice of one of its frames."""
    _packets()
    return _folder(), _frames()[1][-1]


def _bytes_of(path: Path) -> bytes:
    with path.open("rb") as file, _memory_of(path).open("rb") as memory:
        return file.read().ljust(HEADER_BYTES, b"\0") + memory.read()


@cache
def _memory_of(path: Path) -> Path:
    """The way to a ring's memory, asked for while nobody has hurt it."""
    with path.open("rb") as file:
        return Path(f"/proc/self/fd/{SealedHeader.read(file.fileno()).descriptor}")


def _written_over(path: Path, content: bytes) -> None:
    """As a neighbour does it: the very file and the very memory, which nobody can cut."""
    with path.open("r+b") as file:
        file.truncate()
        file.write(content[:HEADER_BYTES])
    with _memory_of(path).open("r+b") as memory:
        memory.write(content[HEADER_BYTES:])


def _read_frames(data: bytes) -> object:
    """The first byte is the slot that a notice names besides; the edits of the ring are behind it."""
    _, notices, whole = _frames()
    path = ring_path(_folder(), _CAMERA)
    _written_over(path, hurt(whole, data[1:]))
    into = np.empty(notices[0].width * notices[0].height * 2, np.uint8)
    try:
        with closing(RingReader(path.parent, _CAMERA)) as reader:
            for notice in (*notices, *(replace(notices[0], slot=slot) for slot in data[:1])):
                frame = reader.read(notice, None if notice.slot else into)
                if (frame.seq, frame.captured_at) != (notice.seq, notice.captured_at):
                    raise Unfaithful(f"{frame} is not what {notice} says")
    finally:
        _written_over(path, whole)
    return None


def _read_packets(data: bytes) -> object:
    """As capture reads them for clips, and the console for who looks."""
    _, whole = _packets()
    path = packets_path(_folder(), _CAMERA)
    _written_over(path, hurt(whole, data))
    opened = partial(PacketRingReader, path.parent, _CAMERA)
    try:
        with closing(opened()) as reader:
            for seq in reader.numbers:
                _read_one(reader, seq)
        why_not_video(opened)
        times = iter(range(0, 1 << 40, 1 << 32))
        with closing(VideoFollower(opened, lambda: MonotonicNs(next(times)))) as follower:
            for _ in range(3):
                follower.step()
    finally:
        _written_over(path, whole)
    return None


def _read_one(reader: PacketRingReader, seq: int) -> None:
    try:
        packet = reader.read(seq)
        _filmed(iter([packet]))
    except (PacketOverwritten, ValueError):
        pass


def _told(data: bytes) -> Iterator[VideoPacket]:
    """Packets as the bytes tell: flags, steps of both times, a length, and so many bytes behind parameter sets."""
    at = shown = 0
    while len(data) >= _HEAD:
        flags, step, ahead, size = data[:_HEAD]
        codec = VideoCodec.H265 if flags & _OTHER_CODEC else VideoCodec.H264
        sets = _SETS[codec] if flags & _KEY and not flags & _BARE else b""
        at += step * NS_PER_MS
        shown = (at - ahead if flags & _EARLY else at + ahead) << (60 if flags & _FAR else 0)
        width = 2 * _SIDE if flags & _OTHER_SIZE else _SIDE
        content = sets + data[_HEAD : _HEAD + size]
        yield VideoPacket(content, codec, width, _SIDE, bool(flags & _KEY), at, shown, UtcNs(at), MonotonicNs(at))
        data = data[_HEAD + size :]


def _filmed(packets: Iterator[VideoPacket]) -> bytes:
    """A film of them; those that are none are left out. Raises ValueError where the first one is none."""
    first = next(packets, None)
    if first is None:
        return b""
    held = _Held()
    film = OpenFilm(cast("GrowingFile[ClipName]", held), first, _CAMERA, {})
    for packet in packets:
        if not film.takes(packet, NS_PER_MS * 500) and not film.lacks(packet):
            break
        try:
            film.write(packet)
        except ValueError:
            continue
    film.finish()
    return held.content


@cache
def _clip() -> bytes:
    held = _Held()
    writer = ClipWriter(held, _packet(0, _SETS[VideoCodec.H264], is_key=True), "yard", _FACTS.decode())
    writer.close()
    return held.content


def _clips(data: bytes) -> object:
    path = file_with(f"clips/{_ID.decode()}.yard.001.mp4", hurt(_clip(), data))
    return clips_of_day(path.parent, UtcNs(0), _FOREVER)


def _target(
    read: Callable[[bytes], object], refusals: type[Exception] | tuple[type[Exception], ...], *reads: str
) -> FuzzTarget:
    return FuzzTarget(decoding(read, refusals), reads)


TARGETS: Final = {
    "frame-ring": _target(
        _read_frames,
        RingError,
        "smartcam.edge.ring.frame_ring:RingReader",
        "smartcam.edge.ring.ring_file:_size",
        "smartcam.edge.ring.ring_file:Layout",
        "smartcam.edge.ring.sealed:open_sealed",
        "smartcam.edge.ring.sealed:_is_sealed",
    ),
    "packet-ring": _target(
        _read_packets,
        (RingError, NotForBrowsers),
        "smartcam.edge.ring.packet_ring:PacketRingReader",
        "smartcam.edge.ring.packet_ring:_size",
        "smartcam.console.live:VideoFollower",
        "smartcam.console.live:_FragmentStream",
        "smartcam.console.live:why_not_video",
    ),
    "clip-film": _target(
        lambda data: _filmed(_told(data)),
        ValueError,
        "smartcam.edge.muxing:ClipWriter",
        "smartcam.edge.muxing:_unit_types",
        "smartcam.edge.muxing:_faults_of_muxing",
        "smartcam.capture.recording.open_film",
    ),
    "clip-words": _target(
        _clips,
        (),
        "smartcam.edge.muxing:comment_of",
        "smartcam.capture.recording.highlights:clips_of_day",
        "smartcam.capture.recording.highlights:_read",
    ),
}
