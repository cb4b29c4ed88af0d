"""One instance of a component in a folder, however the one before it ended."""

import errno
import fcntl
import logging
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Timer

import pytest

from smartcam.edge import command_line
from smartcam.edge.command_line import run_with_nucleus
from smartcam.edge.one_instance import SecondInstance, only_instance

NAME = "smartcam.Inference"
HOLDER = """
import sys, time
from pathlib import Path
from smartcam.edge.one_instance import only_instance

with only_instance(sys.argv[2], Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def hold(tmp_path: Path) -> Iterator[Callable[[], "subprocess.Popen[str]"]]:
    """Another process that runs the component in this folder."""
    held: list[subprocess.Popen[str]] = []

    def begin() -> "subprocess.Popen[str]":
        command = [sys.executable, "-c", HOLDER, str(tmp_path), NAME]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        held.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment))
        assert held[-1].stdout is not None
        assert held[-1].stdout.readline() == "held\n"
        return held[-1]

    yield begin
    for process in held:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def test_a_second_instance_in_one_folder_is_refused_with_the_pid_of_the_first(
    tmp_path: Path, hold: Callable[[], "subprocess.Popen[str]"]
) -> None:
    first = hold()
    complaint = f"^{NAME} runs in {tmp_path} already, as process {first.pid}: stop that one first$"
    with pytest.raises(SecondInstance, match=complaint), only_instance(NAME, tmp_path, 0.3):
        pytest.fail("both run")


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_one_that_was_killed_is_in_nobodys_way(
    tmp_path: Path, hold: Callable[[], "subprocess.Popen[str]"], how: signal.Signals
) -> None:
    first = hold()
    first.send_signal(how)
    first.wait()
    with only_instance(NAME, tmp_path, 0.0):
        assert (tmp_path / f"{NAME}.lock").read_text() == f"{os.getpid()}\n"


def test_a_predecessor_that_is_being_stopped_is_waited_for(
    tmp_path: Path, hold: Callable[[], "subprocess.Popen[str]"], caplog: pytest.LogCaptureFixture
) -> None:
    first = hold()
    stopping = Timer(0.5, first.kill)
    stopping.start()
    with only_instance(NAME, tmp_path, 30):
        assert first.wait() is not None
    stopping.join()
    assert caplog.text.count("instance_waits") == 1


def test_components_share_a_folder_and_a_component_runs_in_many(
    tmp_path: Path, hold: Callable[[], "subprocess.Popen[str]"]
) -> None:
    hold()
    (tmp_path / "other").mkdir()
    with only_instance("smartcam.Capture", tmp_path, 0.0), only_instance(NAME, tmp_path / "other", 0.0):
        pass


def test_the_lock_is_for_its_owner_alone_and_is_not_inherited(tmp_path: Path) -> None:
    with only_instance(NAME, tmp_path):
        path = tmp_path / f"{NAME}.lock"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], close_fds=False)
    try:
        with only_instance(NAME, tmp_path, 10.0):  # a child lets go a moment after it is another program
            assert child.poll() is None
    finally:
        child.kill()
        child.wait()


def test_what_cannot_be_locked_is_said_and_costs_no_watching(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "precious").write_text("mine")
    (tmp_path / f"{NAME}.lock").symlink_to(tmp_path / "precious")
    with only_instance(NAME, tmp_path):
        pass
    with only_instance(NAME, tmp_path / "absent"):
        pass
    assert caplog.text.count("instance_not_locked") == 2
    assert (tmp_path / "precious").read_text() == "mine"


class Bus:
    closed = 0

    def close(self) -> None:
        Bus.closed += 1


def test_on_a_disk_without_locks_the_component_runs_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(_descriptor: int, _how: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", refuse)
    with only_instance(NAME, tmp_path):
        assert "instance_not_locked" in caplog.text
        assert os.strerror(errno.ENOLCK) in caplog.text


def test_a_second_instance_of_a_component_ends_with_one_clear_error_and_a_code_that_starts_it_again(
    tmp_path: Path,
    hold: Callable[[], "subprocess.Popen[str]"],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    first = hold()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(command_line, "GreengrassBus", Bus)
    monkeypatch.setattr(command_line, "only_instance", lambda name, folder: only_instance(name, folder, 0.2))
    with caplog.at_level(logging.CRITICAL):
        assert run_with_nucleus("smartcam-inference", NAME, lambda _: pytest.fail("both run")) == 1
    assert f"second_instance component={NAME}" in caplog.text
    assert f"as process {first.pid}" in caplog.text
    first.kill()
    first.wait()
    assert run_with_nucleus("smartcam-inference", NAME, lambda _: 7) == 7
    assert Bus.closed == 2
