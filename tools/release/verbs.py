"""The command lines of publish, deploy, status and rollback."""

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import yaml
from botocore.exceptions import NoCredentialsError

from infra.alerts.runtime.aws.dynamo import Table
from infra.fleet.runtime.aws import DynamoRegistry
from smartcam.contract.times import UtcNs
from smartcam.edge.arguments import number
from tools.alerts.stack import STACK_NAME, StackError, find_site
from tools.build.suite import SUITE, BuildError, Built, find_built, read_project
from tools.command_line import ROOT, complain, say
from tools.recipes.keys import nearest
from tools.release.aws import FAULTS, Aws, ReleaseError, connect
from tools.release.configuration import read_merges
from tools.release.deployment import Deployment, Release, earlier_again
from tools.release.judging import Rules
from tools.release.publish import publish_build
from tools.release.rollout import (
    Order,
    Stage,
    ThingGroup,
    check_published,
    create,
    earlier,
    plan,
    read_group,
    read_groups,
    roll_out,
    sent_in,
    sent_to,
    whole,
)
from tools.release.site_groups import handed_over, plan_sites, refuse_sites, targets_of
from tools.release.sites import COMMON, read_sites
from tools.release.watching import Fleet, Sent, StageWatch, watch
from tools.session import NO_CREDENTIALS

_WAIT_S: Final = 1800.0
_STEADY_S: Final = 300.0
_PROJECT: Final = ROOT / "gdk-config.json"


def publish(argv: list[str]) -> int:
    """0: every component of the build is published. 2: it could not be."""
    parser = _parser("publish", "Upload a build's artifacts and create its component versions.")
    parser.add_argument("--build", type=Path, default=ROOT / "greengrass-build", help="the build (greengrass-build)")
    parser.add_argument("--bucket", help="bucket for the artifacts (that of gdk-config.json)")
    arguments = parser.parse_args(argv)

    def work(aws: Aws) -> int:
        bucket = arguments.bucket or read_project(_PROJECT).bucket
        publish_build(find_built(arguments.build), bucket, aws, say, time.sleep)
        return 0

    return _run("publish", arguments, work)


def deploy(argv: list[str]) -> int:
    """0: every device that counts runs it. 1: not. 2: it could not be tried. 3: nobody agreed to the plan."""
    parser = _parser("deploy", "Deploy a published build to a thing group, after showing what changes.")
    parser.add_argument("--build", type=Path, default=ROOT / "greengrass-build", help="the build (greengrass-build)")
    parser.add_argument("--group", required=True, help="thing group")
    parser.add_argument("--canary", help="thing group that gets it first; the other follows only if it succeeds there")
    one = parser.add_mutually_exclusive_group()
    one.add_argument("--config", type=Path, help="YAML: the configuration by component (as deployed before)")
    one.add_argument("--sites", type=Path, metavar="DIR", help=f"a file <thing>.yaml per thing, over {COMMON}")
    parser.add_argument("--add", action="append", default=[], metavar="COMPONENT", help="deploy this one too")
    parser.add_argument("--drop", action="append", default=[], metavar="COMPONENT", help="remove another's component")
    _add_agreement(parser)
    _add_judgement(parser, steady_s=_STEADY_S)
    arguments = parser.parse_args(argv)
    if arguments.canary and arguments.wait <= 0:
        parser.error("a canary must be waited for: give --wait")
    if arguments.sites and arguments.drop:
        parser.error("--drop is for a group's own deployment: leave --sites out")
    return _run("deploy", arguments, lambda aws: _deploy(arguments, aws))


def _deploy(arguments: argparse.Namespace, aws: Aws) -> int:
    release = release_of(find_built(arguments.build), arguments.add)
    merges = read_merges(arguments.config, release.components) if arguments.config else None
    groups = read_groups([name for name in (arguments.canary, arguments.group) if name], aws)
    stages = _stages(arguments.sites, Order(release, merges, arguments.drop), groups, aws)
    print("\n".join([*_said_of(stages), *_consequences(arguments)]))
    if arguments.plan:
        return 0
    waiting = _waiting(arguments, Rules(arguments.steady), asks=arguments.wait > 0)
    if any(stage.is_new for stage in stages):
        check_published(release, aws)
        if not (arguments.yes or _agreed()):
            return 3
    name = f"smartcam {release.version}"
    if not roll_out(stages, name, aws, waiting):
        return 1
    if arguments.sites and arguments.wait > 0:
        _hand_over(groups, name, aws)
    return 0


