"""An RTSP camera on loopback in Python: its key frames, its beginnings and its streams are as a test wants them.

GStreamer's server (`camera.py`) is the real thing and always polite; this one starts in the middle of a group, sends
bursts, offers several streams, or falls silent. Interleaved TCP, H.264 and H.265.
"""

import base64
import itertools
import socket
import struct
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from fractions import Fraction
from types import TracebackType
from typing import Final, Self

import av
import numpy as np
from av.video.codeccontext import VideoCodecContext

from smartcam.vision.picture import Picture

_CLOCK: Final = 90_000
_LONGEST_PAYLOAD: Final = 1200
_ENCODERS: Final = {
    "h264": ("libx264", "x264-params", "repeat-headers=1:annexb=1:log-level=none"),
    "hevc": ("libx265", "x265-params", "repeat-headers=1:log-level=none"),
}
_OF_RTP: Final = {"h264": "H264", "hevc": "H265", "mjpeg": "JPEG", "vvc": "H266"}


@dataclass(frozen=True, slots=True)
class Unit:
    """One picture's NAL units."""

    nals: tuple[bytes, ...]
    is_key: bool


@dataclass(slots=True)
class Track:
    """One stream. After its last unit it goes on with the first; without units it is dead: offered, never sent."""

    units: list[Unit]
    fps: float = 10.0
    codec: str = "h264"
    first: int = 0
    """Where each viewer's stream begins: 0 is a key frame, another may be in the middle of a group."""
    at_once: int = 0
    """So many units are sent without waiting, as by a server that keeps the group so far."""
    shows_headers: bool = False
    """Whether the description holds the parameter sets, as most cameras' does."""
    lives: float = float("inf")
    """After so many seconds the camera falls silent."""
    sent: list[tuple[int, float]] = field(default_factory=list)
    """Which unit went out when, by the monotonic clock."""


def encoded(pictures: Iterable[Picture], codec: str = "h264", fps: int = 10, group: int = 10_000) -> list[Unit]:
    """The pictures without B-frames; a key frame every `group` pictures and nowhere else."""
    name, key, quiet = _ENCODERS[codec]
    context: VideoCodecContext | None = None
    units: list[Unit] = []
    for i, picture in enumerate(pictures):
        flat = np.empty(picture.nbytes, np.uint8)
        picture.write_i420(flat)
        frame = av.VideoFrame.from_ndarray(flat.reshape(-1, picture.width), format="yuv420p")
        if context is None:
            made = av.CodecContext.create(name, "w")
            assert isinstance(made, VideoCodecContext)
            context = made
            context.width, context.height, context.pix_fmt = picture.width, picture.height, "yuv420p"
            context.time_base, context.framerate = Fraction(1, fps), Fraction(fps)
            context.gop_size, context.max_b_frames, context.thread_count = group, 0, 1
            rules = f"keyint={group}:min-keyint={group}:scenecut=0:{quiet}"
            context.options = {"preset": "ultrafast", "tune": "zerolatency", "crf": "10", key: rules}
        frame.pts = i
        units += [_unit(packet) for packet in context.encode(frame)]
    assert context is not None
    return units + [_unit(packet) for packet in context.encode(None)]


def _unit(packet: "av.Packet[av.VideoStream]") -> Unit:
    whole = bytes(packet).replace(b"\0\0\0\1", b"\0\0\1")
    return Unit(tuple(nal for nal in whole.split(b"\0\0\1") if nal), packet.is_keyframe)


