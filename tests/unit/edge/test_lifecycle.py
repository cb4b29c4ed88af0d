"""A component's life, most of it tried in a real process with real signals."""

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from smartcam.contract.errors import SettingsError
from smartcam.edge import lifecycle
from smartcam.edge.lifecycle import Service, StopToken, run_component

COMPONENT = """
import ctypes
import os
import pathlib
import sys
import threading
from smartcam.contract.errors import RingError
from smartcam.edge.lifecycle import EXIT_TOKEN_REFUSED, Leave, run_component
from smartcam.edge import watchdog
from smartcam.edge.clock import SystemClock
from smartcam.edge.logs import configure_logging
from smartcam.edge.loops import RunningLoops
from smartcam.edge.watchdog import Watchdog

configure_logging()
watchdog.LOOK_S = 0.05

def say(word):
    os.write(1, f"{word}\\n".encode())

class Patient:
    def run(self, stop):
        say("ready")
        while not stop.wait(60):
            pass
        say("stopped")

class Stubborn:
    def run(self, stop):
        say("ready")
        stop.wait(60)
        say("stopping")
        threading.Event().wait(60)

class Expected:
    def run(self, stop):
        raise RingError("no room for rtsp://me:secret@host/")

class Unexpected:
    def run(self, stop):
        raise ZeroDivisionError("boom")

class Leaver:
    def run(self, stop):
        return

class Exiter:
    def run(self, stop):
        sys.exit(0)

class Wanderer:
    def run(self, stop):
        raise Leave("the token is refused", EXIT_TOKEN_REFUSED)

locked = threading.Event()

class Deadlocked:
    def run(self, stop):
        say("ready")
        lock = threading.Lock()
        lock.acquire()
        locked.set()
        lock.acquire()

class Nucleus:
    loops = RunningLoops()

    def report_errored(self):
        say("errored")

class Lastly(Watchdog):
    def __init__(self):
        super().__init__(Nucleus(), SystemClock(), (0,), pathlib.Path.cwd(), {"stuck": 0.1})

    # A machine that stands still for longer takes nobody for stuck before it has come into its lock.
    def run(self, stop):
        locked.wait()
        super().run(stop)

class Frozen(Watchdog):
    # Another thread holds the interpreter's lock, in native code that does not come back.
    def __init__(self):
        super().__init__(Nucleus(), SystemClock(), (0,), pathlib.Path.cwd())

    def run(self, stop):
        watchdog.FROZEN_S = 1.0
        threading.Timer(0.2, lambda: ctypes.PyDLL(None).sleep(120)).start()
        super().run(stop)
"""


