"""What is noted of a camera's objects for the track journal: a row for each object and second."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Final, NamedTuple, TypeVar

from smartcam.contract.event import EventKind, NormalBox
from smartcam.contract.ids import EventId
from smartcam.contract.times import NS_PER_MS, NS_PER_S, MonotonicNs, UtcNs
from smartcam.inference.analysis.identity import is_part_of_any
from smartcam.inference.analysis.places import normal
from smartcam.inference.analysis.record import SceneObject, is_told
from smartcam.inference.analysis.stays import Stay
from smartcam.inference.analysis.table import ObjectTable
from smartcam.inference.events import EventMaker
from smartcam.vision.alarm import AlarmPolicy, is_sure
from smartcam.vision.frame import Frame
from smartcam.vision.journal import JournalRow
from smartcam.vision.rule import MOTION
from smartcam.vision.track import Track

K = TypeVar("K")

RowKeeper = Callable[[Sequence[JournalRow]], object]
"""Takes rows for the journal."""
_MOST: Final = 1024
"""Objects whose numbers are remembered: more are in no picture."""
_WITHOUT_LABEL: Final = 0.5
"""The score of motion about which there is no episode: what it takes for one."""

_Self = tuple[str, int] | Stay
"""Whose number it is: a stay's, whatever its tracks, or else a track's or a mover's."""


class _Numbered(NamedTuple):
    """An object's number. `told`: there was an event about it; `is_old`: there was one before it was first seen."""

    number: int
    told: bool = False
    is_old: bool = False


class TrackNotes:
    """One camera's notes. Each second's are handed over with the first frame of the next."""

    def __init__(self, maker: EventMaker, keep: RowKeeper) -> None:
        self._maker = maker
        self._keep = keep
        self._second = 0
        self._rows: dict[int, JournalRow] = {}
        self._new: set[int] = set()
        self._numbers: dict[_Self, _Numbered] = {}
        self._events: dict[EventId, _Numbered] = {}
        self._last = 0

    def look(self, frame: Frame, table: ObjectTable, policy: AlarmPolicy) -> list[JournalRow]:
        """Take note of the objects of a frame that has been judged, which are given back as they are in it.

        `policy`: when the detector is sure.
        A part is no object, nor is what moves without purpose: leaves would fill the journal.
        """
        if frame.captured_at // NS_PER_S != self._second:
            self.close()
            self._second = frame.captured_at // NS_PER_S
        named = list(_whole_and_seen(table, frame.captured_mono))
        rows = [self._named(track, one, box, policy, frame.captured_at) for track, one, box in named]
        seen = [one.moving_as for _, one, _ in named]
        taken = [*table.taken(frame.captured_mono), *(box for _, _, box in named)]
        for number, one in table.moving.items():
            if one.box is not None and one not in seen and _is_motion(one, taken):
                row = self._moving(number, one, one.box, frame.captured_at)
                rows.append(replace(row, is_sure=not table.is_pending(one)))
        for row in rows:
            self._add(row)
        return rows

    def close(self) -> None:
        """Hand over what has been noted."""
        if self._rows:
            self._keep(list(self._rows.values()))
        self._rows, self._new = {}, set()

    def _named(self, track: Track, one: SceneObject, box: NormalBox, policy: AlarmPolicy, at: UtcNs) -> JournalRow:
        moving = None if one.moving_as is None else one.moving_as.mover
        who = ("track", track.id) if one.stay is None else one.stay
        numbered = self._number(who, one, at, None if moving is None else ("mover", moving.id))
        has_come = one.stay is None or one.stay.arrived
        return JournalRow(
            camera=self._maker.camera,
            second=self._second,
            number=numbered.number,
            kind=track.kind,
            label=track.label,
            box=box,
            score=track.score,
            is_on=any(each is not None and each.episode is not None for each in (one, one.moving_as)),
            is_sure=is_sure(policy, one.alarm) and track.moves > 0 and not numbered.is_old,
            is_settled=track.static or not has_come or track.moves <= one.alarm.rested_moves,
            is_dated=self._maker.synced(),
        )

    def _moving(self, number: int, one: SceneObject, box: NormalBox, at: UtcNs) -> JournalRow:
        episode = one.episode
        return JournalRow(
            camera=self._maker.camera,
            second=self._second,
            number=self._number(("mover", number), one, at).number,
            kind=EventKind.MOTION,
            label=MOTION,
            box=box,
            score=_WITHOUT_LABEL if episode is None else episode.peak,
            is_on=episode is not None,
            is_dated=self._maker.synced(),
        )

    def _number(self, who: _Self, one: SceneObject, at: UtcNs, before: _Self | None = None) -> _Numbered:
        """The number of an object; it may have had it `before`, as what only moved.

        Who has the same event has the same number. What is to be told of again, as a vehicle that drives off, is
        another object. The milliseconds of the clock keep the numbers of two processes apart.
        """
        told, event = is_told(one), None if one.episode is None else one.episode.event
        known = self._known(who, before, told=told)
        if known is None:
            self._last = max(self._last + 1, at // NS_PER_MS)
            self._new.add(self._last)
            known = _Numbered(self._last, is_old=told and (event is None or event.started_at < at))
        if event is not None:
            known = self._events.setdefault(event.event_id, known)
        self._numbers[who] = known = known._replace(told=told)
        _bound(self._numbers)
        _bound(self._events)
        return known

    def _known(self, who: _Self, before: _Self | None, *, told: bool) -> _Numbered | None:
        known = self._numbers.pop(who, None)
        if known is not None:
            return None if known.told and not told else known
        return None if before is None else self._numbers.pop(before, None)

    def _add(self, row: JournalRow) -> None:
        earlier = self._rows.get(row.number)
        if earlier is not None:
            # What was settled while it was sure, and stirred while it was not, would have raised nothing.
            best = max(row, earlier, key=lambda each: (each.is_sure, not each.is_settled))
            row = replace(
                row,
                box=earlier.box if row.number in self._new else row.box,
                score=max(row.score, earlier.score),
                is_on=row.is_on or earlier.is_on,
                is_sure=best.is_sure,
                is_settled=best.is_settled,
            )
        self._rows[row.number] = row


def _bound(numbers: dict[K, _Numbered]) -> None:
    """Who was not seen for longest is forgotten."""
    if len(numbers) > _MOST:
        del numbers[next(iter(numbers))]


def _whole_and_seen(table: ObjectTable, at: MonotonicNs) -> Iterator[tuple[Track, SceneObject, NormalBox]]:
    """The tracked objects of a frame, with what of them is inside the picture; without parts of others."""
    for track in table.tracks:
        one, box = table.named[track.id], normal(track.box)
        if track.seen and box is not None and (one.episode is not None or table.whole_of(track, at) is None):
            yield track, one, box


def _is_motion(one: SceneObject, taken: Sequence[NormalBox]) -> bool:
    """Whether something moves with purpose that the detector has not named, and is no part of what it has."""
    if one.episode is not None:
        return one.is_moving
    is_purposeful = one.is_moving and one.purpose.is_known and not one.is_named
    return is_purposeful and one.box is not None and not is_part_of_any(one.box, taken)
