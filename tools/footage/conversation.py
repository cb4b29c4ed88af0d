"""A conversation with a program behind ssh: lines and counted bytes, each awaited for so long and no longer."""

import os
import select
import subprocess
from collections.abc import Callable
from contextlib import suppress
from typing import IO, Final

from tools.local.host import HostError, Ssh

_PATIENCE_S: Final = 60.0
_BLOCK: Final = 1 << 16
_LONGEST_LINE: Final = 400
_MOST_COMPLAINT: Final = 4000
_ENDING_S: Final = 5.0


class Conversation:
    """Both directions of a program that has been started. What it sends is not trusted."""

    def __init__(self, host: Ssh, script: str, patience_s: float = _PATIENCE_S) -> None:
        """Raises HostError where ssh cannot be run."""
        self._host = host
        self._patience_s = patience_s
        self._program = host.converse(script)
        self._buffer = b""

    def say(self, word: str) -> None:
        """Send a line. Raises HostError."""
        try:
            given = _pipe(self._program.stdin)
            given.write(f"{word}\n".encode())
            given.flush()
        except OSError as error:
            raise self._broken("the connection is broken") from error

    def line(self) -> str:
        """The next line, without its end. Raises HostError, also for one that is too long or no ASCII."""
        while b"\n" not in self._buffer:
            if len(self._buffer) > _LONGEST_LINE:
                raise HostError(f"{self._host.name}: answers with what is no list of footage")
            self._more()
        line, _, self._buffer = self._buffer.partition(b"\n")
        try:
            return line[: _LONGEST_LINE + 1].decode("ascii")
        except UnicodeDecodeError:
            return ascii(line)

    def copy(self, count: int, write: Callable[[bytes], object]) -> None:
        """Hand over the next `count` bytes as they come. Raises HostError, and what `write` raises."""
        while count:
            if not self._buffer:
                self._more()
            part, self._buffer = self._buffer[:count], self._buffer[count:]
            write(part)
            count -= len(part)

    def end(self) -> None:
        """Say that there is no more, and let the far side do what it was told last."""
        with suppress(OSError, subprocess.TimeoutExpired):
            _pipe(self._program.stdin).close()
            self._program.wait(_ENDING_S)

    def close(self) -> None:
        """End the conversation, whatever the far side does."""
        self._program.kill()
        self._program.wait()
        for pipe in (self._program.stdin, self._program.stdout, self._program.stderr):
            with suppress(OSError):  # what could not be sent any more
                _pipe(pipe).close()

    def _more(self) -> None:
        out = _pipe(self._program.stdout)
        if not select.select([out], [], [], self._patience_s)[0]:
            raise HostError(f"{self._host.name}: nothing has come for {self._patience_s:.0f} s")
        block = os.read(out.fileno(), _BLOCK)
        if not block:
            raise self._broken("the connection has ended")
        self._buffer += block

    def _broken(self, otherwise: str) -> HostError:
        """Why there is no more to read: what ssh or the far side said."""
        error = _pipe(self._program.stderr)
        said = os.read(error.fileno(), _MOST_COMPLAINT) if select.select([error], [], [], _ENDING_S)[0] else b""
        plain = "".join(each if each.isprintable() else " " for each in said.decode("utf-8", "replace")).strip()
        try:
            self._host.check(self._program.wait(_ENDING_S), plain)
        except subprocess.TimeoutExpired:
            pass
        except HostError as failed:
            return failed
        return HostError(f"{self._host.name}: {plain[-300:] or otherwise}")


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:
        raise AssertionError("the program was started with pipes")
    return pipe
