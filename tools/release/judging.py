"""Whether the things of a stage run what they were sent, by their deployments and by their own health. Pure.

The nucleus's word is not enough: a device that refuses a release goes on with the version that is proven, and its
deployment succeeds all the same.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from infra.fleet.runtime.device import Device
from infra.fleet.runtime.judging import Policy, two_signs
from smartcam.contract.health import DeviceState
from smartcam.contract.times import NS_PER_S, UtcNs, format_utc
from tools.release.status import DeviceOutcome

_PATIENCE: Final = Policy()
"""How late a sign of life may be: the dead-man switch's."""
_SHOWN: Final = 5
_UNKNOWN: Final = "unknown (if that stays so, deploy the cloud side of this version: make cloud)"


class Headway(StrEnum):
    """How far a thing is."""

    RUNS = "runs"
    AWAITED = "awaited"
    REFUSED = "refused"
    SILENT = "silent"
    """It was silent before the stage began, and does not count."""


@dataclass(frozen=True, slots=True)
class Glance:
    """One look at a thing: what it last reported (None: never anything), and how far its deployment was then."""

    at: UtcNs
    device: Device | None
    outcome: DeviceOutcome

    @property
    def report(self) -> tuple[str, int] | None:
        """Which health message was the last one."""
        return (self.device.run, self.device.seq) if self.device else None


@dataclass(frozen=True, slots=True)
class WatchedThing:
    """What a thing is to run (None: nothing of ours, so that its deployment alone counts), and all looks at it."""

    version: str | None
    seen: Sequence[Glance]


@dataclass(frozen=True, slots=True)
class Rules:
    """What a stage asks for.

    `steady_s`: how long a thing's health must name the version. `names_capture`: the release reports capture's version
    too; an older one may leave it out. `excuses_silent`: a thing that was silent before the stage does not count.
    """

    steady_s: float
    names_capture: bool = True
    excuses_silent: bool = True


@dataclass(frozen=True, slots=True, order=True)
class ThingVerdict:
    """One thing: how far it is, and in words what is awaited or what went wrong."""

    thing: str
    headway: Headway
    words: str
    deployment: str
    """The state of its deployment."""


@dataclass(frozen=True, slots=True)
class StageVerdict:
    """A whole stage."""

    things: tuple[ThingVerdict, ...]

    def of(self, headway: Headway) -> list[ThingVerdict]:
        """The things that are so far."""
        return [each for each in self.things if each.headway is headway]

    @property
    def passed(self) -> bool:
        """Whether every thing that counts runs it, and there is at least one."""
        return bool(self.of(Headway.RUNS)) and not self.of(Headway.AWAITED) and not self.failed

    @property
    def failed(self) -> bool:
        """Whether a thing has refused it, or its deployment has failed there."""
        return bool(self.of(Headway.REFUSED))

    @property
    def reason(self) -> str:
        """Why it has not passed, in one line."""
        if self.failed:
            return _named(self.of(Headway.REFUSED))
        if self.of(Headway.AWAITED):
            return f"not finished in time: {_named(self.of(Headway.AWAITED))}"
        return "not one of its things was heard from"


def _named(things: Sequence[ThingVerdict]) -> str:
    more = f"; and {len(things) - _SHOWN} more" if len(things) > _SHOWN else ""
    return "; ".join(f"{each.thing}: {each.deployment}, {each.words}" for each in things[:_SHOWN]) + more


def judge(things: Mapping[str, WatchedThing], rules: Rules, now: UtcNs) -> StageVerdict:
    """How far each thing is by now, from every look at it since the stage began; the first was before it began."""
    counted = {
        thing
        for thing, watched in things.items()
        if watched.version is None or not rules.excuses_silent or _is_heard(watched.seen[0].device, watched.seen[0].at)
    }
    # A first installation: nobody could be heard before, so whoever speaks up then counts.
    counted = counted or {thing for thing, watched in things.items() if len(_reports(watched.seen)) > 1}
    return StageVerdict(tuple(_judged(thing, things[thing], rules, now, counted) for thing in sorted(things)))


def _judged(thing: str, watched: WatchedThing, rules: Rules, now: UtcNs, counted: set[str]) -> ThingVerdict:
    outcome = watched.seen[-1].outcome
    refusal = _refusal(watched)
    if refusal:
        headway, words = Headway.REFUSED, f"refused the release: {refusal}"
    elif outcome.ended_badly:
        headway, words = Headway.REFUSED, outcome.reason
    elif thing not in counted:
        headway, words = Headway.SILENT, f"{_silence(watched.seen[0])}; does not count, gets it when it returns"
    else:
        awaited = _awaited(watched, rules, now)
        headway, words = (Headway.AWAITED, awaited) if awaited else (Headway.RUNS, _running(watched))
    return ThingVerdict(thing, headway, words, outcome.status)


