"""A second deployment while the first one runs: it takes over, or fails as it does on each nucleus."""

import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from standins.nucleus.profile import PROFILES
from tests.unit.standins.nucleus.test_command import pid_of, running
from tests.unit.standins.nucleus.workshop import Workshop, is_alive, until_true

RUN = 'run: echo "{version} $$" >> started; echo $$ > pid; exec sleep 1000'


def outcomes(workshop: Workshop) -> list[tuple[str, bool | None]]:
    lines = map(json.loads, (workshop.root / "journal.jsonl").read_text().splitlines())
    return [
        (line["event"], line.get("rolled_back"))
        for line in lines
        if line["event"] in {"deployment_succeeded", "deployment_failed"}
    ]


def started(workshop: Workshop) -> list[str]:
    """The versions that were started, in their order."""
    return [line.split()[0] for line in (workshop.root / "work" / "t.A" / "started").read_text().splitlines()]


class Updated:
    """A nucleus with t.A 1.0.0 that is told to deploy 2.0.0."""

    def __init__(self, workshop: Workshop, pid: int, nucleus_pid: int) -> None:
        self.workshop, self.pid, self._nucleus_pid = workshop, pid, nucleus_pid

    def deploy(self, version: str) -> None:
        before = len(outcomes(self.workshop))
        self.workshop.deployment(t_A=version)
        os.kill(self._nucleus_pid, signal.SIGHUP)
        until_true(lambda: len(outcomes(self.workshop)) > before)


@contextmanager
def one_running(workshop: Workshop, profile: str, install: str = "exit 0") -> Iterator[Updated]:
    workshop.recipe("t.A", RUN.format(version="1.0.0"), configuration="level: '1'")
    lifecycle = f"install: {install}\n{RUN.format(version='2.0.0')}"
    workshop.recipe("t.A", lifecycle, version="2.0.0", configuration="level: '1'\nnovelty: '2'")
    workshop.deployment(t_A="1.0.0")
    with running(workshop, "--profile", profile) as nucleus:
        yield Updated(workshop, pid_of(workshop), nucleus.pid)
        nucleus.send_signal(signal.SIGTERM)
        assert nucleus.wait() == 0


def configuration(workshop: Workshop) -> str:
    return (workshop.root / "config.json").read_text()


@pytest.mark.parametrize("profile", PROFILES)
def test_a_new_version_takes_over(workshop: Workshop, profile: str) -> None:
    with one_running(workshop, profile) as updated:
        updated.deploy("2.0.0")
        until_true(lambda: started(workshop) == ["1.0.0", "2.0.0"])
        assert not is_alive(updated.pid)
        assert outcomes(workshop) == [("deployment_succeeded", None)]
        assert "novelty" in configuration(workshop)


def test_on_lite_a_failed_installation_leaves_the_old_process_and_the_next_start_takes_the_new_script(
    workshop: Workshop,
) -> None:
    with one_running(workshop, "lite", "exit 1") as updated:
        updated.deploy("2.0.0")
        assert outcomes(workshop) == [("deployment_failed", False)]
        assert is_alive(updated.pid)
        assert started(workshop) == ["1.0.0"]
        assert "novelty" in configuration(workshop)
        os.kill(updated.pid, signal.SIGKILL)
        until_true(lambda: started(workshop) == ["1.0.0", "2.0.0"])


def test_on_classic_a_failed_installation_stops_the_old_process_and_goes_back_to_it(workshop: Workshop) -> None:
    with one_running(workshop, "classic", "exit 1") as updated:
        updated.deploy("2.0.0")
        assert outcomes(workshop) == [("deployment_failed", True)]
        until_true(lambda: started(workshop) == ["1.0.0", "1.0.0"])
        assert not is_alive(updated.pid)
        assert "novelty" not in configuration(workshop)


@pytest.mark.parametrize("profile", PROFILES)
def test_a_deployment_that_cannot_be_resolved_touches_nothing(workshop: Workshop, profile: str) -> None:
    with one_running(workshop, profile) as updated:
        updated.deploy("3.0.0")
        assert outcomes(workshop) == [("deployment_failed", False)]
        assert is_alive(updated.pid)


@pytest.mark.parametrize("profile", PROFILES)
def test_a_signal_during_an_update_leaves_nothing(workshop: Workshop, profile: str) -> None:
    with one_running(workshop, profile, "echo $$ > installing; exec sleep 1000") as updated:
        workshop.deployment(t_A="2.0.0")
        os.kill(updated._nucleus_pid, signal.SIGHUP)
        installing = Path(workshop.root / "work" / "t.A" / "installing")
        until_true(lambda: installing.exists() and installing.read_text() != "")
    assert not is_alive(int(installing.read_text()))
    assert not is_alive(updated.pid)
