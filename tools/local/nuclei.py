"""The two nuclei, reached by their own local tools."""

import json
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from tools.build.wheels import Platform
from tools.local.host import Host, HostError
from tools.local.progress import SERVICES, Situation, judge, read_classic, read_lite, read_processes
from tools.release.deployment import Merge

_CLASSIC_ROOT: Final = "/greengrass/v2"
_CLASSIC_CLI: Final = f"{_CLASSIC_ROOT}/bin/greengrass-cli"
_DEPLOYMENTS: Final = "ggl.core.ggdeploymentd.service"
_CURSOR: Final = "cursor="
_JOURNAL: Final = "the journal:"
_TAIL_LINES: Final = 15
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
# What a component's process runs, from the environment that run.sh gave it. For root: nobody else may look.
_DESCRIBE: Final = """
describe() {
    [ -r "/proc/$2/environ" ] || return 0
    echo "process $1 $(sed -n '1p;3p' "/proc/$2/cwd/proven" 2> /dev/null | tr '\\n' ' ')"
    grep -zE '^(PYTHONPATH|SMARTCAM_REFUSED_VERSION|SMARTCAM_REFUSED_REASON)=' "/proc/$2/environ" | tr '\\0' '\\n'
}
"""


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

    def reference(self, said: str) -> str:
        """What `ask` and `tail` need to know of a deployment, from what `deploy` said. Raises HostError."""

    def ask(self, reference: str) -> str:
        """The script whose output `situation` reads."""

    def situation(self, said: str, reference: str, version: str) -> Situation:
        """What has become of the deployment, from the answer."""

    def tail(self, reference: str, components: Sequence[str]) -> str:
        """The script that shows the end of the log."""


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
        # The tool ends before the deployment begins, and what became of it stands in the journal only.
        mark = f"$as journalctl --quiet --lines 0 --show-cursor | sed -n 's/^-- cursor: /{_CURSOR}/p'"
        return f"{_AS_ROOT}{mark}; exec $as {shlex.join(command)}"

    def log(self, components: Sequence[str]) -> str:
        """See `NucleusTool`."""
        units = [_DEPLOYMENTS, *(f"ggl.{name}*" for name in components)]
        options = " ".join(f"-u {shlex.quote(unit)}" for unit in units)
        return f"{_AS_ROOT}exec $as journalctl --follow --lines 0 --output short-iso {options}"

    def reference(self, said: str) -> str:
        """See `NucleusTool`: where the journal was before the deployment."""
        return said.partition(_CURSOR)[2].partition("\n")[0]

    def ask(self, reference: str) -> str:
        """See `NucleusTool`. Only what systemd supervises counts: an old process may go on without a unit."""
        look = f"""{_DESCRIBE}
for component in {" ".join(SERVICES)}; do
    describe "$component" "$(systemctl show --property MainPID --value "ggl.$component.service")"
done
echo {_JOURNAL}
{self._journal(reference)} --unit {_DEPLOYMENTS}
"""
        return f"{_AS_ROOT}$as sh -c {shlex.quote(look)}"

    def situation(self, said: str, reference: str, version: str) -> Situation:
        """See `NucleusTool`."""
        del reference
        processes, _, journal = said.partition(_JOURNAL)
        return judge(read_lite(journal), read_processes(processes), version)

    def tail(self, reference: str, components: Sequence[str]) -> str:
        """See `NucleusTool`."""
        units = " ".join(f"--unit {shlex.quote(f'ggl.{name}*')}" for name in components)
        return f"{_AS_ROOT}$as {self._journal(reference)} --lines {_TAIL_LINES} {units}"

    def _journal(self, reference: str) -> str:
        after = f" --after-cursor {shlex.quote(reference)}" if reference else ""
        return f"journalctl --quiet --no-pager --output cat{after}"


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
        update: dict[str, dict[str, object]] = {name: {"RESET": ["/accessControl"]} for name in SERVICES}
        for name, merge in merges.items():
            update.setdefault(name, {})["MERGE"] = merge
        command += ["--update-config", json.dumps(update)]
        return _AS_ROOT + "$as " + shlex.join(command)

    def log(self, components: Sequence[str]) -> str:
        """See `NucleusTool`. Logs appear when a component writes its first line."""
        files = _logs(("greengrass", *components))
        return f"{_AS_ROOT}exec $as tail --follow=name --retry --lines 0 {files} 2> /dev/null"

    def reference(self, said: str) -> str:
        """See `NucleusTool`: the deployment's id."""
        found = re.search(r"Deployment Id: (\S+)", said)
        if found is None:
            raise HostError(f"{self.tool} names no deployment: {said.strip()[-300:]}")
        return found[1]

    def ask(self, reference: str) -> str:
        """See `NucleusTool`."""
        names = " -o ".join(f"-lname {_CLASSIC_ROOT}/work/{name}" for name in SERVICES)
        look = f"""{_DESCRIBE}
for found in $(find /proc -maxdepth 2 -name cwd \\( {names} \\) 2> /dev/null); do
    process=${{found%/cwd}}
    if grep -qzx -e -m "$process/cmdline" && ! grep -qzx -e --self-test "$process/cmdline"; then
        place=$(readlink "$found")
        describe "${{place##*/}}" "${{process##*/}}"
    fi
done
"""
        return f"{_AS_ROOT}$as {self.tool} deployment status -i {shlex.quote(reference)}; $as sh -c {shlex.quote(look)}"

    def situation(self, said: str, reference: str, version: str) -> Situation:
        """See `NucleusTool`."""
        return judge(read_classic(said, reference), read_processes(said), version)

    def tail(self, reference: str, components: Sequence[str]) -> str:
        """See `NucleusTool`."""
        del reference
        return f"{_AS_ROOT}$as tail --quiet --lines {_TAIL_LINES} {_logs(components)} 2> /dev/null"


def _logs(components: Sequence[str]) -> str:
    return " ".join(f"{_CLASSIC_ROOT}/logs/{name}.log" for name in components)


def choose(machine: Machine, wanted: str | None, host: Host) -> NucleusTool:
    """The nucleus to deploy to. Raises HostError when it is not there, or when there are two to choose from."""
    kinds: Mapping[str, type[Lite | Classic]] = {"lite": Lite, "classic": Classic}
    if wanted is not None and wanted not in machine.tools:
        raise HostError(f"{host.name}: has no nucleus {wanted}; it has {', '.join(machine.tools)}")
    if wanted is None and len(machine.tools) > 1:
        raise HostError(f"{host.name}: has both nuclei; choose one with --nucleus")
    name = wanted or next(iter(machine.tools))
    return kinds[name](machine.tools[name])
