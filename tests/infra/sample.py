"""Events and deliveries for the tests of the cloud side."""

import base64
from dataclasses import dataclass, field, replace

from infra.alerts.runtime.delivery import Delivery
from smartcam.contract.event import ClipPart, Event, EventKind, Phase, Severity
from smartcam.contract.ids import CameraId, ThingName, new_event_id
from smartcam.contract.times import NS_PER_MS, NS_PER_S, UtcNs

NOON = UtcNs(1_772_366_400 * NS_PER_S)  # 2026-03-01T12:00:00Z


@dataclass
class Now:
    """The cloud's clock."""

    at: UtcNs = NOON

    def __call__(self) -> UtcNs:
        return self.at

    def advance(self, seconds: float) -> None:
        self.at = UtcNs(self.at + int(seconds * NS_PER_S))


@dataclass
class Deliveries:
    """Hands events over as the rule does, now."""

    now: Now = field(default_factory=Now)

    def of(self, event: Event) -> Delivery:
        return Delivery(event.thing, event.camera_id, event.to_json(), self.now())


def raised(number: int = 1, **changes: object) -> Event:
    """A person in the yard, seen half a second ago; `number` makes another event of it."""
    event = Event(
        event_id=new_event_id(UtcNs(NOON + number * NS_PER_MS), bytes([number % 256] * 10)),
        thing=ThingName("yard-1"),
        camera_id=CameraId("gate"),
        kind=EventKind.PERSON,
        phase=Phase.RAISED,
        severity=Severity.WARNING,
        started_at=UtcNs(NOON - NS_PER_S // 2),
        expires_at=UtcNs(NOON + 3600 * NS_PER_S),
        score=0.91,
        threshold=0.5,
        clock_synced=True,
        age_ms=500,
    )
    return replace(event, **changes)  # type: ignore[arg-type]  # the tests name the fields


def cleared(number: int = 1) -> Event:
    return raised(number, phase=Phase.CLEARED, ended_at=UtcNs(NOON + 5 * NS_PER_S))


def recorded(revision: int = 1, number: int = 1) -> Event:
    """Which clips there are of it; the revision is the number of the newest."""
    clips = tuple(ClipPart(part, 1000 * part, f"{part:064x}") for part in range(1, revision + 1))
    return raised(number, phase=Phase.RECORDED, clips=clips, revision=revision)


def delivery(payload: bytes, thing: str = "yard-1", camera: str = "gate") -> Delivery:
    return Delivery(ThingName(thing), CameraId(camera), payload, NOON)


def rule_output(payload: bytes, thing: str = "yard-1", camera: str = "gate") -> dict[str, object]:
    return {
        "payload": base64.b64encode(payload).decode(),
        "topic_thing": thing,
        "topic_camera": camera,
        "arrived_ms": NOON // NS_PER_MS,
    }
