"""Events as the history's tests have them, and a history that writes them."""

from dataclasses import replace
from pathlib import Path

from smartcam.contract.event import ClipPart, Event, EventKind, NormalBox, Phase, Severity
from smartcam.contract.ids import CameraId, EventId, ThingName, new_event_id
from smartcam.contract.times import NS_PER_S, UtcNs
from smartcam.edge.history.folder import EventHistory, HistorySettings
from smartcam.edge.history.reading import PastEvents
from tests.fakes.clock import SOME_DAY, FakeClock


def the_id(number: int) -> EventId:
    return new_event_id(UtcNs(SOME_DAY + number * NS_PER_S), number.to_bytes(10))


def raised(number: int, kind: EventKind = EventKind.PERSON, camera: str = "yard") -> Event:
    at = UtcNs(SOME_DAY + number * NS_PER_S)
    return Event(
        event_id=the_id(number),
        thing=ThingName("pi"),
        camera_id=CameraId(camera),
        kind=kind,
        phase=Phase.RAISED,
        severity=Severity.WARNING,
        started_at=at,
        expires_at=UtcNs(at + 3600 * NS_PER_S),
        score=0.75,
        threshold=0.5,
        clock_synced=True,
        box=NormalBox(0.1, 0.2, 0.3, 0.4),
        label=str(kind),
    )


def cleared(event: Event, score: float = 0.9) -> Event:
    return replace(event, phase=Phase.CLEARED, ended_at=UtcNs(event.started_at + 9 * NS_PER_S), score=score)


def recorded(event: Event, parts: int = 1) -> Event:
    clips = tuple(ClipPart(part, 1000 * part, f"{part:064x}") for part in range(1, parts + 1))
    return replace(event, phase=Phase.RECORDED, clips=clips, revision=parts, ended_at=None)


class Shelf:
    """A history in a folder, with its clock and a reader."""

    def __init__(self, folder: Path, settings: HistorySettings | None = None) -> None:
        self.folder = folder
        self.clock = FakeClock()
        self.settings = settings or HistorySettings()
        self.reader = PastEvents(folder)
        self.begin()

    def begin(self) -> None:
        """Another process."""
        self.history = EventHistory(self.folder, self.clock)
        self.history.configure(self.settings)

    def write(self, *events: Event) -> None:
        for event in events:
            self.history.add(event)
        self.clock.advance(10)
        self.history.store()

    def files(self) -> list[Path]:
        return sorted(self.folder.iterdir())

    def ids(self, reader: PastEvents | None = None) -> list[EventId]:
        """The events of the first page, newest first."""
        reader = reader or self.reader
        reader.refresh()
        return [past.event.event_id for past in reader.page(limit=1000).events]
