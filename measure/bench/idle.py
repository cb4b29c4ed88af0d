"""A scene in which nothing happens: what a camera costs for most of its life."""

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from av.video.frame import VideoFrame

from measure.clips import make_clip

STILL_FRAMES: Final = 56
"""How many frames at the start of the footage show nobody."""
_TIMES_OVER: Final = 5


def idle_clip(source: Path, target: Path, size: tuple[int, int]) -> Path:
    """The source's beginning back and forth, at `size`. A target that is there already is kept.

    Raises:
        OSError: when the source cannot be read.
    """
    return make_clip(source, target, size, _back_and_forth)


def _back_and_forth(frames: Iterator[VideoFrame]) -> Iterator[VideoFrame]:
    """Without a jump, which would be no idle scene."""
    beginning = list(itertools.islice(frames, STILL_FRAMES))
    for turn in range(_TIMES_OVER):
        yield from beginning if turn % 2 == 0 else reversed(beginning)
