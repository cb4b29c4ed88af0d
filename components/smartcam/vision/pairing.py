"""Association: which sighting continues which track, best match first."""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from smartcam.vision.boxes import overlaps
from smartcam.vision.corners import Corners, overlap

Pair = tuple[float, int, int]
"""The negated match score, so that the best comes first; the row of the track; the index of the sighting."""

_FEW: Final = 64
"""For more pairs than this, array code is faster."""


def overlapping(places: Sequence[tuple[Corners, Corners]], boxes: Sequence[Corners], least: float) -> list[Pair]:
    """The pairs that overlap by at least `least`, which is above 0; best first.

    Each track has two places: where it should be by now, and where it was last.
    """
    if len(places) * len(boxes) <= _FEW:
        worths = [
            (max(overlap(there, box), overlap(here, box)), row, index)
            for row, (there, here) in enumerate(places)
            for index, box in enumerate(boxes)
        ]
        return sorted((-worth, row, index) for worth, row, index in worths if worth >= least)
    both = overlaps(np.array(places).reshape(-1, 4), np.array(boxes)).reshape(len(places), 2, len(boxes))
    near = both.max(axis=1)
    rows, indices = np.nonzero(near >= least)
    return sorted(zip((-near[rows, indices]).tolist(), rows.tolist(), indices.tolist(), strict=True))


def choose(pairs: Sequence[Pair], track_of: list[int], may: Callable[[int, int], bool]) -> None:
    """Assign to each sighting without a track (-1) the best one that is left and that `may` allows."""
    taken = {row for row in track_of if row >= 0}
    for _, row, index in pairs:
        if track_of[index] < 0 and row not in taken and may(row, index):
            track_of[index] = row
            taken.add(row)
