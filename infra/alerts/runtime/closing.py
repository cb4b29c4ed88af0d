"""What is done when a timer is due: closing messages, digests and deliveries that had to wait."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from infra.alerts.runtime.agreed import TIMEOUT_S
from infra.alerts.runtime.alerting import Alerting
from infra.alerts.runtime.audience import Audience, Group
from infra.alerts.runtime.deciding import cooldown_of
from infra.alerts.runtime.facts import ClosingFacts, DigestFacts
from infra.alerts.runtime.jobs import CloseWindow, DeliverAgain, Job, SendDigest
from infra.alerts.runtime.ports import Closing, Digests, NotPublished, NotYet, Spot, Timers, Windows
from infra.alerts.runtime.sending import MOST_TRIES, GroupSender, hold_for_digest, next_try
from infra.alerts.runtime.words.render import AlertText, alert_number, render_closing, render_digest
from smartcam.contract.event import Severity
from smartcam.contract.times import NS_PER_S, UtcNs

SWEEP_AFTER_S: Final = TIMEOUT_S + 1
"""By then every invocation that was holding an event back when the window was closed has ended."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Timekeeping:
    """Does a job when it is due."""

    alerting: Alerting
    audience: Audience
    cooldown_s: int
    windows: Windows
    digests: Digests
    timers: Timers
    sender: GroupSender
    now: Callable[[], UtcNs]

    def do(self, due: UtcNs, job: Job) -> str:
        """Do the job, or set its timer again where a queue could not wait so long; returns a word for the log.

        Raises:
            NotPublished: SNS has failed for hours.
        """
        if due > self.now() + NS_PER_S // 2:
            self.timers.ring(due, job)
            return "early"
        if isinstance(job, DeliverAgain):
            return self.alerting.take_again(job)
        group = self.audience.group(job.group)
        if group is None:
            logger.warning("group_gone group=%s job=%s", job.group, type(job).__name__)
            return "gone"
        return self._close(job, group) if isinstance(job, CloseWindow) else self._digest(job, group)

    def _close(self, job: CloseWindow, group: Group) -> str:
        now = self.now()
        cooldown_s = cooldown_of(job.family, self.cooldown_s)
        spot = Spot(job.thing, job.camera, group.name, job.family, cooldown_s)
        closing = self.windows.close(spot, now)
        if isinstance(closing, NotYet):
            self.timers.ring(closing.at, job)
            if not job.sweep:
                self.windows.timer_set(spot, closing.at)
            return "early"
        done = "nothing" if closing is None else self._try_closing(job, group, spot, closing)
        if not job.sweep and done != "early":
            sweep = replace(job, sweep=True, slot=None, tries=0)
            self.timers.ring(UtcNs(now + SWEEP_AFTER_S * NS_PER_S), sweep)
        return done

    def _try_closing(self, job: CloseWindow, group: Group, spot: Spot, closing: Closing) -> str:
        ends = group.quiet.end_after(self.now()) if group.quiet else None
        if ends is not None and all(one.severity is not Severity.CRITICAL for one in closing.held_back):
            for one in closing.held_back:
                hold_for_digest(self.digests, self.timers, group, ends, one)
            self.windows.closed(spot, closing)
            return "held"
        number = closing.number or alert_number(closing.held_back[0].event_id)
        zone = self.audience.zone_of(job.thing, job.camera)
        facts = ClosingFacts(job.thing, job.camera, closing.held_back, number, closing.since, zone)
        severity = max((one.severity for one in closing.held_back), key=list(Severity).index)
        attributes = {"thing": job.thing, "camera_id": job.camera, "severity": str(severity)}
        unsent = self._send(job, group, render_closing(facts, group.language), attributes)
        if unsent is not None:
            self.windows.reopen(spot)
            return unsent
        self.windows.closed(spot, closing)
        return "closed"

    def _digest(self, job: SendDigest, group: Group) -> str:
        held = self.digests.open(group.name, job.ends, self.now())
        if held is None:
            return "nothing"
        if isinstance(held, NotYet):
            self.timers.ring(held.at, job)
            return "early"
        facts = DigestFacts(tuple(held), alert_number(held[0].event_id), job.ends, group.zone)
        unsent = self._send(job, group, render_digest(facts, group.language), {})
        if unsent is not None:
            self.digests.release(group.name, job.ends)
            return unsent
        self.digests.sent(group.name, job.ends)
        return "digest"

    def _send(
        self, job: CloseWindow | SendDigest, group: Group, text: AlertText, attributes: Mapping[str, str]
    ) -> str | None:
        """Send at the group's turn; where that is later, or SNS fails, set a timer and say so. Raises NotPublished."""
        far = self.sender.turn(group, job.slot)
        if far is not None:
            self.timers.ring(far, replace(job, slot=far))
            return "early"
        try:
            self.sender.publish(group, text, attributes, texts=self.sender.may_text(group))
        except NotPublished:
            if job.tries >= MOST_TRIES:
                raise
            self.timers.ring(next_try(job.tries, self.now()), replace(job, tries=job.tries + 1))
            return "failed"
        return None
