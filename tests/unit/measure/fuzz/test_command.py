import sys
from pathlib import Path

import pytest

from measure.fuzz import command
from measure.fuzz.catalogue import TARGETS


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