class Child:
    """A component in a process of its own."""

    def __init__(self, build: str) -> None:
        source = f"{COMPONENT}\nsys.exit(run_component('test', {build}))\n"
        self.process = subprocess.Popen(
            [sys.executable, "-c", source], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def wait_for(self, word: str) -> None:
        assert self.process.stdout is not None
        assert self.process.stdout.readline().strip() == word

    def end(self, timeout_s: float = 60) -> tuple[int, str, str]:
        said, log = self.process.communicate(timeout=timeout_s)
        return self.process.returncode, said, log


@pytest.fixture
def start() -> Iterator[Callable[[str], Child]]:
    children: list[Child] = []

    def begin(build: str) -> Child:
        children.append(Child(build))
        return children[-1]

    yield begin
    for child in children:
        child.process.kill()
        child.process.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_every_service_and_the_code_is_0(start: Callable[[str], Child], number: signal.Signals) -> None:
    child = start("lambda: [('first', Patient()), ('second', Patient())]")
    child.wait_for("ready")
    child.wait_for("ready")
    child.process.send_signal(number)
    code, said, log = child.end()
    assert code == 0
    assert said.split() == ["stopped", "stopped"]
    assert f"component_stopping component=test signal={number.name}" in log
    assert "component_ended component=test code=0 ended_by=signal" in log


def test_a_second_signal_ends_the_process_at_once(start: Callable[[str], Child]) -> None:
    child = start("lambda: [('stubborn', Stubborn())]")
    child.wait_for("ready")
    child.process.send_signal(signal.SIGTERM)
    child.wait_for("stopping")
    child.process.send_signal(signal.SIGINT)
    code, _, log = child.end()
    assert code == 128 + signal.SIGINT
    assert "second signal" in log


@pytest.mark.parametrize("service", ["Expected", "Unexpected", "Leaver", "Exiter"])
def test_a_service_that_ends_by_itself_stops_the_others_and_the_code_is_1(
    start: Callable[[str], Child], service: str
) -> None:
    code, said, log = start(f"lambda: [('patient', Patient()), ('weak', {service}())]").end()
    assert code == 1
    assert said.split() == ["ready", "stopped"]
    assert "component_ended component=test code=1 ended_by=weak" in log


def test_a_service_that_wants_to_leave_ends_the_component_with_its_code_and_one_line(
    start: Callable[[str], Child],
) -> None:
    code, said, log = start("lambda: [('patient', Patient()), ('token', Wanderer())]").end()
    assert code == 75
    assert said.split() == ["ready", "stopped"]
    assert 'WARNING smartcam.edge.lifecycle component_leaving service=token reason="the token is refused"' in log
    assert "component_ended component=test code=75 ended_by=token" in log
    assert "CRITICAL" not in log


def test_a_component_with_a_loop_that_is_stuck_ends_without_it_and_the_others_stop_in_order(
    start: Callable[[str], Child], tmp_path: Path
) -> None:
    services = "('patient', Patient()), ('stuck', Deadlocked()), ('watchdog', Lastly())"
    code, said, log = start(f"lambda: os.chdir({str(tmp_path)!r}) or [{services}]").end()
    assert code == 70
    assert sorted(said.split()) == ["errored", "ready", "ready", "stopped"]
    assert "loop_stuck loop=stuck" in log
    assert "Deadlocked.run <string>:" in log
    assert "services_slow_to_stop services=stuck" in log
    assert "component_ended component=test code=70 ended_by=watchdog" in log


def test_a_signal_does_not_keep_a_component_that_is_leaving_a_stuck_loop(
    start: Callable[[str], Child], tmp_path: Path
) -> None:
    """The classic nucleus sends one as soon as it hears that the component has failed."""
    failing = "setattr(Nucleus, 'report_errored', lambda self: os.kill(os.getpid(), 15))"
    services = "('stuck', Deadlocked()), ('watchdog', Lastly())"
    code, _, log = start(f"lambda: {failing} or os.chdir({str(tmp_path)!r}) or [{services}]").end()
    assert code == 70
    assert "component_leaving service=watchdog" in log


def test_where_python_itself_stands_still_the_process_ends_with_the_stacks_of_all_threads(
    start: Callable[[str], Child],
) -> None:
    code, _, log = start("lambda: [('patient', Patient()), ('watchdog', Frozen())]").end()
    assert code == 1
    assert "Timeout (0:00:01)!" in log
    assert log.count("most recent call first") > 2


def test_an_unexpected_error_is_logged_in_one_line_with_its_traceback(start: Callable[[str], Child]) -> None:
    _, _, log = start("lambda: [('weak', Unexpected())]").end()
    assert 'service_failed service=weak error="ZeroDivisionError: boom"' in log
    assert log.count("Traceback") == 1


def test_an_expected_error_is_one_line_without_traceback_or_password(start: Callable[[str], Child]) -> None:
    _, _, log = start("lambda: [('weak', Expected())]").end()
    assert 'service_failed service=weak error="RingError: no room for rtsp://***@host/"' in log
    assert "Traceback" not in log


def test_a_signal_while_building_is_not_lost(start: Callable[[str], Child]) -> None:
    child = start("lambda: [say('building'), threading.Event().wait(0.3)] and [('a', Patient())]")
    child.wait_for("building")
    child.process.send_signal(signal.SIGTERM)
    code, said, _ = child.end()
    assert code == 0
    assert said.split() == ["ready", "stopped"]


@pytest.fixture
def handlers() -> Iterator[list[object]]:
    def mine(_number: int, _frame: object) -> None:
        pass

    before = [signal.signal(number, mine) for number in (signal.SIGTERM, signal.SIGINT)]
    yield [mine, mine]
    signal.signal(signal.SIGTERM, before[0])
    signal.signal(signal.SIGINT, before[1])


@dataclass
class Recorder:
    """A service that runs until it is stopped, or fails."""

    error: Exception | None = None
    threads: list[threading.Thread] = field(default_factory=list)

    def run(self, stop: StopToken) -> None:
        self.threads.append(threading.current_thread())
        if self.error is not None:
            raise self.error
        stop.wait(60)


def test_former_signal_handlers_are_put_back(handlers: list[object]) -> None:
    assert run_component("test", lambda: [("weak", Recorder(SettingsError("fps", 0, "must be more")))]) == 1
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)] == handlers


