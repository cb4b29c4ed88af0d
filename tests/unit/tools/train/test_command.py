"""`smartcam train`: what a person types and reads."""

import json
import shlex
import subprocess
from pathlib import Path

import pytest

from tests.clips import moving_square, write_clip
from tools.command_line import ROOT
from tools.train import command
from tools.train.command import clip_parser, command_of, main
from training.classifier.learning import plain_name


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if this environment had TensorFlow."""
    monkeypatch.setattr("tools.train.command.importlib.util.find_spec", lambda _: object())


def test_without_the_training_environment_one_line_says_how_to_make_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tools.train.command.importlib.util.find_spec", lambda _: None)
    monkeypatch.setattr(command, "_ENVIRONMENT", tmp_path / ".venv-training/bin/python")
    assert main(["clips", "somewhere"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith(".venv-training is missing; `make setup-training` makes it")


def test_what_tensorflow_says_to_itself_is_not_shown(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tools.train.command.importlib.util.find_spec", lambda _: None)
    python = tmp_path / "python"
    python.write_text('#!/bin/sh\necho "I0000 00:00 port.cc] oneDNN" >&2\nprintf "footage: none\\377\\n" >&2\nexit 7\n')
    python.chmod(0o755)
    monkeypatch.setattr(command, "_ENVIRONMENT", python)
    assert main(["clips", "somewhere"]) == 7
    assert capsys.readouterr().err == "footage: none\ufffd\n"  # a library says names as they are


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ({"a.mp4": {"person": [[0, 39]]}}, "of the time for training all of it shows what is to be learned"),
        ({"a.mp4": {"person": [[5, 9]]}}, "no held-out time for the validation"),
        ({"b.mp4": {"person": [[5, 9]]}}, "holds nothing that can be learned from"),
    ],
)
def test_footage_that_cannot_be_learned_from_ends_in_one_line_and_no_bundle(
    entries: object, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clips = tmp_path / "clips"
    clips.mkdir()
    write_clip(clips / "a.mp4", moving_square(frames=40))
    labels = tmp_path / "labels.json"
    labels.write_text(json.dumps(entries))
    out, work = tmp_path / "out", tmp_path / "work"
    assert main(["clips", str(clips), "--labels", str(labels), "--out", str(out), "--work", str(work)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("smartcam train: ")
    assert said in line
    assert not out.exists()
    assert not work.exists()


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    "wrong", [["--budget", "0"], ["--epochs", "0"], ["--rate", "nan"], ["--network", "large"], ["--size", "64x64"]]
)
def test_numbers_that_mean_nothing_are_refused(wrong: list[str]) -> None:
    with pytest.raises(SystemExit):
        main(["clips", "somewhere", *wrong])


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("there", [["--role", "arn:x"], ["--bucket", "films"], ["--region", "eu-west-1"], ["--wait"]])
def test_what_only_means_something_elsewhere_is_refused_here(
    there: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["clips", "somewhere", *there])
    assert f"{there[0]} goes with --on sagemaker" in capsys.readouterr().err


def test_make_train_hands_on_what_it_is_given() -> None:
    def said(*variables: str) -> str:
        # What make would do, without doing it.
        done = subprocess.run(
            ["/usr/bin/env", "make", "-n", "train", *variables], cwd=ROOT, capture_output=True, text=True, check=True
        )
        return done.stdout

    command_line = said("CLIPS=a b", "LABELS=l.json", "TARGET=person")
    assert 'train clips "a b" --labels "l.json" --target "person"' in command_line
    assert "-m training\n" not in command_line
    assert "-m training\n" in said()


@pytest.mark.usefixtures("here")
def test_a_folder_that_is_no_bundle_is_refused_before_anything_is_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "holiday.mp4").touch()
    assert main(["clips", str(tmp_path / "nowhere"), "--out", str(tmp_path)]) == 1
    assert "is there, and is no bundle" in capsys.readouterr().err
    assert (tmp_path / "holiday.mp4").exists()


@pytest.mark.parametrize(
    ("target", "name"), [("..", "trained"), ("a/b c", "a-b-c"), ("Tür", "T-r"), ("person", "person")]
)
def test_a_target_is_no_path(target: str, name: str) -> None:
    assert plain_name(target) == name


def test_what_a_bundle_says_of_its_making_names_no_folder_of_the_user() -> None:
    options = clip_parser("clips", "train clips: x").parse_args(
        ["/home/ann/Holiday 1", "--labels", "/home/ann/l.json", "--seed", "4", "--encoder", "/home/ann/e.keras"]
    )
    said = command_of("clips", options, "person")
    assert "/home" not in said
    again = clip_parser("clips", "train clips: x").parse_args(shlex.split(said)[3:])
    assert (again.seed, again.target, again.clips.name, again.rate) == (4, "person", "Holiday 1", options.rate)


def test_the_size_of_the_picture_is_said_where_it_is_another_one() -> None:
    parser = clip_parser("clips", "train clips: x")
    assert "--size 96x96" in command_of("clips", parser.parse_args(["yard", "--size", "96x96"]), "person")
    assert "--size" not in command_of("clips", parser.parse_args(["yard"]), "person")


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("version", ["", "1 0", "x\ny", "../1", "-1", "1" * 49])
def test_a_version_that_no_bundle_can_have_is_refused_before_anything_is_learned(
    version: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["clips", "somewhere", f"--version={version}"])
    assert "give 1 to 48 letters, digits" in capsys.readouterr().err


@pytest.mark.usefixtures("here")
def test_what_may_be_chosen_is_said_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    for wrong in (["clips", "somewhere", "--network", "large"], ["filter", "h.csv", "--never-from", "awful"]):
        with pytest.raises(SystemExit):
            main(wrong)
        said = capsys.readouterr().err
        assert "choose from" in said
        assert "<" not in said.splitlines()[-1]


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("verb", [["table", "--out", "o"], ["filter"]])
def test_a_table_that_is_not_there_is_named_and_nothing_else_is_said(
    verb: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "none.csv"
    assert main([verb[0], str(path), *verb[1:]]) == 1
    assert capsys.readouterr().err == f"smartcam train: table {path}: No such file or directory\n"
