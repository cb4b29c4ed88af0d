"""Who is whom: which tracks, movers and episodes are one object, or parts of one. Nothing here changes anything."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from smartcam.contract.event import EventKind, NormalBox
from smartcam.contract.times import NS_PER_S, MonotonicNs
from smartcam.inference.analysis.places import corners
from smartcam.inference.analysis.record import SceneObject, is_told
from smartcam.inference.analysis.stays import ABSENCE_S, SAME_PLACE, Stay, is_same_place, is_same_size
from smartcam.inference.events import more_severe
from smartcam.vision.corners import Corners, centre, cover, overlap, side
from smartcam.vision.movers import JITTER, Mover, displacement
from smartcam.vision.passing import same_thing
from smartcam.vision.track import Track

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
TAKEN_S: Final = 2.0
"""What was seen this recently is still where it was."""
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


_PACE: Final = 1.5
"""Somebody walks this many of their own sizes (the root of the box's area, about a metre) in a second."""
_BLINK_S: Final = 3.0
"""For so long a detector loses somebody who walks on; whoever shows up later may have been hidden before."""
_EDGE: Final = 0.1
"""Within a look of walking from the edge: whoever is first seen here has come in there."""


_MIDDLE: Final = 0.5


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


def whole_of(
    track: Track, one: SceneObject, others: Iterable[tuple[Track, SceneObject]], at: MonotonicNs
) -> SceneObject | None:
    """The object with an open episode, or told of before, that a track is a part of, or is under another label.

    Detectors see now the one, now the other box of somebody, so that the other one need not be seen in this look.
    Whoever came from elsewhere is no part of what rests.
    """
    best, whole = 0.0, None
    for other, known in others:
        if other.id == track.id or at - known.seen_at > TAKEN_S * NS_PER_S or not _is_known_as(known, track.kind):
            continue
        if _comes_to(one, known):
            continue
        worth = sameness(track, other)
        if worth > best:
            best, whole = worth, known
    return whole if best >= 1 else None


def _comes_to(one: SceneObject, known: SceneObject) -> bool:
    """Whether its own motion began elsewhere, and what is known rests."""
    mover, stay = one.own_mover, known.stay
    if mover is None or stay is None or not stay.is_settled:
        return False
    return cover(mover.origin, stay.place) < PART_COVER


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
    """Whether a mover shows up near where another one of about its size has vanished, unless it came in from there."""
    if vanished.box is None or now.box is None:
        return False
    there, here = corners(vanished.box), corners(now.box)
    if now.born is not None and sides(there) & sides(corners(now.born)):
        return False
    smaller, larger = sorted((side(there), side(here)))
    return math.dist(centre(there), centre(here)) <= _REACH * larger and smaller > larger / 2


@dataclass(frozen=True, slots=True)
class FirstSight:
    """Where and when an object was first seen.

    `entry`: where what moved there was first seen by the gate. `whose`: whose motion it is known to be, if it is not
    known to be its own, so that it is probably a further box of theirs. `rests`: nothing moved there, or only on the
    spot.
    """

    box: Corners
    since: MonotonicNs
    entry: Corners | None = None
    rests: bool = False
    whose: Stay | None = None


def is_same_stay(stay: Stay, first: FirstSight, at: MonotonicNs, *, is_seen: bool = False) -> bool:
    """Whether what was first seen somewhere is what is remembered; `is_seen`: another track sees that in this look.

    Whoever is seen at the same time elsewhere is somebody else. Whoever rests is where they were, whatever their
    box; what starts from where they rest is they. Whoever was lost inside the picture, and shows up inside, has
    walked on; a resident who has left comes back the same way within the time of an absence.
    """
    if _is_where_it_rests(stay, first):
        return True
    if not stay.told:
        return False
    if _sits_where_lost(stay, first):
        return True
    is_held = at - stay.seen_at < TWICE_S * NS_PER_S
    if is_held and _is_shape(stay, first):
        return True
    gap_s = (first.since - stay.seen_at) / NS_PER_S
    if is_seen or (gap_s <= 0 and is_held):
        return False
    return -TWICE_S <= gap_s <= ABSENCE_S and _has_walked_on(stay, first, gap_s)


def _sits_where_lost(stay: Stay, first: FirstSight) -> bool:
    """Nobody comes without moving: whoever is first seen at rest where somebody was lost inside the picture is they."""
    is_there = is_same_place(first.box, stay.box) and is_same_size(first.box, stay.box)
    return first.rests and is_there and not sides(stay.box)


def _is_shape(stay: Stay, first: FirstSight) -> bool:
    """Whether it is a further box of somebody who is seen: nobody is first seen where others are without coming in."""
    if _has_come_in(stay, first):
        return False
    there = (stay.box, stay.place) if stay.is_settled else (stay.box,)
    least = SHADOW_COVER if first.entry is not None and sides(first.entry) else SAME_PLACE
    return any(cover(first.box, each) >= least for each in there)


def _has_come_in(stay: Stay, first: FirstSight) -> bool:
    """Whether it came in over an edge of the picture at which what is remembered was not; legs are no newcomer."""
    entry = first.entry
    return entry is not None and bool(sides(entry) - sides(stay.box)) and not _is_close(entry, stay.box)


def _has_walked_on(stay: Stay, first: FirstSight, gap_s: float) -> bool:
    """Whether somebody who was lost may show up here after so many seconds."""
    entry, exit_ = first.entry or first.box, sides(stay.box)
    is_within_reach = _is_within_reach(stay, first.box, gap_s)
    if stay.resident and stay.kind is not EventKind.VEHICLE:
        is_others = bool(exit_) and first.whose not in {None, stay}
        return is_within_reach and not is_others and _is_way_back(stay, entry)
    if sides(entry) or exit_:
        return False
    if is_same_place(first.box, stay.box) and is_same_size(first.box, stay.box):
        return True
    return gap_s <= _BLINK_S and is_within_reach


def _is_way_back(stay: Stay, entry: Corners) -> bool:
    """Whether a resident who left at some edges may come in here: where they went out, or anywhere if that was unseen.

    What is left of somebody in a corner is at two edges, of which only one was their way: so it is near there, too.
    """
    at, exit_ = sides(entry), sides(stay.box)
    if at & exit_:
        return _is_close(entry, stay.box)
    return at == exit_ or not (exit_ or stays_put(stay))


def may_be_lost(stay: Stay, first: FirstSight, at: MonotonicNs) -> bool:
    """Whether somebody of whom the detector lost sight, or a resident who is away, may be what a track shows now."""
    gap_s = (at - stay.seen_at) / NS_PER_S
    if 0 < gap_s <= _BLINK_S and not _has_come_in(stay, first):
        return _is_within_reach(stay, first.box, gap_s)
    return stay.resident and 0 < gap_s <= ABSENCE_S and _has_walked_on(stay, first, gap_s)


def _is_within_reach(stay: Stay, box: Corners, gap_s: float) -> bool:
    far = math.dist(centre(box), centre(stay.box)) / max(side(box), side(stay.box))
    return far <= _REACH + _PACE * max(gap_s, 0.0)


def _is_where_it_rests(stay: Stay, first: FirstSight) -> bool:
    has_gone = first.entry is not None and sides(first.entry) and sides(stay.box)
    if has_gone or _has_come_in(stay, first):
        return False
    rests = _resting_places(stay, first.since)
    if any(is_same_size(first.box, there) and is_same_place(first.box, there) for there in rests):
        return True
    return stay.told and first.entry is not None and any(is_same_place(first.entry, there) for there in rests)


def _resting_places(stay: Stay, at: MonotonicNs) -> list[Corners]:
    """Where it rests, and rested before it left, if it may be there again."""
    is_expected = stay.told and (stay.resident or at - stay.seen_at <= ABSENCE_S * NS_PER_S)
    rests = [stay.former] if stay.former is not None and is_expected else []
    return [*rests, stay.place, stay.box] if stays_put(stay) else rests


def stays_put(stay: Stay) -> bool:
    """Whether it rested when it was last seen; somebody who lingers at the edge is about to leave.

    Whoever has rested for long at the lower edge alone sits there, with their feet out of the picture.
    """
    edges = sides(stay.box)
    sits = edges == {"bottom"} and stay.has_rested_long
    return stay.is_settled and (stay.kind is EventKind.VEHICLE or not edges or sits)


def sides(box: Corners) -> set[str]:
    """At which edges of the picture it is; feet or head alone are cut off wherever somebody tall stands."""
    x1, y1, x2, y2 = box
    there = {
        "left": x1 < _EDGE,
        "right": x2 > 1 - _EDGE,
        "top": y1 < _EDGE and y2 < _MIDDLE,
        "bottom": y2 > 1 - _EDGE and y1 > _MIDDLE,
    }
    return {name for name, is_there in there.items() if is_there}


def _is_known_as(known: SceneObject, kind: EventKind) -> bool:
    """Whether there was an event about it that also tells of a kind."""
    if known.episode is not None:
        return True
    return is_told(known) and known.stay is not None and not more_severe(kind, known.stay.kind)


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
