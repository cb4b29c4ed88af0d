"""Lifecycles: phases, scripts and their variables, as both nuclei run them."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from tools.recipes.document import Node
from tools.recipes.keys import nearest
from tools.recipes.recipe import LifecyclePhase, Step
from tools.recipes.variables import braces

LONGEST_TIMEOUT_S: Final = 7_200
PACKAGES_TIMEOUT_S: Final = 900
RUN_SCRIPT: Final = "run.sh"
"""Waits for the Runtime's packages, in install for at most ten minutes."""
RUN_FOR_LITE: Final = (
    "nucleus lite waits 300 s for every component to run or to end well, and then fails the deployment; write run: echo"
)
_NOT_ON_LITE: Final[Mapping[str, str]] = {
    "shutdown": "nucleus lite has no shutdown: let the program handle SIGTERM",
    "recover": "nucleus lite has no recover: let the program recover by itself",
    "bootstrap": "nucleus lite does bootstrap in part only, and it restarts the nucleus: use install",
}
_AS_ROOT: Final = re.compile(r"(?:^|[\s;&|(])(sudo|su|doas|pkexec)\s")
_ARTIFACT: Final = re.compile(r"\{artifacts:path\}/([^\s\"'/]+)")
_WORK: Final = re.compile(r"\{kernel:rootPath\}/work/([A-Za-z0-9._-]+)")


@dataclass(frozen=True, slots=True)
class ScriptContext:
    """What a script may refer to."""

    configuration: Node
    artifacts: frozenset[str]
    """Names of the manifest's own artifacts."""
    unpacks: bool
    """Whether the nucleus unpacks one of them."""
    dependencies: frozenset[str]


def check_steps(lifecycle: Node, steps: Mapping[LifecyclePhase, Step], around: ScriptContext) -> None:
    """Note what is wrong with a manifest's lifecycle, beyond what keeps it from being read."""
    keys = lifecycle.mapping()
    for phase, remedy in _NOT_ON_LITE.items():
        keys.optional(phase).wrong(remedy)
    if steps and not steps.keys() & {LifecyclePhase.STARTUP, LifecyclePhase.RUN}:
        lifecycle.wrong("run is missing: " + RUN_FOR_LITE)
    if {"startup", "run"} <= keys.keys():
        keys["run"].wrong("is given beside startup: nucleus lite runs the first of the two only")
    for value in keys.optional("Setenv").mapping().values():
        _check_variables(value, around)
    for step in steps.values():
        privilege = step.keys.optional("RequiresPrivilege")
        if privilege.truth():
            privilege.wrong("nothing of the suite needs root: the component's user joins group video")
        _check_timeout(step, around)
        for value in step.keys.optional("Setenv").mapping().values():
            _check_variables(value, around)
        _check_script(step.keys.optional("Script"), around)


def _check_timeout(step: Step, around: ScriptContext) -> None:
    timeout = step.keys.optional("Timeout")
    seconds = int(timeout.raw) if timeout.raw.isdigit() else None
    if seconds == 0:
        timeout.wrong("must be above 0")
    elif seconds is not None and step.phase is LifecyclePhase.RUN:
        timeout.wrong("run ends when its program ends: a timeout would kill it on classic")
    elif seconds is not None and seconds > LONGEST_TIMEOUT_S:
        timeout.wrong(f"over {LONGEST_TIMEOUT_S} s: Timeout counts seconds")
    # A timeout that is no number has been noted already.
    if step.phase is LifecyclePhase.INSTALL and (not timeout or seconds is not None):
        _check_patience(timeout or step.keys.parent, seconds or 0, around)


def _check_patience(where: Node, seconds: int, around: ScriptContext) -> None:
    slow = any(name.startswith("smartcam-packages-") or name == RUN_SCRIPT for name in around.artifacts)
    if slow and seconds < PACKAGES_TIMEOUT_S:
        where.wrong(f"installing or waiting for the packages needs a Timeout of {PACKAGES_TIMEOUT_S} or more")


def _check_script(script: Node, around: ScriptContext) -> None:
    _check_variables(script, around)
    for number, line in script.lines():
        if _AS_ROOT.search(line):
            script.wrong("components run without root", line=number)
        for name in _ARTIFACT.findall(line):
            if name not in around.artifacts:
                script.wrong(f"{name!r} is none of the artifacts{nearest(name, around.artifacts)}", line=number)
        for name in _WORK.findall(line):
            if name not in around.dependencies:
                script.wrong(f"reads the work folder of {name}, which is no dependency", line=number)
        for begins in _unquoted(line):
            script.wrong(
                f"put {begins}}} in double quotes: a path may hold spaces, and lite escapes for quotes", line=number
            )


def _check_variables(node: Node, around: ScriptContext) -> None:
    """Variables that the nucleus knows must have a value too."""
    for number, line in node.lines():
        for name in (name for name, fault in braces(line) if not fault):
            if name == "artifacts:decompressedPath" and not around.unpacks:
                node.wrong(f"{{{name}}}: no artifact of this manifest is unpacked", line=number)
            pointer = name.partition(":")[2]
            if name.startswith("configuration:") and not around.configuration.below(pointer.split("/")[1:]):
                node.wrong(f"{{{name}}}: the default configuration has no {pointer!r}", line=number)


def _unquoted(line: str) -> Iterator[str]:
    inside = False
    for at, letter in enumerate(line):
        if letter == '"':
            inside = not inside
        elif letter == "{" and not inside and ":" in line[at:].partition("}")[0]:
            yield line[at:].partition("}")[0]
