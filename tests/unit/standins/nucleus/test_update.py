"""A second deployment while the first one runs: it takes over, or fails as it does on each nucleus."""

import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from standins.nucleus.profile import PROFILES
from tests.unit.standins.nucleus.test_command import pid_of, running
from tests.unit.standins.nucleus.workshop import PATIENCE_S, Workshop, is_alive, until_true

RUN = 'run: echo "{version} $$" >> started; echo $$ > pid; exec sleep 1000'


def outcomes(workshop: Workshop) -> list[tuple[str, bool | None]]:
    journal = workshop.root / "journal.jsonl"
    lines = map(json.loads, journal.read_text().splitlines() if journal.exists() else ())
    return [
        (line["event"], line.get("rolled_back"))
        for line in lines
        if line["event"] in {"deployment_succeeded", "deployment_failed"}
    ]


def started(workshop: Workshop) -> list[str]:
    """The versions that were started, in their order."""
    return [line.split()[0] for line in (workshop.root / "work" / "t.A" / "started").read_text().splitlines()]


class Updated:
    """A nucleus with t.A 1.0.0 that is told to deploy something else."""

    def __init__(self, workshop: Workshop, pid: int, nucleus_pid: int) -> None:
        self.workshop, self.pid, self._nucleus_pid = workshop, pid, nucleus_pid

    def deploy(self, version: str) -> None:
        self.workshop.deployment(t_A=version)
        self.take()

    def take(self) -> None:
        """Have the deployment's file, as it is now, deployed."""
        before = len(outcomes(self.workshop))
        self.signal(signal.SIGHUP)
        until_true(lambda: len(outcomes(self.workshop)) > before)

    def signal(self, number: signal.Signals) -> None:
        os.kill(self._nucleus_pid, number)

    def outcomes(self) -> list[tuple[str, bool | None]]:
        """Without the first deployment's."""
        return outcomes(self.workshop)[1:]


@contextmanager
def booted(workshop: Workshop, profile: str, *more: str) -> Iterator[Updated]:
    """A nucleus below the workshop's root, once it has dealt with its deployment."""
    with running(workshop, "--profile", profile, *more) as nucleus:
        until_true(lambda: len(outcomes(workshop)) > 0)
        yield Updated(workshop, pid_of(workshop), nucleus.pid)
        nucleus.send_signal(signal.SIGTERM)
        assert nucleus.wait(PATIENCE_S) == 0


@contextmanager
def one_running(workshop: Workshop, profile: str, install: str = "exit 0") -> Iterator[Updated]:
    workshop.recipe("t.A", RUN.format(version="1.0.0"), configuration="level: '1'")
    lifecycle = f"install: {install}\n{RUN.format(version='2.0.0')}"
    workshop.recipe("t.A", lifecycle, version="2.0.0", configuration="level: '1'\nnovelty: '2'")
    workshop.deployment(t_A="1.0.0")
    with booted(workshop, profile) as updated:
        yield updated


def configuration(workshop: Workshop) -> str:
    return (workshop.root / "config.json").read_text()


def last_failure(workshop: Workshop) -> str:
    lines = map(json.loads, (workshop.root / "journal.jsonl").read_text().splitlines())
    return [str(line["reason"]) for line in lines if line["event"] == "deployment_failed"][-1]


@pytest.mark.parametrize("profile", PROFILES)
def test_a_new_version_takes_over(workshop: Workshop, profile: str) -> None:
    with one_running(workshop, profile) as updated:
        updated.deploy("2.0.0")
        until_true(lambda: started(workshop) == ["1.0.0", "2.0.0"])
        assert not is_alive(updated.pid)
        assert updated.outcomes() == [("deployment_succeeded", None)]
        assert "novelty" in configuration(workshop)


def test_on_lite_a_failed_installation_leaves_the_old_process_without_anybody_who_starts_it_again(
    workshop: Workshop,
) -> None:
    with one_running(workshop, "lite", "exit 1") as updated:
        updated.deploy("2.0.0")
        assert updated.outcomes() == [("deployment_failed", False)]
        assert is_alive(updated.pid)
        assert "novelty" in configuration(workshop)
        os.kill(updated.pid, signal.SIGKILL)
        until_true(lambda: workshop.states("t.A")[-1] == "STOPPED")
        assert started(workshop) == ["1.0.0"]
    workshop.recipe("t.A", f"install: exit 0\n{RUN.format(version='3.0.0')}", version="3.0.0")
    with running(workshop, "--profile", "lite") as again:
        # A reboot: nothing has a unit, so nothing runs, until another deployment comes.
        until_true((workshop.root / "gg-ipc.socket").exists)
        time.sleep(0.5)
        assert started(workshop) == ["1.0.0"]
        Updated(workshop, 0, again.pid).deploy("3.0.0")
        until_true(lambda: started(workshop) == ["1.0.0", "3.0.0"])
        again.send_signal(signal.SIGTERM)
        assert again.wait(PATIENCE_S) == 0


