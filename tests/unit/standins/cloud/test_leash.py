"""Nothing outlives its owner."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from standins.cloud import leash
from standins.cloud.leashed import end_leashed, kill_leashed, start_leashed

# A command with a child of its own, whose number it prints.
_FAMILY = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-I", "-S", "-c", "import time; time.sleep(60)"])
print(child.pid, flush=True)
child.wait()
"""


def _start(code: str) -> subprocess.Popen[bytes]:
    return start_leashed([sys.executable, "-I", "-S", "-c", code], os.environ, Path.cwd(), subprocess.PIPE)


def _line(process: subprocess.Popen[bytes]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().decode().strip()


def _close(process: subprocess.Popen[bytes]) -> None:
    kill_leashed(process)
    assert process.stdout is not None
    process.stdout.close()


def _gone(pid: int) -> bool:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return True
        if state == "Z":
            return True
        time.sleep(0.01)
    return False


def test_the_commands_exit_code_is_handed_back() -> None:
    process = _start("raise SystemExit(7)")
    assert process.wait(60) == 7
    _close(process)


def test_a_command_killed_by_a_signal_reads_as_in_a_shell() -> None:
    process = _start("import os; os.kill(os.getpid(), 9)")
    assert process.wait(60) == 128 + signal.SIGKILL
    _close(process)


def test_a_command_that_does_not_exist_says_so() -> None:
    process = start_leashed(["/nowhere/at-all"], os.environ, Path.cwd(), subprocess.PIPE)
    assert "cannot start /nowhere/at-all" in _line(process)
    assert process.wait(60) == 127
    _close(process)


def test_letting_go_kills_the_whole_family() -> None:
    process = _start(_FAMILY)
    grandchild = int(_line(process))
    _close(process)
    assert _gone(grandchild)


def test_children_left_behind_by_a_command_are_killed_with_its_end() -> None:
    process = _start(_FAMILY.replace("child.wait()", ""))
    grandchild = int(_line(process))
    assert process.wait(60) == 0
    assert _gone(grandchild)
    _close(process)


_WAITS_FOR = """
import signal
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.{name}])
print("ready", flush=True)
print(signal.sigwait([signal.{name}]).name, flush=True)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR2])
def test_a_signal_is_handed_on(number: signal.Signals) -> None:
    process = _start(_WAITS_FOR.format(name=number.name))
    assert _line(process) == "ready"
    process.send_signal(number)
    assert _line(process) == number.name
    assert process.wait(60) == 0
    _close(process)


def test_a_signal_that_comes_before_the_command_is_started_reaches_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """In this process, as the moment between the two is short."""
    start = subprocess.Popen
    ours, theirs = os.pipe()

    def signalled(command: list[str], **how: object) -> subprocess.Popen[bytes]:
        os.kill(os.getpid(), signal.SIGUSR2)
        return start(command, **how)  # type: ignore[call-overload, no-any-return]  # as it is called there

    monkeypatch.setattr(leash, "_STDIN", ours)  # an owner who stays
    monkeypatch.setattr(subprocess, "Popen", signalled)
    before = {each: signal.getsignal(each) for each in leash._HANDED_ON}
    try:
        assert leash.leash([sys.executable, "-I", "-S", "-c", "import time; time.sleep(60)"]) == -signal.SIGUSR2
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
        for end in (ours, theirs):
            os.close(end)


def test_ending_asks_first() -> None:
    process = _start(
        "import signal, sys, time\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(3))\n"
        "print('ready', flush=True)\n"
        "time.sleep(60)"
    )
    assert _line(process) == "ready"
    end_leashed(process, grace_s=60)
    assert process.returncode == 3
    _close(process)


def test_who_does_not_listen_is_killed_after_the_grace() -> None:
    process = _start(
        "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('ready', flush=True)\ntime.sleep(60)"
    )
    assert _line(process) == "ready"
    end_leashed(process, grace_s=0.1)
    assert process.returncode == 128 + signal.SIGKILL
    _close(process)


def test_an_owner_that_is_killed_takes_everything_along() -> None:
    owner_code = (
        "import os, sys, time\n"
        "from pathlib import Path\n"
        "from standins.cloud.leashed import start_leashed\n"
        f"start_leashed([sys.executable, '-I', '-S', '-c', {_FAMILY!r}], os.environ, Path.cwd(), 1)\n"
        "time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", owner_code], stdout=subprocess.PIPE) as owner:
        grandchild = int(_line(owner))
        owner.kill()
    assert _gone(grandchild)
