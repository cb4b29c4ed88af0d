"""What comes in: deliveries of the broker and of the dead-man switch, and jobs whose time has come."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from infra.alerts.runtime.alerting import Alerting, Outcome
from infra.alerts.runtime.audience import Audience
from infra.alerts.runtime.closing import Closings
from infra.alerts.runtime.delivery import Delivery, Unreadable
from infra.alerts.runtime.guarding import MOST_CAMERAS, Admission, Admitted, Asked, Denied
from infra.alerts.runtime.jobs import CloseWindow, DeliverAgain, Job, SendWaiting
from infra.alerts.runtime.ports import Timers
from infra.alerts.runtime.rounds import Rounds
from smartcam.contract.errors import ContractError
from smartcam.contract.event import Phase, Severity
from smartcam.contract.ids import ThingName
from smartcam.contract.times import NS_PER_S, UtcNs

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Timekeeping:
    """The alerting's doors. Each returns a word for the log."""

    alerting: Alerting
    audience: Audience
    closings: Closings
    rounds: Rounds
    admission: Admission
    timers: Timers
    now: Callable[[], UtcNs]

    def admit(self, thing: ThingName, deliveries: Sequence[Delivery | Unreadable]) -> list[Admitted | Denied]:
        """Which of the messages that a device has published its bound allows."""
        return self.admission.ask(thing, [Asked(one.camera, partial(is_alarm, one)) for one in deliveries])

    def take_admitted(self, delivery: Delivery | Unreadable, answer: Admitted | Denied) -> str:
        """Take what a device has published: of what is beyond its bound nothing is written and nothing answered."""
        if isinstance(answer, Denied):
            return f"denied by {answer.reason}"
        if isinstance(delivery, Unreadable):
            return self._refuse_unreadable(delivery)
        if not answer.knows_camera:
            reason = f"is one more than the {MOST_CAMERAS} that a device may have in a day"
            return self.alerting.refuse(delivery, ContractError("camera_id", reason))
        return self.alerting.take(delivery)

    def take_own(self, delivery: Delivery | Unreadable) -> str:
        """Take what the cloud itself reports of a device, or a person hands over again; there is no bound for it."""
        if isinstance(delivery, Unreadable):
            return self._refuse_unreadable(delivery)
        return self._take_again(DeliverAgain(delivery))

    def do(self, due: UtcNs, job: Job) -> str:
        """Do the job, or set its timer again where a queue could not wait so long.

        Raises:
            NotPublished: SNS has failed for hours.
        """
        if due > self.now() + NS_PER_S // 2:
            self.timers.ring(due, job)
            return "early"
        if isinstance(job, DeliverAgain):
            return self._take_again(job)
        group = self.audience.group(job.group)
        if group is None:
            logger.warning("group_gone group=%s job=%s", job.group, type(job).__name__)
            return "gone"
        if isinstance(job, SendWaiting):
            return self.rounds.hold(due, job, group)
        return self.closings.close(job, group) if isinstance(job, CloseWindow) else self.closings.digest(job, group)

    def _refuse_unreadable(self, delivery: Unreadable) -> Outcome:
        self.alerting.keep_refused(delivery.thing, delivery.document, delivery.error)
        return Outcome.REFUSED

    def _take_again(self, job: DeliverAgain) -> str:
        if self.admission.guards.is_revoked(job.delivery.thing):
            return "revoked"
        return self.alerting.take_again(job)


def is_alarm(delivery: Delivery | Unreadable) -> bool:
    """Whether a payload is a critical event that begins."""
    if isinstance(delivery, Unreadable):
        return False
    try:
        event = delivery.event()
    except ContractError:
        return False
    return event.phase is Phase.RAISED and event.severity is Severity.CRITICAL
