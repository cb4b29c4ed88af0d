"""Closing messages, which tell what followed an alert, and the digests of quiet hours."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from infra.alerts.runtime.agreed import TIMEOUT_S
from infra.alerts.runtime.audience import Audience, Group
from infra.alerts.runtime.deciding import cooldown_of
from infra.alerts.runtime.facts import ClosingFacts, DigestFacts, HeldEvent
from infra.alerts.runtime.guarding import Guards
from infra.alerts.runtime.jobs import CloseWindow, SendDigest
from infra.alerts.runtime.ports import Closing, Digests, NotPublished, NotYet, Spot, Timers, Windows
from infra.alerts.runtime.sending import FIRST_PAUSE_S, GroupSender, hold_for_digest
from infra.alerts.runtime.turns import OF_GROUP, ROUND_S, WaitingClosing, WaitingDigest
from infra.alerts.runtime.words.render import AlertText, alert_number, render_closing, render_digest
from smartcam.contract.event import Severity
from smartcam.contract.times import NS_PER_S, UtcNs

SWEEP_AFTER_S: Final = TIMEOUT_S + 1
"""By then every invocation that was holding an event back when the window was closed has ended."""
_NO_PLACE_S: Final = 120
"""When to look again for a place among the waiting messages of a thing that has too many."""


@dataclass(frozen=True, slots=True)
class Closings:
    """Sends them at their group's turn; `has_turn` where a round has given it."""

    audience: Audience
    cooldown_s: int
    windows: Windows
    digests: Digests
    timers: Timers
    sender: GroupSender
    guards: Guards
    now: Callable[[], UtcNs]

    def close(self, job: CloseWindow, group: Group, *, has_turn: bool = False) -> str:
        """Tell what a window has held back; returns a word for the log.

        Raises:
            NotPublished: only where it has its turn already.
        """
        now = self.now()
        spot = Spot(job.thing, job.camera, group.name, job.family, cooldown_of(job.family, self.cooldown_s))
        closing = self.windows.close(spot, now)
        if isinstance(closing, NotYet):
            self.timers.ring(closing.at, job)
            if not job.sweep:
                self.windows.timer_set(spot, closing.at)
            return "early"
        done = "nothing" if closing is None else self._try_closing(job, group, spot, closing, has_turn=has_turn)
        if not job.sweep and done not in {"waits", "early"}:
            self.timers.ring(UtcNs(now + SWEEP_AFTER_S * NS_PER_S), replace(job, sweep=True, tries=0))
        return done

    def _try_closing(self, job: CloseWindow, group: Group, spot: Spot, closing: Closing, *, has_turn: bool) -> str:
        if self.guards.is_revoked(job.thing):
            self.windows.closed(spot, closing)
            return "revoked"
        critical = any(one.severity is Severity.CRITICAL for one in closing.held_back)
        ends = group.quiet.end_after(self.now()) if group.quiet else None
        if ends is not None and not critical:
            for one in closing.held_back:
                hold_for_digest(self.digests, self.timers, group, ends, one)
            self.windows.closed(spot, closing)
            return "held"
        if not has_turn and not self.sender.has_turn(group):
            self.windows.reopen(spot)
            return self._wait(job, group, ROUND_S)
        text, attributes = self._text(job, group, closing)
        try:
            self._send(group, text, attributes, job.thing, critical=critical)
        except NotPublished:
            self.windows.reopen(spot)
            if has_turn:
                raise
            return self._wait(job, group, FIRST_PAUSE_S)
        self.windows.closed(spot, closing)
        return "closed"

    def _wait(self, job: CloseWindow, group: Group, in_s: float) -> str:
        waiting = WaitingClosing(job.camera, job.family, job.sweep, job.tries)
        if self.sender.wait(group, job.thing, waiting, in_s):
            return "waits"
        self.timers.ring(UtcNs(self.now() + _NO_PLACE_S * NS_PER_S), job)
        return "early"

    def _text(self, job: CloseWindow, group: Group, closing: Closing) -> tuple[AlertText, Mapping[str, str]]:
        number = closing.number or alert_number(closing.held_back[0].event_id)
        zone = self.audience.zone_of(job.thing, job.camera)
        facts = ClosingFacts(job.thing, job.camera, closing.held_back, number, closing.since, zone)
        severity = max((one.severity for one in closing.held_back), key=list(Severity).index)
        attributes = {"thing": job.thing, "camera_id": job.camera, "severity": str(severity)}
        return render_closing(facts, group.language), attributes

    def digest(self, job: SendDigest, group: Group, *, has_turn: bool = False) -> str:
        """Tell what quiet hours have held. Returns and raises as `close`."""
        held = self.digests.open(group.name, job.ends, self.now())
        if held is None:
            return "nothing"
        if isinstance(held, NotYet):
            self.timers.ring(held.at, job)
            return "early"
        told = self._without_revoked(held)
        if not told:
            self.digests.sent(group.name, job.ends)
            return "revoked"
        if not has_turn and not self.sender.has_turn(group):
            self.digests.release(group.name, job.ends)
            return self._wait_with_digest(job, group, ROUND_S)
        facts = DigestFacts(told, alert_number(told[0].event_id), job.ends, group.zone)
        try:
            self._send(group, render_digest(facts, group.language), {}, "", critical=False)
        except NotPublished:
            self.digests.release(group.name, job.ends)
            if has_turn:
                raise
            return self._wait_with_digest(job, group, FIRST_PAUSE_S)
        self.digests.sent(group.name, job.ends)
        return "digest"

    def _wait_with_digest(self, job: SendDigest, group: Group, in_s: float) -> str:
        if self.sender.wait(group, OF_GROUP, WaitingDigest(job.ends, job.tries), in_s):
            return "waits"
        self.timers.ring(UtcNs(self.now() + _NO_PLACE_S * NS_PER_S), job)
        return "early"

    def _without_revoked(self, held: Sequence[HeldEvent]) -> tuple[HeldEvent, ...]:
        revoked = {thing for thing in {one.thing for one in held} if self.guards.is_revoked(thing)}
        return tuple(one for one in held if one.thing not in revoked)

    def _send(
        self, group: Group, text: AlertText, attributes: Mapping[str, str], thing: str, *, critical: bool
    ) -> None:
        self.sender.publish(group, text, attributes, self.sender.texts(group, thing, critical=critical))
