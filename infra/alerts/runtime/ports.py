"""What the alerting asks of the world. The AWS side is in `aws/`; tests hold fakes to the same promises."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from infra.alerts.runtime.audience import Group
from infra.alerts.runtime.delivery import Delivery
from infra.alerts.runtime.facts import HeldEvent, PictureLink
from infra.alerts.runtime.jobs import Job
from infra.alerts.runtime.words.render import AlertText
from smartcam.contract.ack import Acknowledgement
from smartcam.contract.errors import SmartcamError
from smartcam.contract.event import Event
from smartcam.contract.ids import CameraId, EventId, ThingName
from smartcam.contract.times import UtcNs


class AlertState(StrEnum):
    """How far the alert of an event has got. All but the first two are final."""

    RECORDED = "RECORDED"
    SENDING = "SENDING"
    SENT = "SENT"
    HELD = "HELD"
    SUPPRESSED = "SUPPRESSED"
    STALE = "STALE"
    UNWANTED = "UNWANTED"


FINAL = frozenset(AlertState) - {AlertState.RECORDED, AlertState.SENDING}


class NotPublished(SmartcamError):
    """SNS did not confirm an alert; it may have taken it where `doubtful`."""

    def __init__(self, reason: str, *, doubtful: bool = False) -> None:
        super().__init__(reason)
        self.doubtful = doubtful


class NotReplied(SmartcamError):
    """An acknowledgement did not reach the broker; the device will ask again."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided for one group, and on which revision of the event."""

    state: AlertState
    revision: int = 0


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to decide on one event until then; `told` is what was decided for groups before.

    `doubtful` where an earlier holder may have died after SNS took an alert and before that was stored.
    """

    until: int
    told: Mapping[str, Decision] = field(default_factory=dict)
    doubtful: bool = False


@dataclass(frozen=True, slots=True)
class Record:
    """How far an event's alert has come, what was decided for which group, and the newest revision that has arrived."""

    state: AlertState
    told: Mapping[str, Decision] = field(default_factory=dict)
    revision: int = 0


class History(Protocol):
    """The record of every event, which is the deduplication record too."""

    def record(self, event: Event, arrived_at: UtcNs) -> Record:
        """Keep a raised event unless it, or a newer revision of it, is there already; returns how far it has come."""

    def complete(self, event: Event, arrived_at: UtcNs) -> None:
        """Keep how an event ended, whether or not its beginning has arrived."""

    def film(self, event: Event, arrived_at: UtcNs) -> None:
        """Keep which clips of an event its device has, unless a newer record of them is there.

        Beside it which keys of seals the device's health had named until then.
        """

    def lease(self, event: Event, now: UtcNs, *, again: bool = False) -> Lease | None:
        """The sole right to decide on a recorded event until the lease ends; None where it is taken or decided.

        What was decided on an earlier revision may be decided again where `again`.
        """

    def release(self, event: Event, lease: Lease) -> None:
        """Give the lease back, so that the next delivery need not wait for its end."""

    def mark(self, event: Event, lease: Lease, group: str, state: AlertState) -> None:
        """Store what was decided for one group; without effect where the lease has passed to another."""

    def settle(
        self, event: Event, lease: Lease, state: AlertState, now: UtcNs, last: tuple[str, AlertState] | None = None
    ) -> None:
        """Store a final state, and what was decided for the last group; without effect as `mark`."""

    def delivery(self, thing: ThingName, camera: CameraId, event_id: EventId) -> Delivery | None:
        """An event as it was recorded, in its newest revision; None where it is forgotten."""


@dataclass(frozen=True, slots=True)
class Spot:
    """What one cooldown is about: a camera (or a whole device), a group, and a family of events."""

    thing: ThingName
    camera: CameraId
    group: str
    family: str
    cooldown_s: int


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to alert for one spot, with the events held back since the last alert."""

    held_back: tuple[HeldEvent, ...] = ()


@dataclass(frozen=True, slots=True)
class Closing:
    """The right to send a spot's closing message; `number` and `since` are of the alert that it closes."""

    held_back: tuple[HeldEvent, ...]
    number: str | None
    since: UtcNs | None


@dataclass(frozen=True, slots=True)
class NotYet:
    """Ask again then."""

    at: UtcNs


