"""A small project goes through mutmut, and through the forks that try its mutants."""

import json
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

from measure.trying import Footprint, Footprints
from tools.command_line import ROOT

PROJECT = """\
[tool.mutmut]
source_paths = ["src"]
pytest_add_cli_args_test_selection = ["tests"]
"""
CODE = """\
def more(a, b):
    return a + b


def is_small(a):
    return a < 10


def nobody_calls():
    return 1
"""
TESTS = """\
from little import is_small, more


def test_more_is_more(tmp_path):
    (tmp_path / "sum").write_text(str(more(1, 2)))
    assert (tmp_path / "sum").read_text() == "3"


def test_one_is_small_and_a_thousand_is_not():
    assert is_small(1) and not is_small(1000)
"""
ENDLESS = """\
from os import environ
from signal import SIGXCPU, raise_signal


def test_nine_is_small_and_it_takes_for_ever_to_see():
    if environ["MUTANT_UNDER_TEST"] == "stats":
        raise_signal(SIGXCPU)
    assert is_small(9) and not is_small(10)


"""


def started(folder: Path, *patterns: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "measure.trying", *patterns],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )


def project(folder: Path, tests: str) -> None:
    for name, text in {"pyproject.toml": PROJECT, "src/little.py": CODE, "tests/test_little.py": tests}.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)


def fates(folder: Path) -> dict[str, set[int | None]]:
    """How the tests of each function's mutants ended."""
    notes = json.loads((folder / "mutants/src/little.py.meta").read_text())
    found = defaultdict(set)
    for name, code in notes["exit_code_by_key"].items():
        found[name.removeprefix("little.x_").partition("__mutmut")[0]].add(code)
    return dict(found)


def test_each_mutant_that_is_named_meets_the_tests_that_come_to_it(tmp_path: Path) -> None:
    project(tmp_path, TESTS)
    done = started(tmp_path, "little.x_more*", "little.x_is*")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count(" mutants tried, ") == 3
    killed, survived = 1, 0  # nobody asks whether ten is small
    assert fates(tmp_path) == {"more": {killed}, "is_small": {survived}, "nobody_calls": {None}}
    project(tmp_path, TESTS.replace("is_small(1)", "is_small(9) and not is_small(10)"))
    started(tmp_path, "little.x_is*")
    assert fates(tmp_path)["is_small"] == {killed}


def test_mutants_whose_making_was_stopped_are_made_anew(tmp_path: Path) -> None:
    project(tmp_path, TESTS)
    half = tmp_path / "mutants/src/little.py"
    half.parent.mkdir(parents=True)
    half.write_text("def more(")
    done = started(tmp_path, "little.x_more*")
    assert done.returncode == 0, done.stdout + done.stderr
    assert fates(tmp_path)["more"] == {1}


def test_a_test_that_fails_without_any_mutant_is_told_of_and_nothing_is_tried(tmp_path: Path) -> None:
    project(tmp_path, TESTS.replace('"3"', '"4"'))
    done = started(tmp_path)
    assert done.returncode == 4
    assert "test_more_is_more" in done.stdout
    assert "a test fails without any mutant" in done.stderr
    assert set.union(*fates(tmp_path).values()) == {None}


def test_a_test_that_takes_too_long_is_left_out_and_the_others_are_asked(tmp_path: Path) -> None:
    project(tmp_path, ENDLESS + TESTS)
    done = started(tmp_path, "little.x_more*", "little.x_is*")
    assert done.returncode == 0, done.stdout + done.stderr
    assert fates(tmp_path) == {"more": {1}, "is_small": {0}, "nobody_calls": {None}}


def footprint(
    test: str, state: str = "old", functions: tuple[str, ...] = ("little.x_more",), seconds: float = 1
) -> Footprint:
    return Footprint(test, seconds, functions, state)


def test_what_was_measured_before_a_run_was_stopped_is_not_measured_again(tmp_path: Path) -> None:
    kept = tmp_path / "reach.jsonl"
    Footprints(kept).note(footprint("a"))
    with kept.open("a") as file:
        file.write('{"test": "b", "sec')
    assert Footprints(kept).wanted({"a": "old", "b": "old"}, ["little.x_more__mutmut_1"]) == {"b"}


def test_a_changed_test_is_measured_again_if_it_is_going_to_be_asked(tmp_path: Path) -> None:
    known = Footprints(tmp_path / "reach.jsonl")
    known.note(footprint("a"))
    known.note(footprint("b", functions=("little.x_is_small",)))
    assert known.wanted({"a": "new", "b": "new"}, ["little.x_more__mutmut_1"]) == {"a"}


def test_the_last_measurement_of_a_test_counts(tmp_path: Path) -> None:
    known = Footprints(tmp_path / "reach.jsonl")
    known.note(footprint("a"))
    known.note(footprint("b", seconds=2))
    known.note(footprint("a", functions=("little.x_is_small",), seconds=3))
    for footprints in (known, Footprints(tmp_path / "reach.jsonl")):
        assert footprints.of("little.x_more__mutmut_1") == ["b"]
        assert footprints.of("little.x_is_small__mutmut_1") == ["a"]
        assert footprints.cost("little.x_is_small__mutmut_1") == 3


def test_what_has_noticed_much_of_a_function_is_asked_before_what_is_quicker(tmp_path: Path) -> None:
    known = Footprints(tmp_path / "reach.jsonl")
    known.note(footprint("slow", seconds=2))
    known.note(footprint("quick"))
    assert known.of("little.x_more__mutmut_1") == ["quick", "slow"]
    assert known.of("little.x_more__mutmut_1", {"slow": 2}) == ["slow", "quick"]
