import asyncio
import json
import os
import signal
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from standins.nucleus.deployment import DeploymentError
from standins.nucleus.profile import LITE
from standins.nucleus.restarts import StartLimit
from tests.unit.standins.nucleus.workshop import QuickTiming, Workshop, is_alive, prepare, until

PROMPT = replace(LITE, lifecycle=replace(LITE.lifecycle, stop_s=0.3, timeout_s=1.0))


@given(st.lists(st.floats(0, 10_000), max_size=6), st.floats(10_000, 20_000))
def test_never_more_than_three_starts_within_an_hour(starts: list[float], now: float) -> None:
    recent = [start for start in starts if now - start < 3600]
    limit = StartLimit(LITE.lifecycle)
    for start in starts:
        limit.started(start)
    assert limit.failed(now) is (len(recent) < 3)


def test_install_comes_before_run_and_dependencies_before_dependents(workshop: Workshop) -> None:
    workshop.recipe("t.A", "install: echo a\nrun: test -e ../t.B/ready && sleep 1000", needs={"t.B": "SOFT"})
    workshop.recipe("t.B", "install: echo b > ready")

    async def story() -> None:
        device = prepare(workshop, "t.A")
        await device.runner.run()
        await until(lambda: "RUNNING" in workshop.states("t.A"))
        await device.close()

    asyncio.run(story())
    assert workshop.states("t.B") == ["INSTALLING", "INSTALLED"]
    assert workshop.states("t.A") == ["INSTALLING", "INSTALLED", "RUNNING", "STOPPING", "STOPPED"]


def test_a_script_gets_the_environment_and_folder_of_a_nucleus(workshop: Workshop) -> None:
    workshop.recipe("t.A", "run: env > environment; pwd > folder; umask > mask; sleep 1000")

    async def story() -> None:
        device = prepare(workshop, "t.A")
        await device.runner.run()
        await until((workshop.root / "work/t.A/mask").exists)
        await device.close()

    asyncio.run(story())
    work = workshop.root / "work" / "t.A"
    environment = dict(line.split("=", 1) for line in (work / "environment").read_text().splitlines())
    assert environment["AWS_IOT_THING_NAME"] == "yard"
    assert environment["AWS_GG_NUCLEUS_DOMAIN_SOCKET_FILEPATH_FOR_COMPONENT"] == str(workshop.root / "s")
    assert len(environment["SVCUID"]) == 16
    assert "VIRTUAL_ENV" not in environment
    assert (work / "folder").read_text().strip() == str(work)
    assert (work / "mask").read_text().strip() == "0022"
    assert (workshop.root / "logs" / "t.A.log").stat().st_mode & 0o777 == 0o600


def test_a_component_that_fails_is_started_three_times_a_second_apart_and_then_broken(workshop: Workshop) -> None:
    workshop.recipe("t.A", "run: echo start; exit 3")
    timing = QuickTiming()

    async def story() -> None:
        device = prepare(workshop, "t.A", timing=timing.timing())
        await device.runner.run()
        await until(lambda: "BROKEN" in workshop.states("t.A"))
        await device.close()

    asyncio.run(story())
    assert workshop.log("t.A") == "start\n" * 3
    assert timing.pauses == [1, 1]
    assert workshop.states("t.A")[1:] == ["RUNNING", "ERRORED"] * 3 + ["BROKEN"]


@pytest.mark.parametrize("ending", ["exit 0", "kill -TERM $$"])
def test_a_clean_end_is_not_restarted(workshop: Workshop, ending: str) -> None:
    workshop.recipe("t.A", f"run: echo start; {ending}")

    async def story() -> None:
        device = prepare(workshop, "t.A")
        await device.runner.run()
        await until(lambda: "FINISHED" in workshop.states("t.A"))
        await device.close()

    asyncio.run(story())
    assert workshop.log("t.A") == "start\n"


def test_a_crash_by_signal_is_restarted(workshop: Workshop) -> None:
    workshop.recipe("t.A", "run: test -e once && exec sleep 1000; touch once; kill -SEGV $$")

    async def story() -> None:
        device = prepare(workshop, "t.A", timing=QuickTiming().timing())
        await device.runner.run()
        await until(lambda: workshop.states("t.A").count("RUNNING") == 2)
        await device.close()

    asyncio.run(story())
    assert '"reason":"run: killed by SIGSEGV"' in (workshop.root / "journal.jsonl").read_text()


