"""Tracks: one object over frames, by overlap of boxes.

Boxes are `x1, y1, x2, y2`, normalised or in pixels, as long as one tracker always gets the same.

There are mostly one or two objects, and for so few the overhead of array code exceeds the work: tracks are plain
numbers throughout. Only the association uses array code, and only if there are many objects.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from smartcam.contract.event import EventKind
from smartcam.contract.times import NS_PER_S, MonotonicNs
from smartcam.vision.corners import Corners, centre, cover, covered_by, overlap
from smartcam.vision.matching import Matching
from smartcam.vision.passing import Course, is_on_its_way, is_stirring, sets_off
from smartcam.vision.track_state import SHORTEST_STEP_S, LooksBegun, Sighting, TrackPolicy, TrackState

__all__ = ("Sighting", "Track", "TrackPolicy", "Tracker")


_JOURNEY: Final = 4
"""Paces of half its own size that are a journey: furniture, and the half of somebody, do not go twice their size."""
_LONG_JOURNEY: Final = 16
"""Paces that are twice as convincing: no mistake goes eight times its size one way."""


class Track(NamedTuple):
    """One object after an update. A tuple, because fifty frozen dataclasses cost as much as matching fifty boxes.

    `score`: how sure it is by now, 0..1. `seen`: whether it was seen in this frame; `missed`: whether it should have
    been; neither if its place was not searched. `unseen_s`: for how long it has been missed. `moves`: how often it has
    arrived or left its resting place, 0 for an object that has always been there. `still_s`: seconds at its resting
    place. `static`: it has stood there for a long time. `stride`: how far it has gone with the motion since the look
    before, the way that it went before; 1 for half of its own size or more. `travelled`: how far it has gone one way
    with the motion, 1 for twice its own size, 2 for eight times or more.
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
    stride: float = 0.0
    travelled: float = 0.0


