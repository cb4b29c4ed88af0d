"""The result of a demo run: each raised event against the alerts that a person received."""

import json
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from smartcam.contract.event import Event, Phase
from smartcam.contract.ids import EventId
from smartcam.contract.times import NS_PER_MS, NS_PER_S, UtcNs

CHANNELS = ("email", "sms")


@dataclass(frozen=True, slots=True)
class PublishedEvent:
    """An event as the nucleus sent it to the cloud."""

    event: Event
    published_at: UtcNs


@dataclass(frozen=True, slots=True)
class DeliveredAlert:
    """An alert as it reached a person; `channel` is `email` or `sms`, `why` the lines of an e-mail that say why."""

    event_id: EventId
    channel: str
    to: str
    delivered_at: UtcNs
    why: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FrameTotals:
    """What became of the frames on their way."""

    read: int = 0
    announced: int = 0
    analysed: int = 0
    dropped: int = 0


@dataclass(frozen=True, slots=True)
class Latencies:
    """Milliseconds, NaN where nothing was measured."""

    capture_to_publish_p50: float
    capture_to_publish_p99: float
    publish_to_person_p50: float


@dataclass(frozen=True, slots=True)
class DemoReport:
    """The result of a run.

    `lost` counts what a person should have received and did not, per event and channel, and
    what is still in the outbox; `duplicates` what arrived more than once; `held` the events
    that the cooldown kept back, as configured.
    """

    raised: tuple[PublishedEvent, ...]
    alerts: tuple[DeliveredAlert, ...]
    clip_started_at: UtcNs
    frames: FrameTotals
    lost: int
    duplicates: int
    held: int
    latencies: Latencies
    refused: int = 0
    faults: tuple[str, ...] = field(default=())

    @property
    def complete(self) -> bool:
        """Whether every event became exactly one alert per channel."""
        return not (self.lost or self.duplicates or self.refused or self.faults)

    def clip_seconds(self, event: Event) -> float:
        """The event's moment within the clip."""
        return (event.started_at - self.clip_started_at) / NS_PER_S

    def to_json(self) -> str:
        """The report as JSON; what was not measured is null."""
        document = {
            "events": [
                {
                    "event_id": each.event.event_id,
                    "camera_id": each.event.camera_id,
                    "kind": each.event.kind,
                    "started_at_ns": each.event.started_at,
                    "clip_seconds": round(self.clip_seconds(each.event), 3),
                }
                for each in self.raised
            ],
            "alerts": [
                {
                    "event_id": alert.event_id,
                    "channel": alert.channel,
                    "to": alert.to,
                    "delivered_at_ns": alert.delivered_at,
                    "why": list(alert.why),
                }
                for alert in self.alerts
            ],
            "lost": self.lost,
            "duplicates": self.duplicates,
            "held_by_cooldown": self.held,
            "refused": self.refused,
            "faults": list(self.faults),
            "frames": {name: getattr(self.frames, name) for name in FrameTotals.__dataclass_fields__},
            "latency_ms": {
                name: _json_number(getattr(self.latencies, name)) for name in Latencies.__dataclass_fields__
            },
        }
        return json.dumps(document, indent=1) + "\n"

    def write(self, path: Path) -> None:
        """Write the report where `path` says."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.to_json())


@dataclass(frozen=True, slots=True)
class RunObservations:
    """What was seen besides events and alerts."""

    clip_started_at: UtcNs
    frames: FrameTotals
    held: frozenset[EventId] = frozenset()
    unsent: int = 0
    refused: int = 0
    faults: tuple[str, ...] = ()


def settle(
    published: Sequence[PublishedEvent], alerts: Sequence[DeliveredAlert], observed: RunObservations
) -> DemoReport:
    """Compare what was sent with what arrived. A resent event counts once, from when it was first sent."""
    first: dict[EventId, PublishedEvent] = {}
    for each in published:
        if each.event.phase is Phase.RAISED:
            first.setdefault(each.event.event_id, each)
    expected = {(event_id, channel) for event_id in first if event_id not in observed.held for channel in CHANNELS}
    arrived = Counter((alert.event_id, alert.channel) for alert in alerts)
    return DemoReport(
        raised=tuple(first.values()),
        alerts=tuple(alerts),
        clip_started_at=observed.clip_started_at,
        frames=observed.frames,
        lost=len(expected - set(arrived)) + observed.unsent,
        duplicates=sum(count - 1 for count in arrived.values()) + len(set(arrived) - expected),
        held=len(observed.held),
        latencies=_latencies(first, alerts),
        refused=observed.refused,
        faults=observed.faults,
    )


def _latencies(first: dict[EventId, PublishedEvent], alerts: Iterable[DeliveredAlert]) -> Latencies:
    capture = [(each.published_at - each.event.started_at) / NS_PER_MS for each in first.values()]
    person = [
        (alert.delivered_at - first[alert.event_id].published_at) / NS_PER_MS
        for alert in alerts
        if alert.event_id in first
    ]
    return Latencies(quantile(capture, 0.5), quantile(capture, 0.99), quantile(person, 0.5))


def quantile(values: Sequence[float], share: float) -> float:
    """The smallest value that `share` of all do not exceed (nearest rank); NaN of nothing."""
    if not values:
        return math.nan
    rank = max(math.ceil(share * len(values)), 1)
    return sorted(values)[rank - 1]


def _json_number(value: float) -> float | None:
    return None if math.isnan(value) else round(value, 1)
