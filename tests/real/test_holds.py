"""What the holds ask of a real nucleus and make of its answers, and what a failed step looks like."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from standins.nucleus.profile import LITE
from standins.nucleus.recipe import read_recipe
from tests.conformance.target import recipe
from tests.real.drill import Drill, DrillReleases
from tests.real.hold import Outcome
from tests.real.lite import LiteHold
from tools.build.suite import Built


class Shell:
    """Answers commands by their first words, and remembers them."""

    def __init__(self, journal: Sequence[str]) -> None:
        self.asked: list[str] = []
        self._journal = iter(journal)

    def run(self, command: Sequence[str]) -> str:
        self.asked.append(" ".join(command))
        if "--show-cursor" in command:
            return "-- cursor: s=1;i=2\n"
        return next(self._journal) if "ggl.core.ggdeploymentd.service" in command else ""


def at_once(condition: Callable[[], bool], limit_s: float) -> bool:
    del limit_s
    return any(condition() for _ in range(3))


def deployed(*journal: str) -> tuple[Outcome, list[str]]:
    shell = Shell(journal)
    hold = LiteHold(Path("/var/lib/greengrass"), shell.run, at_once)
    return hold.deploy(Path("/r"), Path("/a"), {"smartcam.Suite": "1.0.0", "smartcam.Model": "1.0.0"}), shell.asked


def test_a_deployment_on_lite_is_judged_by_what_the_journal_says_after_it_was_asked_for() -> None:
    good = "Completed deployment processing and reporting job as SUCCEEDED."
    outcome, asked = deployed("", good, good)
    assert outcome == Outcome(good=True, said="")
    assert asked[1] == (
        "ggl-cli deploy --recipe-dir /r --artifacts-dir /a"
        " --add-component smartcam.Suite=1.0.0 --add-component smartcam.Model=1.0.0"
    )
    assert asked[2].endswith("--after-cursor s=1;i=2")


def test_a_failed_deployment_on_lite_says_why() -> None:
    failed = "Failed waiting for smartcam.Suite\nCompleted deployment processing and reporting job as FAILED."
    outcome, _ = deployed(failed, failed)
    assert outcome.good is False
    assert outcome.said.startswith("Failed waiting for smartcam.Suite")


def test_a_deployment_on_lite_without_an_outcome_is_a_failed_one() -> None:
    outcome, _ = deployed("", "", "")
    assert (outcome.good, outcome.said[:21]) == (False, "no outcome after 3600")


def test_the_recipe_that_lends_the_token_is_one_for_lite(tmp_path: Path) -> None:
    file = tmp_path / "smartcam.Conformance-0.5.1.yaml"
    file.write_text(recipe("0.5.1"))
    assert read_recipe(file, LITE).service is not None


class Dead:
    """A nucleus on which nothing succeeds."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def deploy(self, recipes: Path, artifacts: Path, wanted: Mapping[str, str]) -> Outcome:
        del recipes, artifacts, wanted
        return Outcome(good=False, said="Failed to open recipe directory")

    def kill_ipc(self) -> None:
        raise OSError("no systemd")

    def log(self, component: str) -> str:
        return f"{component} is silent"


def test_a_drill_goes_on_after_a_step_that_failed_and_says_what_it_found(tmp_path: Path) -> None:
    (tmp_path / "build" / "recipes").mkdir(parents=True)
    releases = DrillReleases(Built(tmp_path / "build", "0.1.0", ("smartcam.Suite",)), "0.5.1", "0.5.2", "0.5.3")
    rows = list(Drill(Dead(tmp_path), releases, at_once).play())
    assert [row.passed for row in rows] == [False] * 9
    assert str(rows[1]).startswith("FAIL ")
    assert rows[1].said == "the deployment failed: Failed to open recipe directory"
    assert rows[2].said.endswith("inference said last: smartcam.Inference is silent")
    assert rows[4].said == "not both run: nothing runs"
