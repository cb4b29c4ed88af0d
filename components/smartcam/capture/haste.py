"""When to look twice as often: something fast is out of sight again before it has been looked at three times."""

from collections.abc import Sequence
from typing import Final

from smartcam.contract.notice import PixelBox
from smartcam.contract.times import NS_PER_S
from smartcam.vision.corners import Corners, area, overlap

MOST_FPS: Final = 10.0
"""More looks a second than this show nothing new: who crosses the picture in 0.8 s has been seen eight times."""
_HOLD_NS: Final = NS_PER_S // 2
"""How long something fast is looked at closely. Looked at more often it seems slower, and must not at once be slow."""
_SAME_IOU: Final = 0.3
"""What overlaps its last place by less has gone by more than half of its own length in between, or is new."""
_LEAST_SHARE: Final = 0.005
"""What covers less of the picture is too small to be known, however often one looks."""
_ALLOWANCE: Final = 30.0
"""Further looks at once: three seconds of traffic..."""
_EARNED: Final = 0.1
"""...and on average this share of the usual ones: a tree in a storm costs a tenth more and not twice as much."""


class Haste:
    """Whether something fast or new is in view. It is looked at closely for as long as the allowance lasts."""

    def __init__(self, analyse_fps: float) -> None:
        self.fps = max(analyse_fps, min(2 * analyse_fps, MOST_FPS))
        self._earned_per_ns = _EARNED * analyse_fps / NS_PER_S
        self._allowance = _ALLOWANCE
        self._paid_ns = 0
        self._until_ns = -1
        self._places: list[Corners] = []

    def watch(self, at_ns: int, motion: Sequence[PixelBox], pixels: int) -> None:
        """What moves in a picture of so many pixels."""
        places = [box for each in motion if area(box := _corners(each)) >= _LEAST_SHARE * pixels]
        if any(all(overlap(box, before) < _SAME_IOU for before in self._places) for box in places):
            self._until_ns = at_ns + _HOLD_NS
        self._places = places

    def is_on(self, at_ns: int) -> bool:
        """Whether to look closely at this source time."""
        return 0 <= self._until_ns - at_ns <= _HOLD_NS and self._allowance >= 1

    def spend(self, at_ns: int, *, is_further: bool) -> None:
        """A picture was announced; `is_further`: sooner than it would have been without haste."""
        earned = max(at_ns - self._paid_ns, 0) * self._earned_per_ns
        self._allowance = min(self._allowance + earned, _ALLOWANCE) - is_further
        self._paid_ns = at_ns


def _corners(box: PixelBox) -> Corners:
    return box.x1, box.y1, box.x2, box.y2
