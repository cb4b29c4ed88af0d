"""Watching a stage until it has passed, has failed, or its time is up."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from infra.fleet.runtime.device import Device
from smartcam.contract.times import UtcNs
from tools.command_line import Say
from tools.release.aws import Aws
from tools.release.judging import Glance, Headway, Rules, StageVerdict, ThingVerdict, WatchedThing, judge
from tools.release.status import NOT_HEARD, DeviceOutcome, outcomes_of

_FIRST_POLL_S: Final = 1.0
_POLL_S: Final = 10.0
_THINGS_A_SECOND: Final = 10
"""AWS answers for one thing at a time, and not without end."""
_SHOWN_ONE_BY_ONE: Final = 20
_NAMED: Final = 3

Fleet = Callable[[], Mapping[str, Device]]
"""What the cloud knows of every device, by thing name."""
Asking = Callable[[Mapping[str, str]], Mapping[str, DeviceOutcome]]
"""How far the deployments (by thing) are now."""


@dataclass(frozen=True, slots=True)
class StageWatch:
    """How a stage is waited for, and with what. Without a `fleet` the nucleus's word is taken."""

    limit_s: float
    rules: Rules
    fleet: Fleet | None
    say: Say
    sleep: Callable[[float], None]
    now: Callable[[], UtcNs]
    to_the_end: bool = False
    """Wait until each thing is decided, even if one has failed."""

    def ends_with(self, verdict: StageVerdict) -> bool:
        """Whether there is nothing left to wait for."""
        return not verdict.of(Headway.AWAITED) if self.to_the_end else verdict.passed or verdict.failed

    def known(self) -> Mapping[str, Device]:
        """What the cloud knows now."""
        return self.fleet() if self.fleet else {}


@dataclass(frozen=True, slots=True)
class Sent:
    """The deployment that a thing was sent, now or earlier, and the version in it (None: nothing of ours)."""

    deployment: str
    version: str | None
    now: bool = False


def watch(
    sent: Mapping[str, Sent], before: Mapping[str, Device], group_arn: str, aws: Aws, waiting: StageWatch
) -> StageVerdict:
    """Look again and again. `before` is what was known before anything was sent."""

    def ask(deployments: Mapping[str, str]) -> Mapping[str, DeviceOutcome]:
        return outcomes_of(deployments, group_arn, aws)

    deployments = {thing: each.deployment for thing, each in sent.items()}
    outcomes = dict(ask(deployments))
    seen = {thing: _first_looks(each, before.get(thing), outcomes[thing], waiting) for thing, each in sent.items()}
    versions = {thing: each.version if waiting.fleet else None for thing, each in sent.items()}
    watched = {thing: WatchedThing(versions[thing], seen[thing]) for thing in sent}
    told, waited = _Told(waiting.say), 0.0
    while True:
        verdict = judge(watched, waiting.rules, waiting.now())
        told.tell(verdict)
        if waiting.ends_with(verdict) or waited >= waiting.limit_s:
            return verdict
        pause = max(min(_POLL_S, max(_FIRST_POLL_S, waited / 4)), len(sent) / _THINGS_A_SECOND)
        waiting.sleep(pause)
        waited += pause
        known = waiting.known()
        outcomes |= ask({thing: each for thing, each in deployments.items() if not outcomes[thing].ended})
        for thing, looks in seen.items():
            _add(looks, Glance(waiting.now(), known.get(thing), outcomes[thing]))


def _first_looks(sent: Sent, before: Device | None, outcome: DeviceOutcome, waiting: StageWatch) -> list[Glance]:
    """What was known before has nothing to do with what was sent since, however fast the thing was."""
    first = DeviceOutcome(outcome.thing, NOT_HEARD, "") if sent.now else outcome
    looks = [Glance(waiting.now(), before, first)]
    _add(looks, Glance(waiting.now(), before, outcome))
    return looks


def _add(looks: list[Glance], look: Glance) -> None:
    """Keep what is new: a report, or another state of the deployment."""
    if (look.report, look.outcome) != (looks[-1].report, looks[-1].outcome):
        looks.append(look)


class _Told:
    """Says what has changed: thing by thing, or in numbers where there are many."""

    def __init__(self, say: Say) -> None:
        self._say = say
        self._last: set[str] = set()

    def tell(self, verdict: StageVerdict) -> None:
        lines = lines_of(verdict.things)
        for line in lines:
            if line not in self._last:
                self._say(line)
        self._last = set(lines)


def lines_of(things: tuple[ThingVerdict, ...]) -> list[str]:
    """One line each; where there are many the numbers, and each that has refused or does not count."""
    width = max((len(each.thing) for each in things), default=0)
    many = len(things) > _SHOWN_ONE_BY_ONE
    shown = [one for one in things if not many or one.headway in {Headway.REFUSED, Headway.SILENT}]
    lines = [f"{each.thing:{width}}  {each.deployment:12}  {each.words}".rstrip() for each in shown]
    if many:
        lines.append("; ".join(filter(None, (_number(things, headway) for headway in Headway))))
    return lines


def _number(things: tuple[ThingVerdict, ...], headway: Headway) -> str:
    found = [each.thing for each in things if each.headway is headway]
    if not found or headway is Headway.RUNS:
        return f"{len(found)} of {len(things)} run it" if found else ""
    more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    return f"{len(found)} {headway}: {', '.join(found[:_NAMED])}{more}"
