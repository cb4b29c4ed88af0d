"""Sets up Mosquitto, a broker of MQTT, for the tests: out of Debian's packages, in a folder of the project.

Standard library only.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from standins.debian import Apt, unpack_once, with_what_it_needs
from standins.programs import output_of
from tools.command_line import ROOT, Say
from tools.setup import ToolsError, alone

PACKAGE: Final = "mosquitto"
_LIMIT_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Mosquitto:
    """What starts a broker: its program, the one that writes passwords, and the variables that lead to libraries."""

    program: Path
    passwords: Path
    environment: Mapping[str, str]


def setup_mosquitto(root: Path = ROOT, say: Say = print) -> Mosquitto:
    """Unpack what is missing; returns how to start it. Raises ToolsError."""
    folder = root / ".tools" / "mosquitto"

    def choose(apt: Apt) -> Sequence[str]:
        say("setup: unpacking Debian's Mosquitto into .tools/mosquitto ...")
        return with_what_it_needs(PACKAGE)(apt)

    with alone(root):
        unpack_once(folder, "the broker of the tests", PACKAGE, choose, lambda: _try(_mosquitto(folder), folder))
    return _mosquitto(folder)


def _mosquitto(folder: Path) -> Mosquitto:
    """Raises ToolsError where there is none."""
    tree = folder / "root"
    program, passwords = tree / "usr" / "sbin" / "mosquitto", tree / "usr" / "bin" / "mosquitto_passwd"
    if not (program.is_file() and passwords.is_file()):
        raise ToolsError(f"Debian's package {PACKAGE} lacks its programs")
    libraries = sorted({str(path.parent) for path in tree.rglob("*.so*")})
    return Mosquitto(program, passwords, {"PATH": "/usr/bin:/bin", "LD_LIBRARY_PATH": ":".join(libraries)})


def _try(mosquitto: Mosquitto, folder: Path) -> None:
    """Raises ToolsError where a program does not start: the broker itself has no call that only does that."""
    call = (str(mosquitto.passwords), "-b", "-c", str(folder / "tried"), "somebody", "something")
    output_of(call, _LIMIT_S, "", Path("/"), mosquitto.environment)
