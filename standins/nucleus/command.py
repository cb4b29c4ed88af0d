"""`smartcam nucleus`: run components from their recipes on this machine until a signal.

SIGHUP deploys again; SIGUSR2 restarts the IPC server alone, as after a crash of lite's.
"""

import argparse
import asyncio
import fcntl
import hashlib
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from smartcam.edge.arguments import number
from smartcam.edge.files import replace_file
from standins.nucleus.cloud import Cloud, NoCloud
from standins.nucleus.configuration import ConfigurationConflict, ConfigurationStore, Update
from standins.nucleus.core import SOCKET_NAME, NucleusCore, SystemSettings
from standins.nucleus.deployment import DeploymentDocument, DeploymentError, read_deployment, resolve
from standins.nucleus.journal import Journal
from standins.nucleus.mqtt import IotCore, MqttEndpoint
from standins.nucleus.packages import fetch_artifacts
from standins.nucleus.profile import PROFILES, Profile
from standins.nucleus.recipe import Recipe, RecipeError, read_recipe
from standins.nucleus.runner import Runner
from standins.nucleus.units import Units
from standins.nucleus.update import deploy_on_lite, update
from tools.command_line import complain

DESCRIPTION: Final = __doc__
_LONGEST_SOCKET_PATH: Final = 107
_INHERITED: Final = ("HOME", "USER", "LOGNAME", "LANG", "TZ", "TMPDIR")


class StartError(Exception):
    """The nucleus cannot be started: one line says why."""


@dataclass(frozen=True, slots=True)
class NucleusOptions:
    """What to run and how."""

    device: SystemSettings
    profile: Profile
    recipes: Path
    artifacts: Path
    deployment: DeploymentDocument
    description: Path
    """The deployment's file, read again at SIGHUP."""
    endpoint: MqttEndpoint | None
    setenv: Mapping[str, str]
    stop_s: float | None
    guests: Mapping[str, str]
    """Recipes of components that a person runs, and the files that get their variables."""


def main(argv: Sequence[str]) -> int:
    """Run until SIGTERM or SIGINT; a second one kills. 0 after an orderly end, 1 after an error."""
    arguments = _parser().parse_args(argv)
    try:
        options = _options(arguments)
        with _only_one(options.device.root), _socket_folder(options.device.socket_path), _forgotten(options.guests):
            return asyncio.run(_serve(options))
    except (StartError, DeploymentError, RecipeError, ConfigurationConflict) as error:
        return complain("nucleus", error)
    except KeyboardInterrupt:
        # Before the event loop could listen to it: nothing has been started yet.
        return 130


async def _serve(options: NucleusOptions) -> int:
    root = options.device.root
    recipes = resolve(options.deployment, options.recipes, options.profile)
    cloud = _cloud(options)
    store = ConfigurationStore(root / "config.json")
    journal = Journal(root / "journal.jsonl")
    nucleus = NucleusCore(options.device, options.profile, store, cloud, journal)
    at_boot = _linked(options) if options.profile.lifecycle.in_turn else recipes
    control = Control(Runner(nucleus, at_boot, _base_environment(options.setenv), options.stop_s))
    _obey_signals(control)
    journal.write("nucleus_started", profile=options.profile.name, thing=options.device.thing, root=str(root))
    try:
        await nucleus.start()
        _admit(options, nucleus)
        work = asyncio.create_task(_deployments(options, nucleus, recipes, control))
        ipc = asyncio.create_task(_serve_ipc(options, nucleus, control))
        asking = asyncio.create_task(control.stop.wait())
        await asyncio.wait([work, ipc, asking], return_when=asyncio.FIRST_COMPLETED)
        for ended in (work, ipc):
            if ended.done() and not asking.done():
                ended.result()
        for each in (work, ipc, asking):
            each.cancel()
        await asyncio.wait([work, ipc, asking])
    except OSError as error:
        raise StartError(f"{options.device.socket_path}: the socket cannot be used ({error.strerror})") from error
    finally:
        await control.runner.stop()
        await nucleus.stop()
        journal.write("nucleus_stopped")
        journal.close()
    return 0


@dataclass(slots=True)
class Control:
    """The runner of what runs, and the requests from outside: to end, to deploy again, to restart IPC."""

    runner: Runner
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    again: asyncio.Event = field(default_factory=asyncio.Event)
    ipc: asyncio.Event = field(default_factory=asyncio.Event)


async def _deployments(
    options: NucleusOptions, nucleus: NucleusCore, recipes: Sequence[Recipe], control: Control
) -> None:
    """The first deployment, and each that its file holds when SIGHUP comes. Raises DeploymentError for the first."""
    await _begin(options, nucleus, recipes, control)
    while True:
        await control.again.wait()
        control.again.clear()
        try:
            await _update(replace(options, deployment=read_deployment(options.description)), nucleus, control)
        except (DeploymentError, RecipeError) as error:
            nucleus.journal.write("deployment_failed", reason=str(error), rolled_back=False)


