"""Whether one group is alerted to one event, by its filter, its quiet hours and its cooldown; and the alert itself."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from infra.alerts.runtime.audience import Audience, Group
from infra.alerts.runtime.facts import SIGHTINGS, AlertFacts, HeldEvent
from infra.alerts.runtime.jobs import CloseWindow, DeliverAgain
from infra.alerts.runtime.metrics import Metric
from infra.alerts.runtime.ports import (
    AlertState,
    Claim,
    Decision,
    Digests,
    Meter,
    NotPublished,
    Pictures,
    Spot,
    Timers,
    Windows,
)
from infra.alerts.runtime.sending import FIRST_PAUSE_S, GroupSender, hold_for_digest
from infra.alerts.runtime.timing import occasion
from infra.alerts.runtime.turns import ROUND_S, alert_of
from infra.alerts.runtime.words.render import alert_number, render_alert
from smartcam.contract.event import WHOLE_DEVICE, Event, EventKind, Severity
from smartcam.contract.times import NS_PER_S, UtcNs

_TEST_COOLDOWN_S: Final = 10
OVERFLOW: Final = "overflow"
"""The family of what finds no place among a thing's waiting alerts, whichever camera it is of."""
_OVERFLOW_S: Final = 60
LAST_DECIDED: Final = 16
"""The last revision that is decided anew: a device sends two or three, and the event's item keeps a word for each."""
KEPT_WAITING_S: Final = 120
"""How long an alert that waits for its turn keeps others of its camera from waiting too."""


@dataclass(frozen=True, slots=True)
class Case:
    """One event on its way to its groups; `has_turn` where a round has given it its group's turn."""

    event: Event
    job: DeliverAgain
    doubtful: bool = False
    has_turn: bool = False


def spot_of(event: Event, group: Group, cooldown_s: int) -> Spot:
    """What the event's cooldown is about."""
    # Whether a camera is lost or back has nothing to do with what it sees.
    family = "sighting" if event.kind in SIGHTINGS else str(event.kind)
    return Spot(event.thing, event.camera_id, group.name, family, cooldown_of(family, cooldown_s))


def cooldown_of(family: str, cooldown_s: int) -> int:
    """The cooldown of a family of events; short for tests, so that the next one need not wait."""
    if family == OVERFLOW:
        return _OVERFLOW_S
    return min(cooldown_s, _TEST_COOLDOWN_S) if family == EventKind.TEST else cooldown_s


