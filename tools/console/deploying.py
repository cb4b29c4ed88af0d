"""A deployment that goes on while a person looks: first only planned, then, after a yes to that very plan, done."""

import logging
import os
import secrets
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from enum import StrEnum
from typing import Final

from smartcam.contract.errors import SmartcamError
from smartcam.edge.logs import log_exception
from tools.command_line import ROOT
from tools.console.ordering import WizardCommand

logger = logging.getLogger(__name__)

STOP_S: Final = 10.0
"""How long a command that is stopped may take to end; then it is killed."""
_MOST_LINES: Final = 2000
Steps = Iterator[str | WizardCommand]


class Busy(SmartcamError):
    """This cannot be done now."""


class DeployingState(StrEnum):
    """How far it is."""

    IDLE = "idle"
    PLANNING = "planning"
    PLANNED = "planned"
    DEPLOYING = "deploying"
    DONE = "done"
    FAILED = "failed"


_AT_WORK: Final = frozenset({DeployingState.PLANNING, DeployingState.DEPLOYING})


class Deploying:
    """One deployment at a time. Safe to use from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._state = DeployingState.IDLE
        self._lines: deque[str] = deque(maxlen=_MOST_LINES)
        self._plan = ""
        self._do: Callable[[], Steps] | None = None
        self._child: subprocess.Popen[str] | None = None
        self._stopped = threading.Event()
        self._thread = threading.Thread()

    def document(self) -> dict[str, object]:
        """For the page. `plan` names what a person can say yes to."""
        with self._lock:
            return {"state": self._state, "lines": list(self._lines), "plan": self._plan}

    def plan(self, plan: Steps, do: Callable[[], Steps]) -> None:
        """Say what would be done; `do` does it, once it is agreed to. Raises Busy."""
        self._begin(DeployingState.PLANNING, plan, DeployingState.PLANNED, do)

    def agree(self, plan: str) -> None:
        """Do what was planned. Raises Busy where this is not the plan that was shown last."""
        with self._lock:
            do = self._do
            if self._state is not DeployingState.PLANNED or plan != self._plan or do is None:
                raise Busy("this is not the plan that was shown last: check again")
            self._do = None
        self._begin(DeployingState.DEPLOYING, do(), DeployingState.DONE, None)

    def stop(self) -> None:
        """End what runs, by force in the end; AWS finishes what has begun there. Nothing where nothing runs."""
        with self._lock:
            if self._state not in _AT_WORK:
                self._state, self._plan, self._do = DeployingState.IDLE, "", None
                return
            self._stopped.set()
            if self._child is not None:
                _send(signal.SIGTERM, self._child)
                late = threading.Timer(STOP_S, self._kill, (self._child,))
                late.daemon = True
                late.start()

    def close(self) -> None:
        """Stop, and wait for the end."""
        self.stop()
        if self._thread.ident is not None:
            self._thread.join()

    def _kill(self, child: subprocess.Popen[str]) -> None:
        with self._lock:
            if self._child is child:
                _send(signal.SIGKILL, child)

    def _begin(self, state: DeployingState, steps: Steps, then: DeployingState, do: Callable[[], Steps] | None) -> None:
        with self._lock:
            if self._state in _AT_WORK:
                raise Busy("something is being planned or deployed just now: wait for its end, or stop it")
            self._state, self._plan, self._do = state, "", do
            self._stopped.clear()
            self._lines.clear()
            self._thread = threading.Thread(target=self._work, args=(steps, then), name="deploying", daemon=True)
            self._thread.start()

    def _work(self, steps: Steps, then: DeployingState) -> None:
        try:
            is_done = all(self._take(step) for step in steps)
        except Exception as error:  # noqa: BLE001  the edge of the thread: the page must hear of it, whatever it is
            log_exception(logger, "not_deployed", error)
            self._say(str(error))
            is_done = False
        with self._lock:
            self._state = then if is_done else DeployingState.FAILED
            self._plan = secrets.token_hex(8) if self._state is DeployingState.PLANNED else ""

    def _take(self, step: str | WizardCommand) -> bool:
        """Whether it went well, and there is to be more."""
        if isinstance(step, str):
            self._say(step)
            return not self._stopped.is_set()
        self._say(step.shown)
        with self._lock:
            if self._stopped.is_set():
                return False
            self._child = child = subprocess.Popen(  # noqa: S603  a list of words, none of which a shell reads
                step.command,
                cwd=ROOT,
                env={**os.environ, "PYTHONUNBUFFERED": "1", **step.environment},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                start_new_session=True,
            )
        with child:
            for line in child.stdout or ():
                self._say(line.rstrip())
        with self._lock:
            self._child = None
        if self._stopped.is_set():
            self._say("stopped: AWS finishes what has begun there, and the same again goes on from it")
        elif child.returncode:
            self._say(f"this ended with exit code {child.returncode}; what comes after it was not begun")
        return child.returncode == 0 and not self._stopped.is_set()

    def _say(self, line: str) -> None:
        with self._lock:
            self._lines.append(line)


def _send(number: signal.Signals, child: subprocess.Popen[str]) -> None:
    """To a command and all that it has started."""
    with suppress(ProcessLookupError):  # it ends just now
        os.killpg(child.pid, number)
