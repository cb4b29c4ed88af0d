"""The clip that figures are measured on: defined, not chosen."""

from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import av
from av.video.frame import VideoFrame

Choose = Callable[[Iterator[VideoFrame]], Iterator[VideoFrame]]

SIZE = (1280, 720)
"""Width and height in pixels."""
HD = (1920, 1080)
"""The larger size that the same limits hold for."""
_ENCODER = {"preset": "veryfast", "crf": "23"}


def scale_clip(source: Path, target: Path, size: tuple[int, int] = SIZE) -> Path:
    """The source at `size`, libx264 veryfast, crf 23. A target that is there already is kept.

    Raises:
        OSError: when the source cannot be read.
    """
    return make_clip(source, target, size, iter)


def make_clip(source: Path, target: Path, size: tuple[int, int], choose: Choose) -> Path:
    """What `choose` makes of the source's frames, at `size`, as `scale_clip` has it.

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
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        for number, frame in enumerate(choose(reading.decode(shown))):
            scaled = frame.reformat(*size, format="yuv420p")
            scaled.pts, scaled.time_base = number, 1 / rate
            writing.mux(stream.encode(scaled))
        writing.mux(stream.encode())
    unfinished.replace(target)
    return target
