"""The stays of one camera: who was there before, kept over lost tracks and restarts."""

import json
from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final

from smartcam.contract.event import EventKind
from smartcam.contract.times import NS_PER_S, MonotonicNs, UtcNs
from smartcam.inference.analysis.identity import FirstSight, is_same_stay, may_be_lost, sides, stays_put
from smartcam.inference.analysis.stays import ABSENCE_S, SETTLE_S, Stay, begin, moved_in_time
from smartcam.vision.corners import Corners, covered_by, went
from smartcam.vision.movers import Mover
from smartcam.vision.passing import EDGE

MOST: Final = 64
"""More objects than this rest in no picture; the one seen longest ago is forgotten."""
LONGEST_S: Final = 57_600.0
"""For how long a place is remembered unseen: through a night, as a static track."""
EMPTY_S: Final = 600.0
"""A place that was searched in vain for so long is empty: detectors lose somebody who sits for minutes."""
_DRIVEN_OFF_S: Final = 60.0
"""The same for vehicles, which detectors lose for seconds only."""
QUIET_S: Final = ABSENCE_S
"""Whoever walked out may come back before: then what is there is still told of."""
WALK: Final = 0.12
"""Who has gone so far within 3 s walks (as for a purpose); what wakes where they were, and screens, do not go."""
_GLIMPSE_S: Final = 3.0
"""What was seen for a moment and raised nothing is forgotten as soon as its track."""
_SEARCHED: Final = 0.5
_LONGEST_STEP_S: Final = 1.0


class KnownStays:
    """One camera's stays. Bounded in number and in age."""

    def __init__(self) -> None:
        self.stays: list[Stay] = []
        self._searched_at = MonotonicNs(0)
        self._walked_at = MonotonicNs(0)
        self._went_out = False

    def begin(self, kind: EventKind, box: Corners, at: MonotonicNs) -> Stay:
        """Somebody new is there."""
        return self._add(begin(kind, box, at))

    def part(self, stay: Stay, box: Corners, at: MonotonicNs, by: int) -> Stay:
        """What was taken for one stay is seen in two places."""
        return self._add(stay.elsewhere(box, at, by))

    def recall(self, stay: Stay) -> None:
        """It is seen: a track that was remembered for longer may still know what was forgotten here."""
        if stay not in self.stays:
            self._add(stay)

    def of(
        self, kind: EventKind | None, first: FirstSight, at: MonotonicNs, seen: Collection[Stay] = ()
    ) -> Stay | None:
        """The stay that goes on with what was first seen somewhere; `seen`: those that other tracks see in this look.

        Without a kind: any that was told of, but no vehicle's, of which nothing moves as long as it stands.
        """
        if kind is None:
            alike = [stay for stay in self.stays if stay.told and stay.kind is not EventKind.VEHICLE]
        else:
            alike = [stay for stay in self.stays if stay.kind is kind]
        fits = [stay for stay in alike if is_same_stay(stay, first, at, is_seen=stay in seen)]
        return max(fits, key=lambda stay: (stay.told, stay.seen_at), default=None)

    def lost(self, kind: EventKind, first: FirstSight, at: MonotonicNs, seen: Collection[Stay]) -> Stay | None:
        """Whom, of those told of, no track sees any more, and who may be what a track now shows."""
        fits = (stay for stay in self.stays if stay.told and stay.kind is kind and stay not in seen)
        return max((stay for stay in fits if may_be_lost(stay, first, at)), key=lambda stay: stay.seen_at, default=None)

    def watch(self, at: MonotonicNs, movers: Iterable[Mover]) -> None:
        """What the gate sees. Once nobody walks any more, and the last one went out, what is still there is furniture.

        Detectors take a bed or an empty chair for whoever was there; were it they, nobody who comes later would be
        told of. Somebody who is there all the same, and sat still for so long, is told of again when they get up.
        """
        for mover in movers:
            if mover.seen and mover.travel >= WALK:
                self._walked_at, self._went_out = at, _has_gone_out(mover)
            elif _has_walked_in(mover):
                self._walked_at, self._went_out = at, False
        if self._went_out and at - self._walked_at >= QUIET_S * NS_PER_S:
            self._went_out = False
            for stay in self.stays:
                is_there = not sides(stay.box) or stay.seen_at - self._walked_at >= SETTLE_S * NS_PER_S
                if is_there and stay.kind is not EventKind.VEHICLE:
                    stay.vacate()

    def search(self, at: MonotonicNs, looked_at: Sequence[Corners] | None) -> None:
        """A detector has looked: everywhere, or in some regions. Stays that are over are forgotten."""
        step_s = min((at - self._searched_at) / NS_PER_S, _LONGEST_STEP_S)
        self._searched_at = at
        for stay in self.stays:
            if stay.seen_at < at and (looked_at is None or covered_by(stay.place, looked_at) >= _SEARCHED):
                stay.miss(step_s)
        self.stays = [stay for stay in self.stays if not _is_over(stay, at)]

    def _add(self, stay: Stay) -> Stay:
        if len(self.stays) >= MOST:
            self.stays.remove(min(self.stays, key=lambda each: (each.told, each.seen_at)))
        self.stays.append(stay)
        return stay

    def pack(self, at: MonotonicNs, utc: UtcNs) -> bytes:
        """Those worth keeping, as JSON; `utc` is the time of day at `at`."""
        kept = (stay for stay in self.stays if stay.told or stay.is_settled)
        rows = [
            {
                "kind": str(stay.kind),
                "boxes": [stay.box, stay.place],
                "seen": utc - (at - stay.seen_at),
                "rested": stay.seen_at - stay.since,
                "is": [stay.told, stay.arrived, stay.resident],
            }
            for stay in kept
        ]
        return json.dumps(rows).encode()

    def unpack(self, content: bytes, at: MonotonicNs, utc: UtcNs) -> None:
        """Those of an earlier process; none where the content is not of this version."""
        try:
            rows = json.loads(content)
            stays = [_restored(row, at, utc) for row in rows]
        except (ValueError, TypeError, KeyError, AttributeError):
            return
        self.stays += [stay for stay in stays[:MOST] if stay.seen_at <= at and not _is_over(stay, at)]


