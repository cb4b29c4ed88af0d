"""Movers: what the motion gate sees, followed from frame to frame, and whether it moves with purpose.

A leaf swings to and fro, a lamp's light grows in place, an arm reaches in from the edge and draws back, a cloud creeps.
A person or a vehicle leaves its place: both ends of the box go the same way, straight, and within seconds.
"""

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median_high
from typing import Final

from smartcam.contract.event import EventKind
from smartcam.contract.times import NS_PER_S, MonotonicNs
from smartcam.vision.corners import Corners, area, centre
from smartcam.vision.track import Sighting, Track, Tracker, TrackPolicy

_TRACKING: Final = TrackPolicy(begin_at=0.5, match_iou=0.2, lost_after_s=1.0, static_lost_after_s=1.0, shadow_cover=2.0)
"""Motion boxes have no confidence, and what stops is soon forgotten: the gate takes it into its background."""
JITTER: Final = 0.005
"""Normalised steps of a centre below this are jitter of the gate, not movement of the object."""


@dataclass(frozen=True, slots=True)
class PurposePolicy:
    """When a mover has a purpose.

    Within `window_s` both ends of the box must have gone `least_travel` (normalised) the same way, along a path that is
    straight to `least_straightness` (1 is a straight line), and the median box must cover `least_area` of the picture.
    If the box grows or shrinks by more than `most_growth` between two frames, two objects have merged or parted, and
    what was before no longer counts. At most `most_leap` of the path may lie between two frames: a longer step is a
    mix-up of two objects. And it must still be moving, unlike something that was only put down.
    """

    window_s: float = 3.0
    least_travel: float = 0.12
    least_straightness: float = 0.7
    least_area: float = 0.02
    most_growth: float = 1.7
    most_leap: float = 0.45
    fewest_frames: int = 4


@dataclass(frozen=True, slots=True)
class Mover:
    """One moving object, and whether it moves in this frame (`seen`); `since` is when it was first seen.

    `boxes`, normalised: where it was in the last seconds, oldest first, but none from before it last merged with or
    parted from another. Everything about its path is computed on demand.
    """

    id: int
    seen: bool
    since: MonotonicNs
    boxes: tuple[Corners, ...]

    @property
    def box(self) -> Corners:
        """Where it was last seen."""
        return self.boxes[-1]

    @property
    def travel(self) -> float:
        """How far it has gone."""
        return travel(self.boxes)

    def has_purpose(self, policy: PurposePolicy) -> bool:
        """Whether it goes somewhere and is large enough to matter."""
        return (
            self.seen
            and len(self.boxes) >= policy.fewest_frames
            and median_high(map(area, self.boxes)) >= policy.least_area
            and self.travel >= policy.least_travel
            and straightness(self.boxes) >= policy.least_straightness
            and leap(self.boxes) <= policy.most_leap
            and travel(self.boxes[-2:]) > JITTER
        )


@dataclass(slots=True)
class _Path:
    since: MonotonicNs
    steps: deque[tuple[MonotonicNs, Corners]]


class Movers:
    """The movers of one camera. The time is an argument of each update."""

    def __init__(self, policy: PurposePolicy | None = None) -> None:
        self.policy = PurposePolicy() if policy is None else policy
        self._tracker = Tracker(_TRACKING)
        self._paths: dict[int, _Path] = {}

    def step(self, at: MonotonicNs, motion: Sequence[Corners]) -> list[Mover]:
        """The movers after an update at time `at` with the boxes of `motion`, normalised."""
        if not motion and not self._paths:
            return []
        tracks = self._tracker.step(at, [Sighting(box, 1.0, EventKind.MOTION, "") for box in motion], motion)
        ids = {track.id for track in tracks}
        self._paths = {number: path for number, path in self._paths.items() if number in ids}
        return [self._mover(track, at) for track in tracks]

    def forget(self) -> None:
        """Start afresh, for example after a long gap."""
        self._tracker.forget()
        self._paths = {}

    def _mover(self, track: Track, at: MonotonicNs) -> Mover:
        path = self._paths.setdefault(track.id, _Path(at, deque()))
        if track.seen:
            self._walk(path, track.box, at)
        return Mover(track.id, track.seen, path.since, tuple(box for _, box in path.steps))

    def _walk(self, path: _Path, box: Corners, at: MonotonicNs) -> None:
        steps = path.steps
        if steps:
            smaller, larger = sorted((area(steps[-1][1]), area(box)))
            if larger > self.policy.most_growth * smaller:
                steps.clear()
        steps.append((at, box))
        while at - steps[0][0] > self.policy.window_s * NS_PER_S:
            steps.popleft()


def travel(boxes: Sequence[Corners]) -> float:
    """How far both ends of the last box have gone the same way, from whichever earlier box that is farthest."""
    *before, (x1, y1, x2, y2) = boxes
    return max((math.hypot(_common(x1 - a, x2 - c), _common(y1 - b, y2 - d)) for a, b, c, d in before), default=0.0)


def _common(low: float, high: float) -> float:
    """How far both ends went the same way."""
    return min(abs(low), abs(high)) if low * high > 0 else 0.0


def straightness(boxes: Sequence[Corners]) -> float:
    """The straight distance over the length of the path of the centres, 0..1."""
    length = sum(_steps(boxes))
    return min(math.dist(centre(boxes[-1]), centre(boxes[0])) / length, 1.0) if length else 0.0


def displacement(boxes: Sequence[Corners]) -> tuple[float, float]:
    """The displacement of the centre from the first box to the last: right, down."""
    start, here = centre(boxes[0]), centre(boxes[-1])
    return here[0] - start[0], here[1] - start[1]


def leap(boxes: Sequence[Corners]) -> float:
    """The longest step between two frames over the length of the path, 0..1."""
    steps = _steps(boxes)
    return max(steps) / sum(steps) if steps else 0.0


def _steps(boxes: Sequence[Corners]) -> list[float]:
    """The steps of the centre from frame to frame, without jitter."""
    middles = [centre(box) for box in boxes]
    return [step for one, other in pairwise(middles) if (step := math.dist(one, other)) > JITTER]
