"""How messages go out: each at its group's turn and within the day's SMS, or later, in the digest of quiet hours."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from infra.alerts.runtime.audience import Group
from infra.alerts.runtime.facts import HeldEvent
from infra.alerts.runtime.jobs import SendDigest
from infra.alerts.runtime.metrics import Metric
from infra.alerts.runtime.ports import Digests, Limits, Meter, Notifier, NotPublished, Timers
from infra.alerts.runtime.words.render import AlertText
from smartcam.contract.times import NS_PER_S, UtcNs

DIGEST_GRACE_S: Final = 60
"""Longer than an invocation that saw quiet hours can run: nothing is held after the digest was written."""
PATIENCE_S: Final = 2.0
"""The longest wait for a turn; a later turn is left to a timer."""
MISSED_S: Final = 3
"""A turn missed by more than this is taken anew: what a queue delivers late, all at once, must not go out at once."""
_FIRST_PAUSE_S: Final = 5
_LONGEST_PAUSE_S: Final = 900
MOST_TRIES: Final = 24
"""Some five hours; then the job goes to its dead-letter queue."""

logger = logging.getLogger(__name__)


def next_try(tries: int, now: UtcNs) -> UtcNs:
    """When to try again after that many failures."""
    return UtcNs(now + min(_FIRST_PAUSE_S * 2 ** min(tries, 16), _LONGEST_PAUSE_S) * NS_PER_S)


def hold_for_digest(digests: Digests, timers: Timers, group: Group, ends: UtcNs, held: HeldEvent) -> None:
    """Keep an event for the digest that is sent when the quiet hours end."""
    digests.hold(group.name, ends, held)
    if digests.needs_timer(group.name, ends):
        timers.ring(UtcNs(ends + DIGEST_GRACE_S * NS_PER_S), SendDigest(group.name, ends))
        digests.timer_set(group.name, ends)


@dataclass(frozen=True, slots=True)
class GroupSender:
    """The way to a group's topic."""

    limits: Limits
    notifier: Notifier
    meter: Meter
    now: Callable[[], UtcNs]
    wait: Callable[[float], None]

    def turn(self, group: Group, slot: UtcNs | None) -> UtcNs | None:
        """Wait for the group's turn; the time of a turn that is too far off, None when it has come."""
        now = self.now()
        if not group.emails:
            return None
        valid = slot is not None and slot >= now - MISSED_S * NS_PER_S
        given = slot if slot is not None and valid else self.limits.slot(group.name, now)
        if given <= now:
            return None
        if given > now + PATIENCE_S * NS_PER_S:
            return given
        self.wait((given - now) / NS_PER_S)
        return None

    def may_text(self, group: Group) -> bool:
        """Whether this message may go to the group's phones; counted."""
        if not group.phones:
            return False
        if self.limits.may_text(group.phones, self.now()):
            return True
        self.meter.add(Metric.SMS_WITHHELD, group.phones)
        logger.warning("sms_withheld group=%s phones=%d", group.name, group.phones)
        return False

    def publish(self, group: Group, text: AlertText, facts: Mapping[str, str], *, texts: bool) -> None:
        """Send, and count what became of it. Raises NotPublished."""
        try:
            self.notifier.publish(group, text, facts, texts=texts)
        except NotPublished as error:
            self.meter.add(Metric.PUBLISH_FAILED)
            self.meter.add(Metric.ALERTS_DOUBTFUL, int(error.doubtful))
            if texts and not error.doubtful:
                self.limits.give_back(group.phones, self.now())
            logger.error("publish_failed group=%s alert=%s error=%s", group.name, text.number, error)  # noqa: TRY400
            raise
        self.meter.add(Metric.ALERTS_SENT)
        self.meter.add(Metric.SMS_SENT, group.phones if texts else 0)
