"""Whose motion it is: what passes in front of a thing that stands there is another thing."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from smartcam.vision.corners import Corners, cover, covered_by, overlap, side

SAME_COVER: Final = 0.6
"""A box of which this share lies in another one may be the same object..."""
SAME_IOU: Final = 0.25
"""...if it is not much smaller: somebody before a tree that sways is not the tree."""
EDGE: Final = 0.01
"""What reaches this close to the edge of the picture is cut by it, or has come in there."""
_BEGAN_INSIDE: Final = 0.5
"""Motion that began with at least this share inside of a thing is the thing's own: it stirs, or sets off."""
_ON_ITS_WAY: Final = 0.5
"""What has gone by this share of its own size did not only just appear where it is."""


class Course(NamedTuple):
    """What goes from place to place in a frame: where it is, where and when (nanoseconds) it was first seen, a number.

    What has stopped is none.
    """

    box: Corners
    origin: Corners
    since: int = 0
    id: int = 0


def same_thing(box: Corners, other: Corners) -> float:
    """How likely two boxes are the same object: their overlap, or 0 if they are not."""
    shared = overlap(box, other)
    return shared if shared >= SAME_IOU and cover(box, other) >= SAME_COVER else 0.0


def passers(ways: Sequence[Course], place: Corners) -> list[Corners]:
    """Where those are that came from elsewhere, as seen from a thing at a place."""
    return [way.box for way in ways if cover(way.origin, place) < _BEGAN_INSIDE]


def is_passer(box: Corners, place: Corners, ways: Sequence[Course]) -> bool:
    """Whether a box shows somebody who passes, and not the thing that stands at a place."""
    there = overlap(box, place)
    return any(same_thing(box, passer) > there for passer in passers(ways, place))


def has_come_in(box: Corners, after: int, ways: Sequence[Course]) -> bool:
    """Whether a box shows somebody who came in over the edge of the picture after a time."""
    return any(way.since > after and not is_inside(way.origin) and same_thing(box, way.box) > 0 for way in ways)


def is_inside(box: Corners) -> bool:
    """Whether no edge of the picture cuts it."""
    return box[0] > EDGE and box[1] > EDGE and box[2] < 1 - EDGE and box[3] < 1 - EDGE


def is_stirring(box: Corners, motion: Sequence[Corners], ways: Sequence[Course], least: float) -> bool:
    """Whether at least this share of a box is in motion that may be its own."""
    if covered_by(box, motion) < least:
        return False
    others = {other for other in passers([way for way in ways if has_gone(way)], box) if not same_thing(box, other)}
    return not others or covered_by(box, [each for each in motion if each not in others]) >= least


def is_on_its_way(box: Corners, ways: Sequence[Course]) -> bool:
    """Whether a box shows something that was followed there from elsewhere."""
    return any(has_gone(way) and same_thing(box, way.box) > 0 for way in ways)


def sets_off(box: Corners, place: Corners, ways: Sequence[Course]) -> bool:
    """Whether a box shows something that was followed there from a place where it stood."""
    own = (way for way in ways if has_gone(way) and cover(way.origin, place) >= _BEGAN_INSIDE)
    return any(same_thing(box, way.box) > 0 for way in own)


def has_gone(way: Course) -> bool:
    """Whether an end of it has gone far; both have not while it comes in over the edge."""
    gone = max(abs(now - before) for now, before in zip(way.box, way.origin, strict=True))
    return gone >= _ON_ITS_WAY * side(way.box)
