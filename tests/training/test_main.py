"""The demo's bundle is made the way a user's is; run it with the training environment: `pytest -m training`."""

import hashlib
import importlib.util
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from smartcam.contract.event import EventKind
from smartcam.model.analyser import analyser_of
from smartcam.model.bundle import ModelBundle
from smartcam.model.classifier import ClassifierScorer
from smartcam.vision.picture import Picture
from training.__main__ import STORED, demo_lesson, going_on, main
from training.bundle import KERAS_SOURCE, source_beside
from training.classifier.learning import Lesson
from training.classifier.networks import InputSize, NetworkName, opened_encoder

TINY = ["--seed", "3", "--yards", "2", "--held-out", "1", "--epochs", "1"]


NO_TENSORFLOW = pytest.mark.skipif(
    importlib.util.find_spec("tensorflow") is None, reason="TensorFlow is in the training environment"
)


@pytest.mark.training
@pytest.mark.filterwarnings("default")
@NO_TENSORFLOW
def test_drawn_yards_end_in_a_bundle_that_opens(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*TINY, "--out", str(tmp_path / "demo"), "--work", str(tmp_path / "work")]) == 0
    [digest] = [line.split()[1] for line in capsys.readouterr().out.splitlines() if line.startswith("sha256")]
    bundle = ModelBundle.open(tmp_path / "demo")
    assert bundle.manifest.files["model.tflite"] == digest
    assert bundle.manifest.labels == ("normal", "intruder")
    assert dict(bundle.manifest.events) == {"intruder": EventKind.ANOMALY}
    assert bundle.manifest.provenance.command == f"python -m training {' '.join(TINY)}"
    assert (tmp_path / "demo/model.tflite").stat().st_size < 200_000
    scorer = analyser_of(bundle)
    assert isinstance(scorer, ClassifierScorer)
    assert 0 <= scorer.score([Picture.from_bgr(np.zeros((90, 160, 3), np.uint8))]) <= 1
    assert opened_encoder(tmp_path / "demo").output.shape == (None, 12, 20, 64), "others may begin with it"


def test_the_demos_lesson_is_one_that_anybody_can_give() -> None:
    lesson = demo_lesson(1, 400, 16, 20)
    assert isinstance(lesson, Lesson)
    assert lesson.network is NetworkName.SIGNS
    assert lesson.labels == ("normal", "intruder")


def test_the_lesson_for_a_microcontroller_says_so_in_its_bundle() -> None:
    lesson = demo_lesson(1, 400, 16, 20, InputSize.MICRO)
    assert (lesson.size, lesson.network) == (InputSize.MICRO, NetworkName.TRANSFER)
    assert lesson.temperature == demo_lesson(1, 400, 16, 20).temperature == 2
    assert lesson.name == "yard-intruder-96x96"
    assert lesson.command == "python -m training --size 96x96 --seed 1 --yards 400 --held-out 16 --epochs 20"
    assert "--size" not in demo_lesson(1, 400, 16, 20).command


@pytest.mark.training
@pytest.mark.filterwarnings("default")
@NO_TENSORFLOW
def test_a_lesson_for_a_network_that_goes_on_is_gentle_and_names_what_it_was() -> None:
    start, lesson = source_beside(STORED[InputSize.USUAL], KERAS_SOURCE), demo_lesson(1, 400, 16, 6)
    gentle = going_on(lesson, start)
    assert gentle.begins_with == start
    assert gentle.command == f"{lesson.command} --from {start}"
    assert hashlib.sha256(start.read_bytes()).hexdigest() in gentle.source
    assert gentle.fitting == replace(lesson.fitting, rate=5e-5)


@pytest.mark.training
@pytest.mark.filterwarnings("default")
@NO_TENSORFLOW
def test_a_file_that_is_no_network_is_refused_before_anything_is_drawn(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["--from", str(tmp_path / "none.keras"), "--out", str(tmp_path / "demo")])
    assert "--from: " in (said := capsys.readouterr().err)
    assert "none.keras: is no signs network of Keras" in said


def test_the_network_for_a_microcontroller_does_not_go_on(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--size", "96x96", "--from", "demo.keras"])
    assert "--from: demo.keras: only a signs network goes on; leave out --size" in capsys.readouterr().err


def test_the_command_refuses_nonsense(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--epochs", "0"])
    assert "at least 1" in capsys.readouterr().err


def test_a_folder_that_is_no_bundle_is_refused_before_anything_is_drawn(tmp_path: Path) -> None:
    (tmp_path / "holiday.mp4").touch()
    with pytest.raises(FileExistsError, match="is no bundle"):
        main(["--out", str(tmp_path)])
