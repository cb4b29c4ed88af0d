"""Rules: what an object must be and do for an event."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from smartcam.contract.event import NormalBox
from smartcam.contract.times import NS_PER_S, MonotonicNs, UtcNs
from smartcam.vision.line import Direction, Ground, Line, cross
from smartcam.vision.week import WeeklyHours
from smartcam.vision.zone import Zone, standing_point, zone_of

ANYTHING: Final = "anything"
"""The name of the rule that holds where a camera has none of its own."""
MOTION: Final = "motion"
"""Stands where a label would, for what moves with purpose and has none."""
_CROSSED_S: Final = 3.0
"""A crossing counts for so long: the object may be known for what it is a moment after it has crossed."""
_AWAY_S: Final = 5.0
"""Who is out of a zone, or out of sight, for no longer goes on loitering."""


@dataclass(frozen=True, slots=True)
class Rule:
    """All of it must be true of an object at once; what is empty or None is true of every object.

    `labels`: what it is; `motion` for what has no label. `zones`: it stands in one of them. `line` and `direction`:
    it has just crossed. `loiter_s`: it has been there (in the zones, or in sight) for so long. `min_size` and
    `max_size`: the share of the picture that its box covers. `hours`: the time of the week.
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
class Stand:
    """An object in one look. `utc` is None while the device does not know the time: then every hour counts."""

    at: MonotonicNs
    utc: UtcNs | None
    label: str
    box: NormalBox


@dataclass(frozen=True, slots=True)
class RuleState:
    """What a rule remembers of one object: since when and until when it was there, and where it crossed."""

    there_since: MonotonicNs | None = None
    there_last: MonotonicNs | None = None
    ground: Ground | None = None
    crossed_at: MonotonicNs | None = None


@dataclass(frozen=True, slots=True)
class Fired:
    """The rule that is true of an object now, and the zone in which it stands.

    `loiter_s`: for how long the object had to be there for it.
    """

    rule: str
    zone: str | None
    loiter_s: float = 0.0


def observe(rule: Rule, state: RuleState, stand: Stand) -> tuple[RuleState, Fired | None]:
    """The rule's memory of an object after a look at it, and whether all of the rule is true now."""
    zone = zone_of(rule.zones, stand.box)
    state = _loiter(state, stand.at, is_there=zone is not None or not rule.zones)
    state = _walk(rule, state, stand)
    if not (_is_meant(rule, stand) and _is_there(rule, state, stand.at)):
        return state, None
    return state, Fired(rule.name, None if zone is None else zone.name, rule.loiter_s)


def observe_all(
    rules: Sequence[Rule], states: Sequence[RuleState], stand: Stand
) -> tuple[tuple[RuleState, ...], Fired | None]:
    """The same for all rules in their order: the first that is true counts."""
    seen = [observe(rule, state, stand) for rule, state in zip(rules, states, strict=True)]
    return tuple(state for state, _ in seen), next((fired for _, fired in seen if fired is not None), None)


def _loiter(state: RuleState, at: MonotonicNs, *, is_there: bool) -> RuleState:
    if not is_there:
        return state
    was_away = state.there_last is None or at - state.there_last > _AWAY_S * NS_PER_S
    return replace(state, there_since=at if was_away else state.there_since, there_last=at)


def _walk(rule: Rule, state: RuleState, stand: Stand) -> RuleState:
    if rule.line is None:
        return state
    ground, direction = cross(rule.line, state.ground, standing_point(stand.box))
    counts = direction is not None and rule.direction in (direction, Direction.BOTH)
    return replace(state, ground=ground, crossed_at=stand.at if counts else state.crossed_at)


def suits(rule: Rule, label: str, utc: UtcNs | None) -> bool:
    """Whether the rule means what has this label, at this time; None while the time is not known."""
    in_time = rule.hours is None or utc is None or rule.hours.hold(utc)
    return in_time and (not rule.labels or label in rule.labels)


def _is_meant(rule: Rule, stand: Stand) -> bool:
    box = stand.box
    size = (box.x2 - box.x1) * (box.y2 - box.y1)
    return rule.min_size <= size <= rule.max_size and suits(rule, stand.label, stand.utc)


def _is_there(rule: Rule, state: RuleState, at: MonotonicNs) -> bool:
    if rule.line is not None and (state.crossed_at is None or at - state.crossed_at > _CROSSED_S * NS_PER_S):
        return False
    if rule.zones and state.there_last != at:
        return False
    return state.there_since is not None and at - state.there_since >= rule.loiter_s * NS_PER_S
