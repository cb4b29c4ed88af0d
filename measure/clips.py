"""Clips as the measurements read and write them."""

from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import av
from av.video.frame import VideoFrame

Choose = Callable[[Iterator[VideoFrame]], Iterator[VideoFrame]]
"""Which of a clip's frames are written, in which order."""


def make_clip(
    source: Path,
    target: Path,
    size: tuple[int, int] | None = None,
    choose: Choose = iter,
    crf: int = 23,
    rate: Fraction | None = None,
) -> Path:
    """The chosen frames of the source at `size` and `rate` (or its own), libx264 veryfast. An existing target is kept.

    Raises:
        OSError: when the source cannot be read.
    """
    if target.is_file():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_suffix(".unfinished.mp4")
    with av.open(f"file:{source}") as reading, av.open(f"file:{unfinished}", "w") as writing:
        shown = reading.streams.video[0]
        width, height = size or (shown.width, shown.height)
        rate = rate or shown.average_rate or Fraction(10)
        stream = writing.add_stream("libx264", rate=rate, options={"preset": "veryfast", "crf": str(crf)})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for number, frame in enumerate(choose(reading.decode(shown))):
            scaled = frame.reformat(width, height, format="yuv420p")
            scaled.pts, scaled.time_base = number, 1 / rate
            writing.mux(stream.encode(scaled))
        writing.mux(stream.encode())
    unfinished.replace(target)
    return target
