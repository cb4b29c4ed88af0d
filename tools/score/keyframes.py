"""As few boxes as say where an object was, and no fewer."""

from collections.abc import Sequence
from typing import Final

from tools.score.objects import Keyframe

_LONGEST_LEG: Final = 50
"""Boxes that one line may stand for: with more, thinning a long track takes too long."""


def thinned(keys: Sequence[Keyframe], tolerance: float) -> tuple[Keyframe, ...]:
    """The first box, the last one, and so many between that no box is off the lines by more than the tolerance."""
    if not keys:
        return ()
    kept, anchor = [keys[0]], 0
    for place in range(2, len(keys)):
        if place - anchor > _LONGEST_LEG or not _are_on_line(keys[anchor : place + 1], tolerance):
            anchor = place - 1
            kept.append(keys[anchor])
    return (*kept, keys[-1]) if len(keys) > 1 else tuple(kept)


def _are_on_line(keys: Sequence[Keyframe], tolerance: float) -> bool:
    first, last = keys[0], keys[-1]
    for key in keys[1:-1]:
        share = (key.at - first.at) / (last.at - first.at)
        for a, b, corner in zip(first.box, last.box, key.box, strict=True):
            if abs(a + (b - a) * share - corner) > tolerance:
                return False
    return True