async def _begin(options: NucleusOptions, nucleus: NucleusCore, recipes: Sequence[Recipe], control: Control) -> None:
    """Classic deploys what the file holds; so does lite at first, and later it starts what has a unit, as systemd."""
    runner = control.runner
    if not runner.rules.in_turn:
        await _fetch(options, nucleus, recipes)
        _configure(options, nucleus, recipes)
        await runner.run()
        nucleus.journal.write("deployment_succeeded")
    elif runner.units.deployment is None:
        await _fetch(options, nucleus, recipes)
        changes = options.deployment.reconfigured
        await deploy_on_lite(runner, recipes, changes, nucleus, lambda: _configure(options, nucleus, recipes))
        runner.units.dealt_with(options.deployment.digest)
    else:
        runner.start()
        if runner.units.deployment != options.deployment.digest:
            await _update(options, nucleus, control)


def _linked(options: NucleusOptions) -> Sequence[Recipe]:
    """The recipes of what systemd starts after a reboot."""
    linked = Units(options.device.root).linked.items()
    return [read_recipe(options.recipes / f"{name}-{version}.yaml", options.profile) for name, version in linked]


async def _update(options: NucleusOptions, nucleus: NucleusCore, control: Control) -> None:
    recipes = resolve(options.deployment, options.recipes, options.profile)
    await _fetch(options, nucleus, recipes)
    changes = options.deployment.reconfigured
    control.runner = await update(
        control.runner, recipes, changes, nucleus, lambda: _configure(options, nucleus, recipes)
    )
    control.runner.units.dealt_with(options.deployment.digest)


async def _serve_ipc(options: NucleusOptions, nucleus: NucleusCore, control: Control) -> None:
    """Let the IPC server die and come back, alone, each time that SIGUSR2 comes."""
    while True:
        await control.ipc.wait()
        control.ipc.clear()
        nucleus.journal.write("ipc_restarted")
        await nucleus.stop_ipc()
        await nucleus.start_ipc()
        _admit(options, nucleus)


