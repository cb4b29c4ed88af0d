"""What is remembered of a track, and by what rules."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from smartcam.contract.event import EventKind
from smartcam.contract.times import NS_PER_S
from smartcam.vision.corners import Corners, centre, cover, covered_by, side, went
from smartcam.vision.passing import Course, has_come_in, is_passer, passers, same_thing

SHORTEST_STEP_S: Final = 0.04
"""Over a shorter time, the jitter of a box would look like speed."""
_LONGEST_PREDICTION_S: Final = 3.0
"""After a longer time, the velocity says little about where an object is."""
_STRIDE: Final = 0.5
"""Half of its own size between two looks is as good as a look of its own..."""
_TREMBLES: Final = 0.2
"""...and a fifth of that is how far a box that stands still trembles (two deviations: docs/design/scenes.md)."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """One detection or motion box, and how sure it is, 0..1. A track continues only with sightings of its kind."""

    box: Corners
    score: float
    kind: EventKind
    label: str


@dataclass(frozen=True, slots=True)
class TrackPolicy:
    """How detections become tracks.

    `begin_at`: a detection below it continues a track but begins none. `match_iou`: least overlap with the
    predicted box. `reach`: how far (in sizes of the object) it may have jumped if nothing overlaps; an object that
    vanished inside the picture, for example behind a tree, may have gone farther the longer ago that was.
    `score_s`: time constant with which the score follows the confidences; an update counts for at most
    `longest_step_s`. `lost_after_s`: lost buffer. A track that stands still for `static_after_s` is static and is
    remembered for `static_lost_after_s`, so that a parked car behind a lorry, or through a night, stays the same car.
    `still_iou`: an object that overlaps its resting place by less has moved if it stirs; where `nested_cover` of the
    smaller box lies in the larger, perhaps more or less of it is seen. A static one has moved only if it stays away for
    `static_leave_s`, because somebody who passes in front of it distorts its box. `arrived_cover`: the share of a
    box that must be in motion, within `arrival_s` of first being seen, for the object to have just arrived. Of whom is
    there when the looks begin nobody knows when they came: they have `beginning_s`, and so after a pause of `pause_s`.
    `searched_cover`: the share of a box that the detector must have searched to have missed it. A track that stands
    still for `rests_after_s` rests: it is never continued by somebody who passes, and while one covers `hidden_cover`
    of it, it is hidden. `shadow_cover`: a new box that overlaps a stronger one by this share of the smaller is taken
    for the same object.
    """

    begin_at: float = 0.45
    match_iou: float = 0.25
    reach: float = 0.6
    score_s: float = 0.4
    longest_step_s: float = 0.25
    lost_after_s: float = 3.0
    static_after_s: float = 30.0
    static_lost_after_s: float = 57_600.0
    still_iou: float = 0.5
    nested_cover: float = 0.8
    static_leave_s: float = 2.0
    arrived_cover: float = 0.15
    arrival_s: float = 1.0
    beginning_s: float = 3.0
    pause_s: float = 2.0
    searched_cover: float = 0.5
    rests_after_s: float = 2.0
    hidden_cover: float = 0.25
    shadow_cover: float = 0.6
    most_tracks: int = 256

    def weight(self, step_ns: int) -> float:
        """How far the score goes towards a new confidence in a step of the clock, 0..1."""
        return _weight(step_ns, self.longest_step_s, self.score_s)

    def begins(self, sighting: Sighting) -> bool:
        """Whether a sighting is strong enough to begin a track."""
        return sighting.score >= self.begin_at

    def is_shadow(self, sighting: Sighting, stronger: Sighting) -> bool:
        """Whether a sighting is taken for the same object as a stronger one."""
        return sighting.kind is stronger.kind and cover(sighting.box, stronger.box) >= self.shadow_cover


@lru_cache(maxsize=8)  # nearly all tracks were looked at in the look before
def _weight(step_ns: int, longest_step_s: float, score_s: float) -> float:
    seconds = min(step_ns / NS_PER_S, longest_step_s)
    return 1.0 - math.exp(-seconds / score_s) if seconds > 0 else 0.0


@dataclass(slots=True)
class TrackState:
    """The state of a track. Times are nanoseconds of the monotonic clock; `away_since` is None at the resting place."""

    id: int
    box: Corners
    score: float
    kind: EventKind
    label: str
    born_at: int
    seen_at: int
    looked_at: int
    smooth: Corners
    rest: Corners
    rest_since: int
    paced_from: Corners
    moves: int
    speed: tuple[float, float] | None = None
    excused: int = 0
    away_since: int | None = None
    was_missed: bool = False
    stride: float = 0.0
    looks: int = 1
    paces: int = 0
    paced: tuple[float, float] = (0.0, 0.0)
    brought_by: int | None = None

    def unseen_s(self, at: int) -> float:
        """For how long the object has been missed; time in which nobody searched for it does not count."""
        unseen = at - self.seen_at - self.excused
        return unseen / NS_PER_S if unseen > 0 else 0.0

    def predicted(self, at: int) -> Corners:
        """Where its speed has taken it."""
        if self.speed is None:
            return self.box
        seconds = (at - self.seen_at) / NS_PER_S
        if seconds > _LONGEST_PREDICTION_S:
            seconds = _LONGEST_PREDICTION_S
        elif seconds < 0:
            seconds = 0.0
        right, down = self.speed[0] * seconds, self.speed[1] * seconds
        x1, y1, x2, y2 = self.box
        return x1 + right, y1 + down, x2 + right, y2 + down

    @property
    def is_new(self) -> bool:
        """Whether it was seen once, in the look before."""
        return self.speed is None and self.looked_at == self.seen_at

    def has_stood(self, seconds: float) -> bool:
        """Whether it was last seen where it had been for so long."""
        return self.seen_at - self.rest_since >= seconds * NS_PER_S

    def is_static(self, policy: TrackPolicy) -> bool:
        """Whether it was last seen where it had stood for long; one that was leaving is not expected back."""
        return self.away_since is None and self.has_stood(policy.static_after_s)

    def rests(self, policy: TrackPolicy) -> bool:
        """Whether it stands where it is, and is nobody who passes."""
        return self.has_stood(policy.rests_after_s)

    def is_hidden(self, policy: TrackPolicy, ways: Sequence[Course]) -> bool:
        """Whether it rests and somebody passes in front of it."""
        if not ways or not self.rests(policy):
            return False
        return covered_by(self.rest, passers(self.others(ways), self.rest)) >= policy.hidden_cover

    def others(self, ways: Sequence[Course]) -> Sequence[Course]:
        """The motion of others: not what brought it where it rests, should that go on."""
        return ways if self.brought_by is None else [way for way in ways if way.id != self.brought_by]

    def follow(self, policy: TrackPolicy, ways: Sequence[Course]) -> None:
        """Remember in whose motion it is until it rests: what is there later only passes."""
        if ways and not self.rests(policy):
            self.brought_by = next((way.id for way in ways if same_thing(self.box, way.box)), self.brought_by)

    def may_be(self, box: Corners, policy: TrackPolicy, ways: Sequence[Course]) -> bool:
        """Whether a sighting of its kind may continue it.

        What rests is not continued by somebody who passes, and what was lost on its way is nobody who came in since.
        """
        if self.rests(policy):
            return not is_passer(box, self.rest, self.others(ways))
        return self.seen_at == self.looked_at or not has_come_in(box, self.seen_at, ways)

    def stride_to(self, box: Corners, way: tuple[float, float]) -> float:
        """How far it has gone if it is in a box now and moved that `way`: 1 for half of its own size or more."""
        if _is_within(self.box, box, _STRIDE * _TREMBLES):
            return 0.0
        if self.speed is not None and way[0] * self.speed[0] + way[1] * self.speed[1] <= 0:
            return 0.0
        stride = went(self.box, box) / (_STRIDE * side(box))
        return min(stride, 1.0) if stride > _TREMBLES else 0.0

    def pace(self, box: Corners, is_moved: Callable[[], bool]) -> None:
        """Count another half of its own size one way, once it is in a box; what nothing moves does not go there."""
        start = self.paced_from
        if _is_within(start, box, _STRIDE) or went(start, box) < _STRIDE * side(box):
            return
        here, there = centre(box), centre(start)
        way = here[0] - there[0], here[1] - there[1]
        if way[0] * self.paced[0] + way[1] * self.paced[1] < 0:
            self.paces = 0
        self.paces += is_moved()
        self.paced_from, self.paced = box, way


def _is_within(start: Corners, box: Corners, sizes: float) -> bool:
    """Whether a corner has gone by less than so many sizes of the box: then both ends have not gone farther."""
    right, down = box[0] - start[0], box[1] - start[1]
    return right * right + down * down < sizes * sizes * (box[2] - box[0]) * (box[3] - box[1])


@dataclass(slots=True)
class LooksBegun:
    """When the looks at a camera's pictures began, and began again after a pause."""

    begun_at: int = -1
    looked_at: int = -1
    is_back: bool = False

    def look(self, at: int, policy: TrackPolicy) -> None:
        """There is a look: the first one, or the first after a pause, in which nobody was seen to come."""
        if self.looked_at < 0 or at - self.looked_at > policy.pause_s * NS_PER_S:
            self.begun_at, self.is_back = at, self.looked_at >= 0
        self.looked_at = max(self.looked_at, at)

    def can_come(self, track: TrackState, at: int, policy: TrackPolicy) -> bool:
        """Whether what stirs of a track that has not moved yet can be its coming."""
        if track.moves:
            return False
        is_new = at - track.born_at <= policy.arrival_s * NS_PER_S
        was_there = track.born_at >= self.begun_at and at - self.begun_at <= policy.beginning_s * NS_PER_S
        return is_new or was_there

    def may_have_come(self, kind: EventKind, at: int, policy: TrackPolicy) -> bool:
        """Whether what is found now may have come in a pause: nobody was there before it, as far as is known.

        Of vehicles not: one that stands is missed by detectors too often to say that it was not there.
        """
        is_soon = at - self.begun_at <= policy.arrival_s * NS_PER_S
        return self.is_back and is_soon and kind is not EventKind.VEHICLE
