"""Deployments in stages: a canary group first, then the rest; and the way back."""

import itertools
import json
import uuid
from collections.abc import Iterator, Mapping, Sequence, Sized
from dataclasses import dataclass
from typing import Any, Final

from tools.command_line import Say
from tools.release.aws import FAULTS, Aws, ReleaseError
from tools.release.deployment import Deployment, Merge, Release, changes, earlier_again, next_deployment
from tools.release.judging import Headway
from tools.release.watching import Sent, StageWatch, watch

POLICIES: Final[Mapping[str, Any]] = {
    # A device on which a component breaks goes back to what it had.
    "failureHandlingPolicy": "ROLLBACK",
    "componentUpdatePolicy": {"timeoutInSeconds": 60, "action": "NOTIFY_COMPONENTS"},
    "configurationValidationPolicy": {"timeoutInSeconds": 60},
}
# When a fifth of at least five devices has failed, the others are spared.
JOB: Final[Mapping[str, Any]] = {
    "abortConfig": {
        "criteriaList": [
            {"failureType": "FAILED", "action": "CANCEL", "thresholdPercentage": 20.0, "minNumberOfExecutedThings": 5}
        ]
    },
    "timeoutConfig": {"inProgressTimeoutInMinutes": 60},
}
SITE_GROUP: Final = "SmartcamSite-"
"""So begin the groups that hold one thing."""
_SAID_ONE_BY_ONE: Final = 20
_GIVEN_BACK: Final = ", rolled back"
"""So ends the name of a deployment that undoes the one before it."""
JUDGED: Final = "smartcam.Inference"
"""The component whose health names the version that runs."""
LARGE_FOR_LITE: Final = 3000
"""Bytes of components and configuration. Nucleus lite has 5,000 for the whole message, and again for it once it is
parsed (2.6.0, by its source); AWS adds its own."""


@dataclass(frozen=True, slots=True)
class ThingGroup:
    """A thing group and what it runs. `arn` is None for one that is made when it is first deployed to."""

    name: str
    arn: str | None
    things: tuple[str, ...]
    latest: str | None
    current: Deployment | None
    canceled: bool = False
    """Whether the latest deployment was canceled: nobody who does not have it will get it."""

    @property
    def running(self) -> Deployment | None:
        """What its things are to run."""
        return None if self.canceled else self.current


@dataclass(frozen=True, slots=True)
class Part:
    """What one target gets: the stage's own group, or the group of one site. `before`: what its things run now."""

    group: ThingGroup
    before: Deployment | None
    following: Deployment

    @property
    def name(self) -> str:
        """For people: the thing, where it is deployed to by itself."""
        return self.group.name.removeprefix(SITE_GROUP)

    @property
    def changes(self) -> list[str]:
        """One line for each change."""
        return changes(self.before, self.following)

    @property
    def is_new(self) -> bool:
        """Whether there is anything to deploy."""
        return bool(self.changes) or self.group.running is None

    @property
    def resets(self) -> list[str]:
        """One line for each component of which a part goes back to its defaults."""
        found = sorted((name, wanted.reset) for name, wanted in self.following.components.items() if wanted.reset)
        return [f"    reset of {name}: {', '.join(each or 'the whole configuration' for each in reset)}"
                for name, reset in found]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Stage:
    """The things of a group, which are deployed to together and judged together."""

    name: str
    arn: str
    things: tuple[str, ...]
    parts: tuple[Part, ...]

    @property
    def is_new(self) -> bool:
        """Whether there is anything to deploy."""
        return any(part.is_new for part in self.parts)

    def lines(self) -> list[str]:
        """The plan, for people: what is the same for all parts once, then what each has for itself."""
        lines = [f"group {self.name}: {_many(self.things)}"]
        plans = {part.name: _plan_of(part) for part in self.parts}
        common = [line for line in next(iter(plans.values()), []) if all(line in plan for plan in plans.values())]
        lines += [f"  {line}" for line in common]
        for name, own in _alike({name: _without(plan, common) for name, plan in plans.items()}):
            lines += [f"  {name}", *(f"    {line}" for line in own)]
        large = [part.name for part in self.parts if _size(part.following) > LARGE_FOR_LITE]
        if large:
            lines.append(
                f"  warning: over {LARGE_FOR_LITE} bytes, which may be too much for nucleus lite: {_few(large)}"
            )
        return lines


def _plan_of(part: Part) -> list[str]:
    same = len(part.following.components) - sum(line[0] in "+~" for line in part.changes)
    tail = [f"= {same} components as they are"] if same else []
    return [*(part.changes or ["nothing changes"]), *tail, *part.resets]


def _without(plan: Sequence[str], common: Sequence[str]) -> tuple[str, ...]:
    """A plan's own lines, each under its component where that is a common line."""
    own: list[str] = []
    for at, line in enumerate(plan):
        if line not in common:
            head = next((each for each in reversed(plan[:at]) if not each.startswith(" ")), "")
            if line.startswith("    /") and head in common and head not in own:
                own.append(head)
            own.append(line)
    return tuple(own)


