"""Movers: what the motion gate sees, followed from look to look, and whether it goes somewhere on purpose.

A leaf swings to and fro, a lamp's light grows on the spot, an arm reaches in from the edge and draws back, a cloud
creeps. Somebody on the way leaves the place: both ends of the box go the same way, straight, and soon.
"""

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from smartcam.contract.event import EventKind
from smartcam.contract.times import NS_PER_S, MonotonicNs
from smartcam.vision.corners import Corners, area, centre, side
from smartcam.vision.track import Sighting, Track, Tracker, TrackPolicy

_TRACKING: Final = TrackPolicy(begin_at=0.5, match_iou=0.2, lost_after_s=1.0, static_lost_after_s=1.0, shadow_cover=2.0)
"""Nothing is weak here, and what does not move is soon forgotten: the gate takes it into its background."""
_TREMBLING: Final = 0.005
"""Steps of a centre below this share of the picture are the gate's, not the object's."""
_NEAR: Final = 0.5
"""Parts of one thing lie no farther apart, in sizes of the larger..."""
_BESIDE: Final = 0.5
"""...and above or beside each other, with so much of the shorter side."""
_SAME_WAY: Final = 0.8
"""The cosine between two ways from which on they are the same."""


@dataclass(frozen=True, slots=True)
class PurposePolicy:
    """What counts as going somewhere.

    Within `window_s` both ends of the box must have gone `least_travel` (a share of the picture's side) the same
    way, along a path that is straight to `least_straightness` (1 is a straight line); the box must cover
    `least_area` of the picture, in the middle of its looks. Within one look it does not change by more than
    `most_growth`, or else two things have become one, and what was before no longer counts. No more than `most_leap`
    of the way may lie between two looks: whoever leaps is mistaken for somebody else.
    """

    window_s: float = 3.0
    least_travel: float = 0.12
    least_straightness: float = 0.7
    least_area: float = 0.02
    most_growth: float = 1.7
    most_leap: float = 0.6
    fewest_looks: int = 4


@dataclass(frozen=True, slots=True)
class Mover:
    """One thing that moves. `box` is in shares of the picture; `since` is when it was first seen.

    `seen`: whether it moves in this look. `travel` and `area` are of the last seconds, in shares of the picture;
    `straightness` is 0 for what has not travelled, `looks` are those since it was last joined or parted. `course` (to
    the right, down) is how far its centre has gone in them, `leap` the share of its way in the longest of its steps
    (0, too).
    """

    id: int
    box: Corners
    seen: bool
    since: MonotonicNs
    travel: float
    area: float
    straightness: float
    looks: int
    course: tuple[float, float]
    leap: float

    def has_purpose(self, policy: PurposePolicy) -> bool:
        """Whether it goes somewhere, and is large enough to matter."""
        return (
            self.seen
            and self.looks >= policy.fewest_looks
            and self.area >= policy.least_area
            and self.travel >= policy.least_travel
            and self.straightness >= policy.least_straightness
            and self.leap <= policy.most_leap
        )

    def is_with(self, other: "Mover") -> bool:
        """Whether both are likely parts of one thing: near each other, and on the same way as far as one can tell."""
        larger = max(side(self.box), side(other.box))
        shared = [min(self.box[end], other.box[end]) - max(self.box[end - 2], other.box[end - 2]) for end in (2, 3)]
        least = [min(each.box[end] - each.box[end - 2] for each in (self, other)) for end in (2, 3)]
        is_beside = any(both >= _BESIDE * short for both, short in zip(shared, least, strict=True))
        if not is_beside or -min(shared) > _NEAR * larger:
            return False
        lengths = math.hypot(*self.course), math.hypot(*other.course)
        together = self.course[0] * other.course[0] + self.course[1] * other.course[1]
        alike = together >= _SAME_WAY * lengths[0] * lengths[1]
        return alike or min(lengths) < _TREMBLING


@dataclass(frozen=True, slots=True)
class _Step:
    at: MonotonicNs
    box: Corners
    area: float


@dataclass(slots=True)
class _Path:
    since: MonotonicNs
    steps: deque[_Step]


class Movers:
    """The movers of one camera. Time comes in with each look."""

    def __init__(self, policy: PurposePolicy | None = None) -> None:
        self.policy = PurposePolicy() if policy is None else policy
        self._tracker = Tracker(_TRACKING)
        self._paths: dict[int, _Path] = {}

    def step(self, at: MonotonicNs, motion: Sequence[Corners]) -> list[Mover]:
        """The movers after a look at time `at`, when `motion`, in shares of the picture, moved."""
        if not motion and not self._paths:
            return []
        tracks = self._tracker.step(at, [Sighting(box, 1.0, EventKind.MOTION, "") for box in motion], motion)
        ids = {track.id for track in tracks}
        self._paths = {number: path for number, path in self._paths.items() if number in ids}
        return [self._mover(track, at) for track in tracks]

    def forget(self) -> None:
        """Begin anew, as after a long gap."""
        self._tracker.forget()
        self._paths = {}

    def _mover(self, track: Track, at: MonotonicNs) -> Mover:
        path = self._paths.setdefault(track.id, _Path(at, deque()))
        if track.seen:
            self._walk(path, track.box, at)
        boxes = [step.box for step in path.steps]
        gone = travel(boxes)
        has_gone = gone >= self.policy.least_travel
        here, start = centre(boxes[-1]), centre(boxes[0])
        return Mover(
            id=track.id,
            box=track.box,
            seen=track.seen,
            since=path.since,
            travel=gone,
            area=sorted(step.area for step in path.steps)[len(path.steps) // 2],
            straightness=straightness(boxes) if has_gone else 0.0,
            looks=len(boxes),
            course=(here[0] - start[0], here[1] - start[1]),
            leap=leap(boxes) if has_gone else 0.0,
        )

    def _walk(self, path: _Path, box: Corners, at: MonotonicNs) -> None:
        steps, size = path.steps, area(box)
        if steps and max(steps[-1].area, size) > self.policy.most_growth * min(steps[-1].area, size):
            steps.clear()
        steps.append(_Step(at, box, size))
        while at - steps[0].at > self.policy.window_s * NS_PER_S:
            steps.popleft()


def travel(boxes: Sequence[Corners]) -> float:
    """How far both ends of the last box have gone the same way since the farthest of those before."""
    *before, (x1, y1, x2, y2) = boxes
    return max((math.hypot(_both(x1 - a, x2 - c), _both(y1 - b, y2 - d)) for a, b, c, d in before), default=0.0)


def _both(low: float, high: float) -> float:
    """How far both ends went the same way."""
    return min(abs(low), abs(high)) if low * high > 0 else 0.0


def straightness(boxes: Sequence[Corners]) -> float:
    """The way as the crow flies over the way that the centres of boxes went, 0..1."""
    length = sum(_steps(boxes))
    return min(math.dist(centre(boxes[-1]), centre(boxes[0])) / length, 1.0) if length else 0.0


def leap(boxes: Sequence[Corners]) -> float:
    """The longest step between looks over the whole way, 0..1."""
    steps = _steps(boxes)
    return max(steps) / sum(steps) if steps else 0.0


def _steps(boxes: Sequence[Corners]) -> list[float]:
    """How far the centre went from look to look, where it went at all."""
    middles = [centre(box) for box in boxes]
    return [step for one, other in pairwise(middles) if (step := math.dist(one, other)) > _TREMBLING]
