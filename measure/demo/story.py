"""The nucleus's journal, retold for a person and counted for the report."""

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from measure.demo.report import DeliveredAlert, PublishedEvent
from smartcam.contract.ack import Acknowledgement, AckStatus
from smartcam.contract.event import Event, EventKind, Phase
from smartcam.contract.ids import EventId
from smartcam.contract.inline import is_chunk
from smartcam.contract.notice import CameraState, FrameNotice, StatusNotice, decode_notice
from smartcam.contract.reasons import CAUSES
from smartcam.contract.times import NS_PER_MS, NS_PER_S, UtcNs
from smartcam.contract.topics import FRAMES_PREFIX
from smartcam.contract.wanted import is_wanted

_NEW_MOTION_AFTER_NS: Final = 2 * NS_PER_S
_BROKEN: Final = frozenset({"ERRORED", "BROKEN", "FAILED"})


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the journal."""

    at: UtcNs
    event: str
    facts: Mapping[str, object]

    @classmethod
    def of_line(cls, line: str) -> "Entry":
        """Raises ValueError for a line that is no entry."""
        document = json.loads(line)
        if not isinstance(document, dict) or "at_ns" not in document or "event" not in document:
            raise ValueError(f"not an entry of a journal: {line[:80]!r}")
        return cls(UtcNs(int(document["at_ns"])), str(document["event"]), document)

    def text(self, key: str) -> str:
        """A fact as text, empty when it is missing."""
        return str(self.facts.get(key, ""))

    def payload(self) -> bytes:
        """The message that the entry carries."""
        return base64.b64decode(self.text("payload"))


@dataclass(slots=True)
class Story:
    """What has happened so far. `take` and `deliver` add to it and return the lines to print."""

    status: StatusNotice | None = None
    announced: int = 0
    moving: int = 0
    published: list[PublishedEvent] = field(default_factory=list)
    acknowledged: set[tuple[EventId, Phase]] = field(default_factory=set)
    refused: set[EventId] = field(default_factory=set)
    alerts: list[DeliveredAlert] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    _last_motion_ns: int = 0

    def take(self, entry: Entry) -> list[str]:
        """Add one entry of the journal. Unknown kinds of entries are left alone."""
        tellers: dict[str, Callable[[Entry], list[str]]] = {
            "component_state": self._component,
            "local_publish": self._local,
            "cloud_publish": self._published,
            "cloud_receive": self._received,
            "denied": self._denied,
        }
        teller = tellers.get(entry.event)
        return teller(entry) if teller else []

    def deliver(self, alert: DeliveredAlert) -> list[str]:
        """Add an alert that reached a person."""
        self.alerts.append(alert)
        sent = next((each for each in self.published if each.event.event_id == alert.event_id), None)
        if sent is None:
            return [f"{alert.channel} to {alert.to}, for no event that was raised"]
        after = (alert.delivered_at - sent.published_at) / NS_PER_MS
        total = (alert.delivered_at - sent.event.started_at) / NS_PER_MS
        told = f"{alert.channel:5} to {alert.to}: {after:.0f} ms after publishing, {total:.0f} ms after the frame"
        return [told, *(f"        | {line}" for line in alert.why)]

    @property
    def ended(self) -> bool:
        """Whether the clip has been played to its end."""
        return self.status is not None and self.status.state is CameraState.ENDED

    @property
    def clip_started_at(self) -> UtcNs:
        """UTC of the clip's first picture; 0 before it was shown."""
        return self.status.opened_at if self.status else UtcNs(0)

    def unacknowledged(self) -> int:
        """Phases of events that were sent and not answered yet."""
        sent = {(each.event.event_id, each.event.phase) for each in self.published}
        return len(sent - self.acknowledged)

    def clip_time(self, at: UtcNs) -> str:
        """A moment as seconds within the clip."""
        return f"{(at - self.clip_started_at) / NS_PER_S:6.1f} s"

    def _component(self, entry: Entry) -> list[str]:
        name, state = entry.text("component"), entry.text("state")
        if state in _BROKEN:
            self.faults.append(f"{name} is {state}: {entry.text('reason')}".rstrip(": "))
        return [f"{name}: {state.lower()}"]

    def _denied(self, entry: Entry) -> list[str]:
        fault = f"{entry.text('component')} may not {entry.text('operation')} {entry.text('resource')}"
        self.faults.append(fault)
        return [fault]

    def _local(self, entry: Entry) -> list[str]:
        if not entry.text("topic").startswith(FRAMES_PREFIX) or "payload" not in entry.facts:
            return []
        payload = entry.payload()
        if is_chunk(payload):
            return []
        notice = decode_notice(payload)
        return self._frame(notice) if isinstance(notice, FrameNotice) else self._status(notice)

    def _frame(self, notice: FrameNotice) -> list[str]:
        self.announced += 1
        if not notice.motion:
            return []
        self.moving += 1
        still_for = notice.captured_at - self._last_motion_ns
        self._last_motion_ns = notice.captured_at
        if still_for < _NEW_MOTION_AFTER_NS:
            return []
        return [f"{notice.position_ns / NS_PER_S:6.1f} s  motion"]

    def _status(self, notice: StatusNotice) -> list[str]:
        before = self.status
        self.status = notice
        # Frames that travel inline are seen in the status alone.
        self.announced = max(self.announced, notice.frames_announced)
        if before is not None and (before.state, before.reason) == (notice.state, notice.reason):
            return []
        because = f": {notice.reason}" if notice.reason else ""
        if notice.state is CameraState.LOST:
            self.faults.append(f"camera {notice.camera_id} lost{because}")
        return [f"camera {notice.camera_id} {notice.state}{because}"]

    def _published(self, entry: Entry) -> list[str]:
        if not entry.text("topic").endswith("/event") or entry.facts.get("ok") is not True:
            return []
        event = Event.from_json(entry.payload())
        earlier = [each.event for each in self.published if each.event.event_id == event.event_id]
        self.published.append(PublishedEvent(event, entry.at))
        if event.phase is Phase.CLEARED:
            return [f"{self.clip_time(event.ended_at or event.started_at)}  cleared: {event.label or event.kind}"]
        if event.scene_reason and event.kind in {each.kind for each in earlier}:
            if any(each.scene_reason for each in earlier):  # it is sent once more, to be answered
                return []
            return [f"{self.clip_time(entry.at)}  the learned scene finds it unusual, too: {_because(event)}"]
        latency = (entry.at - event.started_at) / NS_PER_MS
        what = f"EVENT {event.kind}, score {event.score:.2f} (raised at {event.threshold:.2f})"
        told = [f"{self.clip_time(event.started_at)}  {what}, published {latency:.0f} ms after the frame"]
        return told + ([f"          and unusual here: {_because(event)}"] if event.scene_reason else [])

    def _received(self, entry: Entry) -> list[str]:
        if not entry.text("topic").endswith("/ack") or is_wanted(entry.payload()):
            return []
        answer = Acknowledgement.from_json(entry.payload())
        self.acknowledged.add((answer.event_id, answer.phase))
        if answer.status is AckStatus.ACCEPTED:
            return []
        self.refused.add(answer.event_id)
        return [f"the cloud refused {answer.event_id}: {answer.reason}"]


def _because(event: Event) -> str:
    known = CAUSES.get((EventKind.ANOMALY, event.scene_reason or ""))
    return known[0] if known else str(event.scene_reason)