def _alike(plans: Mapping[str, tuple[str, ...]]) -> list[tuple[str, tuple[str, ...]]]:
    """Parts with the same lines together."""
    names: dict[tuple[str, ...], list[str]] = {}
    for name, own in plans.items():
        names.setdefault(own, []).append(name)
    return [(_few(each), own) for own, each in names.items() if own]


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")  # noqa: PLR2004 - five fit


def _many(things: Sized) -> str:
    return "1 thing" if len(things) == 1 else f"{len(things)} things"


def _size(deployment: Deployment) -> int:
    return len(json.dumps(deployment.for_service(), separators=(",", ":")))


def read_group(name: str, aws: Aws) -> ThingGroup:
    """A group with its things and its latest deployment. Raises ReleaseError when there is no such group."""
    arn = aws.group_arn(name)
    return with_latest(name, arn, aws.things_of(name), aws)


def with_latest(name: str, arn: str, things: tuple[str, ...], aws: Aws) -> ThingGroup:
    """A group that is there, with its latest deployment."""
    history = aws.deployments_of(arn)
    if not history:
        return ThingGroup(name, arn, things, None, None)
    found = aws.deployment(history[0]["deploymentId"])
    canceled = found["deploymentStatus"] == "CANCELED"
    return ThingGroup(name, arn, things, found["deploymentId"], Deployment.of_service(found), canceled)


def whole(group: ThingGroup, following: Deployment) -> Stage:
    """A stage that is one group with one deployment."""
    return Stage(group.name, group.arn or "", group.things, (Part(group, group.running, following),))


@dataclass(frozen=True, slots=True)
class Order:
    """What to deploy to every thing alike."""

    release: Release
    merges: Mapping[str, Merge] | None
    drop: Sequence[str] = ()


def plan(groups: Sequence[ThingGroup], order: Order) -> list[Stage]:
    """The stages of an order; of two groups the first is the canary."""
    return [whole(group, next_deployment(group.current, order.release, order.merges, order.drop)) for group in groups]


def read_groups(names: Sequence[str], aws: Aws) -> list[ThingGroup]:
    """The groups of a rollout. Raises ReleaseError when two of them share a thing."""
    groups = [read_group(name, aws) for name in names]
    for first, second in itertools.pairwise(groups):
        shared = sorted(set(first.things) & set(second.things))
        if shared:
            # A device merges the deployments of all its groups, and nucleus lite refuses two versions of a component.
            raise ReleaseError(f"{shared[0]} is in {first.name} and in {second.name}: a thing may be in only one")
    return groups


def check_published(release: Release, aws: Aws) -> None:
    """Raises ReleaseError for the first component version that cannot be deployed."""
    for name in release.components:
        arn = aws.component_arn(name, release.version)
        try:
            state = aws.greengrass.describe_component(arn=arn)["status"]["componentState"]
        except aws.greengrass.exceptions.ResourceNotFoundException:
            state = "not published"
        if state != "DEPLOYABLE":
            raise ReleaseError(f"{name} {release.version} is {state}; run `smartcam publish` first")


def create(part: Part, name: str, aws: Aws) -> str:
    """Create a part's deployment, and its group where there is none yet; gives the deployment's id."""
    made = aws.greengrass.create_deployment(
        targetArn=part.group.arn or aws.make_group(part.group.name, part.group.things),
        deploymentName=name,
        components=part.following.for_service(),
        deploymentPolicies=dict(POLICIES),
        iotJobConfiguration=dict(JOB),
        clientToken=uuid.uuid4().hex,
    )
    return str(made["deploymentId"])


def send(stage: Stage, name: str, aws: Aws, say: Say) -> list[str]:
    """Create what is new of a stage; gives the deployment of each part, of an earlier run where nothing is new."""
    deployments = []
    for say_of, part in zip(_first(len(stage.parts), say), stage.parts, strict=True):
        deployments.append(create(part, name, aws) if part.is_new else str(part.group.latest))
        say_of(f"{part.name}: deployment {deployments[-1]}{'' if part.is_new else ', nothing changes'}")
    return deployments


def _first(many: int, say: Say) -> Iterator[Say]:
    """What says the first lines of so many, and how many more there are."""
    for number in range(many):
        if number == _SAID_ONE_BY_ONE:
            say(f"... and {many - number} more")
        yield say if number < _SAID_ONE_BY_ONE else lambda _: None


def sent_to(stage: Stage, deployments: Sequence[str]) -> dict[str, Sent]:
    """What each thing of a stage was sent."""
    parts = zip(stage.parts, deployments, strict=True)
    return {
        thing: sent_in(deployment, part.following, now=part.is_new)
        for part, deployment in parts
        for thing in part.group.things
    }


