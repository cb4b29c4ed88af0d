"""What happens to one delivery.

Each step is stored before the next is taken, so the next delivery of the same event recovers from a
crash anywhere. The device is answered last: once every group is decided, or a timer is set for what has to wait.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from infra.alerts.runtime.agreed import LEASE_S
from infra.alerts.runtime.deciding import Case, GroupAlerting, Later
from infra.alerts.runtime.delivery import Delivery, refused
from infra.alerts.runtime.handover import Refusals
from infra.alerts.runtime.jobs import DeliverAgain
from infra.alerts.runtime.metrics import Metric
from infra.alerts.runtime.ports import (
    FINAL,
    AlertState,
    Decision,
    History,
    Lease,
    Meter,
    NotReplied,
    Replies,
    Timers,
)
from infra.alerts.runtime.sending import MOST_TRIES
from infra.alerts.runtime.timing import is_stale
from smartcam.contract.ack import Acknowledgement, AckStatus
from smartcam.contract.errors import ContractError
from smartcam.contract.event import Event, Phase
from smartcam.contract.times import NS_PER_S, UtcNs

_BEST_FIRST: Final = (AlertState.SENT, AlertState.HELD, AlertState.SUPPRESSED, AlertState.UNWANTED)

logger = logging.getLogger(__name__)


class Outcome(StrEnum):
    """The outcome of a delivery."""

    SENT = "sent"
    HELD = "held"
    SUPPRESSED = "suppressed"
    UNWANTED = "unwanted"
    STALE = "stale"
    DEFERRED = "deferred"
    REPEATED = "repeated"
    COMPLETED = "completed"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Alerting:
    """The steps from a delivery to alerts and an acknowledgement."""

    history: History
    groups: GroupAlerting
    timers: Timers
    replies: Replies
    refusals: Refusals
    meter: Meter
    now: Callable[[], UtcNs]

    def take(self, delivery: Delivery) -> Outcome:
        """Record, decide, alert, acknowledge."""
        return self.take_again(DeliverAgain(delivery))

    def take_again(self, job: DeliverAgain) -> Outcome:
        """Take a delivery that had to wait.

        Raises:
            NotPublished: SNS has failed for hours; the event stays recorded and undecided.
        """
        delivery = job.delivery
        try:
            event = delivery.event()
        except ContractError as error:
            return self._refuse(delivery, error)
        outcome = self._complete(event, delivery) if event.phase is Phase.CLEARED else self._alert(event, job)
        logger.info("event_taken outcome=%s event_id=%s phase=%s", outcome, event.event_id, event.phase)
        self._reply(delivery, Acknowledgement(event.event_id, event.phase, AckStatus.ACCEPTED, revision=event.revision))
        return outcome

    def _refuse(self, delivery: Delivery, error: ContractError) -> Outcome:
        logger.warning("event_refused thing=%s camera=%s reason=%s", delivery.thing, delivery.camera, error)
        self.refusals.keep(delivery.document(), str(error))
        self.meter.add(Metric.EVENTS_REFUSED)
        self.meter.add(Metric.SCHEMA_UNKNOWN, int(error.field == "schema"))
        answer = refused(delivery.payload, str(error))
        if answer is not None:
            self._reply(delivery, answer)
        return Outcome.REFUSED

    def _complete(self, event: Event, delivery: Delivery) -> Outcome:
        self.history.complete(event, delivery.arrived_at)
        return Outcome.COMPLETED

    def _alert(self, event: Event, job: DeliverAgain) -> Outcome:
        record = self.history.record(event, job.delivery.arrived_at)
        is_decided = record.state in FINAL
        if is_decided and not self.groups.is_open(event, record.told):
            self.groups.begin_cooldowns(event, record.told)
            return Outcome.REPEATED
        if event.revision < record.revision:  # the newer one is on its way by a delivery of its own
            return Outcome.REPEATED
        now = self.now()
        lease = self.history.lease(event, now, again=is_decided)
        if lease is None:  # another invocation is at it: try again when it must have ended
            self.timers.ring(UtcNs(now + LEASE_S * NS_PER_S), job)
            return Outcome.DEFERRED
        if is_stale(event, job.delivery.arrived_at, now):
            self.history.settle(event, lease, _best(lease.told, AlertState.STALE), now)
            self.meter.add(Metric.EVENTS_STALE)
            return Outcome.STALE
        return self._decide(event, job, lease)

    def _decide(self, event: Event, job: DeliverAgain, lease: Lease) -> Outcome:
        case = Case(event, job, lease.doubtful)
        self.groups.begin_cooldowns(event, lease.told)
        told, later = dict(lease.told), dict[str, Later]()
        groups = self.groups.unsettled(event, lease.told)
        for group in groups:
            last = group is groups[-1] and not later

            def store(state: AlertState, name: str = group.name, *, last: bool = last) -> None:
                told[name] = Decision(state, event.revision)
                if last:
                    self.history.settle(event, lease, _best(told), self.now(), (name, state))
                else:
                    self.history.mark(event, lease, name, state)

            result = self.groups.decide(case, group, store)
            if isinstance(result, Later):
                later[group.name] = result
        if later:
            return self._defer(event, job, lease, later)
        if not groups:
            self.history.settle(event, lease, _best(told), self.now())
        return Outcome(_best(told).lower())

    def _defer(self, event: Event, job: DeliverAgain, lease: Lease, later: dict[str, Later]) -> Outcome:
        """Leave the rest to a timer, and only then release the event."""
        failures = [one.failure for one in later.values() if one.failure is not None]
        if failures:
            self.meter.add(Metric.UNDELIVERED_AGE, (self.now() - job.delivery.arrived_at) / NS_PER_S)
        if failures and job.tries >= MOST_TRIES:
            self.history.release(event, lease)
            raise failures[0]
        slots = {**job.slots, **{name: one.slot for name, one in later.items() if one.slot is not None}}
        again = DeliverAgain(job.delivery, job.tries + bool(failures), slots)
        self.timers.ring(UtcNs(min(one.due for one in later.values())), again)
        self.history.release(event, lease)
        return Outcome.DEFERRED

    def _reply(self, delivery: Delivery, acknowledgement: Acknowledgement) -> None:
        try:
            self.replies.send(delivery.thing, acknowledgement)
        except NotReplied as error:  # not worth a retry of everything: the device sends again, and is answered then
            logger.warning("reply_lost thing=%s event_id=%s error=%s", delivery.thing, acknowledgement.event_id, error)


def _best(told: Mapping[str, Decision], otherwise: AlertState = AlertState.UNWANTED) -> AlertState:
    states = {one.state for one in told.values()}
    return next((state for state in _BEST_FIRST if state in states), otherwise)
