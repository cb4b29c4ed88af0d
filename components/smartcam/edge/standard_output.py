"""What is printed, and a reader that has seen enough, as in `... | head`."""

import os
import select
import signal
import sys
from collections.abc import Callable
from typing import Final

NOBODY_READS: Final = 128 + signal.SIGPIPE
"""What a shell says of a program that was ended by that."""


def printed(run: Callable[[], int]) -> int:
    """Runs what prints, and returns its exit code; `NOBODY_READS`, without a word, when nobody reads any more.

    1, with a line, where what is printed finds no room, as in `... > FILE` on a full disk.

    Raises:
        OSError: something else fails than standard output.
    """
    try:
        code = run()
        if sys.stdout is not None:  # it is None where it was closed before, as by `>&-`
            sys.stdout.flush()
    except OSError as error:
        if isinstance(error, BrokenPipeError) and _is_unread(sys.stdout.fileno()):
            code = NOBODY_READS
        elif _has_no_room():
            sys.stderr.write(f"what is printed cannot be written: {error.strerror}\n")
            code = 1
        else:
            raise
        # What waits to be written would be tried once more when Python ends.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
    return code


def _has_no_room() -> bool:
    """Whether not even a line's end can be written; a broken pipe has room."""
    try:
        os.write(sys.stdout.fileno(), b"\n")
    except OSError as error:
        return not isinstance(error, BrokenPipeError)
    return False


def _is_unread(pipe: int) -> bool:
    asked = select.poll()
    asked.register(pipe, 0)
    return any(found & select.POLLERR for _, found in asked.poll(0))
