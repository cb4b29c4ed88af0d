"""What timers bring about: closing messages and digests."""

import logging
from dataclasses import dataclass, replace
from typing import Final

from infra.alerts.runtime.agreed import TIMEOUT_S
from infra.alerts.runtime.alerting import Alerting
from infra.alerts.runtime.audience import Group
from infra.alerts.runtime.facts import ClosingFacts, DigestFacts
from infra.alerts.runtime.jobs import CloseWindow, DeliverAgain, Job, SendDigest
from infra.alerts.runtime.ports import Closing, NotPublished, NotYet, Spot
from infra.alerts.runtime.telling import MOST_TRIES, Telling, cooldown_of, next_try
from infra.alerts.runtime.words.render import AlertText, alert_number, render_closing, render_digest
from smartcam.contract.event import Severity
from smartcam.contract.times import NS_PER_S, UtcNs

SWEEP_AFTER_S: Final = TIMEOUT_S + 1
"""By then every invocation has ended that was holding an event back when the window was closed."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Timekeeping:
    """Does a job when it is due."""

    telling: Telling
    alerting: Alerting

    def do(self, due: UtcNs, job: Job) -> str:
        """Do the job, or set its timer again where a queue could not wait so long; returns a word for the log.

        Raises:
            NotPublished: SNS has failed for hours.
        """
        if due > self.telling.now() + NS_PER_S // 2:
            self.telling.timers.ring(due, job)
            return "early"
        if isinstance(job, DeliverAgain):
            return self.alerting.take_again(job)
        group = self.telling.audience.group(job.group)
        if group is None:
            logger.warning("group_gone group=%s job=%s", job.group, type(job).__name__)
            return "gone"
        return self._close(job, group) if isinstance(job, CloseWindow) else self._digest(job, group)

    def _close(self, job: CloseWindow, group: Group) -> str:
        telling, now = self.telling, self.telling.now()
        cooldown_s = cooldown_of(job.family, telling.cooldown_s)
        spot = Spot(job.thing, job.camera, group.name, job.family, cooldown_s)
        closing = telling.windows.close(spot, now)
        if isinstance(closing, NotYet):
            telling.timers.ring(closing.at, job)
            if not job.sweep:
                telling.windows.timer_set(spot, closing.at)
            return "early"
        done = "nothing" if closing is None else self._try_closing(job, group, spot, closing)
        if not job.sweep and done != "early":
            sweep = replace(job, sweep=True, slot=None, tries=0)
            telling.timers.ring(UtcNs(now + SWEEP_AFTER_S * NS_PER_S), sweep)
        return done

    def _try_closing(self, job: CloseWindow, group: Group, spot: Spot, closing: Closing) -> str:
        telling = self.telling
        ends = group.quiet.end_after(telling.now()) if group.quiet else None
        if ends is not None and all(one.severity is not Severity.CRITICAL for one in closing.held_back):
            for one in closing.held_back:
                telling.hold(group, ends, one)
            telling.windows.closed(spot, closing)
            return "held"
        far = telling.turn(group, job.slot)
        if far is not None:
            telling.timers.ring(far, replace(job, slot=far))
            telling.windows.reopen(spot)
            return "early"
        try:
            self._tell_closing(job, group, closing)
        except NotPublished as error:
            self._try_again(job, error)
            telling.windows.reopen(spot)
            return "failed"
        telling.windows.closed(spot, closing)
        return "closed"

    def _tell_closing(self, job: CloseWindow, group: Group, closing: Closing) -> None:
        zone = self.telling.audience.zone_of(job.thing, job.camera)
        number = closing.number or alert_number(closing.held_back[0].event_id)
        facts = ClosingFacts(job.thing, job.camera, closing.held_back, number, closing.since, zone)
        severity = max((one.severity for one in closing.held_back), key=list(Severity).index)
        self._publish(
            group,
            render_closing(facts, group.language),
            {"thing": job.thing, "camera_id": job.camera, "severity": str(severity)},
        )

    def _digest(self, job: SendDigest, group: Group) -> str:
        telling = self.telling
        held = telling.digests.open(group.name, job.ends, telling.now())
        if held is None:
            return "nothing"
        if isinstance(held, NotYet):
            telling.timers.ring(held.at, job)
            return "early"
        far = telling.turn(group, job.slot)
        if far is not None:
            telling.timers.ring(far, replace(job, slot=far))
            telling.digests.release(group.name, job.ends)
            return "early"
        number = alert_number(held[0].event_id)
        facts = DigestFacts(tuple(held), number, job.ends, group.zone)
        try:
            self._publish(group, render_digest(facts, group.language), {})
        except NotPublished as error:
            self._try_again(job, error)
            telling.digests.release(group.name, job.ends)
            return "failed"
        telling.digests.sent(group.name, job.ends)
        return "digest"

    def _publish(self, group: Group, text: AlertText, facts: dict[str, str]) -> None:
        self.telling.publish(group, text, facts, texts=self.telling.may_text(group))

    def _try_again(self, job: CloseWindow | SendDigest, error: NotPublished) -> None:
        if job.tries >= MOST_TRIES:
            raise error
        self.telling.timers.ring(next_try(job.tries, self.telling.now()), replace(job, tries=job.tries + 1))
