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

    Raises:
        BrokenPipeError: another pipe is broken than standard output.
    """
    try:
        code = run()
        sys.stdout.flush()
    except BrokenPipeError:
        if not _is_unread(sys.stdout.fileno()):
            raise
        # What waits to be written would be tried once more when Python ends.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
        return NOBODY_READS
    return code


def _is_unread(pipe: int) -> bool:
    asked = select.poll()
    asked.register(pipe, 0)
    return any(found & select.POLLERR for _, found in asked.poll(0))
