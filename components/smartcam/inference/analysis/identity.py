"""Who is whom: which tracks, movers and episodes are one object, or parts of one. Nothing here changes anything."""

import math
from collections.abc import Iterable, Sequence
from typing import Final

from smartcam.contract.event import NormalBox
from smartcam.contract.times import NS_PER_S, MonotonicNs
from smartcam.inference.analysis.places import corners
from smartcam.inference.analysis.record import SceneObject
from smartcam.vision.corners import Corners, centre, cover, overlap, side
from smartcam.vision.movers import JITTER, Mover, displacement
from smartcam.vision.track import Track

SAME_COVER: Final = 0.6
"""A box of which this share lies in another one may be the same object..."""
SAME_IOU: Final = 0.25
"""...if it is not much smaller: somebody before a tree that sways is not the tree."""
HOLD_S: Final = 20.0
"""How long an object that keeps moving stays the same one while the detector does not see it."""
TWICE_S: Final = 0.5
"""How long a detector may see one object twice: where it was, and where it has gone..."""
TWICE_COVER: Final = 0.4
"""...with boxes of which one first covers this share of the other. Two people side by side cover less."""
RESUMED_IOU: Final = 0.3
"""Least overlap of an object with an earlier process's episode of it."""
SHADOW_COVER: Final = 0.6
"""A track of which this share lies in an object of its kind with an open episode is taken for a part of it."""
TWIN_IOU: Final = 0.6
"""Two tracks of different kinds that overlap this much are one object under two labels."""
PART_COVER: Final = 0.5
"""A mover of which this share lies in an object with an open episode is taken for a part of that object."""
_REACH: Final = 1.0
"""How far from where it vanished, in sizes of the object, a mover may show up again."""
_NEAR: Final = 0.5
"""Parts of one object are no farther apart than this, in sizes of the larger part,"""
_BESIDE: Final = 0.5
"""and overlap in one direction by at least this share of the shorter side."""
_SAME_WAY: Final = 0.8
"""Two parts go the same way if the cosine between their directions is at least this."""


def same_thing(box: Corners, other: Corners) -> float:
    """How likely two boxes are the same object: their overlap, or 0 if they are not."""
    shared = overlap(box, other)
    return shared if shared >= SAME_IOU and cover(box, other) >= SAME_COVER else 0.0


def mover_of(box: Corners, moving: Sequence[tuple[Corners, SceneObject]]) -> SceneObject | None:
    """Which of the objects that move a tracked box is."""
    worths = [same_thing(box, there) for there, _ in moving]
    best = max(worths, default=0.0)
    return moving[worths.index(best)][1] if best > 0 else None


def sameness(one: Track, other: Track) -> float:
    """How likely two tracks are one object (1 or more: they are): parts of one kind, or one object under two labels."""
    if one.kind is other.kind:
        return cover(one.box, other.box) / SHADOW_COVER
    return overlap(one.box, other.box) / TWIN_IOU


def whole_of(track: Track, others: Iterable[tuple[Track, SceneObject]]) -> SceneObject | None:
    """The object with an open episode that a track is a part of, or is under another label."""
    best, whole = 0.0, None
    for other, known in others:
        if not other.seen or other.id == track.id or known.episode is None:
            continue
        worth = sameness(track, other)
        if worth > best:
            best, whole = worth, known
    return whole if best >= 1 else None


def is_part_of_any(box: NormalBox, others: Iterable[NormalBox]) -> bool:
    """Whether what moves in a box is a part of one of the others."""
    return any(cover(corners(box), corners(other)) >= PART_COVER for other in others)


def goes_with(mover: Mover, other: Mover) -> bool:
    """Whether two movers are probably parts of one: close together and, if they move, in the same direction."""
    return _is_close(mover.box, other.box) and _is_same_way(displacement(mover.boxes), displacement(other.boxes))


def is_same_again(now: SceneObject, earlier: SceneObject, at: MonotonicNs) -> bool:
    """Whether a track can be the same object as an earlier one in the same motion.

    An object seen at the same time is another one, except for the moment in which a detector sees one twice.
    """
    if now.since is None or at - earlier.seen_at > HOLD_S * NS_PER_S:
        return False
    if now.since > earlier.seen_at:
        return True
    is_twice = earlier.seen_at < at and earlier.seen_at - now.since <= TWICE_S * NS_PER_S
    if not is_twice or earlier.box is None or now.born is None:
        return False
    return cover(corners(earlier.box), corners(now.born)) >= TWICE_COVER


def is_held(gone: SceneObject, moving: Iterable[SceneObject], at: MonotonicNs) -> bool:
    """Whether an object that the detector does not see keeps moving."""
    if gone.episode is None or at - gone.seen_at > HOLD_S * NS_PER_S:
        return False
    return any(one.named_as is gone and one.is_moving for one in moving)


def is_back(vanished: SceneObject, now: SceneObject) -> bool:
    """Whether a mover shows up near where another one of about its size has vanished."""
    if vanished.box is None or now.box is None:
        return False
    there, here = corners(vanished.box), corners(now.box)
    smaller, larger = sorted((side(there), side(here)))
    return math.dist(centre(there), centre(here)) <= _REACH * larger and smaller > larger / 2


def is_resumed(there: NormalBox | None, box: Corners) -> bool:
    """Whether what is in the box now may be what an earlier process saw `there`."""
    return there is not None and overlap(box, corners(there)) >= RESUMED_IOU


def _is_close(box: Corners, other: Corners) -> bool:
    larger = max(side(box), side(other))
    shared = [min(box[end], other[end]) - max(box[end - 2], other[end - 2]) for end in (2, 3)]
    least = [min(each[end] - each[end - 2] for each in (box, other)) for end in (2, 3)]
    is_beside = any(both >= _BESIDE * short for both, short in zip(shared, least, strict=True))
    return is_beside and -min(shared) <= _NEAR * larger


def _is_same_way(way: tuple[float, float], other: tuple[float, float]) -> bool:
    lengths = math.hypot(*way), math.hypot(*other)
    is_alike = way[0] * other[0] + way[1] * other[1] >= _SAME_WAY * lengths[0] * lengths[1]
    return is_alike or min(lengths) < JITTER
