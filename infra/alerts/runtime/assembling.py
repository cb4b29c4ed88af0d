"""The alerting put together: the same on AWS and on fakes."""

from collections.abc import Callable
from dataclasses import dataclass

from infra.alerts.runtime.alerting import Alerting
from infra.alerts.runtime.audience import Audience
from infra.alerts.runtime.closing import Closings
from infra.alerts.runtime.deciding import GroupAlerting
from infra.alerts.runtime.guarding import Admission, Guards
from infra.alerts.runtime.handover import Refusals
from infra.alerts.runtime.ports import (
    Digests,
    History,
    Limits,
    Meter,
    Notifier,
    Pictures,
    Replies,
    Timers,
    Windows,
)
from infra.alerts.runtime.rounds import Rounds
from infra.alerts.runtime.sending import GroupSender
from infra.alerts.runtime.timekeeping import Timekeeping
from infra.alerts.runtime.troubles import Troubles
from infra.alerts.runtime.turns import Turns
from smartcam.contract.times import UtcNs


@dataclass(frozen=True, slots=True)
class Outside:
    """All that the alerting reaches."""

    history: History
    windows: Windows
    digests: Digests
    limits: Limits
    turns: Turns
    guards: Guards
    timers: Timers
    notifier: Notifier
    replies: Replies
    refusals: Refusals
    pictures: Pictures | None
    meter: Meter
    troubles: Troubles


def assembled(out: Outside, audience: Audience, cooldown_s: int, now: Callable[[], UtcNs]) -> Timekeeping:
    """The alerting for these people, with this cooldown."""
    sender = GroupSender(out.limits, out.turns, out.timers, out.notifier, out.meter, out.troubles, now)
    groups = GroupAlerting(
        audience, cooldown_s, out.windows, out.digests, out.timers, sender, out.pictures, out.meter, now
    )
    alerting = Alerting(
        history=out.history,
        groups=groups,
        timers=out.timers,
        replies=out.replies,
        refusals=out.refusals,
        meter=out.meter,
        troubles=out.troubles,
        now=now,
    )
    closings = Closings(audience, cooldown_s, out.windows, out.digests, out.timers, sender, out.guards, now)
    rounds = Rounds(alerting, closings, out.turns, out.guards, out.timers, now)
    admission = Admission(out.guards, out.troubles, now)
    return Timekeeping(alerting, audience, closings, rounds, admission, out.timers, now)
