"""An interpreter for the components whose wall clock can be stepped: what the kernel lets nobody do to one process.

A `sitecustomize` beside it adds so many nanoseconds to `time.time` and `time.time_ns`, which are all that the suite
asks; the monotonic clock is left alone, as by a step of a real clock.
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_STEP: Final = "step"
_BYTES: Final = 8
_SITE: Final = """
import mmap, pathlib, time

with pathlib.Path(__file__).with_name("step").open("rb") as file:
    step = mmap.mmap(file.fileno(), 8, access=mmap.ACCESS_READ)
kernel_ns = time.time_ns
time.time_ns = lambda: kernel_ns() + int.from_bytes(step[:8], "little", signed=True)
time.time = lambda: time.time_ns() / 1e9
"""


@dataclass(frozen=True, slots=True)
class SteppedInterpreter:
    """Below a folder of its own."""

    folder: Path

    def write(self) -> Path:
        """Make it; returns the command, which takes the interpreter's own arguments."""
        site = self.folder / "site"
        site.mkdir(parents=True)
        (site / "sitecustomize.py").write_text(_SITE)
        (site / _STEP).write_bytes(bytes(_BYTES))
        command = self.folder / "python"
        command.write_text(f'#!/bin/sh\nPYTHONPATH="{site}:$PYTHONPATH" exec "{sys.executable}" "$@"\n')
        command.chmod(0o755)
        return command

    def step(self, seconds: float) -> None:
        """Let the clock be so far from the machine's, from now on."""
        with (self.folder / "site" / _STEP).open("r+b", buffering=0) as file:
            file.write(round(seconds * 1e9).to_bytes(_BYTES, "little", signed=True))