def _said_of(stages: Sequence[Stage]) -> list[str]:
    return [line for stage in stages for line in stage.lines()]


def _stages(sites: Path | None, order: Order, groups: Sequence[ThingGroup], aws: Aws) -> list[Stage]:
    """What is deployed: with sites each thing's own, else the same to a whole group."""
    if sites:
        things = [thing for group in groups for thing in group.things]
        return plan_sites(groups, order.release, read_sites(sites, things, order.release.components), aws)
    refuse_sites(groups, aws)
    return plan(groups, order)


def _consequences(arguments: argparse.Namespace) -> list[str]:
    if arguments.wait <= 0:
        return ["nothing is waited for, judged or rolled back"]
    judge = (
        "by its deployment alone" if arguments.trust_deployment else f"after {arguments.steady:.0f} s, by its health"
    )
    return [f"each thing is judged {judge}; a group in which one fails gets back what it had"]


def _hand_over(groups: Sequence[ThingGroup], name: str, aws: Aws) -> None:
    """Take the suite out of the groups' own deployments: each thing has its own now, and may get another version."""
    for group in groups:
        part = handed_over(group)
        if part is not None:
            say(f"{group.name}: deployment {create(part, name, aws)} leaves the suite to the things' own")


def status(argv: list[str]) -> int:
    """0: every device runs it. 1: not, or not yet. 2: AWS could not be asked."""
    parser = _parser("status", "Show how far a deployment has come on each device, and which version runs there.")
    parser.add_argument("--group", required=True, help="thing group")
    parser.add_argument("--deployment", help="deployment id (the group's latest)")
    parser.add_argument("--wait", type=number(0), default=0.0, metavar="SECONDS", help="until every device is done (0)")
    _add_judgement(parser, steady_s=0)
    arguments = parser.parse_args(argv)

    def work(aws: Aws) -> int:
        group = read_group(arguments.group, aws)
        sent = _named(group, arguments.deployment, aws) if arguments.deployment else _latest(group, aws)
        for deployment in dict.fromkeys(each.deployment for each in sent.values()):
            print(f"deployment {deployment}")
        if not group.things:
            say(f"{group.name}: has no things; those that join will get it")
            return 1
        rules = Rules(arguments.steady, names_capture=False, excuses_silent=False)
        waiting = replace(_waiting(arguments, rules, asks=True), to_the_end=True)
        return 0 if watch(sent, waiting.known(), group.arn or "", aws, waiting).passed else 1

    return _run("status", arguments, work)


def _named(group: ThingGroup, deployment: str, aws: Aws) -> dict[str, Sent]:
    found = Deployment.of_service(aws.deployment(deployment))
    return dict.fromkeys(group.things, sent_in(deployment, found))


def _latest(group: ThingGroup, aws: Aws) -> dict[str, Sent]:
    """What each thing of a group was sent last, by itself or with its group."""
    targets = targets_of(group, aws)
    for target in targets:
        if target.latest is None:
            raise ReleaseError(f"{target.name}: has no deployment")
    return {
        thing: sent_in(str(target.latest), target.current or Deployment({}))
        for target in targets
        for thing in target.things
    }


def rollback(argv: list[str]) -> int:
    """0: every device that counts runs the earlier deployment again. 1: not. 2: not tried. 3: nobody agreed."""
    parser = _parser("rollback", "Deploy again what a group had before, after showing what changes.")
    parser.add_argument("--group", required=True, help="thing group")
    parser.add_argument("--to", metavar="DEPLOYMENT", help="deployment id (the newest that differs)")
    _add_agreement(parser)
    _add_judgement(parser, steady_s=_STEADY_S)
    arguments = parser.parse_args(argv)

    def work(aws: Aws) -> int:
        group = read_group(arguments.group, aws)
        refuse_sites([group], aws)
        identity, before = earlier(group, arguments.to, aws)
        stage = whole(group, earlier_again(group.current or Deployment({}), before))
        print("\n".join([f"back to deployment {identity}", *stage.lines()]))
        if arguments.plan:
            return 0
        waiting = _waiting(arguments, Rules(arguments.steady, names_capture=False), asks=arguments.wait > 0)
        if not (arguments.yes or _agreed()):
            return 3
        known = waiting.known()
        deployment = create(stage.parts[0], f"back to {identity}", aws)
        say(f"{group.name}: deployment {deployment}")
        if arguments.wait <= 0:
            return 0
        verdict = watch(sent_to(stage, [deployment]), known, stage.arn, aws, waiting)
        if not verdict.passed:
            say(f"{group.name}: {verdict.reason}")
        return 0 if verdict.passed else 1

    return _run("rollback", arguments, work)


