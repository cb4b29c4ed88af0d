"""How far a download is, in words, and a line on the terminal that says so."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, TextIO

_TERMINAL_S: Final = 0.2
_PIPE_S: Final = 5.0
"""A log is not to be filled with one line per moment."""


def amount(size: float) -> str:
    """So many bytes for people, in powers of ten as disks and networks count."""
    for unit, one in (("MB", 1e6), ("kB", 1e3)):
        if size >= one:
            return f"{size / one:.1f} {unit}"
    return f"{size:.0f} bytes"


def progress(have: int, size: int | None, came: int, seconds: float) -> str:
    """How much is here, how fast it comes (`came` bytes in so many seconds), and how long the rest takes."""
    if size is None:
        here = f"{amount(have)} of an unknown size"
    else:
        here = f"{amount(have)} of {amount(size)} ({100 * have // max(size, 1)} %)"
    if came <= 0 or seconds <= 0:
        return here
    rate = came / seconds
    rest = "" if size is None else f", {_time(max(size - have, 0) / rate)} left"
    return f"{here}, {amount(rate)}/s{rest}"


def _time(seconds: float) -> str:
    whole = round(seconds)
    return f"{whole} s" if whole < 120 else f"{round(whole / 60)} min"  # noqa: PLR2004 -- two minutes


@dataclass
class ProgressLine:
    """Says on a stream how far a download is: on a terminal one line that changes, else a line now and then."""

    stream: TextIO
    clock: Callable[[], float] = time.monotonic
    _begun: tuple[float, int] | None = field(default=None, init=False)
    _said_at: float = field(default=-1e9, init=False)
    _open: bool = field(default=False, init=False)

    def __call__(self, have: int, size: int | None) -> None:
        """Hear how much is here."""
        now = self.clock()
        if self._begun is None or have < self._begun[1]:
            self._begun = now, have
        at, first = self._begun
        often = _TERMINAL_S if self.stream.isatty() else _PIPE_S
        if now - self._said_at >= often or have == size:
            self._said_at = now
            self._say(f"  {progress(have, size, have - first, now - at)}")

    def _say(self, line: str) -> None:
        if not self.stream.isatty():
            print(line, file=self.stream, flush=True)
            return
        print(f"\r\x1b[K{line}", end="", file=self.stream, flush=True)
        self._open = True

    def end(self) -> None:
        """Leave the line as it stands; what is said next begins another."""
        if self._open:
            print(file=self.stream, flush=True)
        self._open = False
