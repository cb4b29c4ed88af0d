"""A deployment is planned, agreed to and done, one at a time, and can be stopped."""

import os
import sys
import threading
from collections.abc import Iterator

import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.waiting import until
from tools.console import deploying
from tools.console.deploying import Busy, Deploying, DeployingState
from tools.console.ordering import WizardCommand


def python(code: str, shown: str = "$ python") -> WizardCommand:
    return WizardCommand((sys.executable, "-c", code), shown, {"WORD": "hello"})


def reached(job: Deploying, state: DeployingState) -> dict[str, object]:
    until(lambda: job.document()["state"] == state)
    return job.document()


@pytest.fixture
def job() -> Iterator[Deploying]:
    made = Deploying()
    yield made
    made.close()


def test_nothing_is_done_before_a_yes_to_the_very_plan_that_was_shown(job: Deploying) -> None:
    done: list[str] = []

    def do() -> Iterator[str]:
        done.append("done")
        yield "it is done"

    job.plan(iter(["this would be done"]), do)
    shown = reached(job, DeployingState.PLANNED)
    assert (shown["lines"], done) == (["this would be done"], [])
    for wrong in ("", "another"):
        with pytest.raises(Busy, match="not the plan that was shown last"):
            job.agree(wrong)
    job.agree(str(shown["plan"]))
    assert reached(job, DeployingState.DONE)["lines"] == ["it is done"]
    assert done == ["done"]
    with pytest.raises(Busy):
        job.agree(str(shown["plan"]))


def test_what_a_command_says_is_shown_as_it_comes_with_its_errors_and_its_own_variables(job: Deploying) -> None:
    said = python("import os, sys; print(os.environ['WORD']); print('why', file=sys.stderr)")
    job.plan(iter([said]), lambda: iter(()))
    assert reached(job, DeployingState.PLANNED)["lines"] == ["$ python", "hello", "why"]


def test_what_comes_after_a_command_that_failed_is_not_begun(job: Deploying) -> None:
    job.plan(iter([python("print('no'); raise SystemExit(2)"), "the next"]), lambda: iter(()))
    lines = reached(job, DeployingState.FAILED)["lines"]
    assert lines == ["$ python", "no", "this ended with exit code 2; what comes after it was not begun"]
    assert job.document()["plan"] == ""


def test_what_keeps_a_step_from_being_made_is_said(job: Deploying) -> None:
    def broken() -> Iterator[str]:
        yield "first"
        raise RuntimeError("the account is closed")

    job.plan(broken(), lambda: iter(()))
    assert reached(job, DeployingState.FAILED)["lines"] == ["first", "the account is closed"]


def test_one_thing_runs_at_a_time_and_a_person_can_stop_it(job: Deploying) -> None:
    job.plan(iter([python("print('begun', flush=True); import time; time.sleep(600)"), "more"]), lambda: iter(()))
    until(lambda: "begun" in str(job.document()["lines"]))
    with pytest.raises(Busy, match="just now"):
        job.plan(iter(()), lambda: iter(()))
    job.stop()
    lines = reached(job, DeployingState.FAILED)["lines"]
    assert "more" not in str(lines)
    job.stop()
    assert job.document()["state"] == DeployingState.IDLE


def test_a_command_that_takes_no_notice_of_being_stopped_is_killed(
    job: Deploying, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deploying, "STOP_S", 0.1)
    deaf = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)"
    )
    job.plan(iter([python(deaf), "more"]), lambda: iter(()))
    until(lambda: "deaf" in str(job.document()["lines"]))
    job.stop()
    assert "more" not in str(reached(job, DeployingState.FAILED)["lines"])


def test_whoever_ends_the_console_ends_what_it_has_begun(job: Deploying) -> None:
    job.plan(iter([python("import os, time; print(os.getpid(), flush=True); time.sleep(600)")]), lambda: iter(()))
    until(lambda: str(job.document()["lines"]).count(",") == 1)
    pid = int(str(job.document()["lines"]).split("'")[3])
    job.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


class AnyOrder(RuleBasedStateMachine):
    """Whatever a person presses: what is done was planned, shown, and agreed to since."""

    def __init__(self) -> None:
        super().__init__()
        self.job = Deploying()
        self.agreed = self.done = 0
        self.gate = threading.Event()

    def steps(self) -> Iterator[str]:
        self.gate.wait(30)
        yield "a line"

    def do(self) -> Iterator[str]:
        self.done += 1
        return self.steps()

    @rule()
    def plan(self) -> None:
        if self.job.document()["state"] in {"planning", "deploying"}:
            with pytest.raises(Busy):
                self.job.plan(self.steps(), self.do)
        else:
            self.gate.clear()
            self.job.plan(self.steps(), self.do)

    @rule()
    def goes_on(self) -> None:
        self.gate.set()
        until(lambda: self.job.document()["state"] not in {"planning", "deploying"})

    @rule()
    def stop(self) -> None:
        self.job.stop()

    @rule()
    def agree_to_nothing(self) -> None:
        with pytest.raises(Busy):
            self.job.agree("")

    @precondition(lambda self: self.job.document()["state"] == "planned")
    @rule()
    def agree(self) -> None:
        self.gate.clear()
        self.job.agree(str(self.job.document()["plan"]))
        self.agreed += 1

    @invariant()
    def only_what_was_agreed_to_is_done(self) -> None:
        assert self.done == self.agreed

    def teardown(self) -> None:
        self.gate.set()
        self.job.close()


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(max_examples=20, stateful_step_count=15, deadline=None)