def test_an_installation_that_fails_ends_the_deployment_with_the_place_of_its_log(workshop: Workshop) -> None:
    workshop.recipe("t.A", "install: exit 7\nrun: sleep 1000")

    async def story() -> None:
        device = prepare(workshop, "t.A", timing=QuickTiming().timing())
        try:
            await device.runner.run()
        finally:
            await device.close()

    with pytest.raises(DeploymentError, match=r"t\.A: install failed \(exit 7\); see .*/logs/t\.A\.log"):
        asyncio.run(story())
    assert "RUNNING" not in workshop.states("t.A")


def test_an_installation_that_takes_too_long_is_stopped(workshop: Workshop) -> None:
    workshop.recipe("t.A", "install: echo $$ >> pids; exec sleep 1000")

    async def story() -> None:
        device = prepare(workshop, "t.A", PROMPT, QuickTiming().timing())
        try:
            await device.runner.run()
        finally:
            await device.close()

    with pytest.raises(DeploymentError, match=r"install failed \(has not ended within 1 s\)"):
        asyncio.run(story())
    pids = (workshop.root / "work/t.A/pids").read_text().split()
    assert workshop.states("t.A").count("ERRORED") == 3
    assert pids
    assert not any(is_alive(int(pid)) for pid in pids)


def test_a_timeout_may_come_from_the_configuration(workshop: Workshop) -> None:
    workshop.recipe(
        "t.A",
        'install:\n  Script: exec sleep 1000\n  Timeout: "{configuration:/patience}"',
        configuration='patience: "0.2"',
    )

    async def story() -> None:
        device = prepare(workshop, "t.A", timing=QuickTiming().timing())
        try:
            await device.runner.run()
        finally:
            await device.close()

    with pytest.raises(DeploymentError, match=r"within 0\.2 s"):
        asyncio.run(story())


def test_a_variable_without_value_is_found_before_anything_is_started(workshop: Workshop) -> None:
    workshop.recipe("t.A", 'run: echo "{configuration:/none}"', needs={"t.B": "SOFT"})
    workshop.recipe("t.B", "install: touch started")

    async def story() -> None:
        device = prepare(workshop, "t.A")
        try:
            await device.runner.run()
        finally:
            await device.close()

    with pytest.raises(DeploymentError, match=r"t\.A-1\.0\.0\.yaml: run: .*no configuration key '/none'"):
        asyncio.run(story())
    assert not (workshop.root / "work").exists()


def test_what_ignores_sigterm_is_killed_after_the_stop_time(workshop: Workshop) -> None:
    workshop.recipe("t.A", "run: trap '' TERM; echo $$ > pid; while :; do sleep 0.05; done")

    async def story() -> int:
        device = prepare(workshop, "t.A", PROMPT)
        await device.runner.run()
        pid_file = workshop.root / "work/t.A/pid"
        await until(lambda: pid_file.exists() and pid_file.read_text() != "")
        await device.close()
        return int(pid_file.read_text())

    assert not is_alive(asyncio.run(story()))


def test_children_that_left_their_process_group_are_stopped_too(workshop: Workshop) -> None:
    workshop.recipe("t.A", "run: (setsid sleep 1000 & echo $! > pid) & exec sleep 1000")

    async def story() -> int:
        device = prepare(workshop, "t.A")
        await device.runner.run()
        pid_file = workshop.root / "work/t.A/pid"
        await until(lambda: pid_file.exists() and pid_file.read_text() != "")
        pid = int(pid_file.read_text())
        assert is_alive(pid)
        await device.close()
        return pid

    assert not is_alive(asyncio.run(story()))


def test_the_children_of_a_crashed_component_do_not_outlive_it(workshop: Workshop) -> None:
    workshop.recipe("t.A", "run: sleep 1000 & echo $! > pid; exit 0")

    async def story() -> int:
        device = prepare(workshop, "t.A")
        await device.runner.run()
        await until(lambda: "FINISHED" in workshop.states("t.A"))
        pid = int((workshop.root / "work/t.A/pid").read_text())
        assert not is_alive(pid)
        await device.close()
        return pid

    asyncio.run(story())


