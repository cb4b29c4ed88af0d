"""Drives the RTSP camera on loopback, and makes the clips that it shows."""

import base64
import json
import struct
import subprocess
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Final, Self, cast

import av
import numpy as np
from av.video.codeccontext import VideoCodecContext

from smartcam.vision.picture import Picture
from standins.rtsp import RtspServer

SCRIPT: Final = Path(__file__).with_name("gst_camera.py")
_ENCODERS: Final = {
    "h264": ("libx264", {"x264-params": "repeat-headers=1:annexb=1:log-level=none"}),
    "h265": ("libx265", {"x265-params": "repeat-headers=1:log-level=none"}),
}


def record(path: Path, pictures: Iterable[Picture], codec: str = "h264", fps: float = 20) -> Path:
    """The pictures as access units, each behind its length; every tenth is a key frame."""
    context: VideoCodecContext | None = None
    packets: list[bytes] = []
    for i, picture in enumerate(pictures):
        flat = np.empty(picture.nbytes, np.uint8)
        picture.write_i420(flat)
        frame = av.VideoFrame.from_ndarray(flat.reshape(-1, picture.width), format="yuv420p")
        if context is None:
            context = _encoder(codec, picture, fps)
        frame.pts = i
        packets += map(bytes, context.encode(frame))
    if context is not None:
        packets += map(bytes, context.encode(None))
    path.write_bytes(b"".join(struct.pack(">I", len(packet)) + packet for packet in packets))
    return path


def _encoder(codec: str, picture: Picture, fps: float) -> VideoCodecContext:
    name, options = _ENCODERS[codec]
    context = av.CodecContext.create(name, "w")
    assert isinstance(context, VideoCodecContext)
    context.width, context.height, context.pix_fmt = picture.width, picture.height, "yuv420p"
    context.time_base, context.framerate = 1 / Fraction(fps), Fraction(fps)
    context.gop_size, context.max_b_frames, context.thread_count = 10, 0, 1
    context.options = {"preset": "ultrafast", "tune": "zerolatency", **options}
    return context


class RtspCamera:
    """A camera that can be shown clips, made to stall, and killed. It dies with the `with` block."""

    def __init__(self, server: RtspServer, port: int = 0, user: str = "", password: str = "") -> None:
        self._process = subprocess.Popen(
            [str(server.python), str(SCRIPT)],
            env=dict(server.environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.port = cast("int", self._ask({"port": port, "user": user, "password": password})["port"])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    @property
    def url(self) -> str:
        return f"rtsp://127.0.0.1:{self.port}/live"

    def show(self, clip: Path, codec: str = "h264", fps: float = 20) -> None:
        """Show the clip from its beginning, again and again."""
        self._ask({"do": "show", "clip": str(clip), "codec": codec, "fps": fps})

    def stall(self) -> None:
        """Connections stay, pictures stop."""
        self._ask({"do": "stall"})

    def go_on(self) -> None:
        """Pictures come again."""
        self._ask({"do": "go_on"})

    def push(self, unit: bytes) -> None:
        """Show one access unit now, beside a clip that has none."""
        self._ask({"do": "push", "unit": base64.b64encode(unit).decode()})

    def clients(self) -> int:
        """How many are connected."""
        return cast("int", self._ask({"do": "clients"})["clients"])

    def kill(self) -> None:
        """As when the camera loses its power (but the kernel ends the connections)."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()

    def _ask(self, request: dict[str, object]) -> dict[str, object]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, "the RTSP server has ended"
        return cast("dict[str, object]", json.loads(answer))
