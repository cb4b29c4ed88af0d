"""Rules: what an object must be and do for an event."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from smartcam.contract.event import NormalBox
from smartcam.contract.times import NS_PER_S, MonotonicNs, UtcNs
from smartcam.vision.line import Direction, Line, LineSide, cross
from smartcam.vision.week import WeeklyHours
from smartcam.vision.zone import Zone, standing_point, zone_of

ANYTHING: Final = "anything"
"""The name of the rule for cameras without rules of their own."""
MOTION: Final = "motion"
"""Used in place of a label for what moves with purpose and has none."""
_CROSSED_S: Final = 3.0
"""How long a crossing counts: an object may be recognised a moment after it has crossed."""
_AWAY_S: Final = 5.0
"""An object that leaves a zone, or is out of sight, for no longer than this is still loitering."""


@dataclass(frozen=True, slots=True)
class Rule:
    """All conditions must be true of an object at once; an empty one, or None, is true of every object.

    `labels`: what it is; `motion` for an object without a label. `zones`: it stands in one of them. `line` and
    `direction`: it has just crossed the line that way. `loiter_s`: how long it must have been there (in the zones, or
    in sight). `min_size` and `max_size`: the share of the picture that its box covers. `hours`: the time of the week.
    """

    name: str = ANYTHING
    labels: tuple[str, ...] = ()
    zones: tuple[Zone, ...] = ()
    line: Line | None = None
    direction: Direction = Direction.FORWARD
    loiter_s: float = 0.0
    min_size: float = 0.0
    max_size: float = 1.0
    hours: WeeklyHours | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """An object in one frame. `utc` is None while the device does not know the time; then every hour counts."""

    at: MonotonicNs
    utc: UtcNs | None
    label: str
    box: NormalBox


@dataclass(frozen=True, slots=True)
class RuleState:
    """What a rule remembers about one object: when it was there, and when it crossed the line."""

    there_since: MonotonicNs | None = None
    there_last: MonotonicNs | None = None
    side: LineSide | None = None
    crossed_at: MonotonicNs | None = None


@dataclass(frozen=True, slots=True)
class RuleMatch:
    """The rule that is true of an object now, the zone it stands in, and how long it had to loiter for that."""

    rule: str
    zone: str | None
    loiter_s: float = 0.0


def observe(rule: Rule, state: RuleState, candidate: Candidate) -> tuple[RuleState, RuleMatch | None]:
    """The rule's state for an object after one more frame, and the match if all its conditions are true now."""
    zone = zone_of(rule.zones, candidate.box)
    state = _loiter(state, candidate.at, is_there=zone is not None or not rule.zones)
    state = _walk(rule, state, candidate)
    if not (_is_meant(rule, candidate) and _is_there(rule, state, candidate.at)):
        return state, None
    return state, RuleMatch(rule.name, None if zone is None else zone.name, rule.loiter_s)


def observe_all(
    rules: Sequence[Rule], states: Sequence[RuleState], candidate: Candidate
) -> tuple[tuple[RuleState, ...], RuleMatch | None]:
    """`observe` for all rules, in order: the first match counts."""
    seen = [observe(rule, state, candidate) for rule, state in zip(rules, states, strict=True)]
    return tuple(state for state, _ in seen), next((fired for _, fired in seen if fired is not None), None)


def _loiter(state: RuleState, at: MonotonicNs, *, is_there: bool) -> RuleState:
    if not is_there:
        return state
    was_away = state.there_last is None or at - state.there_last > _AWAY_S * NS_PER_S
    return replace(state, there_since=at if was_away else state.there_since, there_last=at)


def _walk(rule: Rule, state: RuleState, candidate: Candidate) -> RuleState:
    if rule.line is None:
        return state
    side, direction = cross(rule.line, state.side, standing_point(candidate.box))
    counts = direction is not None and rule.direction in (direction, Direction.BOTH)
    return replace(state, side=side, crossed_at=candidate.at if counts else state.crossed_at)


def applies(rule: Rule, label: str, utc: UtcNs | None) -> bool:
    """Whether the rule applies to this label at this time; `utc` is None while the time is not known."""
    in_time = rule.hours is None or utc is None or rule.hours.contains(utc)
    return in_time and (not rule.labels or label in rule.labels)


def _is_meant(rule: Rule, candidate: Candidate) -> bool:
    box = candidate.box
    size = (box.x2 - box.x1) * (box.y2 - box.y1)
    return rule.min_size <= size <= rule.max_size and applies(rule, candidate.label, candidate.utc)


def _is_there(rule: Rule, state: RuleState, at: MonotonicNs) -> bool:
    if rule.line is not None and (state.crossed_at is None or at - state.crossed_at > _CROSSED_S * NS_PER_S):
        return False
    if rule.zones and state.there_last != at:
        return False
    return state.there_since is not None and at - state.there_since >= rule.loiter_s * NS_PER_S
