"""Movers: what the motion gate sees, followed from look to look, and whether it goes somewhere on purpose.

A leaf swings to and fro, a lamp's light grows on the spot, an arm reaches in from the edge and draws back, a cloud
creeps. Somebody on the way leaves the place: both ends of the box go the same way, straight, and soon.
"""

import math
from collections import deque
from dataclasses import dataclass
from typing import Final

import numpy as np

from smartcam.contract.times import NS_PER_S, MonotonicNs
from smartcam.vision.boxes import Boxes, Floats, centres, sizes
from smartcam.vision.track import Sightings, Tracker, TrackPolicy

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
    """One thing that moves. `box` (4,) is in shares of the picture; `since` is when it was first seen.

    `seen`: whether it moves in this look. `travel` and `area` are of the last seconds, in shares of the picture;
    `straightness` is 0 for what has not travelled, `looks` are those since it was last joined or parted. `course` (2,)
    is how far its centre has gone in them, `leap` the share of its way in the longest of its steps (0, too).
    """

    id: int
    box: Floats
    seen: bool
    since: MonotonicNs
    travel: float
    area: float
    straightness: float
    looks: int
    course: Floats
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
        larger = float(max(sizes(self.box[None])[0], sizes(other.box[None])[0]))
        shared = np.minimum(self.box[2:], other.box[2:]) - np.maximum(self.box[:2], other.box[:2])
        least = np.minimum(self.box[2:] - self.box[:2], other.box[2:] - other.box[:2])
        if not (shared >= _BESIDE * least).any() or float(-shared.min()) > _NEAR * larger:
            return False
        lengths = float(np.linalg.norm(self.course)), float(np.linalg.norm(other.course))
        alike = float(self.course @ other.course) >= _SAME_WAY * lengths[0] * lengths[1]
        return alike or min(lengths) < _TREMBLING


@dataclass(frozen=True, slots=True)
class _Step:
    at: MonotonicNs
    box: Floats
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

    def step(self, at: MonotonicNs, motion: Boxes) -> list[Mover]:
        """The movers after a look at time `at`, when `motion` (m, 4), in shares of the picture, moved."""
        count = len(motion)
        if not count and not self._paths:
            return []
        nothing = np.zeros(count, np.int64)
        tracks = self._tracker.step(at, Sightings(motion, np.ones(count, np.float32), nothing, nothing), motion)
        ids = [int(number) for number in tracks.ids]
        self._paths = {number: path for number, path in self._paths.items() if number in ids}
        return [
            self._mover(number, tracks.boxes[row].astype(np.float64), at, seen=bool(tracks.seen[row]))
            for row, number in enumerate(ids)
        ]

    def forget(self) -> None:
        """Begin anew, as after a long gap."""
        self._tracker.forget()
        self._paths = {}

    def _mover(self, number: int, box: Floats, at: MonotonicNs, *, seen: bool) -> Mover:
        path = self._paths.setdefault(number, _Path(at, deque()))
        if seen:
            self._walk(path, box, at)
        boxes = np.array([step.box for step in path.steps])
        gone = travel(boxes)
        return Mover(
            id=number,
            box=box,
            seen=seen,
            since=path.since,
            travel=gone,
            area=sorted(step.area for step in path.steps)[len(path.steps) // 2],
            straightness=straightness(boxes) if gone >= self.policy.least_travel else 0.0,
            looks=len(boxes),
            course=(centres(boxes[-1:]) - centres(boxes[:1]))[0],
            leap=leap(boxes) if gone >= self.policy.least_travel else 0.0,
        )

    def _walk(self, path: _Path, box: Floats, at: MonotonicNs) -> None:
        steps = path.steps
        area = float((box[2] - box[0]) * (box[3] - box[1]))
        if steps and max(steps[-1].area, area) > self.policy.most_growth * min(steps[-1].area, area):
            steps.clear()
        steps.append(_Step(at, box, area))
        while at - steps[0].at > self.policy.window_s * NS_PER_S:
            steps.popleft()


def travel(boxes: Floats) -> float:
    """How far both ends of the last box (n, 4) have gone the same way since the farthest of those before."""
    if len(boxes) < 2:  # noqa: PLR2004  one box has gone nowhere
        return 0.0
    # In plain numbers: a path has a dozen boxes.
    *before, (x1, y1, x2, y2) = boxes.tolist()
    return max(math.hypot(_both(x1 - a, x2 - c), _both(y1 - b, y2 - d)) for a, b, c, d in before)


def _both(low: float, high: float) -> float:
    """How far both ends went the same way."""
    return min(abs(low), abs(high)) if low * high > 0 else 0.0


def straightness(boxes: Floats) -> float:
    """The way as the crow flies over the way that the centres of boxes (n, 4) went, 0..1."""
    middle = centres(boxes)
    length = float(_steps(boxes).sum())
    return min(float(np.linalg.norm(middle[-1] - middle[0])) / length, 1.0) if length else 0.0


def leap(boxes: Floats) -> float:
    """The longest step between looks (n, 4) over the whole way, 0..1."""
    steps = _steps(boxes)
    return float(steps.max() / steps.sum()) if len(steps) else 0.0


def _steps(boxes: Floats) -> Floats:
    """How far the centre went from look to look, where it went at all."""
    steps: Floats = np.linalg.norm(np.diff(centres(boxes), axis=0), axis=1)
    return steps[steps > _TREMBLING]