def test_services_run_in_named_threads_that_are_joined_and_no_daemons() -> None:
    first, second = Recorder(), Recorder(RuntimeError("boom"))

    def build() -> Sequence[tuple[str, Service]]:
        return [("first", first), ("second", second)]

    assert run_component("test", build) == 1
    threads = [*first.threads, *second.threads]
    assert [thread.name for thread in threads] == ["first", "second"]
    assert not any(thread.daemon or thread.is_alive() for thread in threads)


@dataclass
class Slow:
    """A service that stops when it has been named as slow."""

    is_named: Callable[[], bool]

    def run(self, stop: StopToken) -> None:
        stop.wait(60)
        deadline = time.monotonic() + 60
        while not self.is_named() and time.monotonic() < deadline:
            time.sleep(0.01)


def test_a_service_that_is_slow_to_stop_is_named_and_waited_for(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lifecycle, "PATIENCE_S", 0.01)
    slow = Slow(lambda: "services_slow_to_stop" in caplog.text)
    assert run_component("test", lambda: [("slow", slow), ("weak", Recorder(RuntimeError("boom")))]) == 1
    assert "services_slow_to_stop services=slow" in caplog.text
    assert "slow" not in [thread.name for thread in threading.enumerate()]


@pytest.mark.parametrize(
    ("error", "tracebacks"), [(SettingsError("fps", "x", "must be a number"), 0), (RuntimeError("boom"), 1)]
)
def test_what_cannot_be_built_ends_with_code_1_and_its_reason(
    error: Exception, tracebacks: int, caplog: pytest.LogCaptureFixture, handlers: list[object]
) -> None:
    def build() -> Sequence[tuple[str, Service]]:
        raise error

    assert run_component("test", build) == 1
    assert "component_not_built component=test" in caplog.text
    assert str(error).split()[0] in caplog.text
    assert caplog.text.count("Traceback") == tracebacks
    assert signal.getsignal(signal.SIGTERM) is handlers[0]


def test_no_file_descriptor_is_left_open() -> None:
    def count() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    before = count()
    run_component("test", lambda: [("weak", Recorder(RuntimeError("boom")))])
    assert count() == before


def test_a_stop_token_wakes_whoever_waits() -> None:
    stop, woken = StopToken(), []
    waiter = threading.Thread(target=lambda: woken.append(stop.wait(60)))
    waiter.start()
    began = time.monotonic()
    stop.set()
    waiter.join()
    assert woken == [True]
    assert time.monotonic() - began < 30
    assert stop.is_set()


def test_waiting_on_a_stop_token_ends_with_the_time() -> None:
    stop = StopToken()
    assert stop.wait(0.001) is False
    assert stop.wait(-1) is False
    assert not stop.is_set()
