"""The life of a component: build its services, run them in threads, stop them, return an exit code."""

import logging
import os
import select
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Protocol, Self

from smartcam.contract.errors import SmartcamError
from smartcam.edge.logs import log, log_exception
from smartcam.edge.loops import Pulse, RunningLoops

logger = logging.getLogger(__name__)

PATIENCE_S = 3.0
"""Services that take longer to stop are named in the log: the classic nucleus kills after five seconds."""
EXIT_TOKEN_REFUSED = 75
"""What a component ends with so that the nucleus starts it again with a fresh token."""
EXIT_STUCK = 70
"""What it ends with when one of its loops is stuck."""
_STOP_S = 0.5
"""How long a service that rests may take to notice a stop."""
_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class StopToken(threading.Event):
    """One stop signal for everybody: check it, or wait until it comes.

    A loop that looks at its own token shows that it goes on, and while it waits for it, that it rests. So the watchdog
    (`smartcam.edge.watchdog`) knows of each loop that runs through `follow` whether it is stuck.

    Not to be set from a signal handler: the event's lock may be held by the code that the signal interrupts.
    """

    def __init__(self, loops: RunningLoops | None = None) -> None:
        super().__init__()
        self.loops = RunningLoops() if loops is None else loops
        """Those of the whole component."""
        self._pulse: Pulse | None = None

    def branch(self) -> Self:
        """A stop signal of its own for another loop of the same component."""
        return type(self)(self.loops)

    def follow(self, name: str, loop: Callable[[], object]) -> None:
        """Run a loop in this thread; until it returns or raises, it is watched by what `longest_s` says of its name."""
        self._pulse = Pulse(name)
        with self.loops.having(self._pulse):
            loop()

    def is_set(self) -> bool:
        """Whether everybody is to stop."""
        if self._pulse is not None:
            self._pulse.beat()
        return super().is_set()

    def wait(self, timeout: float | None = None) -> bool:
        """Whether everybody is to stop, at once or within so many seconds."""
        with self.resting():
            return super().wait(timeout)

    @contextmanager
    def resting(self) -> Iterator[None]:
        """For a loop that waits for something to do: however long that takes, it is not stuck."""
        if self._pulse is None:
            yield
            return
        with self._pulse.resting():
            yield


class Bell(threading.Event):
    """Wakes a service that rests; `set` may be called from any thread."""

    def rest(self, stop: StopToken, seconds: float) -> None:
        """Wait until the bell is set, `stop` is set, or the time is over."""
        while seconds > 0 and not stop.is_set() and not self.wait(min(seconds, _STOP_S)):
            seconds -= _STOP_S


class Leave(SmartcamError):
    """Raised by a service to end the component with an exit code of its own.

    `despite_stuck`: services that do not stop within `PATIENCE_S` are not waited for.
    """

    def __init__(self, reason: str, code: int, *, despite_stuck: bool = False) -> None:
        self.code = code
        self.despite_stuck = despite_stuck
        super().__init__(reason)


class Service(Protocol):
    """A loop that runs in a thread of its own."""

    def run(self, stop: StopToken) -> None:
        """Work until `stop` is set, then close what it owns and return.

        Returning or raising earlier ends the whole component. `stop` may be set already when it is called.
        """
        ...


def run_component(name: str, build: Callable[[], Sequence[tuple[str, Service]]]) -> int:
    """Build the services and run each in a named thread until SIGTERM, SIGINT or the end of the first of them.

    Returns the process's exit code: 0 after a signal, 1 when building failed or a service ended by itself, another one
    when a service said so by `Leave`.
    A second signal ends the process at once with 128 + its number. For the main thread only.
    """
    with _signals() as wake:
        try:
            services = build()
        except SmartcamError as error:
            log(logger, logging.CRITICAL, "component_not_built", component=name, error=str(error))
            return 1
        except Exception as error:  # noqa: BLE001  the edge of the process
            log_exception(logger, "component_not_built", error, component=name)
            return 1
        return _run(name, services, wake)


