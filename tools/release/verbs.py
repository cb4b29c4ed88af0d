"""The command lines of publish, deploy, status and rollback."""

import argparse
import json
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import yaml
from botocore.exceptions import NoCredentialsError

from smartcam.capture.settings import read_settings as read_capture
from smartcam.contract.errors import SettingsError
from smartcam.edge.arguments import number
from smartcam.inference.settings import read_settings as read_inference
from tools.build.suite import SUITE, BuildError, Built, find_built
from tools.command_line import ROOT, complain, say
from tools.recipes.keys import nearest
from tools.release.aws import FAULTS, Aws, ReleaseError, connect
from tools.release.deployment import Deployment, Merge, Release, earlier_again
from tools.release.publish import publish_build
from tools.release.rollout import Order, Stage, check_published, create, earlier, plan, read_group, roll_out, watch
from tools.session import NO_CREDENTIALS

_WAIT_S: Final = 1800.0
_PROJECT: Final = ROOT / "gdk-config.json"


def publish(argv: list[str]) -> int:
    """0: every component of the build is published. 2: it could not be."""
    settings = _project_settings()
    parser = _parser("publish", "Upload a build's artifacts and create its component versions.")
    parser.add_argument("--build", type=Path, default=ROOT / "greengrass-build", help="the build (greengrass-build)")
    parser.add_argument("--bucket", default=settings["bucket"], help=f"bucket for the artifacts ({settings['bucket']})")
    arguments = parser.parse_args(argv)

    def work(aws: Aws) -> int:
        publish_build(find_built(arguments.build), arguments.bucket, aws, say, time.sleep)
        return 0

    return _run("publish", arguments, work)


def deploy(argv: list[str]) -> int:
    """0: every device runs it. 1: not. 2: it could not be tried. 3: nobody agreed to the plan."""
    parser = _parser("deploy", "Deploy a published build to a thing group, after showing what changes.")
    parser.add_argument("--build", type=Path, default=ROOT / "greengrass-build", help="the build (greengrass-build)")
    parser.add_argument("--group", required=True, help="thing group")
    parser.add_argument("--canary", help="thing group that gets it first; the other follows only if it succeeds there")
    parser.add_argument("--config", type=Path, help="YAML: the configuration by component (as deployed before)")
    parser.add_argument("--add", action="append", default=[], metavar="COMPONENT", help="deploy this one too")
    parser.add_argument("--drop", action="append", default=[], metavar="COMPONENT", help="remove another's component")
    _add_agreement(parser)
    arguments = parser.parse_args(argv)

    if arguments.canary and arguments.wait <= 0:
        parser.error("a canary must be waited for: give --wait")

    def work(aws: Aws) -> int:
        release = release_of(find_built(arguments.build), arguments.add)
        merges = read_merges(arguments.config, release.components) if arguments.config else None
        groups = [name for name in (arguments.canary, arguments.group) if name]
        stages = plan(Order(groups, release, merges, arguments.drop), aws)
        for stage in stages:
            print("\n".join(stage.lines()))
        if not any(stage.changes for stage in stages) or arguments.plan:
            return 0
        check_published(release, aws)
        if not (arguments.yes or _agreed()):
            return 3
        done = roll_out(stages, f"smartcam {release.version}", aws, arguments.wait, say, time.sleep)
        return 0 if done else 1

    return _run("deploy", arguments, work)


def status(argv: list[str]) -> int:
    """0: every device runs it. 1: not, or not yet. 2: AWS could not be asked."""
    parser = _parser("status", "Show how far a deployment has come on each device.")
    parser.add_argument("--group", required=True, help="thing group")
    parser.add_argument("--deployment", help="deployment id (the group's latest)")
    parser.add_argument("--wait", type=number(0), default=0.0, metavar="SECONDS", help="until every device is done (0)")
    arguments = parser.parse_args(argv)

    def work(aws: Aws) -> int:
        group = read_group(arguments.group, aws)
        deployment = arguments.deployment or group.latest
        if deployment is None:
            raise ReleaseError(f"{group.name}: has no deployment")
        print(f"deployment {deployment}")
        return 0 if watch(deployment, group, aws, arguments.wait, say, time.sleep).succeeded else 1

    return _run("status", arguments, work)


def rollback(argv: list[str]) -> int:
    """0: every device runs the earlier deployment again. 1: not. 2: it could not be tried. 3: nobody agreed."""
    parser = _parser("rollback", "Deploy again what a group had before, after showing what changes.")
    parser.add_argument("--group", required=True, help="thing group")
    parser.add_argument("--to", metavar="DEPLOYMENT", help="deployment id (the newest that differs)")
    _add_agreement(parser)
    arguments = parser.parse_args(argv)

    def work(aws: Aws) -> int:
        group = read_group(arguments.group, aws)
        identity, before = earlier(group, arguments.to, aws)
        stage = Stage(group, earlier_again(group.current or Deployment({}), before))
        print("\n".join([f"back to deployment {identity}", *stage.lines()]))
        if arguments.plan:
            return 0
        if not (arguments.yes or _agreed()):
            return 3
        deployment = create(stage, f"back to {identity}", aws)
        say(f"{group.name}: deployment {deployment}")
        if arguments.wait <= 0:
            return 0
        return 0 if watch(deployment, group, aws, arguments.wait, say, time.sleep).succeeded else 1

    return _run("rollback", arguments, work)


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


def read_merges(file: Path, components: Collection[str]) -> Mapping[str, Merge]:
    """The configuration by component in a YAML or JSON file, checked as the components will check it.

    Raises:
        ReleaseError: naming the file, the component and the key.
    """
    try:
        document = yaml.safe_load(file.read_text())
    except (OSError, yaml.YAMLError) as error:
        raise ReleaseError(f"{file}: cannot be read ({error})") from error
    if not isinstance(document, dict):
        raise ReleaseError(f"{file}: must be an object: component name -> its configuration")
    readers: Mapping[str, Callable[[Mapping[str, object]], object]] = {
        "smartcam.Capture": read_capture,
        "smartcam.Inference": read_inference,
    }
    for name, merge in document.items():
        if name not in components:
            raise ReleaseError(f"{file}: there is no component {name!r}{nearest(str(name), components)}")
        if not isinstance(merge, dict):
            raise ReleaseError(f"{file}: {name}: must be an object of keys")
        try:
            json.dumps(merge)
            if name in readers:
                readers[name](merge)
        except SettingsError as error:
            raise ReleaseError(f"{file}: {name}: {error}") from error
        except TypeError as error:
            raise ReleaseError(f"{file}: {name}: {error}; put dates in quotes") from error
    return document


def _project_settings() -> Mapping[str, str]:
    """Bucket and region, the same as the Greengrass Development Kit publishes with."""
    document: Mapping[str, Any] = json.loads(_PROJECT.read_text())
    (component,) = document["component"].values()
    settings: Mapping[str, str] = component["publish"]
    return settings


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
    region = _project_settings()["region"]
    parser.add_argument("--region", default=None, help=f"region (AWS_REGION, else the profile's; GDK uses {region})")
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
