"""The outbox: events on disk until the cloud has them."""

from collections.abc import Mapping
from dataclasses import dataclass

from smartcam.contract.event import Event
from smartcam.contract.ids import CameraId, EventId


@dataclass(frozen=True, slots=True)
class Episode:
    """An open episode, kept so that a restarted process goes on with it.

    `state` is a small JSON object of the caller's. `age_ms` is how long ago the episode was
    stored, set when it is read back: None where a reboot made that unknowable. Keep no
    monotonic times in `state`: they mean nothing after a reboot.
    """

    key: str
    camera_id: CameraId
    event_id: EventId
    state: Mapping[str, object]
    age_ms: int | None = None


@dataclass(frozen=True, slots=True)
class OutboxLimits:
    """How much is kept, how long, and how often it is tried again."""

    max_events: int = 10_000
    max_age_s: float = 7 * 86_400.0
    max_refused: int = 200
    retry_first_s: float = 5.0
    retry_ceiling_s: float = 60.0


@dataclass(frozen=True, slots=True)
class DueEvent:
    """One row to send now: `event` with a fresh age and clock state, `payload` its JSON."""

    row: int
    event: Event
    payload: bytes
    attempts: int


@dataclass(frozen=True, slots=True)
class OutboxCounts:
    """What is in the outbox, and what became of the rest since the process started."""

    waiting: int
    refused: int
    episodes: int
    put: int
    sent: int
    accepted: int
    dropped_by_size: int
    dropped_by_age: int
    refused_forgotten: int
    set_aside: int
    """Database files that were corrupt and are kept beside the new one."""
    oldest_ms: int | None
    """Age of the oldest waiting event, None when none waits or no age is known."""
