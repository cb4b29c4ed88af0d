"""Starts commands on a leash: however this process ends, they and their children end with it."""

import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Final

_LEASH: Final = Path(__file__).with_name("leash.py")


def start_leashed(
    command: Sequence[str], environment: Mapping[str, str], folder: Path, output: IO[bytes] | int
) -> subprocess.Popen[bytes]:
    """Start a command whose group is killed when this process ends or closes the returned `stdin`.

    `folder` is its working directory, `output` takes its standard output and error. The return code is the
    command's, 128 + n for signal n.
    """
    return subprocess.Popen(  # noqa: S603
        [sys.executable, "-I", "-S", str(_LEASH), *command],
        stdin=subprocess.PIPE,
        stdout=output,
        stderr=subprocess.STDOUT,
        env=dict(environment),
        cwd=folder,
        # Ctrl-C in the terminal is the owner's to handle.
        start_new_session=True,
    )


def end_leashed(process: subprocess.Popen[bytes], grace_s: float) -> None:
    """Ask the command to end, and after the grace let go of the leash, which kills what is left."""
    process.terminate()
    try:
        process.wait(grace_s)
    except subprocess.TimeoutExpired:
        kill_leashed(process)
    finally:
        if process.stdin is not None:
            process.stdin.close()


def kill_leashed(process: subprocess.Popen[bytes]) -> None:
    """Let go of the leash: the whole group is killed at once."""
    if process.stdin is not None:
        process.stdin.close()
    process.wait()
