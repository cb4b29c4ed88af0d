"""The AWS side in memory, held to the promises of infra.alerts.runtime.ports, and a way to break it at any step."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar, cast

from infra.alerts.runtime.audience import RANK, Group
from infra.alerts.runtime.aws.windows import timer_due
from infra.alerts.runtime.delivery import Delivery
from infra.alerts.runtime.facts import MOST_COUNTED, HeldEvent
from infra.alerts.runtime.guarding import ThingGuard, day_of
from infra.alerts.runtime.jobs import Job
from infra.alerts.runtime.ports import (
    FINAL,
    AlertState,
    Claim,
    Closing,
    Decision,
    Lease,
    NotPublished,
    NotReplied,
    NotYet,
    Record,
    SmsAnswer,
    SmsRequest,
    Spot,
)
from infra.alerts.runtime.texting import nearly, room_for
from infra.alerts.runtime.troubles import Trouble
from infra.alerts.runtime.turns import (
    OVERDUE_S,
    SPARE_NS,
    STEP_NS,
    ThingQueue,
    Waiting,
    free_after_round,
    from_text,
    held_from,
    most_of,
    to_text,
)
from infra.alerts.runtime.words.render import AlertText, Purpose, alert_number
from smartcam.contract.ack import Acknowledgement
from smartcam.contract.event import Event
from smartcam.contract.ids import CameraId, EventId, ThingName
from smartcam.contract.times import NS_PER_S, UtcNs

Place = tuple[ThingName, CameraId]
P = TypeVar("P")


@dataclass
class FakeHistory:
    lease_s: int = 45
    states: dict[tuple[Place, EventId], AlertState] = field(default_factory=dict)
    leases: dict[tuple[Place, EventId], int] = field(default_factory=dict)
    tellings: dict[tuple[Place, EventId], dict[str, Decision]] = field(default_factory=dict)
    newest: dict[tuple[Place, EventId], Event] = field(default_factory=dict)
    arrived: dict[tuple[Place, EventId], UtcNs] = field(default_factory=dict)
    cleared: set[tuple[Place, EventId]] = field(default_factory=set)
    filmed: dict[tuple[Place, EventId], Event] = field(default_factory=dict)

    def state(self, event: Event) -> AlertState | None:
        return self.states.get(_key(event))

    def told(self, event: Event) -> dict[str, Decision]:
        return self.tellings.setdefault(_key(event), {})

    def newest_of(self, event: Event) -> Event:
        return self.newest[_key(event)]

    def record(self, event: Event, arrived_at: UtcNs) -> Record:
        self.arrived.setdefault(_key(event), arrived_at)
        newest = max(self.newest.get(_key(event), event), event, key=lambda one: one.revision)
        self.newest[_key(event)] = newest
        state = self.states.setdefault(_key(event), AlertState.RECORDED)
        return Record(state, dict(self.told(event)), newest.revision)

    def complete(self, event: Event, arrived_at: UtcNs) -> None:
        del arrived_at
        self.cleared.add(_key(event))

    def film(self, event: Event, arrived_at: UtcNs) -> None:
        del arrived_at
        self.filmed[_key(event)] = max(self.filmed.get(_key(event), event), event, key=lambda one: one.revision)

    def lease(self, event: Event, now: UtcNs, *, again: bool = False) -> Lease | None:
        key = _key(event)
        closed = {AlertState.STALE} if again else FINAL
        if self.states[key] in closed or self.leases.get(key, now) > now:
            return None
        doubtful = self.states[key] is AlertState.SENDING
        self.states[key] = AlertState.SENDING
        self.leases[key] = now + self.lease_s * NS_PER_S
        return Lease(self.leases[key], dict(self.told(event)), doubtful=doubtful)

    def release(self, event: Event, lease: Lease) -> None:
        if self.leases.get(_key(event)) == lease.until:
            del self.leases[_key(event)]
            self.states[_key(event)] = AlertState.RECORDED

    def mark(self, event: Event, lease: Lease, group: str, state: AlertState) -> None:
        if self.leases.get(_key(event)) == lease.until:
            self.told(event)[group] = Decision(state, event.revision)

    def delivery(self, thing: ThingName, camera: CameraId, event_id: EventId) -> Delivery | None:
        key = (thing, camera), event_id
        if key not in self.newest:
            return None
        return Delivery(thing, camera, self.newest[key].to_json(), self.arrived[key])

    def settle(
        self, event: Event, lease: Lease, state: AlertState, now: UtcNs, last: tuple[str, AlertState] | None = None
    ) -> None:
        del now
        if self.leases.get(_key(event)) == lease.until:
            del self.leases[_key(event)]
            self.states[_key(event)] = state
            if last is not None:
                self.told(event)[last[0]] = Decision(last[1], event.revision)


@dataclass
class FakeVerdictBook:
    """Events by their places, with what was said of them."""

    said: dict[tuple[str, EventId], bool | None] = field(default_factory=dict)

    def places(self, event: EventId, now: UtcNs) -> list[str]:
        del now
        return [place for place, one in self.said if one == event]

    def judge(self, place: str, event: EventId, now: UtcNs, *, true: bool | None) -> bool:
        del now
        if (place, event) not in self.said:
            return False
        self.said[place, event] = true
        return True


@dataclass
class _Window:
    sent_at: UtcNs | None = None
    sent_rank: int = 0
    number: str | None = None
    held_by: str | None = None
    held_until: int = 0
    held_rank: int = 0
    timer_at: UtcNs | None = None
    held_back: set[HeldEvent] = field(default_factory=set)


@dataclass
class FakeWindows:
    lease_s: int = 45
    items: dict[tuple[Place, str, str], _Window] = field(default_factory=dict)

    def claim(self, spot: Spot, event: Event, now: UtcNs) -> Claim | None:
        window, rank = self._item(spot), RANK[event.severity]
        if not (self._over(window, spot, now) or window.sent_rank < rank):
            return None
        free = window.held_by in {None, event.event_id} or window.held_until <= now
        if not (free or window.held_rank < rank):
            return None
        closing = window.held_by == "closing" and window.held_until > now
        window.held_by, window.held_until, window.held_rank = event.event_id, now + self.lease_s * NS_PER_S, rank
        return Claim(() if closing else _in_order(window.held_back))

    def keep(self, spot: Spot, event: Event, until: UtcNs) -> None:
        if self._item(spot).held_by == event.event_id:
            self._item(spot).held_until = until

    def release(self, spot: Spot, event: Event) -> None:
        self._free(spot, event.event_id)

    def sent(self, spot: Spot, event: Event, claim: Claim, now: UtcNs) -> None:
        window = self._item(spot)
        if self._free(spot, event.event_id):
            window.sent_at, window.sent_rank = now, RANK[event.severity]
            window.number = alert_number(event.event_id)
            told = {event.event_id, *(one.event_id for one in claim.held_back)}
            window.held_back = {one for one in window.held_back if one.event_id not in told}

    def hold_back(self, spot: Spot, event: Event, now: UtcNs) -> UtcNs | None:
        window = self._item(spot)
        window.held_back = {one for one in window.held_back if one.event_id != event.event_id} | {HeldEvent.of(event)}
        return timer_due(spot, window.sent_at, window.timer_at, now)

    def timer_set(self, spot: Spot, due: UtcNs) -> None:
        self._item(spot).timer_at = due

    def close(self, spot: Spot, now: UtcNs) -> Closing | NotYet | None:
        window = self._item(spot)
        if not window.held_back:
            return None
        if self._over(window, spot, now) and (window.held_by is None or window.held_until <= now):
            window.held_by, window.held_until, window.held_rank = "closing", now + self.lease_s * NS_PER_S, -1
            return Closing(_in_order(window.held_back), window.number, window.sent_at)
        ends = 0 if window.sent_at is None else window.sent_at + spot.cooldown_s * NS_PER_S
        return NotYet(UtcNs(max(ends, window.held_until if window.held_by else 0, now + NS_PER_S)))

    def closed(self, spot: Spot, closing: Closing) -> None:
        self._free(spot, "closing")
        self._item(spot).held_back -= set(closing.held_back)

    def reopen(self, spot: Spot) -> None:
        self._free(spot, "closing")

    def _over(self, window: _Window, spot: Spot, now: UtcNs) -> bool:
        return window.sent_at is None or window.sent_at <= now - spot.cooldown_s * NS_PER_S

    def _free(self, spot: Spot, holder: str) -> bool:
        window = self._item(spot)
        mine = window.held_by == holder
        if mine:
            window.held_by = None
        return mine

    def _item(self, spot: Spot) -> _Window:
        return self.items.setdefault(((spot.thing, spot.camera), spot.group, spot.family), _Window())


@dataclass
class _Night:
    held: dict[tuple[Place, EventId], HeldEvent] = field(default_factory=dict)
    timer: bool = False
    sent: bool = False
    held_until: int = 0


@dataclass
class FakeDigests:
    lease_s: int = 45
    most: int = MOST_COUNTED
    nights: dict[tuple[str, UtcNs], _Night] = field(default_factory=dict)

    def hold(self, group: str, ends: UtcNs, held: HeldEvent) -> None:
        there, key = self._night(group, ends).held, ((held.thing, held.camera), held.event_id)
        if key in there or sum(one.thing == held.thing for one in there.values()) < self.most:
            there[key] = held

    def needs_timer(self, group: str, ends: UtcNs) -> bool:
        return not self._night(group, ends).timer

    def timer_set(self, group: str, ends: UtcNs) -> None:
        self._night(group, ends).timer = True

    def open(self, group: str, ends: UtcNs, now: UtcNs) -> list[HeldEvent] | NotYet | None:
        night = self._night(group, ends)
        if night.sent:
            return None
        if night.held_until > now:
            return NotYet(UtcNs(night.held_until))
        if night.held:
            night.held_until = now + self.lease_s * NS_PER_S
        return list(_in_order(night.held.values())) or None

    def sent(self, group: str, ends: UtcNs) -> None:
        self._night(group, ends).sent = True

    def release(self, group: str, ends: UtcNs) -> None:
        self._night(group, ends).held_until = 0

    def _night(self, group: str, ends: UtcNs) -> _Night:
        return self.nights.setdefault((group, ends), _Night())


@dataclass
class FakeLimits:
    texts_per_day: int = 1000
    texts_per_thing: int = 1000
    used: Counter[str] = field(default_factory=Counter)
    ordinary: Counter[str] = field(default_factory=Counter)

    def may_text(self, text: SmsRequest, now: UtcNs) -> SmsAnswer:
        items = self._items(text, now)
        if not all(self._fits(item, text, limit) for item, limit in items.items()):
            return SmsAnswer(allowed=False)
        self._count(items, text, 1)
        return SmsAnswer(allowed=True, nearly_used_up=nearly(self.used[day_of(now)], self.texts_per_day))

    def give_back(self, text: SmsRequest, now: UtcNs) -> None:
        self._count(self._items(text, now), text, -1)

    def _fits(self, item: str, text: SmsRequest, limit: int) -> bool:
        room = room_for(text, limit)
        return room is not None and self.used[item] <= room.all and self.ordinary[item] <= room.ordinary

    def _count(self, items: Iterable[str], text: SmsRequest, sign: int) -> None:
        for item in items:
            self.used[item] += sign * text.phones
            self.ordinary[item] += 0 if text.critical else sign * text.phones

    def _items(self, text: SmsRequest, now: UtcNs) -> dict[str, int]:
        of_thing = {f"{day_of(now)}#{text.thing}": self.texts_per_thing} if text.thing else {}
        return {day_of(now): self.texts_per_day, **of_thing}


@dataclass
class _ThingWaits:
    since: UtcNs
    waiting: set[str] = field(default_factory=set)


@dataclass
class FakeTurns:
    free_at: dict[str, UtcNs] = field(default_factory=dict)
    round_at: dict[str, UtcNs] = field(default_factory=dict)
    things: dict[str, dict[ThingName, _ThingWaits]] = field(default_factory=dict)

    def take(self, group: str, now: UtcNs) -> bool:
        free_at = max(self.free_at.get(group, now), now)
        if group in self.round_at or free_at > now + SPARE_NS:
            return False
        self.free_at[group] = UtcNs(free_at + STEP_NS)
        return True

    def join(self, group: str, thing: ThingName, waiting: Waiting, now: UtcNs) -> bool:
        there = self.things.setdefault(group, {}).get(thing, _ThingWaits(now))
        if len(there.waiting) >= most_of(waiting) and to_text(waiting) not in there.waiting:
            return False
        there.waiting.add(to_text(waiting))
        self.things[group][thing] = there
        return True

    def is_armed(self, group: str, now: UtcNs) -> bool:
        return self.round_at.get(group, UtcNs(0)) > now - OVERDUE_S * NS_PER_S

    def arm(self, group: str, due: UtcNs, now: UtcNs) -> None:
        if not self.is_armed(group, now):
            self.round_at[group] = due

    def open(self, group: str, due: UtcNs, now: UtcNs) -> bool:
        if self.is_armed(group, now) and self.round_at[group] != due:
            return False
        self.round_at[group] = held_from(now)
        return True

    def queues(self, group: str) -> list[ThingQueue]:
        return [
            ThingQueue(thing, one.since, tuple(from_text(text) for text in sorted(one.waiting)))
            for thing, one in self.things.get(group, {}).items()
        ]

    def leave(self, group: str, thing: ThingName, waiting: Waiting, now: UtcNs) -> None:
        there = self.things.get(group, {}).get(thing, _ThingWaits(now))
        there.since = now
        there.waiting.discard(to_text(waiting))
        if not there.waiting:
            self.drop(group, thing)

    def rotate(self, group: str, thing: ThingName, now: UtcNs) -> None:
        if thing in self.things.get(group, {}):
            self.things[group][thing].since = now

    def drop(self, group: str, thing: ThingName) -> None:
        self.things.get(group, {}).pop(thing, None)

    def set_next(self, group: str, due: UtcNs) -> None:
        self.round_at[group] = due

    def close(self, group: str, now: UtcNs) -> None:
        self.round_at.pop(group, None)
        self.free_at[group] = free_after_round(now)


@dataclass
class FakeGuards:
    things: dict[ThingName, ThingGuard] = field(default_factory=dict)

    def guard(self, thing: ThingName) -> ThingGuard:
        return self.things.get(thing, ThingGuard())

    def save(self, thing: ThingName, before: ThingGuard, after: ThingGuard, now: UtcNs) -> bool:
        del now
        there = self.guard(thing)
        if there.free_at != before.free_at or there.revoked:
            return False
        self.things[thing] = after
        return True

    def is_revoked(self, thing: ThingName) -> bool:
        return self.guard(thing).revoked

    def revoke(self, thing: ThingName) -> None:
        self.things[thing] = replace(self.guard(thing), revoked=True)

    def reinstate(self, thing: ThingName) -> bool:
        revoked = self.is_revoked(thing)
        self.things[thing] = replace(self.guard(thing), revoked=False)
        return revoked


@dataclass
class FakeTroubles:
    counted: Counter[tuple[str, str]] = field(default_factory=Counter)

    def note(self, word: Trouble, subject: str = "", count: int = 1) -> None:
        self.counted[word, subject] += count


@dataclass
class FakeTimers:
    """A delayed queue: what is due is handed out by `due`."""

    set: list[tuple[UtcNs, Job]] = field(default_factory=list)

    def ring(self, due: UtcNs, job: Job) -> None:
        self.set.append((due, job))

    def due(self, now: UtcNs) -> list[tuple[UtcNs, Job]]:
        ringing = [each for each in self.set if each[0] <= now]
        self.set = [each for each in self.set if each[0] > now]
        return sorted(ringing, key=lambda each: each[0])


@dataclass
class FakeMeter:
    counted: Counter[str] = field(default_factory=Counter)

    def add(self, name: str, value: float = 1) -> None:
        self.counted[name] += int(value)


@dataclass(frozen=True)
class Published:
    group: str
    event_id: str
    alert: AlertText
    facts: Mapping[str, str]
    texts: bool
    at: UtcNs


@dataclass
class FakeNotifier:
    """The topics; while `down` they take nothing and say so."""

    now: Callable[[], UtcNs]
    down: bool = False
    all: list[Published] = field(default_factory=list)

    @property
    def published(self) -> list[Published]:
        """The alerts proper."""
        return [one for one in self.all if one.alert.purpose is Purpose.ALERT]

    def of(self, purpose: Purpose) -> list[Published]:
        return [one for one in self.all if one.alert.purpose is purpose]

    def publish(self, group: Group, alert: AlertText, facts: Mapping[str, str], *, texts: bool) -> None:
        if self.down:
            raise NotPublished("the topic is down")
        self.all.append(Published(group.name, facts.get("event_id", ""), alert, facts, texts, self.now()))


@dataclass
class FakeReplies:
    """A broker; while `down` no acknowledgement reaches the device."""

    down: bool = False
    sent: list[tuple[ThingName, Acknowledgement]] = field(default_factory=list)

    def send(self, thing: ThingName, acknowledgement: Acknowledgement) -> None:
        if self.down:
            raise NotReplied("the broker is down")
        self.sent.append((thing, acknowledgement))


@dataclass
class FakeRefusals:
    kept: list[tuple[Mapping[str, object], str]] = field(default_factory=list)

    def keep(self, document: Mapping[str, object], reason: str) -> None:
        self.kept.append((document, reason))


class Crash(BaseException):
    """The process is gone; not an Exception, so that no handler of ours sees it."""


@dataclass
class Interruption:
    """Calls `act` once, between two steps: every call to the world has a moment before and one after its effect."""

    at: int | None = None
    act: Callable[[], None] = lambda: None
    moment: int = 0
    names: list[str] = field(default_factory=list)

    def pass_by(self, name: str) -> None:
        self.names.append(name)
        self.moment += 1
        if self.moment - 1 == self.at:
            self.at = None
            self.act()

    def around(self, port: P) -> P:
        """The same port, interrupted."""
        return cast("P", _Interrupted(port, self))


@dataclass
class _Interrupted:
    port: object
    interruption: Interruption

    def __getattr__(self, name: str) -> Callable[..., object]:
        method: Callable[..., object] = getattr(self.port, name)

        def call(*arguments: object, **named: object) -> object:
            self.interruption.pass_by(f"before {name}")
            answer = method(*arguments, **named)
            self.interruption.pass_by(f"after {name}")
            return answer

        return call


def crash() -> None:
    raise Crash


def _in_order(held: Iterable[HeldEvent]) -> tuple[HeldEvent, ...]:
    return tuple(sorted(held, key=lambda one: one.event_id))


def _key(event: Event) -> tuple[Place, EventId]:
    return (event.thing, event.camera_id), event.event_id
