"""Lifecycles: phases, scripts and their variables, as both nuclei run them."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from tools.lint.document import Spot, required
from tools.recipes.keys import STEP, nearest

LARGEST_SCRIPT_BYTES: Final = 10_000
LONGEST_TIMEOUT_S: Final = 7_200
PACKAGES_TIMEOUT_S: Final = 900
RUN_SCRIPT: Final = "run.sh"
"""Awaits the Runtime's packages, in install for at most ten minutes."""
_PHASES: Final = frozenset({"install", "startup", "run"})
_NOT_ON_LITE: Final[Mapping[str, str]] = {
    "shutdown": "nucleus lite has no shutdown: let the program handle SIGTERM",
    "recover": "nucleus lite has no recover: let the program recover by itself",
    "bootstrap": "nucleus lite does bootstrap in part only, and it restarts the nucleus: use install",
}
_VARIABLES: Final = frozenset(
    {"kernel:rootPath", "iot:thingName", "work:path", "artifacts:path", "artifacts:decompressedPath"}
)
_KNOWN: Final = _VARIABLES | {"configuration:/pointer"}
_BRACE: Final = re.compile(r"\{([^{}\n]*)(\}?)")
_ENVIRONMENT_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_AS_ROOT: Final = re.compile(r"(?:^|[\s;&|(])(sudo|su|doas|pkexec)\s")
_ARTIFACT: Final = re.compile(r"\{artifacts:path\}/([^\s\"'/]+)")
_WORK: Final = re.compile(r"\{kernel:rootPath\}/work/([A-Za-z0-9._-]+)")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a script may refer to."""

    configuration: Spot | None
    artifacts: frozenset[str]
    """Names of the manifest's own artifacts."""
    unpacked: frozenset[str]
    """Names of those that the nucleus unpacks."""
    dependencies: frozenset[str]


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """What later checks across recipes need to know."""

    scripts: Mapping[str, Spot]
    """Per phase its script."""

    @property
    def runs(self) -> bool:
        """Whether something keeps running."""
        return bool(self.scripts.keys() & {"run", "startup"})


def check_lifecycle(spot: Spot, around: Surroundings) -> Lifecycle:
    """Note what is wrong with a manifest's lifecycle."""
    scripts: dict[str, Spot] = {}
    keys = spot.mapping(_PHASES | _NOT_ON_LITE.keys() | {"Setenv"})
    if not keys.keys() & _PHASES:
        spot.wrong("needs one of the phases install, startup, run: lite knows no component without")
    for phase, inner in keys.items():
        if phase in _NOT_ON_LITE:
            inner.wrong(_NOT_ON_LITE[phase])
        elif phase == "Setenv":
            _check_setenv(inner, around)
        elif phase in _PHASES:
            script = _check_phase(phase, inner, around)
            if script is not None:
                scripts[phase] = script
    if {"startup", "run"} <= keys.keys():
        keys["run"].wrong("stands beside startup: nucleus lite runs the first of the two only")
    return Lifecycle(scripts)


def _check_phase(phase: str, spot: Spot, around: Surroundings) -> Spot | None:
    if not spot.is_mapping:
        _check_script(spot, around)
        return spot
    keys = spot.mapping(STEP | {"Skipif"})
    if "Skipif" in keys:
        keys["Skipif"].wrong("is unknown to nucleus lite: let the script decide")
    if "RequiresPrivilege" in keys and keys["RequiresPrivilege"].truth():
        keys["RequiresPrivilege"].wrong("nothing of the suite needs root: the component's user joins group video")
    if "Setenv" in keys:
        _check_setenv(keys["Setenv"], around)
    _check_timeout(phase, keys.get("Timeout"), spot, around)
    script = required(keys, "Script", spot)
    if script is not None:
        _check_script(script, around)
    return script