def test_dependents_stop_first(workshop: Workshop) -> None:
    trap = "trap 'echo {name} >> {order}; exit 0' TERM; touch ready; while :; do sleep 0.02; done"
    order = workshop.folder / "order"
    workshop.recipe(
        "t.A", "run: " + json.dumps(trap.replace("{name}", "A").replace("{order}", str(order))), needs={"t.B": "SOFT"}
    )
    workshop.recipe("t.B", "run: " + json.dumps(trap.replace("{name}", "B").replace("{order}", str(order))))

    async def story() -> None:
        device = prepare(workshop, "t.A")
        await device.runner.run()
        for name in ("t.A", "t.B"):
            await until((workshop.root / "work" / name / "ready").exists)
        await device.close()

    asyncio.run(story())
    assert order.read_text() == "A\nB\n"


def test_a_hard_dependent_stops_when_what_it_needs_is_broken(workshop: Workshop) -> None:
    workshop.recipe("t.A", needs={"t.B": "HARD"})
    workshop.recipe("t.B", "run: sleep 0.1; exit 1")

    async def story() -> None:
        device = prepare(workshop, "t.A", timing=QuickTiming().timing())
        await device.runner.run()
        await until(lambda: workshop.states("t.A")[-1] == "STOPPED")
        await device.close()

    asyncio.run(story())
    assert workshop.states("t.B")[-1] == "BROKEN"


def test_a_soft_dependent_goes_on_when_what_it_wants_is_broken(workshop: Workshop) -> None:
    workshop.recipe("t.A", needs={"t.B": "SOFT"})
    workshop.recipe("t.B", "run: exit 1")

    async def story() -> None:
        device = prepare(workshop, "t.A", timing=QuickTiming().timing())
        await device.runner.run()
        await until(lambda: "BROKEN" in workshop.states("t.B"))
        await until(lambda: workshop.states("t.A")[-1] == "RUNNING")
        await device.close()

    asyncio.run(story())
    assert workshop.states("t.A") == ["INSTALLED", "RUNNING", "STOPPING", "STOPPED"]


def test_a_startup_that_has_ended_well_is_running_with_what_it_left(workshop: Workshop) -> None:
    workshop.recipe("t.A", needs={"t.B": "HARD"})
    workshop.recipe("t.B", "startup: sleep 1000 & echo $! > pid")

    async def story() -> int:
        device = prepare(workshop, "t.A")
        await device.runner.run()
        await until(lambda: "RUNNING" in workshop.states("t.A"))
        assert workshop.states("t.B") == ["INSTALLED", "STARTING", "RUNNING"]
        pid = int((workshop.root / "work/t.B/pid").read_text())
        assert is_alive(pid)
        await device.close()
        return pid

    assert not is_alive(asyncio.run(story()))


def test_a_stop_during_installation_leaves_nothing(workshop: Workshop) -> None:
    workshop.recipe("t.A", "install: echo $$ > pid; exec sleep 1000")

    async def story() -> int:
        device = prepare(workshop, "t.A")
        work = asyncio.create_task(device.runner.run())
        pid_file = workshop.root / "work/t.A/pid"
        await until(lambda: pid_file.exists() and pid_file.read_text() != "")
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work
        await device.close()
        return int(pid_file.read_text())

    assert not is_alive(asyncio.run(story()))


@pytest.mark.parametrize("turns", range(0, 12, 3))
def test_a_stop_at_any_turn_of_the_start_leaves_nothing(workshop: Workshop, turns: int) -> None:
    workshop.recipe("t.A", "install: echo $$ > pid; exec sleep 1000")

    async def story() -> None:
        device = prepare(workshop, "t.A", PROMPT)
        work = asyncio.create_task(device.runner.run())
        for _ in range(turns):
            await asyncio.sleep(0)
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work
        await device.close()

    asyncio.run(story())
    pid_file = workshop.root / "work/t.A/pid"
    assert not pid_file.exists() or not is_alive(int(pid_file.read_text() or 0))


def test_a_killed_guard_takes_its_command_along(workshop: Workshop) -> None:
    workshop.recipe("t.A", "run: echo $PPID $$ > pids; exec sleep 1000")

    async def story() -> int:
        device = prepare(workshop, "t.A", timing=QuickTiming().timing())
        await device.runner.run()
        pids = workshop.root / "work/t.A/pids"
        await until(lambda: pids.exists() and pids.read_text() != "")
        guard, command = map(int, pids.read_text().split())
        os.kill(guard, signal.SIGKILL)
        await until(lambda: not is_alive(command))
        await until(lambda: workshop.states("t.A").count("RUNNING") == 2)
        await device.close()
        return command

    assert not is_alive(asyncio.run(story()))
