import importlib.util
import sys
from pathlib import Path

import pytest

from measure.fuzz import command
from measure.fuzz.catalogue import TARGETS
from measure.fuzz.had import Had, keep_had, read_had

needs_atheris = pytest.mark.skipif(
    importlib.util.find_spec("atheris") is None, reason="there are no wheels of atheris for this machine"
)


def test_the_targets_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--list"]) == 0

    assert capsys.readouterr().out.split() == list(TARGETS)


def test_without_time_the_kept_corpus_is_only_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--target", "chunk", "--seconds", "0", "--folder", str(tmp_path)]) == 0

    assert "| chunk |" in capsys.readouterr().out


def test_a_corpus_that_reaches_too_little_fails_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "read_corpus", lambda _name: (b"",))

    assert command.main(["--target", "event", "--seconds", "0", "--folder", str(tmp_path)]) == 1

    assert "less than 80% of event" in capsys.readouterr().err


def test_where_atheris_is_missing_that_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "atheris", None)

    assert command.main(["--target", "chunk"]) == 1

    assert "atheris is missing" in capsys.readouterr().err


def test_of_the_fuzzers_words_the_trace_is_told() -> None:
    words = "INFO: Seed: 1\n#2 INITED\n === Uncaught Python exception: ===\nKeyError: 'x'\nstat::number: 1"

    assert command.ended_lines(words) == [" === Uncaught Python exception: ===", "KeyError: 'x'"]


@pytest.fixture
def targets_of_a_test(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A target that finds fault with some inputs, in a module that a fuzzing process can import."""
    (tmp_path / "fuzzed_in_a_test.py").write_text(MODULE)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{':'.join(sys.path)}")
    monkeypatch.setattr(command, "module_of", lambda _name: "fuzzed_in_a_test")


MODULE = """
import time
from measure.fuzz.target import FuzzTarget

def refuse(data):
    raise KeyError(len(data))

TARGETS = {"event": FuzzTarget(lambda data: time.sleep(0.01), ()), "health": FuzzTarget(refuse, ())}
"""


@needs_atheris
@pytest.mark.usefixtures("targets_of_a_test")
def test_a_finding_is_said_with_its_trace_and_what_was_had_before_it_counts_no_more(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keep_had(tmp_path, "health", Had(0.5, 7))

    assert command.main(["--target", "health", "--seconds", "1", "--folder", str(tmp_path)]) == 1

    said = capsys.readouterr()
    assert "FOUND" in said.out
    assert "KeyError" in said.out
    assert "findings: health" in said.err
    assert read_had(tmp_path, "health") == Had()


@needs_atheris
@pytest.mark.usefixtures("targets_of_a_test")
def test_a_target_that_has_only_waited_has_not_had_its_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "_MOST_WAITING", 1)

    assert command.main(["--target", "event", "--seconds", "1", "--folder", str(tmp_path)]) == 1

    assert read_had(tmp_path, "event").cpu_s < 1
    assert "too little time for event" in capsys.readouterr().err


@needs_atheris
def test_what_a_target_has_had_is_seconds_of_a_processor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "_MOST_WAITING", 600)  # the machine may be busy
    assert command.main(["--target", "chunk", "--seconds", "1", "--folder", str(tmp_path)]) == 0

    had = read_had(tmp_path, "chunk")
    assert had.cpu_s >= 1
    assert had.tries > 0
