"""The track journal's rows, and what other rules would have made of them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from smartcam.contract.event import EventKind, NormalBox
from smartcam.contract.ids import CameraId
from smartcam.contract.times import NS_PER_S, MonotonicNs, UtcNs
from smartcam.vision.rule import Candidate, Rule, RuleMatch, RuleState, observe_all

_LATE_S: Final = 30.0
"""A rule that asks for loitering means what has stood for so much longer than it asks for, and no more, as it does live
(`TrackPolicy.static_after_s`)."""


@dataclass(frozen=True, slots=True)
class JournalRow:
    """An object in one second.

    `second`: since 1970, UTC; `is_dated`: whether the device knew the time. `number`: the object's in its camera, the
    same as long as there is at most one event about it. `box`: where it was first seen, in its first second, and where
    it was seen last in each later one; so the rows are its whole way. `is_on`: there was an episode about it.
    `is_sure`: what is known of it was enough for an event, if only the rules allowed one. `is_settled`: it has always
    stood there, or for so long that only a rule with loitering means it. What moves without a label is sure, and not
    settled.
    """

    camera: CameraId
    second: int
    number: int
    kind: EventKind
    label: str
    box: NormalBox
    score: float
    is_on: bool = False
    is_sure: bool = True
    is_settled: bool = False
    is_dated: bool = True


@dataclass(frozen=True, slots=True)
class ReplayedEvent:
    """An event that rules would have raised: about which object, in which second, and by which rule."""

    row: JournalRow
    match: RuleMatch


def replay(rows: Iterable[JournalRow], rules: Sequence[Rule]) -> list[ReplayedEvent]:
    """The events that rules would have raised, in the order of the rows: one for each object that they mean.

    Only the rules are tried. Other thresholds, or another model, would have seen other objects.
    """
    followed: dict[tuple[CameraId, int], _Followed] = {}
    events: dict[tuple[CameraId, int], ReplayedEvent] = {}
    for row in rows:
        key = row.camera, row.number
        if key in events:
            continue
        one = followed.setdefault(key, _Followed(tuple(RuleState() for _ in rules)))
        match = one.look(rules, row)
        if match is not None and one.may_tell(row, match):
            events[key] = ReplayedEvent(row, match)
            del followed[key]
    return list(events.values())


@dataclass(slots=True)
class _Followed:
    """What the rules remember of an object, and since which second it belongs to the background."""

    states: tuple[RuleState, ...]
    settled_since: int | None = None

    def look(self, rules: Sequence[Rule], row: JournalRow) -> RuleMatch | None:
        if not row.is_settled:
            self.settled_since = None
        elif self.settled_since is None:
            self.settled_since = row.second
        self.states, match = observe_all(rules, self.states, _candidate(row))
        return match

    def may_tell(self, row: JournalRow, match: RuleMatch) -> bool:
        if self.settled_since is None or not row.is_sure:
            return row.is_sure
        return match.loiter_s > 0 and row.second - self.settled_since < match.loiter_s + _LATE_S


def _candidate(row: JournalRow) -> Candidate:
    """The second stands for both clocks: within an object's stay only differences count."""
    ns = row.second * NS_PER_S
    return Candidate(MonotonicNs(ns), UtcNs(ns) if row.is_dated else None, row.label, row.box)
