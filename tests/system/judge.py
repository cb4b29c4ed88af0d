"""A cloud that takes every event, acknowledges it and remembers it: what the suite's own cloud is to a device."""

import ssl
import time
from dataclasses import dataclass
from pathlib import Path

from smartcam.contract.ack import Acknowledgement, AckStatus
from smartcam.contract.event import Event, Phase
from smartcam.contract.ids import EventId, ThingName
from smartcam.contract.topics import ack_topic
from standins.cloud.device import DeviceIdentity
from tests.unit.standins.nucleus.broker import Broker, Papers, make_papers

THING = ThingName("restart-device")


@dataclass(frozen=True, slots=True)
class Arrival:
    """One message with an event; a resent one arrives again."""

    at: float
    event: Event


class Judge(Broker):
    """See above. Threads: a broker's. Events are those of one device."""

    idle_s = 120.0

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.papers: Papers = make_papers(folder)
        super().__init__(self.papers)
        self.arrivals: list[Arrival] = []
        self.forgets = False
        """It takes an event, says so to the nucleus, and never hears of it again."""
        self.holds = False
        """It acknowledges nothing until `let_go`."""
        self._held: list[bytes] = []

    @property
    def identity(self) -> DeviceIdentity:
        papers = self.papers
        return DeviceIdentity(THING, papers.device, papers.device_key, papers.ca, "127.0.0.1", self.port)

    def events(self, phase: Phase = Phase.RAISED) -> dict[EventId, Event]:
        """Each event once, as it first came in this phase."""
        found: dict[EventId, Event] = {}
        for arrival in list(self.arrivals):
            if arrival.event.phase is phase:
                found.setdefault(arrival.event.event_id, arrival.event)
        return found

    def _take(self, connection: ssl.SSLSocket, body: bytes, qos: int) -> None:
        before = len(self.published)
        super()._take(connection, body, qos)
        for topic, payload in self.published[before:]:
            if topic.endswith("/event") and not self.forgets:
                event = Event.from_json(payload)
                self.arrivals.append(Arrival(time.time(), event))
                answer = Acknowledgement(event.event_id, event.phase, AckStatus.ACCEPTED, revision=event.revision)
                if self.holds:
                    self._held.append(answer.to_json())
                else:
                    self.send(ack_topic(THING), answer.to_json())

    def let_go(self) -> None:
        """Acknowledge what was held, the last first and everything twice."""
        self.holds = False
        held, self._held = self._held, []
        for answer in (*reversed(held), *held):
            self.send(ack_topic(THING), answer)
