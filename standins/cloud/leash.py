"""Runs a command that must not outlive its owner: `python leash.py COMMAND...`, standard input held by the owner.

When standard input ends (the owner is gone, however it died) or the command ends, its whole process group is killed.
SIGTERM, SIGINT, SIGHUP and SIGUSR2 are handed on to the command. Standard library only: it starts in a moment with
`python -I -S`.
"""

import os
import select
import signal
import subprocess
import sys
from collections.abc import Sequence
from typing import Final

_STDIN: Final = 0
_NOT_STARTED: Final = 127
_HANDED_ON: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR2)


def leash(command: Sequence[str]) -> int:
    """Run the command to its end or its owner's. Returns its exit code, negative for a signal."""
    started: list[int] = []
    early: list[int] = []

    def hand_on(number: int, _frame: object) -> None:
        if not started:
            early.append(number)
        for pid in started:
            os.kill(pid, number)

    for each in _HANDED_ON:
        signal.signal(each, hand_on)
    try:
        # A session of its own, so that the group holds the command's children and nobody else.
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)  # noqa: S603
    except OSError as error:
        print(f"error: cannot start {command[0]}: {error}", file=sys.stderr)
        return _NOT_STARTED
    started.append(child.pid)
    for number in early:
        os.kill(child.pid, number)
    ended = os.pidfd_open(child.pid)
    try:
        _wait_for_either(ended)
    finally:
        _kill_group(child.pid)
        os.close(ended)
    return child.wait()


def _wait_for_either(ended: int) -> None:
    poll = select.poll()
    poll.register(ended, select.POLLIN)
    poll.register(_STDIN, select.POLLIN | select.POLLHUP)
    while True:
        ready = {descriptor for descriptor, _ in poll.poll()}
        if ended in ready:
            return
        if _STDIN in ready and not os.read(_STDIN, 1024):
            return


def _kill_group(leader: int) -> None:
    # Also after the leader has ended: its id stays taken until it is waited for.
    try:
        os.killpg(leader, signal.SIGKILL)
    except ProcessLookupError:
        return


if __name__ == "__main__":
    code = leash(sys.argv[1:])
    sys.exit(code if code >= 0 else 128 - code)
