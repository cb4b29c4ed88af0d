import importlib.util

import pytest

from devkit.__main__ import VERBS, main, module_of


def test_a_verb_runs_its_module(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["nucleus", "--help"])
    assert ended.value.code == 0
    assert "--iot-endpoint" in capsys.readouterr().out


@pytest.mark.parametrize("words", [["--help"], ["-h"]])
def test_help_lists_the_verbs_that_exist_and_no_others(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 0
    listed = [line.split()[0] for line in capsys.readouterr().out.splitlines()[2:]]
    assert "nucleus" in listed
    assert listed == [verb for verb in VERBS if module_of(verb) is not None]


def test_an_unknown_verb_is_named_before_the_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["nukleus"]) == 2
    said = capsys.readouterr().err.splitlines()
    assert said[0] == "devkit: there is no verb 'nukleus'"
    assert said[1].startswith("usage: ")


def test_no_verb_at_all_gives_the_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert capsys.readouterr().err.startswith("usage: ")


def test_a_verb_without_module_does_not_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    assert main(["nucleus"]) == 2
