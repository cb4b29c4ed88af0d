"""The classic nucleus's lifecycle: errors in a row, HARD and SOFT dependencies, what follows the end of a script."""

import asyncio
import json
import os
import signal
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from standins.nucleus.deployment import DeploymentError
from standins.nucleus.profile import CLASSIC
from standins.nucleus.restarts import ErrorLimit
from tests.unit.standins.nucleus.workshop import Device1, QuickTiming, Workshop, is_alive, prepare, until

START = ["INSTALLED", "STARTING", "RUNNING"]


def device(workshop: Workshop, wanted: str = "t.A") -> Device1:
    return prepare(workshop, wanted, CLASSIC, QuickTiming().timing())


def play_until(workshop: Workshop, condition: Callable[[], bool]) -> None:
    async def story() -> None:
        opened = device(workshop)
        try:
            await opened.runner.run()
            await until(condition)
        finally:
            await opened.close()

    asyncio.run(story())


def play(workshop: Workshop, *states: tuple[str, str]) -> None:
    """Run until each of these components has been in each of these states."""
    play_until(workshop, lambda: all(state in workshop.states(component) for component, state in states))


@given(st.lists(st.integers(1, 8000), min_size=1, max_size=12))  # whole, so that sums are exact
def test_broken_means_three_errors_none_an_hour_after_the_one_before(gaps: list[int]) -> None:
    limit, now, row = ErrorLimit(CLASSIC.lifecycle), 0.0, 0
    for gap in gaps:
        now += gap
        row = row + 1 if gap < 3600 else 1
        if not limit.failed(now):
            assert row >= 3
            return
        assert row < 3 or now == gap


def test_a_component_whose_script_fails_three_times_in_a_row_is_broken(workshop: Workshop) -> None:
    workshop.recipe("t.A", "run: echo start; exit 3")
    play(workshop, ("t.A", "BROKEN"))
    assert workshop.log("t.A") == "start\n" * 3
    once = ["STARTING", "RUNNING", "ERRORED", "STOPPING", "INSTALLED"]
    assert workshop.states("t.A") == ["INSTALLED", *once, *once, "STARTING", "RUNNING", "BROKEN"]


def test_a_good_end_is_finished(workshop: Workshop) -> None:
    workshop.recipe("t.A", "run: echo start")
    play(workshop, ("t.A", "FINISHED"))
    assert workshop.states("t.A") == [*START, "STOPPING", "FINISHED"]
    assert workshop.log("t.A") == "start\n"


def test_death_by_sigterm_is_an_error_and_no_good_end(workshop: Workshop) -> None:
    workshop.recipe("t.A", "run: echo start; kill -TERM $$")
    play(workshop, ("t.A", "BROKEN"))
    assert workshop.log("t.A") == "start\n" * 3


def test_a_component_that_is_only_installed_is_finished(workshop: Workshop) -> None:
    workshop.recipe("t.A", "install: echo installed")
    play(workshop, ("t.A", "FINISHED"))
    assert workshop.states("t.A") == ["INSTALLING", "INSTALLED", "STARTING", "FINISHED"]


def test_a_soft_dependency_is_not_waited_for(workshop: Workshop) -> None:
    workshop.recipe("t.A", "run: touch there; sleep 1000", needs={"t.B": "SOFT"})
    workshop.recipe("t.B", "install: until test -e ../t.A/there; do sleep 0.02; done")
    play(workshop, ("t.A", "RUNNING"), ("t.B", "FINISHED"))
    assert workshop.states("t.A")[:3] == START
    assert workshop.states("t.B") == ["INSTALLING", "INSTALLED", "STARTING", "FINISHED"]


def test_a_hard_dependency_is_waited_for_also_when_it_is_only_installed(workshop: Workshop) -> None:
    workshop.recipe("t.A", "run: test -e ../t.B/ready && touch seen; sleep 1000", needs={"t.B": "HARD"})
    workshop.recipe("t.B", "install: sleep 0.2; touch ready")
    play_until(workshop, (workshop.root / "work/t.A/seen").exists)
    assert workshop.states("t.A")[:3] == START
    assert workshop.states("t.B") == ["INSTALLING", "INSTALLED", "STARTING", "FINISHED"]


def test_what_depends_hard_on_a_component_that_failed_starts_again_with_it(workshop: Workshop) -> None:
    workshop.recipe("t.A", "run: echo start; touch started; exec sleep 1000", needs={"t.B": "HARD"})
    seen = "until test -e ../t.A/started; do sleep 0.02; done"
    workshop.recipe("t.B", f"run: 'test -e once && exec sleep 1000; touch once; {seen}; exit 1'")

    play_until(workshop, lambda: workshop.states("t.A").count("RUNNING") == 2 and workshop.log("t.A").count("\n") == 2)
    assert "BROKEN" not in workshop.states("t.A")


