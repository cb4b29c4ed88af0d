"""Runs one lifecycle script and leaves nothing of it behind: the nucleus's stand-in for a systemd unit.

    python guard.py <link> <stop seconds> <linger: 0 or 1> <command> [<argument> ...]

`link` is the number of a socket to the nucleus. The guard writes "exit <code>" or "signal <number>"
when the command itself has ended; it reads "s" (SIGTERM to everything, SIGKILL after the stop
seconds) and "k" (SIGKILL). The end of the link means that the nucleus is dead: everything is
stopped. As with a control group, whatever the command started belongs to it, even what has
left its process group. With `linger` the rest goes on after the command has ended well.

Standard library alone and without imports of ours: it starts in a few milliseconds.
"""

import contextlib
import ctypes
import os
import pathlib
import select
import signal
import socket
import sys
import time

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
_ORPHANED_STOP_S = 5.0
_LOOK_AGAIN_S = 0.1
_SIGNALS = (signal.SIGCHLD, signal.SIGINT, signal.SIGHUP, signal.SIGTERM)


class Guard:
    """The command, everything that it started, and the link to the nucleus."""

    def __init__(self, link: socket.socket, stop_s: float, *, linger: bool) -> None:
        self._link = link
        self._stop_s = stop_s
        self._linger = linger
        self._main = 0
        self._kill_at: float | None = None
        self._asked: set[int] = set()

    def run(self, command: list[str]) -> None:
        """Returns when nothing of the command is left."""
        libc = ctypes.CDLL(None, use_errno=True)
        libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        ours, theirs = socket.socketpair()
        for end in (ours, theirs):
            end.setblocking(False)
        signal.set_wakeup_fd(theirs.fileno(), warn_on_full_buffer=False)
        # A handler and not SIG_IGN, which the command would inherit.
        for number in _SIGNALS:
            signal.signal(number, lambda _number, _frame: None)
        self._main = _start(command, libc)
        while self._reap():
            watched = [ours, self._link] if self._link.fileno() >= 0 else [ours]
            readable, _, _ = select.select(watched, [], [], self._patience())
            if ours in readable:
                ours.recv(4096)
            if self._link in readable:
                self._obey()
            if self._kill_at is not None:
                self._end_all(self._kill_at)

    def _reap(self) -> bool:
        """Whether anything is left."""
        try:
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    return True
                if pid == self._main:
                    self._report(os.waitstatus_to_exitcode(status))
        except ChildProcessError:
            return False

    def _report(self, code: int) -> None:
        self._tell(f"exit {code}" if code >= 0 else f"signal {-code}")
        if not (self._linger and code == 0):
            self._stop(self._stop_s)

    def _tell(self, what: str) -> None:
        with contextlib.suppress(OSError):
            self._link.send(what.encode())

    def _obey(self) -> None:
        try:
            order = self._link.recv(64)
        except OSError:
            order = b""
        if not order:
            self._link.close()
            self._stop(min(self._stop_s, _ORPHANED_STOP_S))
        elif b"k" in order:
            self._kill_at = time.monotonic()
        elif b"s" in order:
            self._stop(self._stop_s)

    def _stop(self, patience_s: float) -> None:
        if self._kill_at is None:
            self._kill_at = time.monotonic() + patience_s

    def _end_all(self, kill_at: float) -> None:
        # Looked up again each time: a process may have been born since, and nobody has asked it yet.
        pids = _descendants()
        if time.monotonic() >= kill_at:
            _signal(pids, signal.SIGKILL)
        else:
            _signal([pid for pid in pids if pid not in self._asked], signal.SIGTERM)
            self._asked.update(pids)

    def _patience(self) -> float | None:
        if self._kill_at is None:
            return None
        left_s = self._kill_at - time.monotonic()
        return min(left_s, _LOOK_AGAIN_S) if left_s > 0 else _LOOK_AGAIN_S


def _start(command: list[str], libc: ctypes.CDLL) -> int:
    parent = os.getpid()
    # Held back until the command has the default handlers: a SIGTERM in between would be lost.
    signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    pid = os.fork()
    if pid != 0:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
        return pid
    try:
        signal.set_wakeup_fd(-1)
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
        # The command dies with the guard if somebody kills the guard.
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() == parent:
            os.setsid()
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os.execv(command[0], command)  # noqa: S606  the very purpose
    finally:
        os._exit(127)


def _signal(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def _descendants() -> list[int]:
    """All processes below this one, parents first."""
    children: dict[int, list[int]] = {}
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            parent = int((folder / "stat").read_bytes().rpartition(b")")[2].split()[1])
            children.setdefault(parent, []).append(int(folder.name))
    found = list(children.get(os.getpid(), []))
    for pid in found:
        found += children.get(pid, [])
    return found


def main(arguments: list[str]) -> None:
    """See the module."""
    link = socket.socket(fileno=int(arguments[0]))
    os.set_inheritable(link.fileno(), False)
    Guard(link, float(arguments[1]), linger=arguments[2] == "1").run(arguments[3:])


if __name__ == "__main__":
    main(sys.argv[1:])