def test_on_lite_a_killed_component_is_started_again_while_the_nucleus_has_its_unit(workshop: Workshop) -> None:
    with one_running(workshop, "lite") as updated:
        updated.deploy("2.0.0")
        until_true(lambda: started(workshop) == ["1.0.0", "2.0.0"])
        os.kill(pid_of(workshop), signal.SIGKILL)
        until_true(lambda: started(workshop) == ["1.0.0", "2.0.0", "2.0.0"])


def test_on_lite_a_reboot_starts_what_has_a_unit_and_installs_nothing(workshop: Workshop) -> None:
    workshop.recipe("t.A", f"install: echo x >> installed\n{RUN.format(version='1.0.0')}")
    workshop.deployment(t_A="1.0.0")
    with booted(workshop, "lite"):
        until_true(lambda: started(workshop) == ["1.0.0"])
    with booted(workshop, "lite"):
        until_true(lambda: started(workshop) == ["1.0.0"] * 2)
    assert (workshop.root / "work/t.A/installed").read_text() == "x\n"
    assert outcomes(workshop) == [("deployment_succeeded", None)]


def test_on_lite_what_has_no_run_step_fails_every_deployment_after_the_wait(workshop: Workshop) -> None:
    for version in ("1.0.0", "1.0.1"):
        workshop.recipe("t.A", f"{RUN.format(version=version)}", version=version, needs={"t.B": "SOFT"}, zips=["a.zip"])
        workshop.zip("t.A", "a.zip", {"a": "a"}, version)
    workshop.recipe("t.B", "install: exit 0")
    workshop.deployment(t_A="1.0.0")
    with booted(workshop, "lite", "--settle-timeout", "0.3") as updated:
        updated.deploy("1.0.1")
        assert outcomes(workshop) == [("deployment_failed", False)] * 2
        assert last_failure(workshop).startswith(
            "t.B: still INSTALLED after 0.3 s, not RUNNING or FINISHED; it needs a"
        )
        until_true(lambda: started(workshop) == ["1.0.0", "1.0.1"])
        # Cleaning up comes after the wait.
        assert versions_on_disk(workshop, "t.A") == ["1.0.0", "1.0.1"]
        workshop.recipe("t.B", "install: exit 0\nrun: exit 0", version="1.0.1")
        updated.deploy("1.0.1")
        assert outcomes(workshop)[2:] == [("deployment_succeeded", None)]
        assert versions_on_disk(workshop, "t.A") == ["1.0.1"]


def versions_on_disk(workshop: Workshop, name: str) -> list[str]:
    return sorted(folder.name for folder in (workshop.root / "packages" / "artifacts" / name).iterdir())


def test_on_lite_a_component_that_breaks_fails_the_deployment_and_the_others_run(workshop: Workshop) -> None:
    workshop.recipe("t.A", RUN.format(version="1.0.0"), needs={"t.B": "SOFT"})
    workshop.recipe("t.B", "startup: exit 3")
    workshop.deployment(t_A="1.0.0")
    with booted(workshop, "lite") as updated:
        assert outcomes(workshop) == [("deployment_failed", False)]
        assert last_failure(workshop).startswith("t.B: is BROKEN; see ")
        assert is_alive(updated.pid)


@pytest.mark.parametrize("profile", PROFILES)
def test_a_run_step_that_ends_well_is_finished_and_nothing_waits_for_it(workshop: Workshop, profile: str) -> None:
    workshop.recipe("t.A", RUN.format(version="1.0.0"), needs={"t.B": "SOFT"})
    workshop.recipe("t.B", "install: exit 0\nrun: exit 0")
    workshop.deployment(t_A="1.0.0")
    with booted(workshop, profile):
        until_true(lambda: workshop.states("t.B")[-1] == "FINISHED")
        assert outcomes(workshop) == [("deployment_succeeded", None)]


