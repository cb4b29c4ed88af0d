"""What the alerting asks of the world. The AWS side is in `aws_*.py`; tests hold fakes to the same promises."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NewType, Protocol

from infra.alerts.runtime.delivery import Delivery
from infra.alerts.runtime.render import AlertText
from smartcam.contract.ack import Acknowledgement
from smartcam.contract.errors import SmartcamError
from smartcam.contract.event import Event
from smartcam.contract.ids import EventId, ThingName
from smartcam.contract.times import UtcNs


class AlertState(StrEnum):
    """How far an event's alert has come. The last three are final."""

    RECORDED = "RECORDED"
    SENDING = "SENDING"
    SENT = "SENT"
    SUPPRESSED = "SUPPRESSED"
    STALE = "STALE"


FINAL = frozenset({AlertState.SENT, AlertState.SUPPRESSED, AlertState.STALE})

Lease = NewType("Lease", int)
"""The right to decide on one event, named by the time (UtcNs) at which it ends."""


class NotPublished(SmartcamError):
    """SNS did not confirm an alert; it may or may not have taken it."""


class NotReplied(SmartcamError):
    """An acknowledgement did not reach the broker; the device will ask again."""


class AlertInProgress(SmartcamError):
    """Another invocation holds the event's lease; try again when it has ended."""


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to alert for one camera and kind, with the events held back since the last alert."""

    held_back: frozenset[EventId] = frozenset()


class History(Protocol):
    """The record of every event, which is the deduplication record too."""

    def record(self, event: Event, arrived_at: UtcNs) -> AlertState:
        """Keep a raised event unless it is there already; returns how far its alert has come."""

    def complete(self, event: Event, arrived_at: UtcNs) -> None:
        """Keep how an event ended, whether or not its beginning has arrived."""

    def lease(self, event: Event, now: UtcNs) -> Lease | None:
        """The sole right to decide on a recorded event until the lease ends; None where it is taken or decided."""

    def release(self, event: Event, lease: Lease) -> None:
        """Give the lease back, so that the next delivery need not wait for its end."""

    def settle(self, event: Event, lease: Lease, state: AlertState, now: UtcNs) -> None:
        """Store a final state; without effect where the lease has passed to another."""


class Cooldown(Protocol):
    """The least time between two alerts of one camera and kind, counted from the last one sent."""

    def claim(self, event: Event, now: UtcNs) -> Claim | None:
        """The right to alert now; None while the cooldown runs or another event is about to alert."""

    def hold_back(self, event: Event, now: UtcNs) -> None:
        """Count an event that does not alert, once however often it is called."""

    def sent(self, event: Event, claim: Claim, now: UtcNs) -> None:
        """Begin the cooldown; without effect where the claim is not this event's any more."""

    def release(self, event: Event) -> None:
        """Give the claim back."""


class Notifier(Protocol):
    """The way to the people."""

    def publish(self, event: Event, alert: AlertText) -> None:
        """Raises NotPublished where it is not certain that the alert was taken."""


class Replies(Protocol):
    """The way back to the devices."""

    def send(self, thing: ThingName, acknowledgement: Acknowledgement) -> None:
        """Raises NotReplied."""


class Refusals(Protocol):
    """Where refused payloads are kept for a person to look at."""

    def keep(self, delivery: Delivery, reason: str) -> None:
        """Raises what the queue raises: a payload that could not be kept must be delivered again."""
