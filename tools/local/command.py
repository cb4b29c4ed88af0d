"""`smartcam local`: build for a device, deploy there without the cloud, and show the log."""

import argparse
import shutil
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from smartcam.edge.arguments import number
from smartcam.edge.bundle_names import DEFAULT_BUNDLE
from tools.build.archive import link_or_copy
from tools.build.bundles import BUNDLE_HELP, chosen_bundles
from tools.build.command import fetch_wheels, warn_of_demo
from tools.build.suite import (
    SUITE,
    BuildError,
    Built,
    artifact_names,
    build_suite,
    check_bundles,
    find_built,
)
from tools.build.wheels import WheelError, parse_platform
from tools.command_line import ROOT, complain, new_parser, say
from tools.local.host import Host, HostError, Ssh, ThisMachine, following
from tools.local.nuclei import Machine, NucleusTool, choose, inspect_machine
from tools.local.progress import RunState, Situation
from tools.recipes.rules import LITE
from tools.release.aws import ReleaseError
from tools.release.configuration import read_merges
from tools.release.deployment import Merge
from tools.release.verbs import release_of

_FOLDER: Final = ROOT / "build" / "local"
_THERE: Final = ".cache/smartcam-deployment"
_WAIT_S: Final = 1200.0
_POLL_S: Final = 3.0

Sleep = Callable[[float], None]


def main(argv: list[str]) -> int:
    """0: this version runs. 1: it was refused, has failed, or does not run yet. 2: not tried. 130: interrupted."""
    arguments = _parser().parse_args(argv)
    try:
        named = arguments.host is not None
        host: Host = Ssh(arguments.host, tuple(arguments.ssh_option)) if named else ThisMachine()
        return _deploy(host, arguments)
    except (HostError, BuildError, WheelError, ReleaseError, OSError) as error:
        return complain("local", error, 2)
    except KeyboardInterrupt:
        return complain("local", "the deployment continues on the device", 130)


def _deploy(host: Host, arguments: argparse.Namespace) -> int:
    # Mistakes on this side are reported before the device is asked.
    given = find_built(arguments.build) if arguments.build else None
    bundle, others = chosen_bundles(arguments.bundle)
    if given is None:
        check_bundles({DEFAULT_BUNDLE: bundle, **others})
    if arguments.config:
        read_merges(arguments.config, (SUITE, *artifact_names()) if given is None else given.components)
    machine = inspect_machine(host)
    nucleus = choose(machine, arguments.nucleus, host)
    say(f"{host.name}: {machine.platform}, nucleus {nucleus.name}")
    built = given or build_for(machine, bundle, others)
    release = release_of(built, arguments.add)
    merges = read_merges(arguments.config, release.components) if arguments.config else {}
    if merges and nucleus.merges_into_recipes:
        say("nucleus lite takes configuration from recipes only, and keeps the values that it already has")
        built = with_defaults(built, merges, _FOLDER / "configured")
    folder = host.bring(built.folder, ("recipes", "artifacts"), _THERE)
    wanted = dict.fromkeys(release.components, built.version)
    with following(host, nucleus.log(release.components)):
        ran = host.run(nucleus.deploy(folder, wanted, merges))
        if ran.returncode:
            raise HostError(f"{host.name}: {(ran.stderr or ran.stdout).strip()[-500:]}")
        reference = nucleus.reference(ran.stdout)
        say((ran.stderr or ran.stdout).strip())
        situation = wait(host, nucleus, reference, built.version, arguments.wait, time.sleep)
    return _report(host, situation, built.version, nucleus.tail(reference, release.components))


def _report(host: Host, situation: Situation, version: str, tail: str) -> int:
    """Say what became of the deployment, in the end: the log was long."""
    if situation.state not in {RunState.RUNNING, RunState.PENDING}:
        say(f"{host.name}: the log ends with\n{host.run(tail).stdout.rstrip()}")
    for line in situation.lines:
        say(f"{host.name}: {line}")
    match situation.state:
        case RunState.RUNNING:
            say(f"{host.name}: the components are running, version {version}")
            return 0
        case RunState.REFUSED:
            said = f"version {version} was refused"
        case RunState.FAILED:
            said = f"the deployment has failed: {situation.reason or 'see the log'}"
        case RunState.PENDING:
            said = f"version {version} does not run yet; the deployment continues on the device"
    return complain("local", f"{host.name}: {said}")


def build_for(machine: Machine, bundle: Path, others: Mapping[str, Path]) -> Built:
    """A build that carries this machine's packages only. Raises BuildError, WheelError, OSError."""
    platform = parse_platform(str(machine.platform))
    bundles = bundle, *others.values()
    wheels = fetch_wheels((platform,), ROOT, bundles=bundles)
    built = build_suite(_FOLDER / str(platform), bundle, wheels=wheels, others=others)
    warn_of_demo(bundles, "local")
    return built


def with_defaults(built: Built, merges: Mapping[str, Merge], folder: Path) -> Built:
    """A copy of a build whose recipes have the merges in their default configuration.

    Raises:
        BuildError: when a recipe would be larger than nucleus lite reads.
    """
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(built.folder, folder, copy_function=link_or_copy)
    changed = Built(folder, built.version, built.components)
    for name, merge in merges.items():
        recipe = changed.recipe(name)
        document = yaml.safe_load(recipe.read_text())
        configuration = document.setdefault("ComponentConfiguration", {}).setdefault("DefaultConfiguration", {})
        _merge(configuration, merge)
        text = yaml.safe_dump(document, sort_keys=False)
        if len(text.encode()) > LITE.recipe_bytes:
            raise BuildError(f"{name}: with this configuration the recipe has over {LITE.recipe_bytes} bytes")
        recipe.unlink()
        recipe.write_text(text)
        recipe.chmod(0o644)
    return changed


def wait(host: Host, nucleus: NucleusTool, reference: str, version: str, limit_s: float, sleep: Sleep) -> Situation:
    """Wait until it is known, twice in a row, what became of a deployment, or the time is up."""
    waited, before = 0.0, RunState.PENDING
    while True:
        sleep(_POLL_S)
        waited += _POLL_S
        now = nucleus.situation(host.run(nucleus.ask(reference)).stdout, reference, version)
        if (now.state is before and before is not RunState.PENDING) or waited >= limit_s:
            return now
        before = now.state


def _merge(document: dict[str, Any], update: Merge) -> None:
    for key, value in update.items():
        inner = document.get(key)
        if isinstance(inner, dict) and isinstance(value, Mapping):
            _merge(inner, value)
        else:
            document[key] = value


def _parser() -> argparse.ArgumentParser:
    parser = new_parser("local", __doc__)
    parser.add_argument("--host", help="the device, for ssh, such as pi@camera.local (this machine)")
    parser.add_argument(
        "--ssh-option", action="append", default=[], metavar="OPTION", help="for ssh, such as --ssh-option=-p2222"
    )
    parser.add_argument("--nucleus", choices=("lite", "classic"), help="which one, where there are both")
    parser.add_argument("--build", type=Path, help="deploy this build (one is made for the device's system)")
    parser.add_argument("--bundle", action="append", default=[], metavar="[NAME=]FOLDER", help=BUNDLE_HELP)
    parser.add_argument("--add", action="append", default=[], metavar="COMPONENT", help="deploy this one too")
    parser.add_argument("--config", type=Path, help="YAML: the configuration by component")
    parser.add_argument(
        "--wait",
        type=number(0),
        default=_WAIT_S,
        metavar="SECONDS",
        help=f"until they run ({_WAIT_S:.0f})",
    )
    return parser