class Tracker:
    """Follows the objects of one camera. The time is an argument of each update; updates may be irregular."""

    def __init__(self, policy: TrackPolicy | None = None) -> None:
        self.policy = TrackPolicy() if policy is None else policy
        self._tracks: list[TrackState] = []
        self._next_id = 1
        self._ways: Sequence[Course] | None = None
        self._looks = LooksBegun()

    def step(
        self,
        at: MonotonicNs,
        found: Sequence[Sighting],
        motion: Sequence[Corners],
        looked_at: Sequence[Corners] | None = None,
        ways: Sequence[Course] | None = None,
    ) -> list[Track]:
        """The tracks after an update at time `at` with the sightings `found` and the boxes of `motion`.

        `looked_at`: the regions that were searched; an object elsewhere is neither seen nor missed. None means
        everywhere. `ways`: what is known of the motion; None if nothing is, so that whose it is cannot be told. An
        update that is no later than the one before it changes only the tracks that it continues.
        """
        self._ways = ways
        self._looks.look(at, self.policy)
        track_of = Matching(self._tracks, self.policy, at, motion, ways or ()).rows(found)
        seen = set()
        for sighting, row in zip(found, track_of, strict=True):
            if row >= 0:
                seen.add(row)
                self._continue(self._tracks[row], sighting, at, motion)
        for row, track in enumerate(self._tracks):
            track.was_missed = False
            if row not in seen:
                self._count_down(track, at, looked_at)
            else:
                track.follow(self.policy, ways or ())
            track.looked_at = at
            self._rest(track, at, motion)
        self._tracks += [self._begin(sighting, at, motion) for sighting in self._beginners(found, track_of)]
        self._tracks = [track for track in self._tracks if track.seen_at == at or self._is_alive(track, at)]
        return [self._public(track, at) for track in self._tracks]

    def expected(self, at: MonotonicNs) -> dict[int, Corners]:
        """Where each track should be by a time, by its id."""
        return {track.id: track.predicted(at) for track in self._tracks}

    def forget(self) -> None:
        """Start afresh, for example after a long gap or if the picture's size changed; ids are not reused."""
        self._tracks = []
        self._looks = LooksBegun()

    def _is_stirring(self, box: Corners, motion: Sequence[Corners]) -> bool:
        return bool(motion) and is_stirring(box, motion, self._ways or (), self.policy.arrived_cover)

    def _has_come(self, kind: EventKind, box: Corners, motion: Sequence[Corners]) -> bool:
        """Whether what was just found there has arrived. Nothing stirs of a vehicle that stands: it is driven."""
        if not self._is_stirring(box, motion):
            return False
        return kind is not EventKind.VEHICLE or self._ways is None or is_on_its_way(box, self._ways)

    def _continue(self, track: TrackState, sighting: Sighting, at: int, motion: Sequence[Corners]) -> None:
        box = sighting.box
        seconds = max((at - track.seen_at) / NS_PER_S, SHORTEST_STEP_S)
        here, before = centre(box), centre(track.box)
        right, down = (here[0] - before[0]) / seconds, (here[1] - before[1]) / seconds
        stride = track.stride_to(box, (right, down)) if motion else 0.0
        track.stride = stride if stride and self._is_stirring(box, motion) else 0.0
        track.pace(box, lambda: self._is_stirring(box, motion))
        if track.speed is not None:
            right, down = 0.5 * track.speed[0] + 0.5 * right, 0.5 * track.speed[1] + 0.5 * down
        weight = self.policy.weight(at - track.looked_at)
        if not track.is_hidden(self.policy, self._ways or ()):
            track.smooth = _between(track.smooth, box, weight)
        track.speed, track.box = (right, down), box
        track.looks += 1
        # The mean of the first looks, until the time constant takes over: the very first is often half an object.
        track.score += max(weight, 1 / track.looks if weight else 0.0) * (sighting.score - track.score)
        if self.policy.begins(sighting):
            track.label = sighting.label
        track.seen_at, track.excused = at, 0

    def _count_down(self, track: TrackState, at: int, looked_at: Sequence[Corners] | None) -> None:
        is_searched = looked_at is None or covered_by(track.box, looked_at) >= self.policy.searched_cover
        if not is_searched or track.is_hidden(self.policy, self._ways or ()):
            track.excused += at - track.looked_at
            return
        track.was_missed = True
        track.score *= 1.0 - self.policy.weight(at - track.looked_at)

    def _rest(self, track: TrackState, at: int, motion: Sequence[Corners]) -> None:
        """Notice whether the object has left its resting place, or has just arrived."""
        has_left = self._has_left(track, at)
        if track.seen_at != at:
            return
        has_come = self._looks.can_come(track, at, self.policy) and self._has_come(track.kind, track.box, motion)
        if has_come or (has_left and self._has_gone(track, motion)):
            track.moves += 1
        if has_left:
            track.rest, track.rest_since, track.away_since = track.smooth, at, None

    def _has_left(self, track: TrackState, at: int) -> bool:
        """Whether it has been away from its resting place for long enough.

        That is longer if it had stood for long, unless it was followed from there; a vehicle's box is distorted by
        others too often to say so.
        """
        policy = self.policy
        if overlap(track.smooth, track.rest) >= policy.still_iou:
            track.away_since = None
            return False
        if track.away_since is None or track.away_since > at:
            track.away_since = at
        if not track.has_stood(policy.static_after_s):
            return True
        if track.kind is not EventKind.VEHICLE and sets_off(track.box, track.rest, self._ways or ()):
            return True
        return at - track.away_since >= policy.static_leave_s * NS_PER_S

    def _has_gone(self, track: TrackState, motion: Sequence[Corners]) -> bool:
        """Whether it is elsewhere because it moved, and not because another part or shape of it is seen."""
        if self._ways is None:
            return True
        if cover(track.smooth, track.rest) >= self.policy.nested_cover:
            return self._has_come(track.kind, track.box, motion)
        return self._is_stirring(track.box, motion)

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

    def _begin(self, sighting: Sighting, at: int, motion: Sequence[Corners]) -> TrackState:
        box = sighting.box
        number, self._next_id = self._next_id, self._next_id + 1
        in_pause = self._looks.may_have_come(sighting.kind, at, self.policy)
        has_come = in_pause or self._has_come(sighting.kind, box, motion)
        return TrackState(
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
            paced_from=box,
            moves=int(has_come),
        )

    def _is_alive(self, track: TrackState, at: int) -> bool:
        buffer_s = self.policy.static_lost_after_s if track.is_static(self.policy) else self.policy.lost_after_s
        return track.unseen_s(at) <= buffer_s

    def _public(self, track: TrackState, at: int) -> Track:
        seen = track.seen_at == at
        return Track(  # by position: names would take a third of the time that it takes
            track.id,
            track.box,
            min(max(track.score, 0.0), 1.0),
            track.kind,
            track.label,
            seen,
            track.was_missed and not seen,
            0.0 if seen else track.unseen_s(at),
            track.moves,
            max(track.seen_at - track.rest_since, 0) / NS_PER_S,
            track.is_static(self.policy),
            track.stride if seen else 0.0,
            _travelled(track.paces) if track.paces else 0.0,
        )


def _travelled(paces: int) -> float:
    if paces <= _JOURNEY:
        return paces / _JOURNEY
    return 1.0 + (min(paces, _LONG_JOURNEY) - _JOURNEY) / (_LONG_JOURNEY - _JOURNEY)


def _between(one: Corners, other: Corners, weight: float) -> Corners:
    x1, y1, x2, y2 = one
    return (
        x1 + weight * (other[0] - x1),
        y1 + weight * (other[1] - y1),
        x2 + weight * (other[2] - x2),
        y2 + weight * (other[3] - y2),
    )
