"""Lifecycle scripts: written to a file, run by /bin/sh under a guard, stopped without a trace."""

import asyncio
import os
import shlex
import signal
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from standins.nucleus.interpolation import Variables, interpolate_script, interpolate_value
from tools.recipes.recipe import Step

_GUARD: Final = Path(__file__).with_name("guard.py")
_MOST_PER_READ: Final = 256


@dataclass(frozen=True, slots=True)
class Ending:
    """How a script ended: by itself with a code, or by a signal (then `code` is negative)."""

    code: int
    reason: str = ""

    def __str__(self) -> str:
        """For people."""
        if self.reason:
            return self.reason
        return f"exit {self.code}" if self.code >= 0 else f"killed by {signal.Signals(-self.code).name}"


@dataclass(frozen=True, slots=True)
class Launch:
    """Everything that a script needs to be started."""

    script: Path
    environment: Mapping[str, str]
    folder: Path
    log: Path
    stop_s: float
    lingers: bool


def render(step: Step, variables: Variables) -> str:
    """The whole shell script of a step. Raises VariableError."""
    lines = ["#!/bin/sh"]
    lines += [
        f"export {name}={shlex.quote(interpolate_value(value, variables))}" for name, value in step.setenv.items()
    ]
    return "\n".join((*lines, interpolate_script(step.script, variables), ""))


class RunningScript:
    """One script under its guard."""

    def __init__(self, guard: asyncio.subprocess.Process, link: socket.socket) -> None:
        self._guard = guard
        self._link = link

    @classmethod
    async def start(cls, launch: Launch) -> "RunningScript":
        """Start a script; its output is appended to the log, which only its owner may read."""
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        log = os.open(launch.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            guard = await asyncio.create_subprocess_exec(
                *(sys.executable, "-I", "-S", _GUARD, str(theirs.fileno()), str(launch.stop_s)),
                *("1" if launch.lingers else "0", "/bin/sh", launch.script),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=launch.folder,
                env=dict(launch.environment),
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
                umask=0o022,
            )
        except BaseException:
            # When the link closes, a guard that has already started cleans up.
            ours.close()
            raise
        finally:
            theirs.close()
            os.close(log)
        return cls(guard, ours)

    async def ended(self) -> Ending:
        """How the script itself ended; what it started may still run."""
        said = await asyncio.get_running_loop().sock_recv(self._link, _MOST_PER_READ)
        kind, _, number = said.decode().partition(" ")
        if kind not in {"exit", "signal"}:
            return Ending(-signal.SIGKILL)
        return Ending(int(number) if kind == "exit" else -int(number))

    async def gone(self) -> None:
        """Returns when nothing of the script is left."""
        await self._guard.wait()
        self._link.close()

    def stop(self) -> None:
        """Ask everything to end, and kill what has not after the stop time."""
        self._order(b"s")

    def kill(self) -> None:
        """Kill everything now."""
        self._order(b"k")

    def _order(self, order: bytes) -> None:
        try:
            self._link.send(order)
        except OSError:
            # The guard is gone, and everything with it.
            return
