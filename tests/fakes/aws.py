"""The AWS side in memory, held to the promises of infra.alerts.runtime.ports, and a way to break it at any step."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar, cast

from infra.alerts.runtime.aws_cooldown import RANK
from infra.alerts.runtime.delivery import Delivery
from infra.alerts.runtime.ports import FINAL, AlertState, Claim, Lease, NotPublished, NotReplied
from infra.alerts.runtime.render import AlertText
from smartcam.contract.ack import Acknowledgement
from smartcam.contract.event import Event, EventKind
from smartcam.contract.ids import CameraId, EventId, ThingName
from smartcam.contract.times import NS_PER_S, UtcNs

Place = tuple[ThingName, CameraId]
P = TypeVar("P")


@dataclass
class FakeHistory:
    lease_s: int = 45
    states: dict[tuple[Place, EventId], AlertState] = field(default_factory=dict)
    leases: dict[tuple[Place, EventId], Lease] = field(default_factory=dict)
    cleared: set[tuple[Place, EventId]] = field(default_factory=set)

    def state(self, event: Event) -> AlertState | None:
        return self.states.get(_key(event))

    def record(self, event: Event, arrived_at: UtcNs) -> AlertState:
        del arrived_at
        return self.states.setdefault(_key(event), AlertState.RECORDED)

    def complete(self, event: Event, arrived_at: UtcNs) -> None:
        del arrived_at
        self.cleared.add(_key(event))

    def lease(self, event: Event, now: UtcNs) -> Lease | None:
        key = _key(event)
        if self.states[key] in FINAL or self.leases.get(key, now) > now:
            return None
        self.states[key] = AlertState.SENDING
        self.leases[key] = Lease(now + self.lease_s * NS_PER_S)
        return self.leases[key]

    def release(self, event: Event, lease: Lease) -> None:
        if self.leases.get(_key(event)) == lease:
            del self.leases[_key(event)]
            self.states[_key(event)] = AlertState.RECORDED

    def settle(self, event: Event, lease: Lease, state: AlertState, now: UtcNs) -> None:
        del now
        if self.leases.get(_key(event)) == lease:
            del self.leases[_key(event)]
            self.states[_key(event)] = state


@dataclass
class _Cooling:
    sent_at: UtcNs | None = None
    sent_rank: int = 0
    held_by: EventId | None = None
    held_until: int = 0
    held_rank: int = 0
    held_back: set[EventId] = field(default_factory=set)


@dataclass
class FakeCooldown:
    cooldown_s: int
    lease_s: int = 45
    items: dict[tuple[Place, EventKind], _Cooling] = field(default_factory=dict)

    def claim(self, event: Event, now: UtcNs) -> Claim | None:
        cooling, rank = self._item(event), RANK[event.severity]
        over = cooling.sent_at is None or cooling.sent_at <= now - self.cooldown_s * NS_PER_S
        if not (over or cooling.sent_rank < rank):
            return None
        free = cooling.held_by in {None, event.event_id} or cooling.held_until <= now
        if not (free or cooling.held_rank < rank):
            return None
        cooling.held_by, cooling.held_until, cooling.held_rank = event.event_id, now + self.lease_s * NS_PER_S, rank
        return Claim(frozenset(cooling.held_back))

    def hold_back(self, event: Event, now: UtcNs) -> None:
        del now
        self._item(event).held_back.add(event.event_id)

    def sent(self, event: Event, claim: Claim, now: UtcNs) -> None:
        cooling = self._item(event)
        if cooling.held_by == event.event_id:
            cooling.sent_at, cooling.sent_rank, cooling.held_by = now, RANK[event.severity], None
            cooling.held_back -= claim.held_back | {event.event_id}

    def release(self, event: Event) -> None:
        if self._item(event).held_by == event.event_id:
            self._item(event).held_by = None

    def _item(self, event: Event) -> _Cooling:
        return self.items.setdefault(((event.thing, event.camera_id), event.kind), _Cooling())


@dataclass(frozen=True)
class Published:
    event: Event
    alert: AlertText
    at: UtcNs


@dataclass
class FakeNotifier:
    """A topic; while `down` it takes nothing and says so."""

    now: Callable[[], UtcNs]
    down: bool = False
    published: list[Published] = field(default_factory=list)

    def publish(self, event: Event, alert: AlertText) -> None:
        if self.down:
            raise NotPublished("the topic is down")
        self.published.append(Published(event, alert, self.now()))


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
    kept: list[tuple[Delivery, str]] = field(default_factory=list)

    def keep(self, delivery: Delivery, reason: str) -> None:
        self.kept.append((delivery, reason))


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

        def call(*arguments: object) -> object:
            self.interruption.pass_by(f"before {name}")
            answer = method(*arguments)
            self.interruption.pass_by(f"after {name}")
            return answer

        return call


def crash() -> None:
    raise Crash


def _key(event: Event) -> tuple[Place, EventId]:
    return (event.thing, event.camera_id), event.event_id
