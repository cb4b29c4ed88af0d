"""The two nuclei, reached by their own local tools."""

import json
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

from tools.build.wheels import Platform
from tools.local.host import Host, HostError
from tools.release.deployment import Merge

_CLASSIC_CLI: Final = "/greengrass/v2/bin/greengrass-cli"
# The components that must run; the others are installed only, or run once.
_SERVICES: Final = ("smartcam.Capture", "smartcam.Inference")
_CLASSIC_LOGS: Final = "/greengrass/v2/logs"
# sudo for users other than root; -n because nobody can type a password.
_AS_ROOT: Final = 'if [ "$(id -u)" = 0 ]; then as=; else as="sudo -n"; fi; '
_LOOK: Final = f"""
echo "machine=$(uname -m)"
echo "python=$(python3 -c 'import sys; print("py%d%d" % sys.version_info[:2])' 2> /dev/null)"
command -v ggl-cli > /dev/null && echo "lite=ggl-cli"
if command -v greengrass-cli > /dev/null; then echo "classic=greengrass-cli"
elif [ -x {_CLASSIC_CLI} ]; then echo "classic={_CLASSIC_CLI}"; fi
true
"""


class RunState(StrEnum):
    """The state of the components."""

    STARTING = "starting"
    RUNNING = "running"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Machine:
    """The machine to deploy to."""

    platform: Platform
    tools: Mapping[str, str]
    """The tool of each nucleus."""


def inspect_machine(host: Host) -> Machine:
    """The machine's kind, and its nucleus. Raises HostError."""
    ran = host.run(_LOOK)
    said = dict(line.split("=", 1) for line in ran.stdout.splitlines() if "=" in line)
    tools = {name: said[name] for name in ("lite", "classic") if said.get(name)}
    if not tools:
        raise HostError(f"{host.name}: has neither ggl-cli nor greengrass-cli: install a nucleus first")
    if not said.get("python"):
        raise HostError(f"{host.name}: has no python3; sudo apt-get install python3")
    return Machine(Platform(said.get("machine", ""), said["python"]), tools)


class NucleusTool(Protocol):
    """One kind of nucleus, by its local tool."""

    @property
    def name(self) -> str:
        """For people."""

    @property
    def merges_into_recipes(self) -> bool:
        """Whether configuration can only come as a recipe's default."""

    def deploy(self, folder: str, wanted: Mapping[str, str], merges: Mapping[str, Merge]) -> str:
        """The script that deploys the content of a folder: components with versions, and their configuration."""

    def log(self, components: Sequence[str]) -> str:
        """The script that follows the log."""

    def ask(self) -> str:
        """The script whose output `state` reads."""

    def state(self, said: str, version: str) -> RunState:
        """The state of the components, from the answer."""


@dataclass(frozen=True, slots=True)
class Lite:
    """Nucleus lite: components are units of systemd."""

    tool: str
    name: str = "lite"
    merges_into_recipes: bool = True

    def deploy(self, folder: str, wanted: Mapping[str, str], merges: Mapping[str, Merge]) -> str:
        """See `NucleusTool`. The tool takes ten components and no configuration."""
        del merges
        command = [self.tool, "deploy", "--recipe-dir", f"{folder}/recipes", "--artifacts-dir", f"{folder}/artifacts"]
        command += [part for name, version in wanted.items() for part in ("--add-component", f"{name}={version}")]
        return _AS_ROOT + "$as " + shlex.join(command)

    def log(self, components: Sequence[str]) -> str:
        """See `NucleusTool`."""
        units = ["ggl.core.ggdeploymentd.service", *(f"ggl.{name}*" for name in components)]
        options = " ".join(f"-u {shlex.quote(unit)}" for unit in units)
        return f"{_AS_ROOT}exec $as journalctl --follow --lines 0 --output short-iso {options}"

    def ask(self) -> str:
        """See `NucleusTool`."""
        return f"systemctl is-active {' '.join(f'ggl.{name}.service' for name in _SERVICES)}; true"

    def state(self, said: str, version: str) -> RunState:
        """See `NucleusTool`: the units do not say their version."""
        del version
        states = said.split()
        if "failed" in states:
            return RunState.BROKEN
        return RunState.RUNNING if states == ["active"] * len(_SERVICES) else RunState.STARTING


@dataclass(frozen=True, slots=True)
class Classic:
    """The classic nucleus, by its own command line."""

    tool: str
    name: str = "classic"
    merges_into_recipes: bool = False

    def deploy(self, folder: str, wanted: Mapping[str, str], merges: Mapping[str, Merge]) -> str:
        """See `NucleusTool`."""
        # Without a rollback, a version that fails its self-test would leave nothing running.
        command = [self.tool, "deployment", "create", "--failure-handling-policy", "ROLLBACK"]
        command += ["--recipeDir", f"{folder}/recipes", "--artifactDir", f"{folder}/artifacts"]
        command += [part for name, version in wanted.items() for part in ("--merge", f"{name}={version}")]
        # Otherwise the rights of an earlier version would stay.
        update: dict[str, dict[str, object]] = {name: {"RESET": ["/accessControl"]} for name in _SERVICES}
        for name, merge in merges.items():
            update.setdefault(name, {})["MERGE"] = merge
        command += ["--update-config", json.dumps(update)]
        return _AS_ROOT + "$as " + shlex.join(command)

    def log(self, components: Sequence[str]) -> str:
        """See `NucleusTool`. Logs appear when a component writes its first line."""
        files = " ".join(f"{_CLASSIC_LOGS}/{name}.log" for name in ("greengrass", *components))
        return f"{_AS_ROOT}exec $as tail --follow=name --retry --lines 0 {files} 2> /dev/null"

    def ask(self) -> str:
        """See `NucleusTool`."""
        return f"{_AS_ROOT}$as {self.tool} component list"

    def state(self, said: str, version: str) -> RunState:
        """See `NucleusTool`."""
        found = {
            block[0]: (block[1], block[2])
            for block in re.findall(r"Component Name: (\S+)\s+Version: (\S+)\s+State: (\S+)", said)
        }
        ours = [found.get(name, ("", "")) for name in _SERVICES]
        if any(state == "BROKEN" and now == version for now, state in ours):
            return RunState.BROKEN
        return RunState.RUNNING if all(each == (version, "RUNNING") for each in ours) else RunState.STARTING


def choose(machine: Machine, wanted: str | None, host: Host) -> NucleusTool:
    """The nucleus to deploy to. Raises HostError when it is not there, or when there are two to choose from."""
    kinds: Mapping[str, type[Lite | Classic]] = {"lite": Lite, "classic": Classic}
    if wanted is not None and wanted not in machine.tools:
        raise HostError(f"{host.name}: has no nucleus {wanted}; it has {', '.join(machine.tools)}")
    if wanted is None and len(machine.tools) > 1:
        raise HostError(f"{host.name}: has both nuclei; choose one with --nucleus")
    name = wanted or next(iter(machine.tools))
    return kinds[name](machine.tools[name])
