"""A camera of a hundred lines, for what a real RTSP server cannot be made to do: redirect, speak TLS, refuse TCP.

It listens on loopback only, shows a grey picture again and again, and keeps what it was asked.
"""

import base64
import hashlib
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from fractions import Fraction
from types import TracebackType
from typing import IO, Final, Self

import av
import numpy as np
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream

_SDP: Final = (
    "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\n"
    "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1\r\na=control:track1\r\n"
)
_NONCE: Final = "0123456789abcdef"
_SIDES: Final = (320, 240)
_HEAD: Final = 12
_MARKER: Final = 0x80
_PAUSED: Final = 60
_REPORTS: Final = range(192, 224)
"""RTCP's types, where RTP has its marker and the kind of its payload."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a client asked: its first line's words, and its headers by their names in lower case."""

    method: str
    url: str
    headers: Mapping[str, str]


Answer = Callable[[Request], str | None]
"""The first line and the headers of an answer, or None for the usual one."""


@dataclass
class PlainCamera:
    """Runs in the `with` block. `login` is (scheme, user, password); `lower` the transports that it offers.

    `codec`: H264 or AV1.

    An impostor's datagrams come from another port than the camera has named.
    """

    host: str = "127.0.0.1"
    answer: Answer = lambda _: None
    login: tuple[str, str, str] | None = None
    lower: frozenset[str] = frozenset({"tcp", "udp"})
    tls: ssl.SSLContext | None = None
    is_impostor: bool = False
    codec: str = "H264"
    session: bytes = b"-"
    """What it calls what it sends, in whatever encoding."""
    pause_s: float = 0.0
    """How long it falls silent behind the first byte of its sixtieth picture, as where the network loses a segment."""
    asked: list[Request] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._server = socket.create_server((self.host, 0))
        self.port = int(self._server.getsockname()[1])
        self._ended = threading.Event()
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        with suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()

    @property
    def url(self) -> str:
        return f"{'rtsps' if self.tls else 'rtsp'}://{self.host}:{self.port}/live"

    @property
    def secrets(self) -> list[str]:
        """Every login that arrived."""
        return [each.headers["authorization"] for each in self.asked if "authorization" in each.headers]

    def _serve(self) -> None:
        while not self._ended.is_set():
            with suppress(OSError):
                accepted, _ = self._server.accept()
                threading.Thread(target=self._talk, args=(accepted,), daemon=True).start()

    def _talk(self, accepted: socket.socket) -> None:
        with suppress(OSError), accepted:
            accepted.settimeout(20)
            line = accepted if self.tls is None else self.tls.wrap_socket(accepted, server_side=True)
            with line, line.makefile("rb") as lines, _datagrams() as datagrams, _datagrams() as other:
                datagrams.bind((self.host, 0))
                other.bind((self.host, 0))
                own, peer = int(datagrams.getsockname()[1]), 0
                while (request := _read(lines)) is not None:
                    self.asked.append(request)
                    said, peer = self._said(request, own, peer)
                    line.sendall(said)
                    if request.method == "PLAY":
                        self._play(line, other if self.is_impostor else datagrams, peer)
                        return

    def _said(self, request: Request, own: int, peer: int) -> tuple[bytes, int]:
        """The answer, and the client's port for pictures over UDP (0: over this connection); `own` is the camera's."""
        head, body, wanted = self.answer(request), b"", request.headers.get("transport", "")
        if head is None and self.login is not None and not _is_let_in(request, self.login):
            realm = f'realm="camera", nonce="{_NONCE}"' if self.login[0] == "Digest" else 'realm="camera"'
            head = f"401 Unauthorized\r\nWWW-Authenticate: {self.login[0]} {realm}"
        if head is None and request.method == "SETUP":
            asked = "tcp" if "TCP" in wanted else "udp"
            if asked in self.lower:
                peer = int(wanted.split("client_port=")[1].split("-")[0]) if asked == "udp" else 0
                ports = f";server_port={own}-{own + 1}" if peer else ""
                head = f"200 OK\r\nSession: 1\r\nTransport: {wanted}{ports}"
            else:
                head = "461 Unsupported Transport"
        if head is None:
            head = "200 OK\r\nPublic: OPTIONS, DESCRIBE, SETUP, PLAY"
            if request.method == "DESCRIBE":
                body = _SDP.replace("H264", self.codec).encode().replace(b"s=-", b"s=" + self.session)
                head += f"\r\nContent-Type: application/sdp\r\nContent-Base: {request.url}/"
        sequence = request.headers.get("cseq", "0")
        head = f"RTSP/1.0 {head}\r\nCSeq: {sequence}\r\nContent-Length: {len(body)}\r\n\r\n"
        return head.encode() + body, peer

    def _play(self, line: socket.socket, datagrams: socket.socket, peer: int) -> None:
        units = _units() if self.codec == "H264" else _units_of_av1()
        number = 0
        for count in range(10_000):
            parts = units[count % len(units)]
            for at, unit in enumerate(parts):
                marker = _MARKER if at == len(parts) - 1 else 0
                head = bytes((0x80, 96 | marker)) + number.to_bytes(2) + (count * 4500).to_bytes(4) + b"\0\0\0\7"
                number = (number + 1) % 65536
                if peer:
                    datagrams.sendto(head + unit, (self.host, peer))
                else:
                    line.sendall(b"$")
                    if count == _PAUSED and at == 0:
                        self._ended.wait(self.pause_s)
                    line.sendall(b"\0" + (len(head) + len(unit)).to_bytes(2) + head + unit)
            if self._ended.wait(0.05):
                return