def test_what_depends_hard_on_a_broken_component_never_starts(workshop: Workshop) -> None:
    workshop.recipe("t.A", "run: touch started; sleep 1000", needs={"t.B": "HARD"})
    workshop.recipe("t.B", "startup: exit 1")
    play(workshop, ("t.B", "BROKEN"))
    assert workshop.states("t.A")[:1] == ["INSTALLED"]
    assert not (workshop.root / "work/t.A/started").exists()


def test_an_installation_that_fails_three_times_ends_the_deployment(workshop: Workshop) -> None:
    workshop.recipe("t.A", "install: echo try; exit 7\nrun: sleep 1000")
    with pytest.raises(DeploymentError, match=r"t\.A: install failed \(exit 7\)"):
        play(workshop)
    assert workshop.log("t.A") == "try\n" * 3


def test_the_timeout_of_run_is_how_long_it_may_run(workshop: Workshop) -> None:
    workshop.recipe("t.A", "run:\n  Script: echo start; exec sleep 1000\n  Timeout: 1")
    play(workshop, ("t.A", "ERRORED"))
    assert workshop.states("t.A")[:4] == [*START, "ERRORED"]


def test_a_component_may_report_that_it_runs_and_that_it_failed(workshop: Workshop) -> None:
    workshop.recipe("t.A", "startup: echo start; exec sleep 1000")

    async def story() -> None:
        opened = device(workshop)
        await opened.runner.run()
        tell = opened.nucleus.operations.state_listener
        await until(lambda: "STARTING" in workshop.states("t.A"))
        tell("t.A", "RUNNING")
        await until(lambda: "RUNNING" in workshop.states("t.A"))
        tell("t.A", "ERRORED")
        await until(lambda: workshop.states("t.A").count("STARTING") >= 3)
        await opened.close()

    asyncio.run(story())
    assert "ERRORED" in workshop.states("t.A")


def test_shutdown_runs_at_the_end_and_recover_after_an_error(workshop: Workshop) -> None:
    workshop.recipe(
        "t.A",
        "run: 'test -e once && exec sleep 1000; touch once; exit 1'\nshutdown: echo shutdown\nrecover: echo recover",
    )

    play_until(workshop, lambda: workshop.states("t.A").count("RUNNING") == 2)
    assert workshop.log("t.A").split() == ["recover", "shutdown", "shutdown"]


def test_what_ignores_sigterm_is_killed_after_five_seconds(workshop: Workshop) -> None:
    quick = replace(CLASSIC, lifecycle=replace(CLASSIC.lifecycle, stop_s=0.3))
    assert CLASSIC.lifecycle.stop_s == 5
    workshop.recipe("t.A", "run: trap '' TERM; echo $$ > pid; while :; do sleep 0.05; done")

    async def story() -> int:
        opened = prepare(workshop, "t.A", quick)
        await opened.runner.run()
        pid_file = workshop.root / "work/t.A/pid"
        await until(lambda: pid_file.exists() and pid_file.read_text() != "")
        await opened.close()
        return int(pid_file.read_text())

    assert not is_alive(asyncio.run(story()))


def test_a_killed_component_is_started_again(workshop: Workshop) -> None:
    workshop.recipe("t.A", "run: echo $$ > pid.new; mv pid.new pid; exec sleep 1000")

    async def story() -> None:
        opened = device(workshop)
        await opened.runner.run()
        pid_file = workshop.root / "work/t.A/pid"
        await until(pid_file.exists)
        os.kill(int(pid_file.read_text()), signal.SIGKILL)
        await until(lambda: workshop.states("t.A").count("RUNNING") == 2)
        await opened.close()

    asyncio.run(story())
    again = ["ERRORED", "STOPPING", "INSTALLED", "STARTING", "RUNNING"]
    assert workshop.states("t.A")[:8] == [*START, *again]


def test_braces_that_are_no_variables_stay_as_they_are(workshop: Workshop) -> None:
    workshop.recipe(
        "t.A",
        "run: " + json.dumps('X=1; { echo "${X} {work:path} {iot:thingName} {no:variable} {configuration:/n}"; }'),
        configuration="n: 5",
    )
    play(workshop, ("t.A", "FINISHED"))
    assert workshop.log("t.A") == f"1 {workshop.root}/work/t.A yard {{no:variable}} 5\n"
