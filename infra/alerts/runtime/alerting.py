"""What happens to one delivery.

Each step is stored before the next is taken, so the next delivery of the same event recovers from a
crash anywhere. The device is answered last: once every group is decided, or what has to wait is stored.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from infra.alerts.runtime.agreed import LEASE_S
from infra.alerts.runtime.audience import Group
from infra.alerts.runtime.deciding import Case, GroupAlerting
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
    NotPublished,
    NotReplied,
    Replies,
    Timers,
)
from infra.alerts.runtime.timing import is_stale
from infra.alerts.runtime.troubles import Trouble, Troubles
from smartcam.contract.ack import Acknowledgement, AckStatus
from smartcam.contract.errors import ContractError
from smartcam.contract.event import Event, Phase
from smartcam.contract.ids import ThingName
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
    troubles: Troubles
    now: Callable[[], UtcNs]

    def take(self, delivery: Delivery) -> Outcome:
        """Record, decide, alert, acknowledge."""
        return self.take_again(DeliverAgain(delivery))

    def take_again(self, job: DeliverAgain) -> Outcome:
        """Take a delivery that had to wait."""
        delivery = job.delivery
        try:
            event = delivery.event()
        except ContractError as error:
            return self.refuse(delivery, error)
        outcome = self._alert(event, job) if event.phase is Phase.RAISED else self._complete(event, delivery)
        logger.info("event_taken outcome=%s event_id=%s phase=%s", outcome, event.event_id, event.phase)
        self._reply(delivery, Acknowledgement(event.event_id, event.phase, AckStatus.ACCEPTED, revision=event.revision))
        return outcome

    def send_waiting(self, job: DeliverAgain, group: Group) -> Outcome | None:
        """Alert a group whose turn it is; None where another invocation is at the event: it must wait on.

        Raises:
            NotPublished: the event stays recorded, and undecided for the group.
        """
        event = job.delivery.event()
        now, record = self.now(), self.history.record(event, job.delivery.arrived_at)
        if not any(one.name == group.name for one in self.groups.unsettled(event, record.told)):
            self.groups.begin_cooldowns(event, record.told)
            return Outcome.REPEATED
        lease = self.history.lease(event, now, again=record.state in FINAL)
        if lease is None:
            return Outcome.STALE if record.state is AlertState.STALE else None
        return self._settle_stale(event, job, lease, now) or self._decide(event, job, lease, only=group)

    def refuse(self, delivery: Delivery, error: ContractError) -> Outcome:
        """Keep what cannot be taken with the reason, and tell the device not to send it again."""
        logger.warning("event_refused thing=%s camera=%s reason=%s", delivery.thing, delivery.camera, error)
        self.keep_refused(delivery.thing, delivery.document(), error)
        answer = refused(delivery.payload, str(error))
        if answer is not None:
            self._reply(delivery, answer)
        return Outcome.REFUSED

    def keep_refused(self, thing: ThingName, document: Mapping[str, object], error: ContractError) -> None:
        """Keep what cannot be taken, and count it."""
        self.refusals.keep(document, str(error))
        self.meter.add(Metric.EVENTS_REFUSED)
        self.meter.add(Metric.SCHEMA_UNKNOWN, int(error.field == "schema"))
        self.troubles.note(Trouble.SCHEMA_UNKNOWN if error.field == "schema" else Trouble.REFUSED, thing)

    def _complete(self, event: Event, delivery: Delivery) -> Outcome:
        keep = self.history.complete if event.phase is Phase.CLEARED else self.history.film
        keep(event, delivery.arrived_at)
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
        return self._settle_stale(event, job, lease, now) or self._decide(event, job, lease)

    def _settle_stale(self, event: Event, job: DeliverAgain, lease: Lease, now: UtcNs) -> Outcome | None:
        if not is_stale(event, job.delivery.arrived_at, now):
            return None
        self.history.settle(event, lease, _best(lease.told, AlertState.STALE), now)
        self.meter.add(Metric.EVENTS_STALE)
        return Outcome.STALE

    def _decide(self, event: Event, job: DeliverAgain, lease: Lease, only: Group | None = None) -> Outcome:
        """Decide for each group, or only for the one whose turn it is. Raises NotPublished for that one alone."""
        case = Case(event, job, lease.doubtful, has_turn=only is not None)
        self.groups.begin_cooldowns(event, lease.told)
        told, unsettled = dict(lease.told), self.groups.unsettled(event, lease.told)
        groups = [group for group in unsettled if only is None or group.name == only.name]
        waits = len(unsettled) > len(groups)
        for group in groups:
            last = group is groups[-1] and not waits

            def store(state: AlertState, name: str = group.name, *, last: bool = last) -> None:
                told[name] = Decision(state, event.revision)
                if last:
                    self.history.settle(event, lease, _best(told), self.now(), (name, state))
                else:
                    self.history.mark(event, lease, name, state)

            try:
                waits |= self.groups.decide(case, group, store) is None
            except NotPublished:
                self.history.release(event, lease)
                raise
        if waits:  # what is decided is marked, what waits is stored
            self.history.release(event, lease)
            return Outcome(_best(told).lower()) if only is not None else Outcome.DEFERRED
        if not groups:
            self.history.settle(event, lease, _best(told), self.now())
        return Outcome(_best(told).lower())

    def _reply(self, delivery: Delivery, acknowledgement: Acknowledgement) -> None:
        try:
            self.replies.send(delivery.thing, acknowledgement)
        except NotReplied as error:  # not worth a retry of everything: the device sends again, and is answered then
            logger.warning("reply_lost thing=%s event_id=%s error=%s", delivery.thing, acknowledgement.event_id, error)


def _best(told: Mapping[str, Decision], otherwise: AlertState = AlertState.UNWANTED) -> AlertState:
    states = {one.state for one in told.values()}
    return next((state for state in _BEST_FIRST if state in states), otherwise)
