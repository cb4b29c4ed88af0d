"""A group's round: what waits for its turn goes out, a few messages a second, in fair order and by one timer."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from infra.alerts.runtime.alerting import Alerting, Outcome
from infra.alerts.runtime.audience import Group
from infra.alerts.runtime.closing import Closings
from infra.alerts.runtime.guarding import Guards
from infra.alerts.runtime.jobs import CloseWindow, DeliverAgain, SendDigest, SendWaiting, document_of
from infra.alerts.runtime.metrics import Metric
from infra.alerts.runtime.ports import NotPublished, Timers
from infra.alerts.runtime.sending import MOST_TRIES, begin_round, next_try
from infra.alerts.runtime.troubles import Trouble
from infra.alerts.runtime.turns import (
    A_ROUND,
    ROUND_S,
    Turns,
    Waiting,
    WaitingAlert,
    WaitingClosing,
    WaitingDigest,
    due_in,
    in_turn,
)
from smartcam.contract.ids import ThingName
from smartcam.contract.times import NS_PER_S, UtcNs

LONG_WAIT_S: Final = 300
"""An alert that waits for longer is the operators' business."""
MOST_BREAKS: Final = 10
"""What breaks the process so often is kept for a person to look at."""
_BROKEN_PAUSE_S: Final = 60
_LOOKED_AT: Final = max(20, A_ROUND)
"""Messages that a round looks at: what turns out to be told already takes no turn."""
_MOST_FAILURES: Final = 2
_SENT: Final = frozenset({Outcome.SENT, "closed", "digest"})

logger = logging.getLogger(__name__)


@dataclass
class _Course:
    """How a round goes."""

    looked_at: int = 0
    sent: int = 0
    left: int = 0
    failure: NotPublished | None = None
    failures: int = 0

    @property
    def is_over(self) -> bool:
        return self.sent >= A_ROUND or self.looked_at >= _LOOKED_AT or self.failures >= _MOST_FAILURES


@dataclass(frozen=True, slots=True)
class Rounds:
    """Holds the rounds of the groups."""

    alerting: Alerting
    closings: Closings
    turns: Turns
    guards: Guards
    timers: Timers
    now: Callable[[], UtcNs]

    def hold(self, due: UtcNs, job: SendWaiting, group: Group) -> str:
        """Send what may go out now, and set the timer of the next round; returns a word for the log.

        Raises:
            NotPublished: SNS has failed for hours; all that waits is kept, and whoever comes next tries again.
        """
        if not self.turns.open(group.name, due, self.now()):
            return "busy"
        course = self._send_all(group)
        now = self.now()
        if course.failure is not None and not course.sent:
            if job.tries >= MOST_TRIES:
                raise course.failure
            again = due_in((next_try(job.tries, now) - now) / NS_PER_S, now)
            self._set_next(again, SendWaiting(group.name, job.tries + 1))
            return "failed"
        if course.left:
            self._set_next(due_in(ROUND_S, now), SendWaiting(group.name))
            return f"sent {course.sent}"
        self.turns.close(group.name, now)
        if self.turns.queues(group.name):  # they came while this round thought that nobody waits
            begin_round(self.turns, self.timers, group.name, due_in(ROUND_S, now), now)
        return f"sent {course.sent}"

    def _set_next(self, due: UtcNs, job: SendWaiting) -> None:
        self.turns.set_next(job.group, due)
        self.timers.ring(due, job)

    def _send_all(self, group: Group) -> _Course:
        queues = {queue.thing: queue for queue in self.turns.queues(group.name)}
        course = _Course(left=sum(len(queue.waiting) for queue in queues.values()))
        allowed = dict[ThingName, bool]()
        for thing, waiting in in_turn(queues.values()):
            if course.is_over:
                break
            if thing not in allowed:
                allowed[thing] = not self.guards.is_revoked(thing)
                if not allowed[thing]:
                    self.turns.drop(group.name, thing)
                    course.left -= len(queues[thing].waiting)
            if allowed[thing]:
                course.looked_at += 1
                self._take_one(group, thing, waiting, course)
        return course

    def _take_one(self, group: Group, thing: ThingName, waiting: Waiting, course: _Course) -> None:
        try:
            done = self._send(group, thing, waiting)
        except NotPublished as error:
            course.failure, course.failures = error, course.failures + 1
            self._report(thing, waiting, group)
            self.turns.rotate(group.name, thing, self.now())
            return
        except Exception:  # the edge of the loop: one message that breaks must not hold up the group's others
            logger.exception("waiting_broke group=%s thing=%s waiting=%s", group.name, thing, waiting)
            self._set_aside(group, thing, waiting)
            done = "broken"
        if done is None:
            self.turns.rotate(group.name, thing, self.now())
            return
        course.sent += done in _SENT
        course.left -= 1
        self.turns.leave(group.name, thing, waiting, self.now())

    def _send(self, group: Group, thing: ThingName, waiting: Waiting) -> str | None:
        """What became of it; None where it must wait on."""
        if isinstance(waiting, WaitingAlert):
            again = self._delivery(thing, waiting)
            return "forgotten" if again is None else self.alerting.send_waiting(again, group)
        job = _job_of(group, thing, waiting)
        if isinstance(job, CloseWindow):
            return self.closings.close(job, group, has_turn=True)
        return self.closings.digest(job, group, has_turn=True)

    def _delivery(self, thing: ThingName, waiting: WaitingAlert) -> DeliverAgain | None:
        delivery = self.alerting.history.delivery(thing, waiting.camera, waiting.event_id)
        return None if delivery is None else DeliverAgain(delivery, waiting.tries)

    def _report(self, thing: ThingName, waiting: Waiting, group: Group) -> None:
        """Tell the operators for how long an alert could not be delivered."""
        job = self._delivery(thing, waiting) if isinstance(waiting, WaitingAlert) else None
        if job is not None:
            age_s = (self.now() - job.delivery.arrived_at) / NS_PER_S
            self.alerting.meter.add(Metric.UNDELIVERED_AGE, age_s)
            if age_s > LONG_WAIT_S:
                self.alerting.troubles.note(Trouble.ALERT_WAITS, group.name)

    def _set_aside(self, group: Group, thing: ThingName, waiting: Waiting) -> None:
        """Give what breaks a timer of its own; after many tries keep it where failures are kept."""
        again = replace(waiting, tries=waiting.tries + 1)
        job = self._delivery(thing, again) if isinstance(again, WaitingAlert) else _job_of(group, thing, again)
        if job is None:
            return
        if again.tries > MOST_BREAKS:
            kept = job.delivery.document() if isinstance(job, DeliverAgain) else document_of(self.now(), job)
            self.alerting.refusals.keep(kept, "it breaks when it is sent: the log says how")
        else:
            self.timers.ring(UtcNs(self.now() + _BROKEN_PAUSE_S * NS_PER_S), job)


def _job_of(group: Group, thing: ThingName, waiting: WaitingClosing | WaitingDigest) -> CloseWindow | SendDigest:
    if isinstance(waiting, WaitingClosing):
        return CloseWindow(thing, waiting.camera, group.name, waiting.family, waiting.tries, waiting.sweep)
    return SendDigest(group.name, waiting.ends, waiting.tries)
