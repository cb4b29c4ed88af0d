"""Whether the module lives: it says so in a file, and the container's health check reads it.

`python -m targets.azure.alive FILE` ends with 0 where the file was written less than a minute ago.
"""

import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from smartcam.contract.times import NS_PER_S
from smartcam.edge.clock import SystemClock
from smartcam.edge.files import replace_file
from smartcam.edge.lifecycle import StopToken

EVERY_S: Final = 10.0
FRESH_S: Final = 60.0
FILE: Final = "alive"


class SignOfLife:
    """Writes the time, monotonic, into a file every ten seconds."""

    def __init__(self, path: Path, now: Callable[[], float]) -> None:
        self._path = path
        self._now = now

    def run(self, stop: StopToken) -> None:
        """Work until `stop` is set."""
        while not stop.is_set():
            # A full disk is no reason to end: the check will say so within a minute.
            with suppress(OSError):
                replace_file(self._path, f"{self._now():.3f}".encode())
            stop.wait(EVERY_S)


def is_alive(path: Path, now_s: float) -> bool:
    """Whether the file was written within the last minute, by the monotonic clock of this boot."""
    try:
        written_s = float(path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return False
    return 0 <= now_s - written_s < FRESH_S


def main(argv: Sequence[str] | None = None) -> int:
    """0 where the module lives, 1 where it does not."""
    (path,) = sys.argv[1:] if argv is None else argv
    return 0 if is_alive(Path(path), SystemClock().monotonic() / NS_PER_S) else 1


if __name__ == "__main__":
    sys.exit(main())
