"""What becomes of one delivery.

Each step is stored before the next is taken, so a crash anywhere is made good by the next delivery of the same
event. The device is answered last: until then it sends again, which is one more retry than Lambda's own.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import tzinfo
from enum import StrEnum

from infra.alerts.runtime.delivery import Delivery, readable_identity
from infra.alerts.runtime.ports import (
    FINAL,
    AlertInProgress,
    AlertState,
    Claim,
    Cooldown,
    History,
    Lease,
    Notifier,
    NotPublished,
    NotReplied,
    Refusals,
    Replies,
)
from infra.alerts.runtime.render import render_alert
from infra.alerts.runtime.timing import is_stale, occasion
from smartcam.contract.ack import Acknowledgement, AckStatus
from smartcam.contract.errors import ContractError
from smartcam.contract.event import Event, Phase
from smartcam.contract.times import UtcNs

logger = logging.getLogger(__name__)


class Outcome(StrEnum):
    """What a delivery led to."""

    SENT = "sent"
    SUPPRESSED = "suppressed"
    STALE = "stale"
    REPEATED = "repeated"
    COMPLETED = "completed"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Alerting:
    """The steps from a delivery to an alert and an acknowledgement."""

    history: History
    cooldown: Cooldown
    notifier: Notifier
    replies: Replies
    refusals: Refusals
    now: Callable[[], UtcNs]
    zone: tzinfo

    def take(self, delivery: Delivery) -> Outcome:
        """Record, decide, alert, acknowledge.

        Raises:
            AlertInProgress: another invocation is at it.
            NotPublished: SNS failed; the event stays recorded and undecided.
        """
        try:
            event = delivery.event()
        except ContractError as error:
            return self._refuse(delivery, error)
        outcome = self._complete(event, delivery) if event.phase is Phase.CLEARED else self._alert(event, delivery)
        logger.info("event_taken outcome=%s event_id=%s phase=%s", outcome, event.event_id, event.phase)
        self._reply(delivery, Acknowledgement(event.event_id, event.phase, AckStatus.ACCEPTED))
        return outcome

    def _refuse(self, delivery: Delivery, error: ContractError) -> Outcome:
        logger.warning("event_refused thing=%s camera=%s reason=%s", delivery.thing, delivery.camera, error)
        self.refusals.keep(delivery, str(error))
        identity = readable_identity(delivery.payload)
        if identity is not None:
            self._reply(delivery, Acknowledgement(*identity, AckStatus.REFUSED, str(error)))
        return Outcome.REFUSED

    def _complete(self, event: Event, delivery: Delivery) -> Outcome:
        self.history.complete(event, delivery.arrived_at)
        return Outcome.COMPLETED

    def _alert(self, event: Event, delivery: Delivery) -> Outcome:
        state = self.history.record(event, delivery.arrived_at)
        if state in FINAL:
            return self._repeat(event, state)
        lease = self.history.lease(event, self.now())
        if lease is None:
            raise AlertInProgress(f"event {event.event_id} is being decided by another invocation")
        return self._decide(event, delivery, lease)

    def _repeat(self, event: Event, state: AlertState) -> Outcome:
        if state is AlertState.SENT:  # a crash may have come between SENT and the beginning of the cooldown
            self.cooldown.sent(event, Claim(), self.now())
        return Outcome.REPEATED

    def _decide(self, event: Event, delivery: Delivery, lease: Lease) -> Outcome:
        now = self.now()
        if is_stale(event, delivery.arrived_at, now):
            self.history.settle(event, lease, AlertState.STALE, now)
            return Outcome.STALE
        claim = self.cooldown.claim(event, now)
        if claim is None:
            self.cooldown.hold_back(event, now)
            self.history.settle(event, lease, AlertState.SUPPRESSED, now)
            return Outcome.SUPPRESSED
        held_back = len(claim.held_back - {event.event_id})
        alert = render_alert(event, occasion(event, delivery.arrived_at), held_back, self.zone)
        try:
            self.notifier.publish(event, alert)
        except NotPublished:
            self.cooldown.release(event)
            self.history.release(event, lease)
            raise
        sent_at = self.now()
        self.history.settle(event, lease, AlertState.SENT, sent_at)
        self.cooldown.sent(event, claim, sent_at)
        return Outcome.SENT

    def _reply(self, delivery: Delivery, acknowledgement: Acknowledgement) -> None:
        try:
            self.replies.send(delivery.thing, acknowledgement)
        except NotReplied as error:  # not worth a retry of the whole: the device sends again, and is answered then
            logger.warning("reply_lost thing=%s event_id=%s error=%s", delivery.thing, acknowledgement.event_id, error)
