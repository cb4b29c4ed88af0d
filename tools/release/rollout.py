"""Deployments in stages: a canary group first, then the rest; and the way back."""

import itertools
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tools.command_line import Say
from tools.release.aws import Aws, ReleaseError
from tools.release.deployment import Deployment, Merge, Release, changes, earlier_again, next_deployment
from tools.release.status import DeploymentStatus, Sleep, deployment_status, wait

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


@dataclass(frozen=True, slots=True)
class ThingGroup:
    """A thing group and what it runs."""

    name: str
    arn: str
    things: tuple[str, ...]
    latest: str | None
    current: Deployment | None


@dataclass(frozen=True, slots=True)
class Stage:
    """What a group will run."""

    group: ThingGroup
    following: Deployment

    @property
    def changes(self) -> list[str]:
        """One line for each change."""
        return changes(self.group.current, self.following)

    def lines(self) -> list[str]:
        """The plan, for people."""
        many = "1 thing" if len(self.group.things) == 1 else f"{len(self.group.things)} things"
        head = f"group {self.group.name}: {many}"
        resets = sorted(name for name, wanted in self.following.components.items() if wanted.reset)
        same = len(self.following.components) - sum(line[0] in "+~" for line in self.changes)
        tail = [f"= {same} versions as they are"] if same else []
        tail += [f"    reset of {name}: {', '.join(self._pointers(name))}" for name in resets]
        return [head, *(f"  {line}" for line in self.changes or ["nothing changes"]), *(f"  {line}" for line in tail)]

    def _pointers(self, name: str) -> list[str]:
        return [pointer or "the whole configuration" for pointer in self.following.components[name].reset]


def read_group(name: str, aws: Aws) -> ThingGroup:
    """A group with its things and its latest deployment. Raises ReleaseError when there is no such group."""
    arn = aws.group_arn(name)
    history = aws.deployments_of(arn)
    latest = history[0]["deploymentId"] if history else None
    current = Deployment.of_service(aws.greengrass.get_deployment(deploymentId=latest)) if latest else None
    return ThingGroup(name, arn, aws.things_of(name), latest, current)


@dataclass(frozen=True, slots=True)
class Order:
    """What to deploy where; of two groups the first is the canary."""

    groups: Sequence[str]
    release: Release
    merges: Mapping[str, Merge] | None
    drop: Sequence[str] = ()


def plan(order: Order, aws: Aws) -> list[Stage]:
    """The stages of an order. Raises ReleaseError when two groups share a thing."""
    groups = [read_group(name, aws) for name in order.groups]
    for first, second in itertools.pairwise(groups):
        shared = sorted(set(first.things) & set(second.things))
        if shared:
            # A device merges the deployments of all its groups, and nucleus lite refuses two versions of a component.
            raise ReleaseError(f"{shared[0]} is in {first.name} and in {second.name}: a thing may be in only one")
    return [Stage(group, next_deployment(group.current, order.release, order.merges, order.drop)) for group in groups]


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


def create(stage: Stage, name: str, aws: Aws) -> str:
    """Create the stage's deployment; gives its id."""
    made = aws.greengrass.create_deployment(
        targetArn=stage.group.arn,
        deploymentName=name,
        components=stage.following.for_service(),
        deploymentPolicies=dict(POLICIES),
        iotJobConfiguration=dict(JOB),
        clientToken=uuid.uuid4().hex,
    )
    return str(made["deploymentId"])


def watch(deployment: str, group: ThingGroup, aws: Aws, limit_s: float, say: Say, sleep: Sleep) -> DeploymentStatus:
    """Wait for a deployment on every device of its group."""

    def again() -> DeploymentStatus:
        return deployment_status(deployment, group.arn, group.things, aws)

    if not group.things:
        say(f"{group.name}: has no things; those that join will get it")
    return wait(again, limit_s, say, sleep)


def roll_out(stages: Sequence[Stage], name: str, aws: Aws, limit_s: float, say: Say, sleep: Sleep) -> bool:
    """Deploy the stages one after another; each waits for the one before. False when one did not succeed.

    A stage that fails gets back what it had before, and the stages after it are left alone.
    """
    for at, stage in enumerate(stages):
        last = at == len(stages) - 1
        deployment = create(stage, name, aws) if stage.changes else stage.group.latest
        if deployment is None or (last and not stage.changes):
            say(f"{stage.group.name}: nothing changes")
            continue
        say(f"{stage.group.name}: deployment {deployment}")
        if last and limit_s <= 0:
            return True
        # A canary that has it from an interrupted run is waited for too: it must have succeeded on its devices.
        status = watch(deployment, stage.group, aws, limit_s, say, sleep)
        if status.succeeded or (last and not stage.group.things):
            continue
        say(f"{stage.group.name}: {_judged(status)}")
        if not last and stage.changes:
            _give_back(stage, deployment, name, aws, say)
        return False
    return True


def _judged(status: DeploymentStatus) -> str:
    if status.failed:
        return "failed"
    return "not finished in time" if status.devices else "a canary without things proves nothing"


def _give_back(stage: Stage, deployment: str, name: str, aws: Aws, say: Say) -> None:
    """Undo a canary: redeploy what it had before, or cancel if it had nothing."""
    if stage.group.current is None:
        aws.greengrass.cancel_deployment(deploymentId=deployment)
        say(f"{stage.group.name}: cancelled; it had no deployment before")
        return
    back = Stage(stage.group, earlier_again(stage.following, stage.group.current))
    undone = create(back, f"{name}, rolled back", aws)
    say(f"{stage.group.name}: rolled back by deployment {undone}; the other groups stay as they are")


def earlier(group: ThingGroup, wanted: str | None, aws: Aws) -> tuple[str, Deployment]:
    """The deployment to go back to: the one named, else the newest with other components than now.

    Raises:
        ReleaseError: when there is none.
    """
    for each in aws.deployments_of(group.arn):
        identity = str(each["deploymentId"])
        if identity == group.latest or wanted not in {None, identity}:
            continue
        found = Deployment.of_service(aws.greengrass.get_deployment(deploymentId=identity))
        if wanted is not None or changes(group.current, found):
            return identity, found
    raise ReleaseError(f"{group.name}: there is no earlier deployment to go back to")