def _running(watched: WatchedThing) -> str:
    return f"runs {watched.version}" if watched.version else watched.seen[-1].outcome.reason


def _refusal(watched: WatchedThing) -> str:
    """Why the thing refused the version; empty if it did not. What it refused before the stage is no answer to it."""
    before = watched.seen[0].device
    known = (before.run, before.release_refused) if before else None
    for look in _reports(watched.seen):
        device = look.device
        # The last word of a process is about the release before: the nucleus stops it to start this one.
        if device is None or device.state is not DeviceState.RUNNING:
            continue
        if not _names(device.release_refused, watched.version):
            continue
        if look.outcome.ended_well or (device.run, device.release_refused) != known:
            return device.release_refused
    return ""


def _names(refused: str, version: str | None) -> bool:
    return version is not None and refused.partition(":")[0].strip() == version


def _awaited(watched: WatchedThing, rules: Rules, now: UtcNs) -> str:
    """What is still to come; empty when the thing runs the version, and has for long enough."""
    outcome, latest = watched.seen[-1].outcome, watched.seen[-1].device
    if not outcome.ended_well:
        return outcome.reason or "its deployment is awaited"
    if watched.version is None:
        return ""
    if latest is None:
        return "has never reported its health"
    if not _is_heard(latest, now):
        return _silent(latest)
    return missing_from(latest, watched, rules) or _still_to_last(latest, watched, rules)


def _still_to_last(latest: Device, watched: WatchedThing, rules: Rules) -> str:
    steady = _steady(watched, rules)
    if not steady:
        return f"runs {watched.version}; its next report is awaited, within {latest.every_s} s"
    lasted_s = (steady[-1].heard_at - steady[0].heard_at) / NS_PER_S
    if lasted_s >= rules.steady_s:
        return ""
    return f"runs {watched.version}, for {lasted_s:.0f} s of {rules.steady_s:.0f} s so far"


def _steady(watched: WatchedThing, rules: Rules) -> list[Device]:
    """The latest reports in a row of one process that name the version, from the end of the deployment on."""
    steady: list[Device] = []
    for look in reversed(_reports(watched.seen)):
        device = look.device
        if device is None or not look.outcome.ended_well or missing_from(device, watched, rules):
            break
        if steady and (
            device.run != steady[0].run or steady[0].heard_at - device.heard_at > two_signs(device, _PATIENCE)
        ):
            break
        steady.insert(0, device)
    return steady


def missing_from(device: Device, watched: WatchedThing, rules: Rules) -> str:
    """Why a report does not say that the version runs, as it was deployed; empty if it does."""
    version, before = watched.version, watched.seen[0].device
    # Without cameras there is nothing that capture could report.
    capture = device.capture_version or (_UNKNOWN if rules.names_capture and device.cameras else version)
    # What it refused before is no fault of this deployment.
    configuration = _newly(device.configuration_refused, before.configuration_refused if before else "")
    bundle = _newly(device.bundle_refused, before.bundle_refused if before else "")
    checks = (
        (device.state is not DeviceState.RUNNING, "is stopping"),
        (device.release_refused, f"refused {device.release_refused}"),
        (device.version != version, f"runs {device.version or 'an unknown version'}"),
        (capture != version, f"runs {version}, but its capture's version is {capture}"),
        (configuration, f"refuses its configuration: {configuration}"),
        (bundle, f"refuses its bundle: {bundle}"),
    )
    return next((words for wrong, words in checks if wrong), "")


def _newly(refused: str, before: str) -> str:
    return refused if refused != before else ""


def _reports(seen: Sequence[Glance]) -> list[Glance]:
    """The first look at each health message."""
    return [look for at, look in enumerate(seen) if at == 0 or look.report != seen[at - 1].report]


def _is_heard(device: Device | None, now: UtcNs) -> bool:
    return device is not None and now - device.heard_at <= two_signs(device, _PATIENCE)


def _silence(look: Glance) -> str:
    return "was never heard from" if look.device is None else f"was {_silent(look.device)}"


def _silent(device: Device) -> str:
    return f"silent since {format_utc(device.heard_at)}"
