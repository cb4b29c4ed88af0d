"""A camera that draws into each picture when it was taken, and a reader of what a browser shows of it."""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import av
import numpy as np
from av.video.codeccontext import VideoCodecContext
from playwright.sync_api import Locator

from standins.rtsp import RtspServer
from tests.rtsp.camera import RtspCamera

WIDTH, HEIGHT, FPS = 640, 360, 20
_BITS: Final = 16
_WRAP_MS: Final = 1 << _BITS
_DARK, _BRIGHT = 40, 210
_STAMP_HEIGHT: Final = HEIGHT // 6
_READ: Final = """(video, count) => new Promise((done) => {
    const canvas = new OffscreenCanvas(64, 36), pen = canvas.getContext("2d", {willReadFrequently: true}), seen = [];
    const look = (now, {expectedDisplayTime, rtpTimestamp}) => {
        pen.drawImage(video, 0, 0, 64, 36);
        const row = pen.getImageData(0, 3, 64, 1).data;
        let stamp = 0;
        for (let bit = 0; bit < 16; bit++) stamp |= (row[(4 * bit + 2) * 4] > 125) << bit;
        const shown = performance.timeOrigin + Math.max(expectedDisplayTime, performance.now());
        seen.push([stamp, shown, rtpTimestamp ?? null]);
        seen.length < count ? video.requestVideoFrameCallback(look) : done(seen);
    };
    video.requestVideoFrameCallback(look);
})"""


@dataclass(frozen=True, slots=True)
class Seen:
    """A picture in a browser: how long ago it was taken when it is shown, and its RTP stamp if it came so."""

    taken_ms: int
    late_ms: float
    rtp_stamp: int | None


def seen(video: Locator, count: int) -> Sequence[Seen]:
    """The next pictures that a video shows."""
    found = video.evaluate(_READ, count)
    half = _WRAP_MS // 2
    return [Seen(stamp, (at_ms - stamp + half) % _WRAP_MS - half, rtp) for stamp, at_ms, rtp in found]


class StampedCamera:
    """An RTSP camera whose pictures bear the milliseconds of their time, in large blocks along the upper edge."""

    def __init__(self, server: RtspServer, folder: Path) -> None:
        self._camera = RtspCamera(server)
        empty = folder / "empty.h264"
        empty.write_bytes(b"")
        self._camera.show(empty, fps=FPS)
        self.url = self._camera.url
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._film, name="stamped-camera")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()
        self._camera.kill()

    def _film(self) -> None:
        context = av.CodecContext.create("libx264", "w")
        assert isinstance(context, VideoCodecContext)
        context.width, context.height, context.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        context.time_base, context.framerate = Fraction(1, FPS), Fraction(FPS)
        context.gop_size, context.max_b_frames, context.thread_count = FPS, 0, 1
        context.options = {
            "preset": "ultrafast",
            "tune": "zerolatency",
            "x264-params": "repeat-headers=1:log-level=none",
        }
        number = 0
        while not self._over.wait(1 / FPS):
            frame = av.VideoFrame.from_ndarray(_drawn(time.time_ns() // 1_000_000 % _WRAP_MS, number), format="yuv420p")
            frame.pts = number
            for packet in context.encode(frame):
                self._camera.push(bytes(packet))
            number += 1


def _drawn(stamp: int, number: int) -> "np.ndarray[tuple[int, int], np.dtype[np.uint8]]":
    planes = np.full((HEIGHT * 3 // 2, WIDTH), 128, np.uint8)
    left = number * 8 % (WIDTH - 40)
    planes[HEIGHT // 2 : HEIGHT // 2 + 40, left : left + 40] = _BRIGHT
    for bit in range(_BITS):
        planes[:_STAMP_HEIGHT, WIDTH * bit // _BITS : WIDTH * (bit + 1) // _BITS] = (
            _BRIGHT if stamp >> bit & 1 else _DARK
        )
    return planes