def sent_in(deployment: str, components: Deployment, *, now: bool = False) -> Sent:
    """A deployment with the version that health is to name."""
    judged = components.components.get(JUDGED)
    return Sent(deployment, judged.version if judged else None, now)


def roll_out(stages: Sequence[Stage], name: str, aws: Aws, waiting: StageWatch) -> bool:
    """Deploy the stages one after another; each waits for the one before. False when one did not succeed.

    A stage that fails gets back what it had before, and the stages after it are left alone.
    """
    if waiting.limit_s > 0:
        _check_time([thing for stage in stages for thing in stage.things], waiting)
    for at, stage in enumerate(stages):
        last = at == len(stages) - 1
        if not (stage.is_new or waiting.limit_s > 0):
            continue
        if not (last or stage.things):
            waiting.say(f"{stage.name}: failed: a canary without things proves nothing")
            return False
        before = waiting.known()
        # What an earlier run has sent is judged too: it must be running now.
        deployments = send(stage, name, aws, waiting.say)
        if last and (unjudged := _why_unjudged(stage, waiting)):
            waiting.say(f"{stage.name}: {unjudged}")
            return True
        verdict = watch(sent_to(stage, deployments), before, stage.arn, aws, waiting)
        if verdict.passed:
            waiting.say(f"{stage.name}: runs on {_many(verdict.of(Headway.RUNS))}")
            continue
        waiting.say(f"{stage.name}: failed: {verdict.reason}")
        _give_back(stage, deployments, f"{name}{_GIVEN_BACK}", aws, waiting.say)
        return False
    return True


def _why_unjudged(stage: Stage, waiting: StageWatch) -> str:
    """Why nobody waits to see whether the last stage runs; empty if somebody does."""
    if waiting.limit_s <= 0:
        return "not waited for, so nobody knows yet whether it runs there: `smartcam status`"
    return "" if stage.things else "has no things; those that join will get it"


def _check_time(things: Sequence[str], waiting: StageWatch) -> None:
    """Raises ReleaseError where the time cannot be enough, whatever the things report."""
    if waiting.fleet and waiting.limit_s < waiting.rules.steady_s:
        raise ReleaseError(
            f"--wait {waiting.limit_s:.0f} is too short: a device's health must name the version for "
            f"{waiting.rules.steady_s:.0f} s (--steady)"
        )
    known = waiting.known()
    slowest = max((known[thing] for thing in things if thing in known), key=lambda one: one.every_s, default=None)
    least_s = slowest.every_s + waiting.rules.steady_s if slowest else 0
    if slowest and least_s > waiting.limit_s:
        raise ReleaseError(
            f"--wait {waiting.limit_s:.0f} is too short for {slowest.thing}, which reports every {slowest.every_s} s: "
            f"give {least_s + slowest.every_s:.0f} or more"
        )


def _give_back(stage: Stage, deployments: Sequence[str], name: str, aws: Aws, say: Say) -> None:
    """Undo what this run has sent: redeploy what each part had before, or cancel where there was nothing."""
    parts = zip(_first(len(stage.parts), say), stage.parts, deployments, strict=True)
    for say_of, part, deployment in parts:
        try:
            say_of(f"{part.name}: {_given_back(part, deployment, name, aws)}")
        except (*FAULTS, ReleaseError) as error:
            # The others must not keep the release because of this one.
            back = f"`smartcam rollback --group {part.group.name}`"
            say(f"{part.name}: not rolled back: {error}; remedy: {back}, or cancel deployment {deployment}")


def _given_back(part: Part, deployment: str, name: str, aws: Aws) -> str:
    """Undo what one part was sent; gives what was done, in words."""
    if not part.is_new:
        return f"had it before; `smartcam rollback --group {part.group.name}` takes it back"
    if part.before is None:
        aws.greengrass.cancel_deployment(deploymentId=deployment)
        return "cancelled; it had no deployment before"
    back = Part(part.group, part.following, earlier_again(part.following, part.before))
    return f"rolled back by deployment {create(back, name, aws)}"


def earlier(group: ThingGroup, wanted: str | None, aws: Aws) -> tuple[str, Deployment]:
    """The deployment to go back to: the one named, else the newest with other components than now that has not failed.

    Raises:
        ReleaseError: when there is none.
    """
    given_back = False
    for each in aws.deployments_of(group.arn or ""):
        identity, failed = str(each["deploymentId"]), given_back
        given_back = str(each.get("deploymentName", "")).endswith(_GIVEN_BACK)
        if identity == group.latest or wanted not in {None, identity} or (failed and wanted is None):
            continue
        found = Deployment.of_service(aws.deployment(identity))
        if wanted is not None or changes(group.current, found):
            return identity, found
    named = f"no earlier deployment {wanted!r}" if wanted is not None else "no earlier deployment"
    raise ReleaseError(f"{group.name}: there is {named} to go back to")
