"""Small clips, made on the fly with PyAV: nothing filmed, nothing stored."""

from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.stream import VideoStream
from numpy.typing import NDArray

from smartcam.vision.picture import Picture
from smartcam.vision.turn import Turn

Grey = NDArray[np.uint8]
_ONE = 1 << 16


def still_scene(width: int = 320, height: int = 240, frames: int = 20) -> Iterator[Picture]:
    """A grey gradient in which nothing happens."""
    for _ in range(frames):
        yield picture_of(_gradient(width, height))


def moving_square(
    width: int = 320, height: int = 240, frames: int = 20, *, still_first: int = 0, step: int = 4
) -> Iterator[Picture]:
    """A bright square of 40 pixels that enters a still scene from the left, `step` pixels a frame."""
    for i in range(frames):
        grey = _gradient(width, height)
        x = (i - still_first) * step
        if i >= still_first and x < width:
            grey[height // 2 - 20 : height // 2 + 20, x : x + 40] = 230
        yield picture_of(grey)


def picture_of(grey: Grey, u: int = 120, v: int = 140) -> Picture:
    """A picture of one colour and this brightness, uint8 (even height, even width)."""
    height, width = grey.shape
    half = (height // 2, width // 2)
    return Picture(grey, np.full(half, u, np.uint8), np.full(half, v, np.uint8))


def write_clip(  # noqa: PLR0913  every side of a clip that a test may want
    path: Path,
    pictures: Iterable[Picture],
    *,
    fps: float = 10,
    codec: str = "libx264",
    pixel_format: str = "yuv420p",
    stamps: Iterable[int] | None = None,
    size: tuple[int, int] | None = None,
    crf: int = 0,
    turn: Turn | None = None,
) -> Path:
    """Encodes the pictures without loss (libx264, unless `crf` says so) or nearly so, and returns the path.

    `stamps` are times in milliseconds, one a picture, for a clip of variable rate. `size` (width, height) crops the
    pictures, also to odd sides where the codec and pixel format allow them. `turn` is what the container says that a
    player must do to them.
    """
    rate = Fraction(fps).limit_denominator(1001)
    times = None if stamps is None else iter(stamps)
    options = {"crf": str(crf), "preset": "ultrafast", "movflags": "+faststart"} if codec == "libx264" else {}
    with av.open(str(path), mode="w", options={"movflags": "+faststart"} if path.suffix == ".mp4" else {}) as container:
        stream = container.add_stream(codec, rate=rate, options=options)
        assert isinstance(stream, VideoStream)
        stream.pix_fmt = pixel_format
        if turn is not None:
            stream.set_display_matrix(matrix_of(turn))
        stream.codec_context.thread_count = 1
        base = Fraction(1, 1000) if times is not None else 1 / rate
        stream.codec_context.time_base = base
        for i, picture in enumerate(pictures):
            frame = _frame(picture, pixel_format, size)
            if i == 0:
                stream.width, stream.height = frame.width, frame.height
            frame.pts = i if times is None else next(times)
            frame.time_base = base
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def matrix_of(turn: Turn) -> list[int]:
    """The display matrix, as FFmpeg holds it: 16.16 fixed point, the last column 2.30."""
    right, down = (-_ONE if turn.swaps_left_right else _ONE), (-_ONE if turn.swaps_up_down else _ONE)
    a, b, c, d = (0, down, right, 0) if turn.is_transposed else (right, 0, 0, down)
    return [a, b, 0, c, d, 0, 0, 0, 1 << 30]


def truncated(path: Path, share: float) -> Path:
    """A copy of the file that holds only this share of its bytes."""
    whole = path.read_bytes()
    cut = path.with_name(f"cut-{path.name}")
    cut.write_bytes(whole[: round(len(whole) * share)])
    return cut


def _gradient(width: int, height: int) -> Grey:
    return np.asarray(np.add.outer(np.arange(height) % 60, np.arange(width) // 4 % 60) + 40, np.uint8)


def _frame(picture: Picture, pixel_format: str, size: tuple[int, int] | None) -> av.VideoFrame:
    flat = np.empty(picture.nbytes, np.uint8)
    picture.write_i420(flat)
    frame = av.VideoFrame.from_ndarray(flat.reshape(-1, picture.width), format="yuv420p")
    if size is None and pixel_format == "yuv420p":
        return frame
    width, height = size or (picture.width, picture.height)
    rgb = frame.to_ndarray(format="rgb24")[:height, :width]
    return av.VideoFrame.from_ndarray(np.ascontiguousarray(rgb), format="rgb24").reformat(format=pixel_format)


def repeated(clip: Path, target: Path, times: int) -> Path:
    """The clip so many times over, its pictures as they are encoded."""
    with av.open(f"file:{target}", "w") as writing:
        stream: VideoStream | None = None
        offset = 0
        for _ in range(times):
            with av.open(f"file:{clip}") as reading:
                shown = reading.streams.video[0]
                if stream is None:
                    stream = writing.add_stream_from_template(shown)
                length = offset
                for packet in reading.demux(shown):
                    if packet.dts is None or packet.pts is None:
                        continue
                    length = max(length, offset + packet.pts + (packet.duration or 0))
                    packet.pts, packet.dts, packet.stream = packet.pts + offset, packet.dts + offset, stream
                    writing.mux(packet)
                offset = length
    return target
