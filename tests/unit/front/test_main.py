"""The `smartcam` command: every verb runs, help says what there is, a misspelt verb is named."""

import importlib
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from front.main import SECTIONS, VERBS, main
from smartcam.edge.standard_output import NOBODY_READS

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_names_a_function(verb: str) -> None:
    module, _, function = VERBS[verb][0].partition(":")
    assert callable(getattr(importlib.import_module(module), function))


def test_a_verb_runs_its_function(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["nucleus", "--help"])
    assert ended.value.code == 0
    assert "usage: smartcam nucleus " in capsys.readouterr().out


@pytest.mark.parametrize("words", [[], ["--help"], ["-h"], ["help"]])
def test_help_lists_all_verbs_by_what_a_person_wants_to_do(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines if line.startswith("  ")] == list(VERBS)
    assert [line for line in lines[1:] if line and not line.startswith(" ")] == list(SECTIONS)


def test_an_unknown_verb_is_named_with_the_one_that_was_meant(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["nukleus"]) == 2
    said = capsys.readouterr().err.splitlines()
    assert said[0] == "smartcam: there is no verb 'nukleus'; did you mean 'nucleus'?"
    assert said[1].startswith("usage: ")


def test_ctrl_c_ends_any_verb_in_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted(_argv: list[str]) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("tools.lint.command.main", interrupted)
    assert main(["lint"]) == 130
    assert capsys.readouterr().err == "smartcam lint: interrupted\n"


@pytest.mark.parametrize("module", ["front", "tools.train"])
def test_a_reader_that_has_seen_enough_ends_any_verb_without_a_word(module: str) -> None:
    words = [
        sys.executable,
        "-c",
        f"import runpy,sys;sys.stdin.read();runpy.run_module('{module}', run_name='__main__')",
    ]
    pipe = subprocess.PIPE
    with subprocess.Popen([*words, "help"], cwd=ROOT, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdout.close()
        child.stdin.close()
        assert child.stderr is not None
        said = child.stderr.read()
    assert (child.returncode, said) == (NOBODY_READS, "")


def test_of_a_clip_that_cannot_be_read_one_line_is_said(tmp_path: Path) -> None:
    """OpenCV and its FFmpeg have two of their own, which name no clip."""
    clip = tmp_path / "yard.mp4"
    clip.write_bytes(b"\0\0\0\x18ftypisom" + bytes(2000))
    (tmp_path / "labels.json").write_text('{"yard.mp4": {"person": [[0, 3]]}}')
    words = [
        "score",
        "--video",
        str(clip),
        "--labels",
        str(tmp_path / "labels.json"),
        "--bundle",
        "training/bundles/demo",
    ]
    done = subprocess.run(
        [sys.executable, "-m", "front", *words], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "yard.mp4: is not a clip that can be read" in line


def test_set_up_installs_the_command(tmp_path: Path) -> None:
    done = subprocess.run([ROOT / ".venv/bin/smartcam"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("usage: smartcam <verb>")


def test_the_device_gets_its_programs_and_not_this_command() -> None:
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    names = {"capture", "inference", "console", "doctor", "homeassistant"}
    assert set(scripts) == {f"smartcam-{name}" for name in names}
