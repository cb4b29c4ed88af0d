"""Association: which sighting continues which track, best match first."""

import math
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Final

import numpy as np

from smartcam.vision.boxes import Boxes, overlaps
from smartcam.vision.corners import Corners, area, centre, overlap, shared, side

Pair = tuple[float, int, int]
"""The negated match score, so that the best comes first; the row of the track; the index of the sighting."""

_PART: Final = 0.8
"""A box of which this share lies where a thing is expected is it, or a part of it."""
_FILLED: Final = 0.6
"""What is farther apart than this share of the whole leaves open are two who part."""
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
    both = overlaps(_array(chain.from_iterable(places)), _array(boxes)).reshape(len(places), 2, len(boxes))
    near = np.maximum(both[:, 0], both[:, 1]).ravel()
    chosen = np.flatnonzero(near >= least)
    worths, numbers = (-near[chosen]).tolist(), chosen.tolist()
    return sorted((worth, *divmod(number, len(boxes))) for worth, number in zip(worths, numbers, strict=True))


def _array(boxes: Iterable[Corners]) -> Boxes:
    """Rows of boxes: in a third of the time that `np.array` takes for tuples."""
    return np.fromiter(chain.from_iterable(boxes), np.float64).reshape(-1, 4)


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


def by_turn(pairs: Sequence[Pair], strong: Sequence[bool], recent: Sequence[bool]) -> list[Pair]:
    """Strong sightings choose first, and tracks not seen for a long time come last.

    Whoever passes where a car once stood is not the car.
    """
    turns = [0 if is_strong else 1 for is_strong in strong]
    return sorted(pairs, key=lambda pair: turns[pair[2]] if recent[pair[1]] else 2)


def gathered(boxes: Sequence[Corners], places: Sequence[Corners]) -> list[Corners]:
    """The boxes, but those that lie where one thing is expected are one: its parts, seen apart for a moment."""
    parts: dict[int, list[Corners]] = {}
    apart = []
    for box in boxes:
        near = max(range(len(places)), key=lambda row: overlap(box, places[row]), default=None)
        if near is not None and shared(box, places[near]) >= _PART * area(box):
            parts.setdefault(near, []).append(box)
        else:
            apart.append(box)
    for each in parts.values():
        whole = _around(each)
        apart += [whole] if sum(map(area, each)) >= _FILLED * area(whole) else each
    return apart


def _around(boxes: Sequence[Corners]) -> Corners:
    lefts, tops, rights, bottoms = zip(*boxes, strict=True)
    return min(lefts), min(tops), max(rights), max(bottoms)
