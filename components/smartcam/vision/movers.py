"""Movers: what the motion gate sees, followed from frame to frame, and whether it moves with purpose.

A leaf swings to and fro, a lamp's light grows in place, an arm reaches in from the edge and draws back, a cloud creeps.
A person or a vehicle leaves its place: both ends of the box go the same way, straight, and within seconds.
"""

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from heapq import nlargest
from itertools import pairwise
from typing import Final

from smartcam.contract.event import EventKind
from smartcam.contract.times import NS_PER_S, MonotonicNs
from smartcam.vision.corners import TINY, Corners, area, centre, cover, side, went
from smartcam.vision.pairing import gathered
from smartcam.vision.passing import EDGE, Course, has_gone
from smartcam.vision.track import Sighting, Track, Tracker, TrackPolicy

_TRACKING: Final = TrackPolicy(begin_at=0.5, match_iou=0.2, lost_after_s=1.0, static_lost_after_s=1.0, shadow_cover=2.0)
"""Motion boxes have no confidence, and what stops is soon forgotten: the gate takes it into its background."""
JITTER: Final = 0.005
"""Normalised steps of a centre below this are jitter of the gate, not movement of the object."""
_TURNS: Final = 0.5
"""What has gone out over the edge by half of its size, and comes in by as much, is somebody else who comes in there."""
_SAME_PACE: Final = 3.0
"""A leg that stands goes a third as far as the coat above it, for a moment."""
_HARDLY_ANYWHERE: Final = 8 * JITTER
_ENTRY_S: Final = 1.0
"""Whoever comes in over an edge is whole within about this time, and may grow too much meanwhile to be followed."""
_GROWN: Final = 0.5
"""Then what was seen of them at the edge lies in their box by this share."""
_RECENT: Final = 6
"""Looks: a second. What has not changed its place since has stopped, though the gate takes longer to get used to it."""


@dataclass(frozen=True, slots=True)
class PurposePolicy:
    """When a mover has a purpose.

    Within `window_s` both ends of the box must have gone `least_travel` (normalised) the same way, along a path that is
    straight to `least_straightness` (1 is a straight line), and the second largest of its boxes, where it was nearest,
    must cover `least_area` of the picture. If the box grows or shrinks by more than `most_growth` between two frames,
    two objects have merged or parted, and what was before no longer counts; unless it keeps its shape and is at most
    `most_nearing` times as near, or the edge of the picture cuts it and only that side grows. At most `most_leap` of
    the path, measured in sizes of the box, may lie between two frames: a longer step is a mix-up of two objects. And it
    must still be moving, unlike something that was only put down.
    """

    window_s: float = 3.0
    least_travel: float = 0.12
    least_straightness: float = 0.7
    least_area: float = 0.02
    most_growth: float = 1.7
    most_nearing: float = 2.0
    most_leap: float = 0.45
    fewest_frames: int = 4

    def is_same(self, before: Corners, now: Corners) -> bool:
        """Whether a box can be that of the same thing as one a frame ago."""
        wider, higher = _growth(before, now, 0), _growth(before, now, 1)
        if max(wider * higher, 1 / (wider * higher)) <= self.most_growth:
            return True
        one_way = math.sqrt(self.most_growth)
        if any(_is_cut(box, 0) for box in (before, now)) and 1 / one_way <= higher <= one_way:
            return True
        if any(_is_cut(box, 1) for box in (before, now)) and 1 / one_way <= wider <= one_way:
            return True
        keeps_shape = 1 / one_way <= wider / higher <= one_way
        return keeps_shape and 1 / self.most_nearing <= math.sqrt(wider * higher) <= self.most_nearing


