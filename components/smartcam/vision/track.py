"""Tracks: one object over frames, by overlap of boxes, in array code.

Boxes are `x1, y1, x2, y2` in shares of the picture or in pixels, as long as it is always the same.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from smartcam.contract.times import NS_PER_S, MonotonicNs
from smartcam.vision.boxes import (
    TINY,
    Boxes,
    Floats,
    centres,
    covered,
    covers,
    greedy_pairs,
    overlaps,
    row_overlaps,
    sizes,
)

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

_NEVER: Final = np.iinfo(np.int64).max
_SHORTEST_STEP_S: Final = 0.04
"""Between two looks that are closer, the jitter of a box would pass for speed."""
_LONGEST_PREDICTION_S: Final = 3.0
"""A velocity says little about where an object is after a longer time."""
_EDGE: Final = 0.01
"""Whoever vanished so near the edge of the picture has left it."""
_WIDEST_REACH: Final = 3.0


@dataclass(frozen=True, slots=True)
class TrackPolicy:
    """How detections become tracks.

    `begin_at`: a detection below it continues a track but begins none. `match_iou`: least overlap with the
    predicted box. `reach`: where nothing overlaps, how far (in sizes of the object) it may have jumped; somebody who
    vanished within the picture, as behind a tree, may have gone farther the longer it is ago.
    `score_s`: how slowly the score follows the confidences; a look after `longest_look_s` counts no more
    than one after that time. `lost_after_s`: lost buffer; a track that stands still for `static_after_s` is
    static and is remembered for `static_lost_after_s`, so that a parked car behind a lorry, or in the dark of a
    night, stays the same car. `still_iou`: an object that overlaps its resting place less has moved, a static one
    only when it stays away for `static_leave_s`, because somebody who passes before it bends its box.
    `arrived_cover`: the share of a box that moves, within `arrival_s` of its first sight, where the object has just
    come.
    `looked_cover`: the share of a box that a look must cover to have missed it. `shadow_cover`: a new box that
    lies so far in a stronger one (or it in the new one) is taken for the same object.
    """

    begin_at: float = 0.45
    match_iou: float = 0.25
    reach: float = 0.6
    score_s: float = 0.4
    longest_look_s: float = 0.25
    lost_after_s: float = 3.0
    static_after_s: float = 30.0
    static_lost_after_s: float = 57_600.0
    still_iou: float = 0.5
    static_leave_s: float = 2.0
    arrived_cover: float = 0.15
    arrival_s: float = 1.0
    looked_cover: float = 0.5
    shadow_cover: float = 0.6
    most_tracks: int = 256


@dataclass(frozen=True, slots=True)
class Tracks:
    """What is known of n objects after a look; all arrays have n rows in the order of `ids`.

    `scores`: how sure it is by now, 0..1. `groups`: what the caller said the object is. `hits`: looks that
    saw it. `seen`: whether this look did; `missed`: whether it should have; neither where the look went elsewhere.
    `unseen_s`: for how long looks have missed it. `moves`: how often it has come or left its resting place, 0 for
    what has always stood there. `still_s`: seconds at its resting place. `static`: it has stood there for long.
    """

    at: MonotonicNs
    ids: Ints
    boxes: Boxes
    scores: Floats
    groups: Ints
    labels: Ints
    hits: Ints
    seen: Bools
    missed: Bools
    unseen_s: Floats
    moves: Ints
    still_s: Floats
    static: Bools

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True, slots=True)
class Sightings:
    """What one look found, n rows: `boxes` (n, 4), `scores` 0..1, `groups` (only equal groups match), `labels`.

    `looked_at` (k, 4): where the look went; a track elsewhere is neither seen nor missed. None is everywhere.
    """

    boxes: Boxes
    scores: NDArray[np.float32]
    groups: Ints
    labels: Ints
    looked_at: Boxes | None = None

    def __len__(self) -> int:
        return len(self.scores)

    @classmethod
    def none(cls) -> "Sightings":
        """A look that found nothing."""
        nothing = np.zeros(0, np.int64)
        return cls(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), nothing, nothing)


@dataclass(slots=True)
class _Rows:
    """The tracks as arrays, one row each."""

    ids: Ints
    boxes: Floats
    speeds: Floats
    scores: Floats
    groups: Ints
    labels: Ints
    hits: Ints
    seen_at: Ints
    looked_at: Ints
    excused: Ints
    born_at: Ints
    smooth: Floats
    rest: Floats
    rest_since: Ints
    away_since: Ints
    moves: Ints
    was_missed: Bools

    def keep(self, rows: Bools | Ints) -> "_Rows":
        return _Rows(*(getattr(self, name)[rows] for name in self.__slots__))

    def plus(self, other: "_Rows") -> "_Rows":
        return _Rows(*(np.concatenate((getattr(self, name), getattr(other, name))) for name in self.__slots__))


def _no_rows() -> _Rows:
    count, box = np.zeros(0, np.int64), np.zeros((0, 4))
    speeds, scores = np.zeros((0, 2)), np.zeros(0)
    return _Rows(
        ids=count,
        boxes=box,
        speeds=speeds,
        scores=scores,
        groups=count,
        labels=count,
        hits=count,
        seen_at=count,
        looked_at=count,
        excused=count,
        born_at=count,
        smooth=box,
        rest=box,
        rest_since=count,
        away_since=count,
        moves=count,
        was_missed=np.zeros(0, np.bool_),
    )


class Tracker:
    """Follows the objects of one camera. Time comes in with each look; looks may come irregularly."""

    def __init__(self, policy: TrackPolicy | None = None) -> None:
        self.policy = TrackPolicy() if policy is None else policy
        self._rows = _no_rows()
        self._next_id = 1

    def step(self, at: MonotonicNs, found: Sightings, motion: Boxes) -> Tracks:
        """The tracks after a look at time `at` that found `found`, while `motion` (m, 4) moved.

        A look that is not later than the one before it changes nothing but what it finds.
        """
        rows = self._rows
        track_of = self._match(rows, at, found)
        matched = np.flatnonzero(track_of >= 0)
        self._continue(rows, track_of[matched], found, matched, at)
        self._count_down(rows, track_of[matched], at, found.looked_at)
        self._rest(rows, at, motion)
        new = self._beginners(rows, found, track_of)
        if len(new):
            rows = rows.plus(self._begin(found, new, at, motion))
        alive = self._alive(rows, at)
        self._rows = rows if alive.all() else rows.keep(alive)
        return self._tracks(at)

    def forget(self) -> None:
        """Begin anew, as after a long gap or a change of the picture's size; ids are not used again."""
        self._rows = _no_rows()

    def _predict(self, rows: _Rows, at: MonotonicNs) -> Floats:
        seconds = np.clip((at - rows.seen_at) / NS_PER_S, 0.0, _LONGEST_PREDICTION_S)
        shift = rows.speeds * seconds[:, None]
        predicted: Floats = rows.boxes + np.concatenate((shift, shift), axis=1)
        return predicted

    def _match(self, rows: _Rows, at: MonotonicNs, found: Sightings) -> Ints:
        """The row of the track that each sighting continues, -1 for none: the strong ones choose first."""
        track_of = np.full(len(found), -1, np.int64)
        if not len(found) or not len(rows.ids):
            return track_of
        predicted = self._predict(rows, at)
        same = rows.groups[:, None] == found.groups[None, :]
        both = overlaps(np.concatenate((predicted, rows.boxes)), found.boxes)
        near = np.maximum(both[: len(predicted)], both[len(predicted) :]) * same
        strong = found.scores >= self.policy.begin_at
        unseen_s = self._unseen(rows, at) / NS_PER_S
        recent = (unseen_s <= self.policy.lost_after_s)[:, None]
        # What has not been seen for long comes last: whoever passes a place where a car once stood is not the car.
        self._pair(track_of, near * (strong & recent), self.policy.match_iou)
        if not strong.all():
            self._pair(track_of, near * recent, self.policy.match_iou)
        if not recent.all():
            self._pair(track_of, near, self.policy.match_iou)
        if (strong & (track_of < 0)).any():
            jumps = self._closeness(rows, predicted, found.boxes, unseen_s) * (same & recent & strong)
            self._pair(track_of, jumps, TINY)
        return track_of

    @staticmethod
    def _pair(track_of: Ints, worth: Floats, least: float) -> None:
        worth[:, track_of >= 0] = 0.0
        worth[track_of[track_of >= 0], :] = 0.0
        for row, column in greedy_pairs(worth, least):
            track_of[column] = row

    def _closeness(self, rows: _Rows, predicted: Floats, boxes: Boxes, unseen_s: Floats) -> Floats:
        """1 at the same place down to 0 at the policy's reach; 0 for boxes of another size."""
        there = boxes.astype(np.float64)
        ours, theirs = sizes(predicted)[:, None], sizes(there)[None, :]
        larger = np.maximum(ours, theirs)
        inside = ((rows.boxes > _EDGE) & (rows.boxes < 1 - _EDGE)).all(axis=1)
        reach = self.policy.reach * np.where(inside & rows.was_missed, np.minimum(1 + unseen_s, _WIDEST_REACH), 1.0)
        apart = np.minimum(_distances(predicted, there), _distances(rows.boxes, there))
        alike = np.minimum(ours, theirs) > 0.5 * larger
        closeness: Floats = np.maximum(0.0, 1.0 - apart / (reach[:, None] * larger)) * alike
        return closeness

    def _continue(self, rows: _Rows, tracks: Ints, found: Sightings, picked: Ints, at: MonotonicNs) -> None:
        boxes = found.boxes[picked].astype(np.float64)
        seconds = np.maximum((at - rows.seen_at[tracks]) / NS_PER_S, _SHORTEST_STEP_S)
        speed = (centres(boxes) - centres(rows.boxes[tracks])) / seconds[:, None]
        first = (rows.hits[tracks] == 1)[:, None]
        rows.speeds[tracks] = np.where(first, speed, 0.5 * rows.speeds[tracks] + 0.5 * speed)
        rows.boxes[tracks] = boxes
        weight = self._weight(rows, tracks, at)
        rows.smooth[tracks] += weight[:, None] * (boxes - rows.smooth[tracks])
        rows.scores[tracks] += weight * (found.scores[picked] - rows.scores[tracks])
        rows.labels[tracks] = np.where(
            found.scores[picked] >= self.policy.begin_at, found.labels[picked], rows.labels[tracks]
        )
        rows.hits[tracks] += 1
        rows.seen_at[tracks] = at
        rows.excused[tracks] = 0

    def _count_down(self, rows: _Rows, matched: Ints, at: MonotonicNs, looked_at: Boxes | None) -> None:
        missed = np.ones(len(rows.ids), np.bool_)
        missed[matched] = False
        if looked_at is not None:
            elsewhere = missed & (covered(rows.boxes, looked_at) < self.policy.looked_cover)
            rows.excused[elsewhere] += at - rows.looked_at[elsewhere]
            missed &= ~elsewhere
        rows.was_missed = missed
        rows.scores[missed] *= 1.0 - self._weight(rows, np.flatnonzero(missed), at)
        rows.looked_at[:] = at

    @staticmethod
    def _unseen(rows: _Rows, at: MonotonicNs) -> Ints:
        """Nanoseconds for which looks at the object have not seen it."""
        unseen: Ints = np.maximum(at - rows.seen_at - rows.excused, 0)
        return unseen

    def _weight(self, rows: _Rows, tracks: Ints, at: MonotonicNs) -> Floats:
        seconds = np.clip((at - rows.looked_at[tracks]) / NS_PER_S, 0.0, self.policy.longest_look_s)
        weight: Floats = 1.0 - np.exp(-seconds / self.policy.score_s)
        return weight

    def _rest(self, rows: _Rows, at: MonotonicNs, motion: Boxes) -> None:
        """Notice what has left its resting place, and what came only just now."""
        seen = rows.seen_at == at
        away = row_overlaps(rows.smooth, rows.rest) < self.policy.still_iou
        rows.away_since = np.where(away, np.minimum(rows.away_since, at), _NEVER)
        patience = np.where(self._stood_long(rows), int(self.policy.static_leave_s * NS_PER_S), 0)
        left = seen & away & (at - rows.away_since >= patience)
        young = seen & (rows.moves == 0) & (at - rows.born_at <= self.policy.arrival_s * NS_PER_S)
        came = young & (covered(rows.boxes, motion) >= self.policy.arrived_cover)
        rows.moves += (left | came).astype(np.int64)
        rows.rest[left] = rows.smooth[left]
        rows.rest_since[left] = at
        rows.away_since[left] = _NEVER

    def _beginners(self, rows: _Rows, found: Sightings, track_of: Ints) -> Ints:
        """The strong sightings of no track that are no shadow of a stronger box of their group."""
        strong = np.flatnonzero((track_of < 0) & (found.scores >= self.policy.begin_at))
        known = [int(index) for index in np.flatnonzero(track_of >= 0)]
        new: list[int] = []
        for index in sorted(strong.tolist(), key=lambda item: -float(found.scores[item])):
            others = np.array([other for other in known + new if found.groups[other] == found.groups[index]], np.int64)
            shade = covers(found.boxes[[index]], found.boxes[others])
            if not len(others) or float(shade.max()) < self.policy.shadow_cover:
                new.append(index)
        room = max(0, self.policy.most_tracks - len(rows.ids))
        return np.array(sorted(new[:room]), np.int64)

    def _begin(self, found: Sightings, new: Ints, at: MonotonicNs, motion: Boxes) -> _Rows:
        count = len(new)
        ids = np.arange(self._next_id, self._next_id + count, dtype=np.int64)
        self._next_id += count
        boxes = found.boxes[new].astype(np.float64)
        now = np.full(count, at, np.int64)
        came = covered(found.boxes[new], motion) >= self.policy.arrived_cover
        return _Rows(
            ids=ids,
            boxes=boxes,
            speeds=np.zeros((count, 2)),
            scores=found.scores[new].astype(np.float64),
            groups=found.groups[new].copy(),
            labels=found.labels[new].copy(),
            hits=np.ones(count, np.int64),
            seen_at=now,
            looked_at=now.copy(),
            excused=np.zeros(count, np.int64),
            born_at=now.copy(),
            smooth=boxes.copy(),
            rest=boxes.copy(),
            rest_since=now.copy(),
            away_since=np.full(count, _NEVER, np.int64),
            moves=came.astype(np.int64),
            was_missed=np.zeros(count, np.bool_),
        )

    def _stood_long(self, rows: _Rows) -> Bools:
        stood: Bools = rows.seen_at - rows.rest_since >= self.policy.static_after_s * NS_PER_S
        return stood

    def _static(self, rows: _Rows) -> Bools:
        """What was last seen at the place where it has stood long: who was leaving is not expected back there."""
        static: Bools = self._stood_long(rows) & (rows.away_since == _NEVER)
        return static

    def _alive(self, rows: _Rows, at: MonotonicNs) -> Bools:
        buffer_s = np.where(self._static(rows), self.policy.static_lost_after_s, self.policy.lost_after_s)
        alive: Bools = self._unseen(rows, at) / NS_PER_S <= buffer_s
        return alive

    def _tracks(self, at: MonotonicNs) -> Tracks:
        rows = self._rows
        return Tracks(
            at=at,
            ids=rows.ids.copy(),
            boxes=rows.boxes.astype(np.float32),
            scores=np.clip(rows.scores, 0.0, 1.0),
            groups=rows.groups.copy(),
            labels=rows.labels.copy(),
            hits=rows.hits.copy(),
            seen=rows.seen_at == at,
            missed=(rows.seen_at != at) & rows.was_missed,
            unseen_s=self._unseen(rows, at) / NS_PER_S,
            moves=rows.moves.copy(),
            still_s=np.maximum(rows.seen_at - rows.rest_since, 0) / NS_PER_S,
            static=self._static(rows),
        )


def _distances(boxes: Floats, others: Floats) -> Floats:
    """Between the centres of each box (n, 4) and each other one (m, 4): (n, m)."""
    apart: Floats = np.linalg.norm(centres(boxes)[:, None] - centres(others)[None, :], axis=2)
    return apart