class _Wake:
    """What the main thread sleeps on: a pipe that ending services and arriving signals write to.

    The interpreter's own C handler writes a signal's number: a wait that began a moment before the signal would
    sleep through a handler in Python, which runs only between two steps of the main thread.
    """

    def __init__(self) -> None:
        self._reading, self._writing = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._before = signal.set_wakeup_fd(self._writing, warn_on_full_buffer=False)
        self._handled = 0
        self.signals: list[int] = []

    def notify(self) -> None:
        with suppress(BlockingIOError):  # a full pipe wakes the reader anyway
            os.write(self._writing, b"\0")

    def wait(self, timeout_s: float | None) -> None:
        if select.select([self._reading], [], [], timeout_s)[0]:
            self.signals += filter(None, os.read(self._reading, 4096))

    def close(self) -> None:
        signal.set_wakeup_fd(self._before)
        os.close(self._reading)
        os.close(self._writing)

    def on_signal(self, number: int, _frame: FrameType | None) -> None:
        self._handled += 1
        if self._handled > 1:
            # The log's locks may be held by the code that this signal interrupted.
            os.write(2, b"second signal: ending at once\n")
            os._exit(128 + number)


@contextmanager
def _signals() -> Iterator[_Wake]:
    wake = _Wake()
    before = [(number, signal.signal(number, wake.on_signal)) for number in _SIGNALS]
    try:
        yield wake
    finally:
        for number, handler in before:
            signal.signal(number, handler)
        wake.close()


class _Runner(threading.Thread):
    """One service in its thread; `code` is not 0 if it ended without having been asked to."""

    def __init__(self, name: str, service: Service, stop: StopToken, wake: _Wake) -> None:
        super().__init__(name=name, daemon=False)
        self.stop = stop
        self.code = 0
        self.has_ended = False
        self.despite_stuck = False
        self._service = service
        self._wake = wake

    def run(self) -> None:
        code = 1
        try:
            self.stop.follow(self.name, lambda: self._service.run(self.stop))
            code = 0 if self.stop.is_set() else 1
        except Leave as leave:
            code, self.despite_stuck = leave.code, leave.despite_stuck
            log(logger, logging.WARNING, "component_leaving", service=self.name, reason=leave, code=code)
        except SmartcamError as error:
            text = f"{type(error).__name__}: {error}"
            log(logger, logging.CRITICAL, "service_failed", service=self.name, error=text)
        except Exception as error:  # noqa: BLE001  the edge of the thread
            log_exception(logger, "service_failed", error, service=self.name)
        finally:
            self.code = code
            self.has_ended = True
            self._wake.notify()


def _run(name: str, services: Sequence[tuple[str, Service]], wake: _Wake) -> int:
    loops = RunningLoops()
    runners = [_Runner(service_name, service, StopToken(loops), wake) for service_name, service in services]
    wake.wait(0)
    if wake.signals:
        _stop(runners)
    log(logger, logging.INFO, "component_started", component=name, services=",".join(r.name for r in runners))
    for runner in runners:
        runner.start()
    while not wake.signals and not any(runner.code for runner in runners):
        wake.wait(None)
    if wake.signals:
        log(logger, logging.INFO, "component_stopping", component=name, signal=signal.Signals(wake.signals[0]).name)
    _stop(runners)
    _join(runners, wake)
    code = _code_of(name, [runner for runner in runners if runner.code])
    if _despite_stuck(runners):
        # What is stuck would keep Python, or the bus that is closed after this, from ending too.
        os._exit(code)
    return code


def _code_of(name: str, ended: Sequence[_Runner]) -> int:
    """The component's code, by the services that ended of themselves. A fault weighs more than a wish to leave."""
    code = min((runner.code for runner in ended), default=0)
    ended_by = ",".join(runner.name for runner in ended) or "signal"
    log(logger, logging.INFO, "component_ended", component=name, code=code, ended_by=ended_by)
    return code


def _stop(runners: Sequence[_Runner]) -> None:
    for runner in runners:
        runner.stop.set()


def _join(runners: Sequence[_Runner], wake: _Wake) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while _running(runners) and (left_s := deadline - time.monotonic()) > 0:
        wake.wait(left_s)
    if slow := _running(runners):
        log(logger, logging.WARNING, "services_slow_to_stop", services=",".join(slow), patience_s=PATIENCE_S)
    while _running(runners) and not _despite_stuck(runners):
        wake.wait(None)
    for runner in runners:
        if runner.has_ended:
            runner.join()


def _despite_stuck(runners: Sequence[_Runner]) -> bool:
    return any(runner.despite_stuck for runner in runners)


def _running(runners: Sequence[_Runner]) -> list[str]:
    return [runner.name for runner in runners if not runner.has_ended]
