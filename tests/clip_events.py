"""Events of which there are clips."""

from smartcam.contract.event import Event, EventKind, Phase, Severity
from smartcam.contract.ids import CameraId, EventId, ThingName, new_event_id
from smartcam.contract.times import NS_PER_S, UtcNs
from tests.fakes.clock import SOME_DAY

THING = ThingName("porch")
YARD = CameraId("yard")


def event_id(number: int) -> EventId:
    """The later the number, the later the event."""
    return new_event_id(UtcNs(SOME_DAY + number * NS_PER_S), number.to_bytes(10))


def event_of(number: int, camera: CameraId = YARD, thing: ThingName = THING) -> Event:
    """Somebody is there."""
    at = UtcNs(SOME_DAY + number * NS_PER_S)
    return Event(
        event_id=event_id(number),
        thing=thing,
        camera_id=camera,
        kind=EventKind.PERSON,
        phase=Phase.RAISED,
        severity=Severity.WARNING,
        started_at=at,
        expires_at=UtcNs(at + 3600 * NS_PER_S),
        score=0.8,
        threshold=0.6,
        clock_synced=True,
        label="person",
    )
