"""A scene in which nothing happens: what a camera costs for most of its life."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Final

import av
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from devkit.bench.clip import SIZE

STILL_FRAMES: Final = 56
"""How many frames of the footage's beginning show nobody."""
_TIMES_OVER: Final = 5
_ENCODER: Final = {"preset": "veryfast", "crf": "23"}


def idle_clip(source: Path, target: Path, size: tuple[int, int] = SIZE) -> Path:
    """The source's beginning to and fro, at `size`. A target that is there already is kept.

    Raises:
        OSError: when the source cannot be read.
    """
    if target.is_file():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_suffix(".unfinished.mp4")
    with av.open(f"file:{source}") as reading, av.open(f"file:{unfinished}", "w") as writing:
        shown = reading.streams.video[0]
        rate = shown.average_rate or Fraction(10)
        stream = writing.add_stream("libx264", rate=rate, options=_ENCODER)
        assert isinstance(stream, VideoStream)  # noqa: S101  libx264's stream
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        beginning = [frame for _, frame in zip(range(STILL_FRAMES), reading.decode(shown), strict=False)]
        for number, frame in enumerate(_to_and_fro(beginning)):
            scaled = frame.reformat(*size, format="yuv420p")
            scaled.pts, scaled.time_base = number, 1 / rate
            writing.mux(stream.encode(scaled))
        writing.mux(stream.encode())
    unfinished.replace(target)
    return target


def _to_and_fro(frames: list[VideoFrame]) -> Iterator[VideoFrame]:
    """Without a jump, which would be no idle scene."""
    for turn in range(_TIMES_OVER):
        yield from frames if turn % 2 == 0 else reversed(frames)