def _restored(row: dict[str, Any], at: MonotonicNs, utc: UtcNs) -> Stay:
    """Raises ValueError, TypeError, KeyError or AttributeError if it is none of ours."""
    box, place = (_corners(each) for each in row["boxes"])
    told, arrived, resident = (bool(each) for each in row["is"])
    seen, rested = (int(row[word]) for word in ("seen", "rested"))
    kind = EventKind(row["kind"])
    stay = Stay(kind, box, MonotonicNs(seen), place, MonotonicNs(seen - rested), told, arrived, resident)
    return moved_in_time(stay, at - utc)


def _corners(sides: Iterable[float]) -> Corners:
    x1, y1, x2, y2 = (min(max(float(each), 0.0), 1.0) for each in sides)
    if not (x1 < x2 and y1 < y2):
        raise ValueError("no box")
    return x1, y1, x2, y2


def _has_gone_out(mover: Mover) -> bool:
    """Whether it has reached the left or the right edge; whoever sits down reaches the lower one."""
    start, end = mover.boxes[0], mover.box
    return start[0] > EDGE >= end[0] or start[2] < 1 - EDGE <= end[2]


def _has_walked_in(mover: Mover) -> bool:
    """Whether it goes, and came in from the left or the right; it may have met on its way what was left behind."""
    x1, _, x2, _ = mover.origin
    is_from_a_side = x1 <= EDGE or x2 >= 1 - EDGE
    return mover.is_going and is_from_a_side and went(mover.origin, mover.box) >= WALK


def _is_over(stay: Stay, at: MonotonicNs) -> bool:
    unseen_s = (at - stay.seen_at) / NS_PER_S
    if not stays_put(stay) and not (stay.told and not sides(stay.box)):
        return unseen_s > (ABSENCE_S if stay.told else _GLIMPSE_S)
    empty_s = _DRIVEN_OFF_S if stay.kind is EventKind.VEHICLE else EMPTY_S
    return unseen_s > LONGEST_S or stay.empty_s > empty_s