@dataclass(frozen=True, slots=True)
class Mover:
    """One moving object, and whether it moves in this frame (`seen`); `since` is when it was first seen.

    `boxes`, normalised: where it was in the last seconds, oldest first, but none from before it last merged with or
    parted from another. `origin`: where it was first seen, whatever it met since. Everything about its path is computed
    on demand.
    """

    id: int
    seen: bool
    since: MonotonicNs
    boxes: tuple[Corners, ...]
    origin: Corners = (0.0, 0.0, 0.0, 0.0)

    @property
    def box(self) -> Corners:
        """Where it was last seen."""
        return self.boxes[-1]

    @property
    def travel(self) -> float:
        """How far it has gone."""
        return travel(self.boxes)

    @property
    def is_going(self) -> bool:
        """Whether it has changed its place within the last looks; that is not known at the first."""
        recent = self.boxes[-_RECENT:]
        return self.seen and (len(recent) == 1 or math.dist(centre(recent[0]), centre(self.box)) > 2 * JITTER)

    def has_purpose(self, policy: PurposePolicy) -> bool:
        """Whether it goes somewhere and is large enough to matter."""
        return (
            self.seen
            and len(self.boxes) >= policy.fewest_frames
            and nlargest(2, map(area, self.boxes))[-1] >= policy.least_area
            and self.travel >= policy.least_travel
            and straightness(self.boxes) >= policy.least_straightness
            and leap(self.boxes) <= policy.most_leap
            and travel(self.boxes[-2:]) > JITTER
        )


@dataclass(slots=True)
class _Exit:
    """An edge of the picture over which something may leave. Depths: how far it reaches in from there, normalised.

    `size` is that of what was last seen to reach in deepest.
    """

    deepest: float
    least: float
    size: float

    def turns(self, depth: float, size: float) -> bool:
        """Whether what was about to leave comes back in, now that it reaches in so far."""
        if min(self.deepest, depth) - self.least >= _TURNS * self.size:
            return True
        if depth >= self.deepest:
            self.deepest, self.least, self.size = depth, depth, size
        self.least = min(self.least, depth)
        return False


@dataclass(slots=True)
class _Path:
    id: int
    since: MonotonicNs
    origin: Corners
    steps: deque[tuple[MonotonicNs, Corners]] = field(default_factory=deque)
    exits: dict[int, _Exit] = field(default_factory=dict)

    def has_turned(self, box: Corners) -> bool:
        """Whether the last steps went out over an edge of the picture, and the one to a box comes in again."""
        size, turned = side(box), False
        for edge, (depth, is_cut) in enumerate(_depths(box)):
            if edge in self.exits:
                turned = turned or self.exits[edge].turns(depth, size)
            elif is_cut:
                before = _depths(self.steps[-1][1])[edge][0] if self.steps else depth
                self.exits[edge] = _Exit(max(before, depth), depth, size)
            if not is_cut:
                self.exits.pop(edge, None)
        return turned

    def grows_to(self, box: Corners, at: MonotonicNs) -> bool:
        """Whether this is what was first seen, at an edge of the picture, of the thing in the box."""
        if not self.steps or at - self.since > _ENTRY_S * NS_PER_S:
            return False
        last = self.steps[-1][1]
        is_at_an_edge = _is_cut(last, 0) or _is_cut(last, 1)
        return is_at_an_edge and area(last) < area(box) and cover(last, box) >= _GROWN


