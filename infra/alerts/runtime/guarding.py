"""How much the cloud does for one thing: pure decisions about messages, cameras and SMS, by the UTC day and the second.

Whoever steals a device's certificate can publish a hundred messages a second, under any camera's name. What is beyond
the bound is neither written nor acknowledged: an honest device keeps it in its outbox and sends it again.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final, Protocol

from infra.alerts.runtime.troubles import Trouble, Troubles
from smartcam.contract.ids import CameraId, ThingName
from smartcam.contract.times import NS_PER_S, UtcNs, format_utc

BURST: Final = 60
"""Messages of a thing at once; then one a second. A device that comes back from a week offline sends a backlog.

All others wait for as long as five processes need for so many events: a second or two on AWS, where one takes 0.1 s.
"""
CRITICAL_BURST: Final = 40
CRITICAL_RESERVE: Final = 100
"""Critical alarms beyond the burst, and beyond the day: a device's own backlog must not hold up its fresh alarm."""
MOST_A_DAY: Final = 10_000
MOST_CAMERAS: Final = 64
"""Cameras that a thing may name in a day."""
STEP_NS: Final = NS_PER_S
ASK_AGAIN_S: Final = 1
ASK_AGAIN_LATE_S: Final = 60
"""How long a process remembers that a day is used up, or a thing revoked: what it remembers costs nothing."""
_MOST_REMEMBERED: Final = 1000
_TRIES: Final = 8
_NS_PER_DAY: Final = 86_400 * NS_PER_S
_NEVER: Final = UtcNs(0)


class DenialReason(StrEnum):
    """Why a message is not taken now."""

    RATE = "rate"
    DAY = "day"
    REVOKED = "revoked"
    CONTENDED = "contended"


@dataclass(frozen=True, slots=True)
class Denied:
    """Not now; whoever remembers it need not ask before `until`."""

    reason: DenialReason
    until: UtcNs


@dataclass(frozen=True, slots=True)
class ThingGuard:
    """What a thing has used of its day, and when its bucket of messages is full again (a token bucket, as GCRA)."""

    day: str = ""
    used: int = 0
    free_at: UtcNs = _NEVER
    cameras: frozenset[CameraId] = field(default_factory=frozenset)
    revoked: bool = False


@dataclass(frozen=True, slots=True)
class Admitted:
    """The guard to store before the message is taken; `knows_camera` is False from the 65th camera on."""

    guard: ThingGuard
    knows_camera: bool = True


@dataclass(frozen=True, slots=True)
class Asked:
    """One message that wants to be taken; `is_critical` is asked only where that matters."""

    camera: CameraId
    is_critical: Callable[[], bool]


def day_of(now: UtcNs) -> str:
    """The UTC day, as 2026-03-01."""
    return format_utc(now)[:10]


def admit(before: ThingGuard, camera: CameraId, now: UtcNs, *, critical: bool) -> Admitted | Denied:
    """Whether one more message of a thing is taken."""
    today = day_of(now)
    guard = before if before.day == today else replace(before, day=today, used=0, cameras=frozenset())
    burst, most = (BURST + CRITICAL_BURST, MOST_A_DAY + CRITICAL_RESERVE) if critical else (BURST, MOST_A_DAY)
    if guard.revoked:
        return Denied(DenialReason.REVOKED, UtcNs(now + ASK_AGAIN_LATE_S * NS_PER_S))
    if guard.used >= most:
        midnight = UtcNs((now // _NS_PER_DAY + 1) * _NS_PER_DAY)
        return Denied(DenialReason.DAY, min(UtcNs(now + ASK_AGAIN_LATE_S * NS_PER_S), midnight))
    full_at = max(guard.free_at, now)
    wait = full_at - now - (burst - 1) * STEP_NS
    if wait > 0:
        return Denied(DenialReason.RATE, UtcNs(now + max(wait, ASK_AGAIN_S * NS_PER_S)))
    knows = camera in guard.cameras or len(guard.cameras) < MOST_CAMERAS
    cameras = guard.cameras | {camera} if knows else guard.cameras
    return Admitted(replace(guard, used=guard.used + 1, free_at=UtcNs(full_at + STEP_NS), cameras=cameras), knows)


class Guards(Protocol):
    """Where the guards of the things are kept."""

    def guard(self, thing: ThingName) -> ThingGuard:
        """What is known of a thing."""

    def save(self, thing: ThingName, before: ThingGuard, after: ThingGuard, now: UtcNs) -> bool:
        """Store it; False, and nothing stored, where another process has changed it since."""

    def is_revoked(self, thing: ThingName) -> bool:
        """Whether nothing of a thing is to be told to anybody."""


@dataclass(frozen=True, slots=True)
class Admission:
    """Asks the guard of a thing, and remembers denials, so that a flood costs neither reads nor writes by the event."""

    guards: Guards
    troubles: Troubles
    now: Callable[[], UtcNs]
    ordinary: dict[ThingName, Denied] = field(default_factory=dict)
    critical: dict[ThingName, Denied] = field(default_factory=dict)

    def ask(self, thing: ThingName, asked: Sequence[Asked]) -> list[Admitted | Denied]:
        """Which messages of a thing are taken, all of them with one write; counts those that are not."""
        answers: list[Admitted | Denied | None] = [self._remembered(thing, one) for one in asked]
        open_ones = [one for one, answer in zip(asked, answers, strict=True) if answer is None]
        fresh = iter(self._ask(thing, open_ones) if open_ones else [])
        told = [next(fresh) if answer is None else answer for answer in answers]
        many = sum(isinstance(one, Denied) and one.reason is not DenialReason.REVOKED for one in told)
        if many:
            self.troubles.note(Trouble.OVER_BOUND, thing, many)
        return told

    def _remembered(self, thing: ThingName, asked: Asked) -> Denied | None:
        now, critical, ordinary = self.now(), self.critical.get(thing), self.ordinary.get(thing)
        if critical is not None and now < critical.until:
            return critical
        if ordinary is not None and now < ordinary.until and not asked.is_critical():
            return ordinary
        return None

    def _ask(self, thing: ThingName, asked: Sequence[Asked]) -> list[Admitted | Denied]:
        critical = [one.is_critical() for one in asked]
        for _ in range(_TRIES):
            before, now = self.guards.guard(thing), self.now()
            guard, answers = before, list[Admitted | Denied]()
            for one, is_critical in zip(asked, critical, strict=True):
                answer = admit(guard, one.camera, now, critical=is_critical)
                guard = answer.guard if isinstance(answer, Admitted) else guard
                answers.append(answer)
            if guard is before or self.guards.save(thing, before, guard, now):
                break
        else:
            contended = Denied(DenialReason.CONTENDED, UtcNs(self.now() + ASK_AGAIN_S * NS_PER_S))
            answers = [contended] * len(asked)
        for answer, is_critical in zip(answers, critical, strict=True):
            if isinstance(answer, Denied):
                self._remember(thing, answer, critical=is_critical)
        return answers

    def _remember(self, thing: ThingName, denied: Denied, *, critical: bool) -> None:
        # What is denied to an alarm is denied to all else; who is revoked is denied everything.
        everything = critical or denied.reason is DenialReason.REVOKED
        for memory in (self.ordinary, self.critical) if everything else (self.ordinary,):
            if len(memory) >= _MOST_REMEMBERED:
                memory.clear()
            memory[thing] = denied