def _datagrams() -> socket.socket:
    return socket.socket(socket.AF_INET, socket.SOCK_DGRAM)


def _read(lines: IO[bytes]) -> Request | None:
    first = lines.readline().decode("latin-1").split()
    headers: dict[str, str] = {}
    while line := lines.readline().decode("latin-1").strip():
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    return Request(first[0], first[1], headers) if len(first) > 1 else None


def _is_let_in(request: Request, login: tuple[str, str, str]) -> bool:
    scheme, user, password = login
    given = request.headers.get("authorization", "")
    if scheme == "Basic":
        return given == "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
    secret = hashlib.md5(f"{user}:camera:{password}".encode()).hexdigest()  # noqa: S324  as cameras do
    place = hashlib.md5(f"{request.method}:{request.url}".encode()).hexdigest()  # noqa: S324
    answer = hashlib.md5(f"{secret}:{_NONCE}:{place}".encode()).hexdigest()  # noqa: S324
    return given.startswith("Digest ") and f'response="{answer}"' in given


def _grey(number: int) -> av.VideoFrame:
    grey = np.full((_SIDES[1], _SIDES[0], 3), 40 + number * 8, np.uint8)
    frame = av.VideoFrame.from_ndarray(grey, format="bgr24").reformat(format="yuv420p")
    frame.pts = number
    return frame


def _units_of_av1() -> list[list[bytes]]:
    """Twenty pictures, each as what packets carry: FFmpeg packs them, and its datagrams are caught."""
    pictures: list[list[bytes]] = [[]]
    with _datagrams() as caught:
        caught.bind(("127.0.0.1", 0))
        caught.setblocking(False)
        target = f"rtp://127.0.0.1:{caught.getsockname()[1]}?pkt_size=1200"
        with av.open(target, "w", format="rtp", options={"strict": "experimental"}) as container:
            options = {"preset": "12", "svtav1-params": "lookahead=0:pred-struct=1:keyint=5"}
            stream = container.add_stream("libsvtav1", rate=20, options=options)
            assert isinstance(stream, VideoStream)
            stream.width, stream.height, stream.pix_fmt = *_SIDES, "yuv420p"
            for frame in [*map(_grey, range(20)), None]:
                container.mux(stream.encode(frame))
        with suppress(BlockingIOError):
            while datagram := caught.recv(2000):
                if datagram[1] in _REPORTS:
                    continue
                pictures[-1].append(datagram[_HEAD:])
                if datagram[1] & _MARKER:
                    pictures.append([])
    return [picture for picture in pictures if picture]


def _units() -> list[list[bytes]]:
    """Twenty pictures, each as NAL units that fit into a packet."""
    context = av.CodecContext.create("libx264", "w")
    assert isinstance(context, VideoCodecContext)
    context.width, context.height, context.pix_fmt = *_SIDES, "yuv420p"
    context.time_base, context.framerate, context.thread_count = Fraction(1, 20), Fraction(20), 1
    context.gop_size, context.max_b_frames = 5, 0
    context.options = {
        "preset": "ultrafast",
        "tune": "zerolatency",
        "x264-params": "repeat-headers=1:annexb=1:log-level=none:slice-max-size=1100",
    }
    pictures: list[bytes] = []
    for number in range(20):
        pictures += map(bytes, context.encode(_grey(number)))
    return [[unit.strip(b"\0") for unit in picture.split(b"\0\0\1") if unit.strip(b"\0")] for picture in pictures]
