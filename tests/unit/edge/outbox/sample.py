"""Events and episodes for the outbox's tests, told apart by a number."""

from smartcam.contract.ack import Acknowledgement, AckStatus
from smartcam.contract.event import Event, EventKind, Phase, Severity
from smartcam.contract.ids import CameraId, EventId, ThingName, new_event_id
from smartcam.contract.times import NS_PER_S, UtcNs
from smartcam.edge.outbox.outbox import Episode, Outbox

YARD = CameraId("yard")


def event(
    number: int, phase: Phase = Phase.RAISED, severity: Severity = Severity.WARNING, *, age_ms: int | None = None
) -> Event:
    start = UtcNs(1_772_366_400 * NS_PER_S)
    return Event(
        event_id=new_event_id(start, number.to_bytes(10)),
        thing=ThingName("door"),
        camera_id=YARD,
        kind=EventKind.PERSON,
        phase=phase,
        severity=severity,
        started_at=start,
        ended_at=start if phase is Phase.CLEARED else None,
        expires_at=UtcNs(start + 3600 * NS_PER_S),
        score=0.9,
        threshold=0.6,
        clock_synced=True,
        age_ms=age_ms,
    )


def episode(number: int, **state: object) -> Episode:
    return Episode(f"track-{number}", YARD, event(number).event_id, state)


def accepted(of: Event) -> Acknowledgement:
    return Acknowledgement(of.event_id, of.phase, AckStatus.ACCEPTED, revision=of.revision)


def key(of: Event) -> tuple[EventId, Phase]:
    return of.event_id, of.phase


def waiting(outbox: Outbox) -> list[tuple[EventId, Phase]]:
    outbox.retry_now()
    return [(due.event.event_id, due.event.phase) for due in outbox.due(most=10_000)]
