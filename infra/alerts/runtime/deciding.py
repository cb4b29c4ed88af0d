"""Whether one group is alerted to one event, by its filter, its quiet hours and its cooldown; and the alert itself."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from infra.alerts.runtime.agreed import LEASE_S
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
from infra.alerts.runtime.sending import GroupSender, hold_for_digest, next_try
from infra.alerts.runtime.timing import occasion
from infra.alerts.runtime.words.render import alert_number, render_alert
from smartcam.contract.event import Event, EventKind, Severity
from smartcam.contract.times import NS_PER_S, UtcNs

_TEST_COOLDOWN_S: Final = 10


@dataclass(frozen=True, slots=True)
class Case:
    """One event on its way to its groups."""

    event: Event
    job: DeliverAgain
    doubtful: bool = False


@dataclass(frozen=True, slots=True)
class Later:
    """Not yet: `slot` where a turn was given, `failure` where SNS failed."""

    due: UtcNs
    slot: UtcNs | None = None
    failure: NotPublished | None = None


def spot_of(event: Event, group: Group, cooldown_s: int) -> Spot:
    """What the event's cooldown is about."""
    # Whether a camera is lost or back has nothing to do with what it sees.
    family = "sighting" if event.kind in SIGHTINGS else str(event.kind)
    return Spot(event.thing, event.camera_id, group.name, family, cooldown_of(family, cooldown_s))


def cooldown_of(family: str, cooldown_s: int) -> int:
    """The cooldown of a family of events; short for tests, so that the next one need not wait."""
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

    def decide(self, case: Case, group: Group, store: Callable[[AlertState], None]) -> AlertState | Later:
        """Decide for one group, and alert it if so decided; `store` keeps the decision before anything else."""
        event = case.event
        if not group.wanted.includes(event):
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
        if before is None or before.revision >= event.revision or before.state is AlertState.SENT:
            return before is not None
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

    def _alert(self, case: Case, group: Group, store: Callable[[AlertState], None]) -> AlertState | Later:
        spot, now = spot_of(case.event, group, self.cooldown_s), self.now()
        claim = self.windows.claim(spot, case.event, now) if spot.cooldown_s else Claim()
        if claim is None:
            self._hold_back(spot, case.event, now)
            store(AlertState.SUPPRESSED)
            self.meter.add(Metric.ALERTS_SUPPRESSED)
            return AlertState.SUPPRESSED
        far = self.sender.turn(group, case.job.slots.get(group.name))
        if far is not None:
            if spot.cooldown_s:  # what follows meanwhile is held back, and takes no turn
                self.windows.keep(spot, case.event, UtcNs(far + LEASE_S * NS_PER_S))
            return Later(far, slot=far)
        try:
            self._send(case, group, claim)
        except NotPublished as error:
            if spot.cooldown_s:
                self.windows.release(spot, case.event)
            return Later(next_try(case.job.tries, self.now()), failure=error)
        store(AlertState.SENT)
        if spot.cooldown_s:
            self.windows.sent(spot, case.event, claim, self.now())
        return AlertState.SENT

    def _hold_back(self, spot: Spot, event: Event, now: UtcNs) -> None:
        due = self.windows.hold_back(spot, event, now)
        if due is not None:
            self.timers.ring(due, CloseWindow(spot.thing, spot.camera, spot.group, spot.family))
            self.windows.timer_set(spot, due)

    def _send(self, case: Case, group: Group, claim: Claim) -> None:
        event, texts = case.event, self.sender.may_text(group)
        alert = AlertFacts(
            event=event,
            number=alert_number(event.event_id),
            when=occasion(event, case.job.delivery.arrived_at),
            zone=self.audience.zone_of(event.thing, event.camera_id),
            held_back=tuple(one for one in claim.held_back if one.event_id != event.event_id),
            picture=None if self.pictures is None else self.pictures.link(event),
            sms_withheld=bool(group.phones) and not texts,
        )
        facts = {
            "event_id": event.event_id,
            "thing": event.thing,
            "camera_id": event.camera_id,
            "kind": str(event.kind),
            "severity": str(event.severity),
        }
        self.meter.add(Metric.ALERTS_DOUBTFUL, int(case.doubtful))
        self.sender.publish(group, render_alert(alert, group.language), facts, texts=texts)
