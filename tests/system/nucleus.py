"""A nucleus stand-in in a process of its own, which ends with this one, however that ends."""

import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from standins.cloud.leashed import end_leashed, kill_leashed, start_leashed
from tests.waiting import PATIENCE_S
from tools.command_line import ROOT


class NucleusProcess:
    """Runs from the beginning; what it says comes to the end of the log."""

    def __init__(self, command: Sequence[str], log: Path) -> None:
        with log.open("ab") as output:
            self._leash = start_leashed(command, os.environ, ROOT, output)

    @classmethod
    def of(cls, options: Mapping[str, object], log: Path) -> Self:
        """With the options of `smartcam nucleus`."""
        words = [str(part) for pair in options.items() for part in pair]
        return cls([sys.executable, "-m", "front", "nucleus", *words], log)

    def send(self, number: signal.Signals) -> None:
        """One that the leash hands on."""
        self._leash.send_signal(number)

    def end(self) -> None:
        """Ask it to end, and wait until it has."""
        end_leashed(self._leash, PATIENCE_S)

    def kill(self) -> None:
        """As kill -9 does: its components' guards notice it, and end them."""
        kill_leashed(self._leash)


def journal_lines(root: Path) -> list[str]:
    """What the nucleus in this folder has written down so far; half a line is left to the next look."""
    file = root / "journal.jsonl"
    written = file.read_bytes() if file.is_file() else b""
    return written.rpartition(b"\n")[0].decode().splitlines()