def test_on_lite_what_has_not_changed_goes_on_and_what_is_configured_is_installed_again(workshop: Workshop) -> None:
    workshop.recipe("t.A", RUN.format(version="1.0.0"), needs={"t.B": "SOFT", "t.C": "SOFT"})
    for name in ("t.B", "t.C"):
        lifecycle = "install: echo x >> installed\nrun: echo $$ >> pids; exec sleep 1000"
        workshop.recipe(name, lifecycle, configuration="level: '1'")
    deploy = workshop.deployment(t_A="1.0.0")
    with booted(workshop, "lite") as updated:
        document = json.loads(deploy.read_text())
        document["components"]["t.B"] = {"version": "1.0.0", "merge": {"level": "2"}}
        deploy.write_text(json.dumps(document))
        updated.take()
        until_true(lambda: workshop.states("t.B")[-1] == "RUNNING")
        work = workshop.root / "work"
        until_true(lambda: len((work / "t.B/pids").read_text().split()) == 2)
        assert len((work / "t.B/installed").read_text().split()) == 2
        assert len((work / "t.C/pids").read_text().split()) == 1
        assert len((work / "t.C/installed").read_text().split()) == 1
        assert is_alive(updated.pid)
        assert started(workshop) == ["1.0.0"]


def test_on_lite_installations_go_side_by_side_and_the_others_of_one_that_fails_have_no_unit_either(
    workshop: Workshop,
) -> None:
    workshop.recipe("t.A", RUN.format(version="1.0.0"), needs={"t.B": "SOFT"})
    workshop.recipe("t.B", "run: sleep 1000")
    meets = "install: echo x > ../{me}; until test -e ../{other}; do sleep 0.02; done; {end}\nrun: sleep 1000"
    workshop.recipe("t.A", meets.format(me="a", other="b", end="exit 1"), version="1.0.1", needs={"t.B": "SOFT"})
    workshop.recipe("t.B", meets.format(me="b", other="a", end="exit 0"), version="1.0.1")
    workshop.deployment(t_A="1.0.0", t_B="1.0.0")
    with booted(workshop, "lite") as updated:
        workshop.deployment(t_A="1.0.1", t_B="1.0.1")
        updated.take()
        assert updated.outcomes() == [("deployment_failed", False)]
    assert json.loads((workshop.root / "units.json").read_text())["linked"] == {}


def test_on_lite_what_a_deployment_no_longer_holds_is_stopped_when_the_rest_runs(workshop: Workshop) -> None:
    workshop.recipe("t.A", RUN.format(version="1.0.0"))
    workshop.recipe("t.B", "run: echo $$ > pid; exec sleep 1000")
    workshop.deployment(t_A="1.0.0", t_B="1.0.0")
    with booted(workshop, "lite") as updated:
        file = workshop.root / "work/t.B/pid"
        until_true(lambda: file.exists() and file.read_text() != "")
        updated.deploy("1.0.0")
        assert not is_alive(int(file.read_text()))
        assert is_alive(updated.pid)


def test_on_lite_a_component_has_a_new_token_when_it_starts_after_the_ipc_server_did(workshop: Workshop) -> None:
    workshop.recipe("t.A", 'run: echo "$SVCUID" >> tokens; echo $$ > pid; exec sleep 1000')
    workshop.deployment(t_A="1.0.0")
    tokens = workshop.root / "work/t.A/tokens"
    with booted(workshop, "lite") as updated:
        os.kill(updated.pid, signal.SIGKILL)
        until_true(lambda: len(tokens.read_text().split()) == 2)
        updated.signal(signal.SIGUSR2)
        until_true(lambda: "ipc_restarted" in (workshop.root / "journal.jsonl").read_text())
        os.kill(pid_of(workshop), signal.SIGKILL)
        until_true(lambda: len(tokens.read_text().split()) == 3)
        first, second, third = tokens.read_text().split()
        assert first == second != third


def test_on_classic_a_failed_installation_stops_the_old_process_and_goes_back_to_it(workshop: Workshop) -> None:
    with one_running(workshop, "classic", "exit 1") as updated:
        updated.deploy("2.0.0")
        assert updated.outcomes() == [("deployment_failed", True)]
        until_true(lambda: started(workshop) == ["1.0.0", "1.0.0"])
        assert not is_alive(updated.pid)
        assert "novelty" not in configuration(workshop)


@pytest.mark.parametrize("profile", PROFILES)
def test_a_deployment_that_cannot_be_resolved_touches_nothing(workshop: Workshop, profile: str) -> None:
    with one_running(workshop, profile) as updated:
        updated.deploy("3.0.0")
        assert updated.outcomes() == [("deployment_failed", False)]
        assert is_alive(updated.pid)


@pytest.mark.parametrize("profile", PROFILES)
def test_a_signal_during_an_update_leaves_nothing(workshop: Workshop, profile: str) -> None:
    with one_running(workshop, profile, "echo $$ > installing; exec sleep 1000") as updated:
        workshop.deployment(t_A="2.0.0")
        updated.signal(signal.SIGHUP)
        installing = Path(workshop.root / "work" / "t.A" / "installing")
        until_true(lambda: installing.exists() and installing.read_text() != "")
    assert not is_alive(int(installing.read_text()))
    assert not is_alive(updated.pid)
