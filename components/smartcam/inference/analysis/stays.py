"""Stays: an object at its place, from its first sight until it has gone, so that nothing is told of it twice."""

from dataclasses import dataclass, replace
from typing import Final

from smartcam.contract.event import EventKind
from smartcam.contract.times import NS_PER_S, MonotonicNs
from smartcam.vision.corners import Corners, area, cover

SETTLE_S: Final = 3.0
"""Whoever has been at one place for so long rests there: a step takes less than a second."""
RESIDENT_S: Final = 10.0
"""Whoever has rested for so long has business here, and a short absence belongs to it; passers are other people."""
ABSENCE_S: Final = 60.0
"""An absence below this belongs to the stay: fetching something from the next room takes less."""
SAME_PLACE: Final = 0.4
"""Boxes of which this share of the smaller one lies in the other are at one place: a head and a torso that bend..."""
SAME_SIZE: Final = 5.0
"""...if neither is more than this many times as large: head and shoulders are a fifth of somebody who stands."""
_AWAY_S: Final = 1.0
"""Whoever is elsewhere for so long has left the place; one odd box has not."""
_PLACE_S: Final = 5.0
"""A place is an average over so long, in which the boxes of a detector alternate many times."""
_LONGEST_STEP_S: Final = 1.0
_PARKED_S: Final = 30.0
"""A vehicle that has stood for so long and leaves is told of again, as a static track is."""


@dataclass(slots=True, eq=False)
class Stay:
    """One object's stay. Boxes are normalised; `box` and `seen_at`: where and when it was last seen.

    `told`: there was an event about it. `arrived`: it was seen to move, so that there may be one. `place`: where it is
    on average, since `since`; `former`: where it rested before that. `resident`: it has rested long. `seen_by`: the
    number of the track that it was last. `empty_s`: for how long its place was searched in vain.
    """

    kind: EventKind
    box: Corners
    seen_at: MonotonicNs
    place: Corners
    since: MonotonicNs
    told: bool = False
    arrived: bool = False
    resident: bool = False
    former: Corners | None = None
    away_since: MonotonicNs | None = None
    seen_by: int | None = None
    empty_s: float = 0.0

    @property
    def is_settled(self) -> bool:
        """Whether it rested when it was last seen."""
        return self.seen_at - self.since >= SETTLE_S * NS_PER_S

    @property
    def has_rested_long(self) -> bool:
        """Whether it had rested for long where it was last seen."""
        return self.seen_at - self.since >= RESIDENT_S * NS_PER_S

    @property
    def drives_off(self) -> bool:
        """Whether it is a vehicle that has stood for long and is not at its place any more."""
        since = self.away_since
        return self.kind is EventKind.VEHICLE and since is not None and since - self.since >= _PARKED_S * NS_PER_S

    def see(self, box: Corners, at: MonotonicNs, by: int | None = None) -> None:
        """It is seen: at its place, or elsewhere."""
        step_s = min((at - self.seen_at) / NS_PER_S, _LONGEST_STEP_S)
        self.box, self.seen_at, self.seen_by, self.empty_s = box, at, by, 0.0
        if is_same_place(box, self.place) and is_same_size(box, self.place):
            self.away_since = None
            self.place = _towards(self.place, box, step_s / _PLACE_S)
            self.resident = self.resident or at - self.since >= RESIDENT_S * NS_PER_S
        elif self.away_since is None or self.away_since > at:
            self.away_since = at
        elif at - self.away_since >= _AWAY_S * NS_PER_S:
            self._leave(box, at)

    def follow(self, box: Corners, at: MonotonicNs) -> None:
        """The gate sees it move, and the detector does not see it."""
        if is_same_size(box, self.box) and not is_same_place(box, self.place):
            self._leave(box, at)
            self.box, self.seen_at, self.empty_s = box, at, 0.0

    def tell(self) -> None:
        """There is an event about it."""
        self.told = True

    def vacate(self) -> None:
        """It was somebody, and is only a thing by now; if it moves, it is somebody else."""
        self.told = self.arrived = False

    def come(self) -> None:
        """It was seen to arrive."""
        self.arrived = True

    def miss(self, seconds: float) -> None:
        """Its place was searched in vain."""
        self.empty_s += seconds

    def elsewhere(self, box: Corners, at: MonotonicNs, by: int) -> "Stay":
        """What was taken for one is in two places: if it rests, one is a shape of its chair; else they were two."""
        told = self.told and (self.resident or self.former is not None)
        return replace(self, told=told, box=box, seen_at=at, place=box, since=at, seen_by=by, away_since=None)

    def _leave(self, box: Corners, at: MonotonicNs) -> None:
        if self.kind is EventKind.VEHICLE and at - self.since >= _PARKED_S * NS_PER_S:
            self.told = False
        self.arrived = True
        self.former = self.place if at - self.since >= SETTLE_S * NS_PER_S else None
        self.place, self.since, self.away_since = box, at, None


def begin(kind: EventKind, box: Corners, at: MonotonicNs) -> Stay:
    """The stay of an object that is seen for the first time."""
    return Stay(kind, box, at, place=box, since=at)


def is_same_place(box: Corners, other: Corners) -> bool:
    """Whether two boxes may be one object that stays where it is."""
    return cover(box, other) >= SAME_PLACE


def is_same_size(box: Corners, other: Corners) -> bool:
    """Whether two boxes may be views of one object."""
    smaller, larger = sorted((area(box), area(other)))
    return larger <= SAME_SIZE * smaller


def moved_in_time(stay: Stay, by: int) -> Stay:
    """The same stay on another clock; `by` in nanoseconds."""
    return replace(stay, seen_at=MonotonicNs(stay.seen_at + by), since=MonotonicNs(stay.since + by))


def _towards(box: Corners, other: Corners, share: float) -> Corners:
    x1, y1, x2, y2 = (here + share * (there - here) for here, there in zip(box, other, strict=True))
    return x1, y1, x2, y2