class Movers:
    """The movers of one camera. The time is an argument of each update."""

    def __init__(self, policy: PurposePolicy | None = None) -> None:
        self.policy = PurposePolicy() if policy is None else policy
        self._tracker = Tracker(_TRACKING)
        self._paths: dict[int, _Path] = {}
        self._next_id = 1

    def step(self, at: MonotonicNs, motion: Sequence[Corners]) -> list[Mover]:
        """The movers after an update at time `at` with the boxes of `motion`, normalised."""
        if not motion and not self._paths:
            return []
        if len(motion) > 1:
            motion = gathered(motion, self._expected(at))
        tracks = self._tracker.step(at, [Sighting(box, 1.0, EventKind.MOTION, "") for box in motion], motion)
        ids = {track.id for track in tracks}
        self._paths = {number: path for number, path in self._paths.items() if number in ids}
        entering = [path for track in tracks if not track.seen and (path := self._paths.get(track.id)) is not None]
        return [self._mover(track, at, entering) for track in tracks]

    def forget(self) -> None:
        """Start afresh, for example after a long gap."""
        self._tracker.forget()
        self._paths = {}

    def _expected(self, at: MonotonicNs) -> list[Corners]:
        """Where those should be by now that came from elsewhere; a tree takes nothing that passes it for its own."""
        places = self._tracker.expected(at)
        paths = ((path, places[number]) for number, path in self._paths.items() if number in places)
        return [there for path, there in paths if path.steps and has_gone(Course(path.steps[-1][1], path.origin))]

    def _mover(self, track: Track, at: MonotonicNs, entering: Sequence[_Path]) -> Mover:
        path = self._paths.get(track.id)
        if path is None:
            path = self._begin(at, track.box, next((each for each in entering if each.grows_to(track.box, at)), None))
        elif track.seen and path.has_turned(track.box):
            path = self._begin(at, track.box)
        self._paths[track.id] = path
        if track.seen:
            self._walk(path, track.box, at)
        return Mover(path.id, track.seen, path.since, tuple(box for _, box in path.steps), path.origin)

    def _begin(self, at: MonotonicNs, box: Corners, came_in: _Path | None = None) -> _Path:
        number, self._next_id = self._next_id, self._next_id + 1
        return _Path(number, at, box) if came_in is None else _Path(number, came_in.since, came_in.origin)

    def _walk(self, path: _Path, box: Corners, at: MonotonicNs) -> None:
        steps = path.steps
        if steps and not self.policy.is_same(steps[-1][1], box):
            steps.clear()
        steps.append((at, box))
        while at - steps[0][0] > self.policy.window_s * NS_PER_S:
            steps.popleft()


def travel(boxes: Sequence[Corners]) -> float:
    """How far both ends of the last box have gone the same way, from whichever earlier box that is farthest."""
    *before, here = boxes
    return max((went(there, here) for there in before), default=0.0)


def _growth(before: Corners, now: Corners, axis: int) -> float:
    """How many times as long a side has become, 0 for the width and 1 for the height."""
    return max(now[axis + 2] - now[axis], TINY) / max(before[axis + 2] - before[axis], TINY)


def _is_cut(box: Corners, axis: int) -> bool:
    """Whether the edge of the picture may hide an end of this side."""
    return box[axis] <= EDGE or box[axis + 2] >= 1 - EDGE


def _depths(box: Corners) -> tuple[tuple[float, bool], ...]:
    """For each edge of the picture: how far the box reaches in from there, and whether the edge cuts it."""
    x1, y1, x2, y2 = box
    return (x2, x1 <= EDGE), (y2, y1 <= EDGE), (1 - x1, x2 >= 1 - EDGE), (1 - y1, y2 >= 1 - EDGE)


def straightness(boxes: Sequence[Corners]) -> float:
    """The straight distance over the length of the path of the centres, 0..1."""
    length = sum(_steps(boxes))
    return min(math.dist(centre(boxes[-1]), centre(boxes[0])) / length, 1.0) if length else 0.0


def displacement(boxes: Sequence[Corners]) -> tuple[float, float]:
    """The displacement of the centre from the first box to the last: right, down."""
    start, here = centre(boxes[0]), centre(boxes[-1])
    return here[0] - start[0], here[1] - start[1]


def keeps_pace(mover: Mover, other: Mover) -> bool:
    """Whether two movers go about equally far, as the parts of one thing do; who overtakes somebody does not."""
    looks = min(len(mover.boxes), len(other.boxes))
    slow, fast = sorted(math.hypot(*displacement(one.boxes[-looks:])) for one in (mover, other))
    return fast <= max(_SAME_PACE * slow, _HARDLY_ANYWHERE)


def leap(boxes: Sequence[Corners]) -> float:
    """The longest step between two frames over the length of the path, 0..1, both in sizes of the box.

    Who comes nearer takes ever longer steps in the picture, but not in their own sizes.
    """
    steps = [step / (side(one) + side(other)) for one, other in pairwise(boxes) if (step := _step(one, other)) > JITTER]
    return max(steps) / sum(steps) if steps else 0.0


def _steps(boxes: Sequence[Corners]) -> list[float]:
    """The steps of the centre from frame to frame, without jitter."""
    return [step for one, other in pairwise(boxes) if (step := _step(one, other)) > JITTER]


def _step(one: Corners, other: Corners) -> float:
    return math.dist(centre(one), centre(other))
