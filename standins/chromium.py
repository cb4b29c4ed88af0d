"""Sets up a headless Chromium for the tests, out of Debian's packages, in a folder of the project.

Where the machine has one of its own, that is taken. Standard library only.
"""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from standins.debian import Apt, unpack_once, with_what_it_needs
from standins.programs import output_of
from tools.command_line import ROOT, Say
from tools.setup import ToolsError, alone

PACKAGE: Final = "chromium-headless-shell"
NAMES: Final = (PACKAGE, "chromium")
"""What Debian calls the programs, the smaller one first."""
_LIMIT_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Chromium:
    """What starts a browser: its program, and the variables that lead to what it needs."""

    program: Path
    environment: Mapping[str, str]


def setup_chromium(root: Path = ROOT, say: Say = print) -> Chromium:
    """Unpack what is missing; returns how to start it. Raises ToolsError."""
    for name in NAMES:
        own = shutil.which(name)
        if own is not None:
            return Chromium(Path(own), {"PATH": "/usr/bin:/bin"})
    folder = root / ".tools" / "chromium"

    def choose(apt: Apt) -> Sequence[str]:
        say("setup: unpacking Debian's Chromium into .tools/chromium ...")
        return with_what_it_needs(PACKAGE)(apt)

    with alone(root):
        unpack_once(folder, "the browser of the tests", PACKAGE, choose, lambda: _try(_chromium(folder)))
    return _chromium(folder)


def _chromium(folder: Path) -> Chromium:
    """Raises ToolsError where there is none."""
    tree = folder / "root"
    program = tree / "usr" / "lib" / "chromium" / PACKAGE
    if not program.is_file():
        raise ToolsError(f"Debian's package {PACKAGE} lacks {program.relative_to(tree)}")
    libraries = sorted({str(path.parent) for path in (tree / "usr" / "lib").rglob("*.so*")})
    return Chromium(program, {"PATH": "/usr/bin:/bin", "LD_LIBRARY_PATH": ":".join(libraries)})


def _try(chromium: Chromium) -> None:
    """Raises ToolsError where it does not start: something that it needs is missing."""
    output_of((str(chromium.program), "--version"), _LIMIT_S, "", Path("/"), chromium.environment)
