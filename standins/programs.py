"""Programs of the system."""

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from tools.setup import ToolsError


def output_of(
    command: Sequence[str],
    limit_s: float,
    remedy: str = "",
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> str:
    """The program's standard output. Raises ToolsError with its last line, and the remedy for a failure of its own."""
    name = Path(command[0]).name
    try:
        done = subprocess.run(  # noqa: S603
            command, cwd=folder, env=environment, capture_output=True, text=True, timeout=limit_s, check=False
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise ToolsError(f"{name} failed ({error})") from error
    if done.returncode != 0:
        reason = (done.stderr.strip() or done.stdout.strip() or "no output").splitlines()[-1]
        raise ToolsError(f"{name}: {reason}; remedy: {remedy}" if remedy else f"{name}: {reason}")
    return done.stdout


def require(programs: Sequence[str], purpose: str) -> None:
    """Raises ToolsError for the first program that is not installed."""
    for program in programs:
        if shutil.which(program) is None:
            raise ToolsError(f"{purpose}: {program} is needed")