@dataclass(frozen=True, slots=True)
class GroupAlerting:
    """Decides for one group at a time, and alerts it."""

    audience: Audience
    cooldown_s: int
    windows: Windows
    digests: Digests
    timers: Timers
    sender: GroupSender
    pictures: Pictures | None
    meter: Meter
    now: Callable[[], UtcNs]

    def decide(self, case: Case, group: Group, store: Callable[[AlertState], None]) -> AlertState | None:
        """Decide for one group, and alert it if so decided; `store` keeps the decision before anything else.

        Returns None where the alert now waits for the group's turn, or until SNS takes it.

        Raises:
            NotPublished: only where the case has its turn already.
        """
        event = case.event
        if event.is_held_back or not group.wanted.includes(event):
            store(AlertState.UNWANTED)
            return AlertState.UNWANTED
        ends = group.quiet.end_after(self.now()) if group.quiet else None
        if ends is not None and event.severity is not Severity.CRITICAL:
            hold_for_digest(self.digests, self.timers, group, ends, HeldEvent.of(event))
            store(AlertState.HELD)
            self.meter.add(Metric.ALERTS_HELD)
            return AlertState.HELD
        return self._alert(case, group, store)

    def is_settled(self, event: Event, group: Group, told: Mapping[str, Decision]) -> bool:
        """Whether nothing is left to decide for a group: nobody is alerted twice because an event got a better name.

        A group that an earlier revision did not alert may yet be alerted by this one. An event that quiet hours hold is
        in their digest, where it gets the better name as long as they last.
        """
        before = told.get(group.name)
        if before is None or before.revision >= min(event.revision, LAST_DECIDED) or before.state is AlertState.SENT:
            return before is not None
        if event.is_held_back:  # what was counted under its first name, people will be told of
            return True
        return before.state is AlertState.HELD and not (group.quiet and group.quiet.end_after(self.now()))

    def unsettled(self, event: Event, told: Mapping[str, Decision]) -> list[Group]:
        """The groups for which something is left to decide."""
        return [group for group in self.audience.groups if not self.is_settled(event, group, told)]

    def is_open(self, event: Event, told: Mapping[str, Decision]) -> bool:
        """Whether a new revision has to be decided again for some group."""
        return any(group.name in told for group in self.unsettled(event, told))

    def begin_cooldowns(self, event: Event, told: Mapping[str, Decision]) -> None:
        """Begin the cooldowns of alerts that were sent, where a crash came in between."""
        for group in self.audience.groups:
            spot = spot_of(event, group, self.cooldown_s)
            before = told.get(group.name)
            if spot.cooldown_s and before is not None and before.state is AlertState.SENT:
                self.windows.sent(spot, event, Claim(), self.now())

    def _alert(self, case: Case, group: Group, store: Callable[[AlertState], None]) -> AlertState | None:
        spot, now = spot_of(case.event, group, self.cooldown_s), self.now()
        claim = self.windows.claim(spot, case.event, now) if spot.cooldown_s else Claim()
        if claim is None:
            return self._suppress(spot, case.event, store)
        if not case.has_turn and not self.sender.has_turn(group):
            return self._wait(case, group, spot, store)
        try:
            self._send(case, group, claim)
        except NotPublished:
            if spot.cooldown_s:
                self.windows.release(spot, case.event)
            if case.has_turn:
                raise
            return self._wait(case, group, replace(spot, cooldown_s=0), store, FIRST_PAUSE_S)
        store(AlertState.SENT)
        if spot.cooldown_s:
            self.windows.sent(spot, case.event, claim, self.now())
        return AlertState.SENT

    def _wait(
        self, case: Case, group: Group, spot: Spot, store: Callable[[AlertState], None], in_s: float = ROUND_S
    ) -> AlertState | None:
        """Let the alert wait; where too many of its thing do, one message will tell how many did not."""
        event = case.event
        if self.sender.wait(group, event.thing, alert_of(event, case.job.tries), in_s):
            self.meter.add(Metric.ALERTS_DOUBTFUL, int(case.doubtful))  # nobody will know when it is sent
            if spot.cooldown_s:  # what follows meanwhile is held back, and takes no place
                self.windows.keep(spot, event, UtcNs(self.now() + KEPT_WAITING_S * NS_PER_S))
            return None
        if spot.cooldown_s:
            self.windows.release(spot, event)
        return self._suppress(Spot(event.thing, WHOLE_DEVICE, group.name, OVERFLOW, _OVERFLOW_S), event, store)

    def _suppress(self, spot: Spot, event: Event, store: Callable[[AlertState], None]) -> AlertState:
        due = self.windows.hold_back(spot, event, self.now())
        if due is not None:
            self.timers.ring(due, CloseWindow(spot.thing, spot.camera, spot.group, spot.family))
            self.windows.timer_set(spot, due)
        store(AlertState.SUPPRESSED)
        self.meter.add(Metric.ALERTS_SUPPRESSED)
        return AlertState.SUPPRESSED

    def _send(self, case: Case, group: Group, claim: Claim) -> None:
        event = case.event
        texts = self.sender.texts(group, event.thing, critical=event.severity is Severity.CRITICAL)
        alert = AlertFacts(
            event=event,
            number=alert_number(event.event_id),
            when=occasion(event, case.job.delivery.arrived_at),
            zone=self.audience.zone_of(event.thing, event.camera_id),
            held_back=tuple(one for one in claim.held_back if one.event_id != event.event_id),
            picture=None if self.pictures is None else self.pictures.link(event),
            clip=None if self.pictures is None else self.pictures.clip(event),
            sms_withheld=bool(group.phones) and texts is None,
        )
        facts = {
            "event_id": event.event_id,
            "thing": event.thing,
            "camera_id": event.camera_id,
            "kind": str(event.kind),
            "severity": str(event.severity),
        }
        self.meter.add(Metric.ALERTS_DOUBTFUL, int(case.doubtful))
        self.sender.publish(group, render_alert(alert, group.language), facts, texts)