def _add_judgement(parser: argparse.ArgumentParser, steady_s: float) -> None:
    parser.add_argument(
        "--steady",
        type=number(0),
        default=steady_s,
        metavar="SECONDS",
        help=f"how long a device's health must name the version ({steady_s:.0f})",
    )
    parser.add_argument("--stack", default=STACK_NAME, help=f"the alerting, which keeps the health ({STACK_NAME})")
    parser.add_argument(
        "--trust-deployment",
        action="store_true",
        help="without health: a device that refused the release counts as one that runs it",
    )


def _waiting(arguments: argparse.Namespace, rules: Rules, *, asks: bool) -> StageWatch:
    """`asks`: the devices' health will be asked for."""
    fleet = find_fleet(arguments.stack, arguments.region) if asks and not arguments.trust_deployment else None
    return StageWatch(arguments.wait, rules, fleet, say, time.sleep, lambda: UtcNs(time.time_ns()))


def find_fleet(stack: str, region: str | None) -> Fleet:
    """Reads what the cloud knows of the devices. Raises ReleaseError where the alerting is not there."""
    try:
        site = find_site(stack, region)
        registry = DynamoRegistry(Table(site.client("dynamodb"), site.output("TableName")))
    except StackError as error:
        raise ReleaseError(
            f"{error}. What the devices run is known from their health, which it keeps; --trust-deployment does "
            "without, and takes a device that refused the release for one that runs it"
        ) from error
    return lambda: {device.thing: device for device in registry.devices()}


def release_of(built: Built, also: Sequence[str] = ()) -> Release:
    """What a build brings to a device: the suite, its dependencies, and the components named by `also`.

    Raises:
        ReleaseError: when the build has no component of a name.
    """
    for name in also:
        if name not in built.components:
            raise ReleaseError(f"{built.folder}: has no component {name!r}{nearest(name, built.components)}")
    brought = yaml.safe_load(built.recipe(SUITE).read_text())["ComponentDependencies"]
    components = tuple(name for name in built.components if name in {SUITE, *brought, *also})
    with_rights = frozenset(name for name in components if "accessControl:" in built.recipe(name).read_text())
    return Release(built.version, components, with_rights)


def _run(verb: str, arguments: argparse.Namespace, work: Callable[[Aws], int]) -> int:
    try:
        return work(connect(arguments.region))
    except (BuildError, ReleaseError, OSError) as error:
        return complain(verb, error, 2)
    except NoCredentialsError as error:
        return complain(verb, f"{error}; {NO_CREDENTIALS}", 2)
    except FAULTS as error:
        return complain(verb, f"AWS: {error}; once that is fixed, the same command continues where it stopped", 2)
    except KeyboardInterrupt:
        return complain(verb, "AWS finishes what has begun; the same command continues where it stopped", 130)


def _parser(verb: str, description: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=f"smartcam {verb}", description=description)
    parser.add_argument("--region", default=None, help="region (AWS_REGION, else the profile's)")
    return parser


def _add_agreement(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--plan", action="store_true", help="show what would change, and change nothing")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument(
        "--wait",
        type=number(0),
        default=_WAIT_S,
        metavar="SECONDS",
        help=f"wait for the devices ({_WAIT_S:.0f}; 0: do not wait)",
    )


def _agreed() -> bool:
    try:
        return input("Deploy this? [y/N] ").strip().lower() in {"y", "yes"}
    except EOFError:
        complain("deploy", "there is no terminal to ask on; give --yes")
        return False
