"""Association: which sighting continues which track, best match first."""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np

from smartcam.vision.boxes import overlaps
from smartcam.vision.corners import Corners, centre, overlap, side

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


def closeness(box: Corners, there: Corners, here: Corners, reach: float) -> float:
    """How close a box is to a track that it does not overlap: 1 at the same place, 0 or less where it is out of reach.

    `there` is where the track should be by now, `here` where it was last. `reach` is in sizes of the larger of the two
    boxes; if one is less than half as large as the other, they are not the same object.
    """
    ours, theirs = side(there), side(box)
    larger = max(ours, theirs)
    if min(ours, theirs) <= 0.5 * larger:
        return 0.0
    middle = centre(box)
    return 1.0 - min(math.dist(centre(place), middle) for place in (there, here)) / (reach * larger)


def choose(pairs: Sequence[Pair], track_of: list[int]) -> None:
    """Assign to each sighting without a track (-1) the first one in `pairs` that is left."""
    taken = {row for row in track_of if row >= 0}
    for _, row, index in pairs:
        if track_of[index] < 0 and row not in taken:
            track_of[index] = row
            taken.add(row)