def _check_timeout(phase: str, spot: Spot | None, parent: Spot, around: Surroundings) -> None:
    seconds = spot.whole() if spot is not None else None
    if spot is not None and seconds is not None:
        if phase == "run":
            spot.wrong("run ends when its program ends: a timeout would kill it on classic")
        elif seconds > LONGEST_TIMEOUT_S:
            spot.wrong(f"over {LONGEST_TIMEOUT_S} s: Timeout counts seconds")
    slow = any(name.startswith("smartcam-packages-") or name == RUN_SCRIPT for name in around.artifacts)
    installs = phase == "install" and slow
    # A timeout that is no number has been noted already.
    known = spot is None or seconds is not None
    if installs and known and (seconds or 0) < PACKAGES_TIMEOUT_S:
        (spot or parent).wrong(f"installing or awaiting the packages needs a Timeout of {PACKAGES_TIMEOUT_S} or more")


def _check_setenv(spot: Spot, around: Surroundings) -> None:
    for name, value in spot.mapping().items():
        if not _ENVIRONMENT_NAME.fullmatch(name):
            value.wrong("is no name for an environment variable")
        if value.text() is not None:
            _check_variables(value, around)


def _check_script(spot: Spot, around: Surroundings) -> None:
    text = spot.text()
    if text is None:
        return
    if len(text.encode()) > LARGEST_SCRIPT_BYTES:
        spot.wrong(f"a script has {LARGEST_SCRIPT_BYTES} bytes at most on nucleus lite")
    _check_variables(spot, around)
    for number, line in _lines(spot):
        if _AS_ROOT.search(line):
            spot.wrong("components run without root", line=number)
        for name in _ARTIFACT.findall(line):
            if name not in around.artifacts:
                spot.wrong(f"{name!r} is none of the artifacts{nearest(name, around.artifacts)}", line=number)
        for name in _WORK.findall(line):
            if name not in around.dependencies:
                spot.wrong(f"reads the work folder of {name}, which is no dependency", line=number)
        for begins in _unquoted(line):
            spot.wrong(
                f"put {begins}}} in double quotes: a path may hold spaces, and lite escapes for quotes", line=number
            )


def _check_variables(spot: Spot, around: Surroundings) -> None:
    for number, line in _lines(spot):
        for name, closing in _BRACE.findall(line):
            reason = _variable_fault(name, around, closed=bool(closing))
            if reason:
                spot.wrong(reason, line=number)


def _variable_fault(name: str, around: Surroundings, *, closed: bool) -> str | None:
    shown = "{" + name + "}"
    if not closed:
        return f"the brace in '{{{name[:40]}' is not closed: lite takes each for a variable"
    if name.startswith("configuration:"):
        return _pointer_fault(name.removeprefix("configuration:"), around.configuration)
    if name == "artifacts:decompressedPath" and not around.unpacked:
        return f"{shown}: no artifact of this manifest is unpacked"
    if name in _VARIABLES:
        return None
    if name.partition(":")[2] in _KNOWN or ":configuration:" in name:
        return f"{shown}: nucleus lite knows no variables of other components"
    return f"{shown} is no variable that both nuclei know{nearest(name, _KNOWN)} (write $NAME, not ${{NAME}})"


def _pointer_fault(pointer: str, configuration: Spot | None) -> str | None:
    found = configuration.below(pointer.split("/")[1:]) if configuration else None
    if pointer.startswith("/") and found is not None:
        return None
    return f"{{configuration:{pointer}}}: the default configuration has no {pointer!r}"


def _lines(spot: Spot) -> Iterator[tuple[int, str]]:
    """The lines of a text with their numbers in the document."""
    text = spot.raw()
    first = spot.line + 1 if "\n" in text else spot.line
    for offset, line in enumerate(text.splitlines()):
        yield first + offset, line


def _unquoted(line: str) -> Iterator[str]:
    inside = False
    for at, letter in enumerate(line):
        if letter == '"':
            inside = not inside
        elif letter == "{" and not inside and ":" in line[at:].partition("}")[0]:
            yield line[at:].partition("}")[0]
