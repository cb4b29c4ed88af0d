"""A process that fills an outbox until it is killed, and says after each step what is safely stored."""

import sys
from pathlib import Path

from smartcam.contract.ack import Acknowledgement, AckStatus
from smartcam.contract.event import Event, EventKind, Phase, Severity
from smartcam.contract.ids import CameraId, EventId, ThingName, new_event_id
from smartcam.contract.times import NS_PER_S, UtcNs
from smartcam.edge.clock import SystemClock
from smartcam.edge.outbox.outbox import Episode, Outbox

START = UtcNs(1_772_366_400 * NS_PER_S)


def id_of(number: int) -> EventId:
    return new_event_id(START, number.to_bytes(10))


def event(number: int, phase: Phase) -> Event:
    return Event(
        event_id=id_of(number),
        thing=ThingName("door"),
        camera_id=CameraId("yard"),
        kind=EventKind.PERSON,
        phase=phase,
        severity=Severity.WARNING,
        started_at=START,
        ended_at=START if phase is Phase.CLEARED else None,
        expires_at=UtcNs(START + NS_PER_S),
        score=0.9,
        threshold=0.6,
        clock_synced=True,
    )


def say(word: str, number: int) -> None:
    sys.stdout.write(f"{word} {number}\n")
    sys.stdout.flush()


def main(path: Path, first: int) -> None:
    """Number n is raised; every third is cleared, every fifth is acknowledged."""
    outbox = Outbox(path, SystemClock())
    for number in range(first, first + 100_000):
        state = {"number": number, "text": "x" * (number % 700)}
        outbox.put(event(number, Phase.RAISED), Episode(str(number), CameraId("yard"), id_of(number), state))
        say("raised", number)
        if number % 3 == 0:
            outbox.put(event(number, Phase.CLEARED))
            say("cleared", number)
        if number % 5 == 0:
            outbox.acknowledge(Acknowledgement(id_of(number), Phase.RAISED, AckStatus.ACCEPTED))
            say("acknowledged", number)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