def _admit(options: NucleusOptions, nucleus: NucleusCore) -> None:
    """Let in what a person runs, with the rights of its recipe: whoever may read the file may speak for it."""
    for recipe_file, file in options.guests.items():
        recipe = read_recipe(Path(recipe_file), options.profile)
        nucleus.store.deploy(recipe.name, recipe.defaults, Update(), time.time_ns() // 1_000_000)
        replace_file(Path(file), json.dumps(dict(nucleus.environment(recipe.name))).encode())


async def _fetch(options: NucleusOptions, nucleus: NucleusCore, recipes: Sequence[Recipe]) -> None:
    nucleus.journal.write("deployment", components={recipe.name: recipe.version for recipe in recipes})
    # In a thread: unpacking takes seconds, and signals must be handled meanwhile.
    for recipe in recipes:
        await asyncio.to_thread(
            fetch_artifacts,
            recipe,
            options.artifacts,
            options.device.root,
            unpack=options.profile.recipes.unpacks_local_artifacts,
        )


def _configure(options: NucleusOptions, nucleus: NucleusCore, recipes: Sequence[Recipe]) -> None:
    now_ms = time.time_ns() // 1_000_000
    for recipe in recipes:
        wanted = options.deployment.components.get(recipe.name)
        change = wanted.update if wanted is not None else Update()
        try:
            nucleus.store.deploy(recipe.name, recipe.defaults, change, now_ms)
        except ConfigurationConflict as error:
            raise DeploymentError(f"{recipe.name}: the configuration cannot be merged: {error}") from error


def _obey_signals(control: Control) -> None:
    def end() -> None:
        if control.stop.is_set():
            control.runner.kill()
        control.stop.set()

    loop = asyncio.get_running_loop()
    for each in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(each, end)
    loop.add_signal_handler(signal.SIGHUP, control.again.set)
    loop.add_signal_handler(signal.SIGUSR2, control.ipc.set)


def _cloud(options: NucleusOptions) -> Cloud:
    if options.endpoint is None:
        return NoCloud()
    try:
        return IotCore(options.endpoint)
    except OSError as error:
        raise StartError(f"the device's certificates cannot be used: {error}") from error


def _base_environment(setenv: Mapping[str, str]) -> Mapping[str, str]:
    """The sparse environment of a systemd unit, without anything from this program's own."""
    own = Path(sys.prefix, "bin")
    path = [folder for folder in os.environ.get("PATH", os.defpath).split(os.pathsep) if folder and Path(folder) != own]
    kept = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    return {**kept, "PATH": os.pathsep.join(path), **setenv}


@contextmanager
def _only_one(root: Path) -> Iterator[None]:
    """Raises StartError while another nucleus runs below the same root."""
    try:
        root.mkdir(parents=True, exist_ok=True)
        lock = os.open(root / "nucleus.lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise StartError(f"{root}: cannot be used as root ({error.strerror})") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise StartError(f"{root}: another nucleus runs there and holds its socket") from error
    else:
        yield
    finally:
        os.close(lock)


@contextmanager
def _socket_folder(path: Path) -> Iterator[None]:
    """The folder of the socket, removed afterwards where it is not the root itself."""
    folder = path.parent
    temporary = not folder.exists()
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat(follow_symlinks=False).st_uid != os.getuid():
        raise StartError(f"{folder}: belongs to somebody else")
    try:
        yield
    finally:
        if temporary:
            with suppress(OSError):
                folder.rmdir()


@contextmanager
def _forgotten(guests: Mapping[str, str]) -> Iterator[None]:
    """What a guest's file says holds as long as the nucleus runs."""
    try:
        yield
    finally:
        for file in guests.values():
            Path(file).unlink(missing_ok=True)


def socket_path(root: Path) -> Path:
    """The socket below the root, or elsewhere when its path would be longer than a socket's may be."""
    path = root / SOCKET_NAME
    if len(os.fsencode(path)) <= _LONGEST_SOCKET_PATH:
        return path
    name = hashlib.sha256(os.fsencode(root)).hexdigest()[:16]
    return Path(tempfile.gettempdir(), f"nucleus-{name}", SOCKET_NAME)


def _options(arguments: argparse.Namespace) -> NucleusOptions:
    root: Path = arguments.root.resolve()
    endpoint = _endpoint(arguments)
    return NucleusOptions(
        device=SystemSettings(
            root=root,
            thing=arguments.thing,
            socket_path=socket_path(root),
            region=arguments.region,
            root_ca=str(arguments.ca.resolve()) if arguments.ca else "",
        ),
        profile=_profile(arguments),
        recipes=arguments.recipes.resolve(),
        artifacts=arguments.artifacts.resolve(),
        deployment=read_deployment(arguments.deploy),
        description=arguments.deploy.resolve(),
        endpoint=endpoint,
        setenv=dict(arguments.setenv),
        stop_s=arguments.stop_timeout,
        guests=dict(arguments.guest),
    )


def _profile(arguments: argparse.Namespace) -> Profile:
    profile = PROFILES[arguments.profile]
    if arguments.settle_timeout is None or profile.lifecycle.settle_s is None:
        return profile
    return replace(profile, lifecycle=replace(profile.lifecycle, settle_s=arguments.settle_timeout))


def _endpoint(arguments: argparse.Namespace) -> MqttEndpoint | None:
    if arguments.iot_endpoint is None:
        return None
    host, _, port = arguments.iot_endpoint.rpartition(":")
    files = {"--ca": arguments.ca, "--cert": arguments.cert, "--key": arguments.key}
    missing = [option for option, file in files.items() if file is None]
    if missing:
        raise StartError(f"--iot-endpoint needs {' and '.join(missing)} too")
    if not host or not port.isdigit():
        raise StartError(f"--iot-endpoint {arguments.iot_endpoint}: write HOST:PORT")
    return MqttEndpoint(host, int(port), arguments.thing, arguments.ca, arguments.cert, arguments.key)


def _assignment(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise argparse.ArgumentTypeError(f"{text!r}: write NAME=VALUE")
    return name, value


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="smartcam nucleus", description=DESCRIPTION)
    parser.add_argument("--root", type=Path, required=True, help="folder of the nucleus: work, logs, journal.jsonl")
    parser.add_argument("--profile", choices=sorted(PROFILES), default="lite", help="which nucleus to behave like")
    parser.add_argument("--recipes", type=Path, required=True, help="folder of <name>-<version>.yaml")
    parser.add_argument("--artifacts", type=Path, required=True, help="folder of <name>/<version>/<file>")
    parser.add_argument("--deploy", type=Path, required=True, help="deployment as JSON: components, versions, merges")
    parser.add_argument("--thing", required=True, help="the device's thing name")
    parser.add_argument("--region", default="eu-west-1", help="what components see as AWS_REGION")
    parser.add_argument("--iot-endpoint", metavar="HOST:PORT", help="IoT Core's address (default: never connected)")
    parser.add_argument("--ca", type=Path, help="certificate authority of the endpoint")
    parser.add_argument("--cert", type=Path, help="the device's certificate")
    parser.add_argument("--key", type=Path, help="the device's private key")
    parser.add_argument(
        "--setenv",
        type=_assignment,
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="an environment variable for every component, as a systemd drop-in would set it",
    )
    parser.add_argument(
        "--guest",
        type=_assignment,
        action="append",
        default=[],
        metavar="RECIPE=FILE",
        help="let in a component that a person runs: its variables are in FILE, for this user alone",
    )
    parser.add_argument(
        "--stop-timeout", type=number(0), metavar="SECONDS", help="longest time from SIGTERM to SIGKILL"
    )
    parser.add_argument(
        "--settle-timeout",
        type=number(0),
        metavar="SECONDS",
        help="how long a deployment on lite waits for each component to run (default: 300)",
    )
    return parser