class Windows(Protocol):
    """The least time between two alerts of one spot, counted from the last one sent, and what it holds back."""

    def claim(self, spot: Spot, event: Event, now: UtcNs) -> Claim | None:
        """The right to alert now; None while the cooldown runs or another event is about to alert.

        What a closing message is reporting right now is not in the claim: nobody gets it twice.
        """

    def keep(self, spot: Spot, event: Event, until: UtcNs) -> None:
        """Keep the claim longer than a lease."""

    def release(self, spot: Spot, event: Event) -> None:
        """Give the claim back."""

    def sent(self, spot: Spot, event: Event, claim: Claim, now: UtcNs) -> None:
        """Begin the cooldown; without effect where the claim is not this event's any more."""

    def hold_back(self, spot: Spot, event: Event, now: UtcNs) -> UtcNs | None:
        """Count an event that does not alert: once, however often this is called and under whichever kind.

        Returns when a timer must ring for it, None where one is set.
        """

    def timer_set(self, spot: Spot, due: UtcNs) -> None:
        """Remember that a timer is set."""

    def close(self, spot: Spot, now: UtcNs) -> Closing | NotYet | None:
        """The right to send the closing message; None where there is nothing to report."""

    def closed(self, spot: Spot, closing: Closing) -> None:
        """Remove what was sent and give the right back."""

    def reopen(self, spot: Spot) -> None:
        """Give the right back without having sent anything."""


class Digests(Protocol):
    """What quiet hours hold, by group and the time at which they end."""

    def hold(self, group: str, ends: UtcNs, held: HeldEvent) -> None:
        """Keep an event: once, however often this is called. Of one thing only so many as people are told of."""

    def needs_timer(self, group: str, ends: UtcNs) -> bool:
        """Whether nobody has set a timer for that end."""

    def timer_set(self, group: str, ends: UtcNs) -> None:
        """Remember that a timer is set."""

    def open(self, group: str, ends: UtcNs, now: UtcNs) -> Sequence[HeldEvent] | NotYet | None:
        """The right to send the digest, with its events; None where it was sent or is empty."""

    def sent(self, group: str, ends: UtcNs) -> None:
        """Never send it again."""

    def release(self, group: str, ends: UtcNs) -> None:
        """Give the right back."""


@dataclass(frozen=True, slots=True)
class SmsRequest:
    """A message to so many phones, and whose it is; no thing's, empty, are the digests."""

    phones: int
    thing: str
    critical: bool


@dataclass(frozen=True, slots=True)
class SmsAnswer:
    """Whether the SMS may go out, and whether the site's day is nearly used up by them."""

    allowed: bool
    nearly_used_up: bool = False


class Limits(Protocol):
    """What a storm may cost in SMS."""

    def may_text(self, text: SmsRequest, now: UtcNs) -> SmsAnswer:
        """Count the SMS; nothing is counted where the day's limit, of the site or of the thing, would be exceeded."""

    def give_back(self, text: SmsRequest, now: UtcNs) -> None:
        """Take back the count of SMS that certainly were not sent."""


class Timers(Protocol):
    """Jobs that come back when they are due."""

    def ring(self, due: UtcNs, job: Job) -> None:
        """Have the job done then. Raises what the queue raises."""


class Notifier(Protocol):
    """The way to the people."""

    def publish(self, group: Group, alert: AlertText, facts: Mapping[str, str], *, texts: bool) -> None:
        """Send to a group's topic; to phones only where `texts`.

        Raises:
            NotPublished: where it is not certain that the message was taken.
        """


class Pictures(Protocol):
    """The way to an event's picture and its clip."""

    def link(self, event: Event) -> PictureLink | None:
        """None where the event has none, or S3 does not answer: no alert waits for a picture."""

    def clip(self, event: Event) -> PictureLink | None:
        """The same for the first part of its clip, which is hardly ever there already."""


class Replies(Protocol):
    """The way back to the devices."""

    def send(self, thing: ThingName, acknowledgement: Acknowledgement) -> None:
        """Raises NotReplied."""


class Meter(Protocol):
    """Counts metrics for operations."""

    def add(self, name: str, value: float = 1) -> None:
        """Add to a metric of this invocation."""
