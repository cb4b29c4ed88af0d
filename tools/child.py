"""Runs a part of an export in the environment that has its toolchain."""

import os
import re
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from tools.command_line import ROOT

_LIMIT_S: Final = 900.0
_NOISE: Final = re.compile(
    r"^([IW]\d{4} |WARNING: All log messages|INFO: |\d{4}-\d\d-\d\d .* - (INFO|WARNING) - )|^\s*$"
)
_LACKS: Final = (
    re.compile(r"Tensorflow op \[[^\]]*: TFL_(?P<name>\w+)\] is not supported"),
    re.compile(r"Didn't find op for builtin opcode '(?P<name>\w+)'"),
    re.compile(r"Didn't find op for (?:custom )?(?:op ?code|op) '?(?P<name>[\w-]+)"),
    re.compile(r"Unresolved custom op: (?P<name>[\w-]+)"),
    re.compile(r"Encountered unresolved custom op: (?P<name>[\w-]+)"),
    re.compile(r"Lowering not found: (?P<name>[\w.]+)"),
)
"""How toolchains name an operator that they lack."""


class ExportFault(Exception):
    """A target cannot be made, or gives no answer: the message says why."""


class AbsentHereError(Exception):
    """A target cannot be had on this kind of machine at all: the message says why."""


def run_there(python: Path, module: str, arguments: Sequence[str], what: str, folder: Path | None = None) -> str:
    """What a module prints, run by another environment's Python, in a folder where one is named.

    Raises:
        ExportFault: it fails or takes too long; an operator that is lacking is named.
    """
    paths = os.pathsep.join(map(str, (ROOT, ROOT / "components")))
    command = [str(python), "-W", "ignore", "-m", module, *arguments]
    environment = os.environ | {"PYTHONPATH": paths, "TF_CPP_MIN_LOG_LEVEL": "3"}
    try:
        done = subprocess.run(  # noqa: S603
            command,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_LIMIT_S,
            check=False,
            env=environment,
            cwd=folder,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise ExportFault(f"{what} does not run ({error})") from error
    if done.returncode != 0:
        raise ExportFault(why(done.stderr, what))
    return done.stdout


def why(said: str, what: str) -> str:
    """The reason in what a toolchain says: the operators that it lacks, else its last line."""
    lacking = sorted(set(lacking_in(said)))
    if lacking:
        return f"{what} lacks {', '.join(lacking)}"
    lines = [line.strip() for line in said.splitlines() if not _NOISE.match(line)]
    return f"{what}: {lines[-1][:300] if lines else 'ended without a word'}"


def lacking_in(said: str) -> Iterator[str]:
    """The names of operators that are lacking, by what a toolchain says."""
    for pattern in _LACKS:
        yield from (found["name"] for found in pattern.finditer(said))