class LoopbackCamera:
    """Serves its tracks to every viewer from their `first` unit on. It ends with the `with` block."""

    def __init__(self, *tracks: Track) -> None:
        self.tracks = tracks
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"rtsp://127.0.0.1:{self._listener.getsockname()[1]}/live"
        self._is_over = threading.Event()
        self._viewers: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._start(self._accept)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_over.set()
        for each in (self._listener, *self._viewers):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        for thread in self._threads:
            thread.join(5)

    def _start(self, target: object, *args: object) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                viewer, _ = self._listener.accept()
                viewer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._viewers.append(viewer)
                self._start(self._serve, viewer)

    def _serve(self, viewer: socket.socket) -> None:
        lock = threading.Lock()
        with suppress(OSError, ValueError), viewer.makefile("rb") as requests:
            while True:
                first = requests.read(1)
                if first == b"$":  # the viewer's own reports
                    _, size = struct.unpack(">BH", requests.read(3))
                    requests.read(size)
                    continue
                words = (first + requests.readline()).decode().split()
                fields = dict(_fields(requests))
                if not words:
                    return
                with lock:
                    viewer.sendall(self._answer(words[0], words[1], fields))
                if words[0] == "PLAY":
                    for channel, track in enumerate(self.tracks):
                        if track.units:
                            self._start(self._play, viewer, lock, 2 * channel, track)

    def _answer(self, verb: str, url: str, fields: dict[str, str]) -> bytes:
        lines = ["RTSP/1.0 200 OK", f"CSeq: {fields['cseq']}", "Session: 7"]
        body = ""
        if verb == "OPTIONS":
            lines.append("Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN, GET_PARAMETER")
        elif verb == "DESCRIBE":
            body = "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n" + "".join(
                _described(number, track) for number, track in enumerate(self.tracks)
            )
            lines += [f"Content-Base: {url}/", "Content-Type: application/sdp", f"Content-Length: {len(body)}"]
        elif verb == "SETUP":
            lines.append(f"Transport: {fields['transport']}")
        return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()

    def _play(self, viewer: socket.socket, lock: threading.Lock, channel: int, track: Track) -> None:
        began, sequence = time.monotonic(), itertools.count(1000)
        with suppress(OSError):
            for count in itertools.count():
                due_s = max(count - track.at_once, 0) / track.fps
                if due_s > track.lives or self._is_over.wait(max(began + due_s - time.monotonic(), 0)):
                    return
                number = (track.first + count) % len(track.units)
                stamp = 5000 + round(count * _CLOCK / track.fps)
                payloads = list(_payloads(track.units[number].nals, track.codec))
                track.sent.append((number, time.monotonic()))
                with lock:
                    for i, payload in enumerate(payloads):
                        marker = 0x80 if i == len(payloads) - 1 else 0
                        head = struct.pack(">BBHII", 0x80, marker | 96 + channel // 2, next(sequence), stamp, 77)
                        viewer.sendall(struct.pack(">cBH", b"$", channel, len(head + payload)) + head + payload)


def _fields(requests: Iterable[bytes]) -> Iterator[tuple[str, str]]:
    for line in requests:
        name, colon, value = line.decode().partition(":")
        if not colon:
            return
        yield name.strip().lower(), value.strip()


def _described(number: int, track: Track) -> str:
    kind = 96 + number
    lines = [
        f"m=video 0 RTP/AVP {kind}",
        f"a=rtpmap:{kind} {_OF_RTP[track.codec]}/{_CLOCK}",
        f"a=control:track{number}",
    ]
    if track.codec == "h264":
        headers = next((unit.nals for unit in track.units if unit.is_key), ()) if track.shows_headers else ()
        sets = ",".join(base64.b64encode(nal).decode() for nal in headers if nal[0] & 31 in {7, 8})
        lines.append(f"a=fmtp:{kind} packetization-mode=1" + (f";sprop-parameter-sets={sets}" if sets else ""))
    return "".join(f"{line}\r\n" for line in lines)


def _payloads(nals: Iterable[bytes], codec: str) -> Iterator[bytes]:
    """RTP payloads of RFC 6184 and RFC 7798; a large unit goes in fragments."""
    for nal in nals:
        if len(nal) <= _LONGEST_PAYLOAD:
            yield nal
            continue
        if codec == "h264":
            size, kind, front = 1, nal[0] & 31, bytes([nal[0] & 0xE0 | 28])
        else:
            size, kind, front = 2, nal[0] >> 1 & 63, bytes([nal[0] & 0x81 | 49 << 1, nal[1]])
        for at in range(size, len(nal), _LONGEST_PAYLOAD):
            piece = nal[at : at + _LONGEST_PAYLOAD]
            ends = 0x80 * (at == size) | 0x40 * (at + len(piece) == len(nal))
            yield front + bytes([ends | kind]) + piece
