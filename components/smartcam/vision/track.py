"""Tracks: one object over frames, by overlap of boxes.

Boxes are `x1, y1, x2, y2`, normalised or in pixels, as long as one tracker always gets the same.

There are mostly one or two objects, and for so few the overhead of array code exceeds the work: tracks are plain
numbers throughout. Only the association uses array code, and only if there are many objects.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from smartcam.contract.event import EventKind
from smartcam.contract.times import NS_PER_S, MonotonicNs
from smartcam.vision.corners import TINY, Corners, centre, cover, covered_by, overlap
from smartcam.vision.pairing import Pair, choose, closeness, overlapping

_SHORTEST_STEP_S: Final = 0.04
"""Over a shorter time, the jitter of a box would look like speed."""
_LONGEST_PREDICTION_S: Final = 3.0
"""After a longer time, the velocity says little about where an object is."""
_EDGE: Final = 0.01
"""An object that vanished this close to the edge has left the picture."""
_WIDEST_REACH: Final = 3.0


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
    `still_iou`: an object that overlaps its resting place by less has moved; a static one only if it stays away for
    `static_leave_s`, because somebody who passes in front of it distorts its box. `arrived_cover`: the share of a
    box that must be in motion, within `arrival_s` of first being seen, for the object to have just arrived.
    `searched_cover`: the share of a box that the detector must have searched to have missed it. `shadow_cover`: a new
    box that overlaps a stronger one by this share of the smaller is taken for the same object.
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
    static_leave_s: float = 2.0
    arrived_cover: float = 0.15
    arrival_s: float = 1.0
    searched_cover: float = 0.5
    shadow_cover: float = 0.6
    most_tracks: int = 256

    def weight(self, step_ns: int) -> float:
        """How far the score goes towards a new confidence in a step of the clock, 0..1."""
        seconds = min(step_ns / NS_PER_S, self.longest_step_s)
        return 1.0 - math.exp(-seconds / self.score_s) if seconds > 0 else 0.0

    def begins(self, sighting: Sighting) -> bool:
        """Whether a sighting is strong enough to begin a track."""
        return sighting.score >= self.begin_at

    def is_shadow(self, sighting: Sighting, stronger: Sighting) -> bool:
        """Whether a sighting is taken for the same object as a stronger one."""
        return sighting.kind is stronger.kind and cover(sighting.box, stronger.box) >= self.shadow_cover


class Track(NamedTuple):
    """One object after an update. A tuple, because fifty frozen dataclasses cost as much as matching fifty boxes.

    `score`: how sure it is by now, 0..1. `seen`: whether it was seen in this frame; `missed`: whether it should have
    been; neither if its place was not searched. `unseen_s`: for how long it has been missed. `moves`: how often it has
    arrived or left its resting place, 0 for an object that has always been there. `still_s`: seconds at its resting
    place. `static`: it has stood there for a long time.
    """

    id: int
    box: Corners
    score: float
    kind: EventKind
    label: str
    seen: bool
    missed: bool
    unseen_s: float
    moves: int
    still_s: float
    static: bool


@dataclass(slots=True)
class _TrackState:
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
    moves: int
    speed: tuple[float, float] | None = None
    excused: int = 0
    away_since: int | None = None
    was_missed: bool = False

    def unseen_s(self, at: int) -> float:
        """For how long the object has been missed; time in which nobody searched for it does not count."""
        unseen = at - self.seen_at - self.excused
        return unseen / NS_PER_S if unseen > 0 else 0.0

    def predicted(self, at: int) -> Corners:
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

    def has_stood(self, seconds: float) -> bool:
        return self.seen_at - self.rest_since >= seconds * NS_PER_S

    def is_inside(self) -> bool:
        return all(_EDGE < corner < 1 - _EDGE for corner in self.box)


class Tracker:
    """Follows the objects of one camera. The time is an argument of each update; updates may be irregular."""

    def __init__(self, policy: TrackPolicy | None = None) -> None:
        self.policy = TrackPolicy() if policy is None else policy
        self._tracks: list[_TrackState] = []
        self._next_id = 1

    def step(
        self,
        at: MonotonicNs,
        found: Sequence[Sighting],
        motion: Sequence[Corners],
        looked_at: Sequence[Corners] | None = None,
    ) -> list[Track]:
        """The tracks after an update at time `at` with the sightings `found` and the boxes of `motion`.

        `looked_at`: the regions that were searched; an object elsewhere is neither seen nor missed. None means
        everywhere. An update that is no later than the one before it changes only the tracks that it continues.
        """
        track_of = self._match(at, found)
        seen = set()
        for sighting, row in zip(found, track_of, strict=True):
            if row >= 0:
                seen.add(row)
                self._continue(self._tracks[row], sighting, at)
        for row, track in enumerate(self._tracks):
            track.was_missed = False
            if row not in seen:
                self._count_down(track, at, looked_at)
            track.looked_at = at
            self._rest(track, at, motion)
        self._tracks += [self._begin(sighting, at, motion) for sighting in self._beginners(found, track_of)]
        self._tracks = [track for track in self._tracks if track.seen_at == at or self._is_alive(track, at)]
        return [self._public(track, at) for track in self._tracks]

    def forget(self) -> None:
        """Start afresh, for example after a long gap or if the picture's size changed; ids are not reused."""
        self._tracks = []

    def _match(self, at: int, found: Sequence[Sighting]) -> list[int]:
        """The row of the track that each sighting continues, -1 for none."""
        track_of = [-1] * len(found)
        if not found or not self._tracks:
            return track_of
        predicted = [track.predicted(at) for track in self._tracks]
        recent = [track.unseen_s(at) <= self.policy.lost_after_s for track in self._tracks]
        pairs = self._overlapping(predicted, found)
        strong = [self.policy.begins(sighting) for sighting in found]
        choose(pairs if all(strong) and all(recent) else _by_turn(pairs, strong, recent), track_of)
        if -1 in track_of:
            choose(self._jumps(predicted, recent, found, track_of, at), track_of)
        return track_of

    def _overlapping(self, predicted: Sequence[Corners], found: Sequence[Sighting]) -> list[Pair]:
        """The pairs of a kind that overlap, the best first."""
        places = [(there, track.box) for there, track in zip(predicted, self._tracks, strict=True)]
        pairs = overlapping(places, [sighting.box for sighting in found], self.policy.match_iou)
        return [pair for pair in pairs if self._tracks[pair[1]].kind is found[pair[2]].kind]

    def _jumps(
        self,
        predicted: Sequence[Corners],
        recent: Sequence[bool],
        found: Sequence[Sighting],
        track_of: Sequence[int],
        at: int,
    ) -> list[Pair]:
        """The pairs of what is left that may be a jump: close together and of similar size, though nothing overlaps."""
        left = [index for index, row in enumerate(track_of) if row < 0 and self.policy.begins(found[index])]
        rows = [row for row, is_recent in enumerate(recent) if is_recent and row not in track_of] if left else []
        pairs = []
        for row in rows:
            track = self._tracks[row]
            reach = self._reach(track, at)
            for index in left:
                box, is_alike = found[index].box, found[index].kind is track.kind
                near = closeness(box, predicted[row], track.box, reach) if is_alike else 0.0
                if near >= TINY:
                    pairs.append((-near, row, index))
        return sorted(pairs)

    def _reach(self, track: _TrackState, at: int) -> float:
        """How far it may have jumped, in sizes of the object."""
        is_roaming = track.was_missed and track.is_inside()
        return self.policy.reach * (min(1 + track.unseen_s(at), _WIDEST_REACH) if is_roaming else 1.0)

    def _continue(self, track: _TrackState, sighting: Sighting, at: int) -> None:
        box = sighting.box
        seconds = max((at - track.seen_at) / NS_PER_S, _SHORTEST_STEP_S)
        here, before = centre(box), centre(track.box)
        right, down = (here[0] - before[0]) / seconds, (here[1] - before[1]) / seconds
        if track.speed is not None:
            right, down = 0.5 * track.speed[0] + 0.5 * right, 0.5 * track.speed[1] + 0.5 * down
        weight = self.policy.weight(at - track.looked_at)
        x1, y1, x2, y2 = track.smooth
        track.smooth = (
            x1 + weight * (box[0] - x1),
            y1 + weight * (box[1] - y1),
            x2 + weight * (box[2] - x2),
            y2 + weight * (box[3] - y2),
        )
        track.speed, track.box = (right, down), box
        track.score += weight * (sighting.score - track.score)
        if self.policy.begins(sighting):
            track.label = sighting.label
        track.seen_at, track.excused = at, 0

    def _count_down(self, track: _TrackState, at: int, looked_at: Sequence[Corners] | None) -> None:
        if looked_at is not None and covered_by(track.box, looked_at) < self.policy.searched_cover:
            track.excused += at - track.looked_at
            return
        track.was_missed = True
        track.score *= 1.0 - self.policy.weight(at - track.looked_at)

    def _rest(self, track: _TrackState, at: int, motion: Sequence[Corners]) -> None:
        """Notice whether the object has left its resting place, or has just arrived."""
        policy = self.policy
        if overlap(track.smooth, track.rest) >= policy.still_iou:
            track.away_since = None
        elif track.away_since is None or track.away_since > at:
            track.away_since = at
        if track.seen_at != at:
            return
        is_young = track.moves == 0 and at - track.born_at <= policy.arrival_s * NS_PER_S
        has_come = is_young and covered_by(track.box, motion) >= policy.arrived_cover
        has_left = False
        if track.away_since is not None:
            patience = int(policy.static_leave_s * NS_PER_S) if track.has_stood(self.policy.static_after_s) else 0
            has_left = at - track.away_since >= patience
        if has_left or has_come:
            track.moves += 1
        if has_left:
            track.rest, track.rest_since, track.away_since = track.smooth, at, None

    def _beginners(self, found: Sequence[Sighting], track_of: Sequence[int]) -> list[Sighting]:
        """The strong sightings without a track that do not duplicate a stronger box of their kind."""
        new = [index for index, row in enumerate(track_of) if row < 0 and self.policy.begins(found[index])]
        if not new:
            return []
        known = [sighting for sighting, row in zip(found, track_of, strict=True) if row >= 0]
        kept: list[int] = []
        for index in sorted(new, key=lambda item: -found[item].score):
            if not any(self.policy.is_shadow(found[index], other) for other in known):
                kept.append(index)
                known.append(found[index])
        room = max(0, self.policy.most_tracks - len(self._tracks))
        return [found[index] for index in sorted(kept[:room])]

    def _begin(self, sighting: Sighting, at: int, motion: Sequence[Corners]) -> _TrackState:
        box = sighting.box
        number, self._next_id = self._next_id, self._next_id + 1
        return _TrackState(
            id=number,
            box=box,
            score=sighting.score,
            kind=sighting.kind,
            label=sighting.label,
            born_at=at,
            seen_at=at,
            looked_at=at,
            smooth=box,
            rest=box,
            rest_since=at,
            moves=int(covered_by(box, motion) >= self.policy.arrived_cover),
        )

    def _is_static(self, track: _TrackState) -> bool:
        """Whether it was last seen where it had stood for long; one that was leaving is not expected back."""
        return track.away_since is None and track.has_stood(self.policy.static_after_s)

    def _is_alive(self, track: _TrackState, at: int) -> bool:
        buffer_s = self.policy.static_lost_after_s if self._is_static(track) else self.policy.lost_after_s
        return track.unseen_s(at) <= buffer_s

    def _public(self, track: _TrackState, at: int) -> Track:
        seen = track.seen_at == at
        return Track(
            id=track.id,
            box=track.box,
            score=min(max(track.score, 0.0), 1.0),
            kind=track.kind,
            label=track.label,
            seen=seen,
            missed=track.was_missed and not seen,
            unseen_s=track.unseen_s(at),
            moves=track.moves,
            still_s=max(track.seen_at - track.rest_since, 0) / NS_PER_S,
            static=self._is_static(track),
        )


def _by_turn(pairs: Sequence[Pair], strong: Sequence[bool], recent: Sequence[bool]) -> list[Pair]:
    """Strong sightings choose first, and tracks not seen for a long time come last.

    Whoever passes where a car once stood is not the car.
    """
    turns = [0 if is_strong else 1 for is_strong in strong]
    return sorted(pairs, key=lambda pair: turns[pair[2]] if recent[pair[1]] else 2)
