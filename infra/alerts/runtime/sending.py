"""How messages go out: each at its group's turn and within the day's SMS, or later, in the digest of quiet hours."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from infra.alerts.runtime.audience import Group
from infra.alerts.runtime.facts import HeldEvent
from infra.alerts.runtime.jobs import SendDigest, SendWaiting
from infra.alerts.runtime.metrics import Metric
from infra.alerts.runtime.ports import Digests, Limits, Meter, Notifier, NotPublished, SmsRequest, Timers
from infra.alerts.runtime.troubles import Trouble, Troubles
from infra.alerts.runtime.turns import ROUND_S, Turns, Waiting, due_in
from infra.alerts.runtime.words.render import AlertText
from smartcam.contract.ids import ThingName
from smartcam.contract.times import NS_PER_S, UtcNs

DIGEST_GRACE_S: Final = 60
"""Longer than an invocation that saw quiet hours can run: nothing is held after the digest was written."""
FIRST_PAUSE_S: Final = 5
_LONGEST_PAUSE_S: Final = 60
"""A group's one timer costs little, and once SNS is back a fresh alarm waits for it."""
MOST_TRIES: Final = 300
"""Some five hours; then the job goes to its dead-letter queue."""

logger = logging.getLogger(__name__)


def next_try(tries: int, now: UtcNs) -> UtcNs:
    """When to try again after that many failures."""
    return UtcNs(now + min(FIRST_PAUSE_S * 2 ** min(tries, 16), _LONGEST_PAUSE_S) * NS_PER_S)


def hold_for_digest(digests: Digests, timers: Timers, group: Group, ends: UtcNs, held: HeldEvent) -> None:
    """Keep an event for the digest that is sent when the quiet hours end."""
    digests.hold(group.name, ends, held)
    if digests.needs_timer(group.name, ends):
        timers.ring(UtcNs(ends + DIGEST_GRACE_S * NS_PER_S), SendDigest(group.name, ends))
        digests.timer_set(group.name, ends)


def begin_round(turns: Turns, timers: Timers, group: str, due: UtcNs, now: UtcNs) -> None:
    """Set the group's one timer, unless it is set; twice where a process dies in between, and the second is idle."""
    if not turns.is_armed(group, now):
        timers.ring(due, SendWaiting(group))
        turns.arm(group, due, now)


@dataclass(frozen=True, slots=True)
class GroupSender:
    """The way to a group's topic."""

    limits: Limits
    turns: Turns
    timers: Timers
    notifier: Notifier
    meter: Meter
    troubles: Troubles
    now: Callable[[], UtcNs]

    def has_turn(self, group: Group) -> bool:
        """Whether a message may go out to the group now. Only mailboxes need turns."""
        return not group.emails or self.turns.take(group.name, self.now())

    def wait(self, group: Group, thing: ThingName, waiting: Waiting, in_s: float = ROUND_S) -> bool:
        """Let something wait for the group's next round; False where too much of the thing waits already."""
        now = self.now()
        if not self.turns.join(group.name, thing, waiting, now):
            return False
        begin_round(self.turns, self.timers, group.name, due_in(in_s, now), now)
        return True

    def texts(self, group: Group, thing: str, *, critical: bool) -> SmsRequest | None:
        """The SMS that this message may send to the group's phones, counted; None where it may send none."""
        if not group.phones:
            return None
        text = SmsRequest(group.phones, thing, critical)
        answer = self.limits.may_text(text, self.now())
        if answer.nearly_used_up:
            self.troubles.note(Trouble.SMS_NEARLY)
        if answer.allowed:
            return text
        self.meter.add(Metric.SMS_WITHHELD, group.phones)
        self.troubles.note(Trouble.SMS_WITHHELD, thing, group.phones)
        logger.warning("sms_withheld group=%s thing=%s phones=%d", group.name, thing, group.phones)
        return None

    def publish(self, group: Group, alert: AlertText, facts: Mapping[str, str], texts: SmsRequest | None) -> None:
        """Send, with the SMS that were counted, and count what became of it. Raises NotPublished."""
        try:
            self.notifier.publish(group, alert, facts, texts=texts is not None)
        except NotPublished as error:
            self.meter.add(Metric.PUBLISH_FAILED)
            self.meter.add(Metric.ALERTS_DOUBTFUL, int(error.doubtful))
            self.troubles.note(Trouble.PUBLISH_FAILED, group.name)
            if texts is not None and not error.doubtful:
                self.limits.give_back(texts, self.now())
            logger.error("publish_failed group=%s alert=%s error=%s", group.name, alert.number, error)  # noqa: TRY400
            raise
        self.meter.add(Metric.ALERTS_SENT)
        self.meter.add(Metric.SMS_SENT, 0 if texts is None else texts.phones)
