"""From footage to bundle, small but whole; run it with the training environment: `pytest -m training`."""

import importlib.util
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from smartcam.model.analyser import analyser_of
from smartcam.model.bundle import ModelBundle
from smartcam.model.classifier import ClassifierScorer
from smartcam.model.interpreter import open_interpreter
from smartcam.model.manifest import MODEL_FILE
from smartcam.vision.picture import Picture
from training.__main__ import Plan, main, run
from training.dataset import INPUT_HEIGHT, INPUT_WIDTH, Footage, Split, shoot
from training.evaluate import evaluate, scores_of, trained_scores
from training.export import export
from training.train import Hyperparameters, Trained, train

if importlib.util.find_spec("tensorflow") is None:
    pytest.skip("TensorFlow is only in the training environment", allow_module_level=True)

pytestmark = [pytest.mark.training, pytest.mark.filterwarnings("default")]

PLAN = Plan(seed=3, yards=3, pairs=1, held_out=2, epochs=1)
SETTINGS = Hyperparameters(epochs=1, batch=16, rate=1e-3, seed=5)


@pytest.fixture(scope="module")
def footage() -> Footage:
    return shoot(Split(30, 4, 1))


@pytest.fixture(scope="module")
def trained(footage: Footage) -> Trained:
    return train(footage, SETTINGS)


@pytest.fixture(scope="module")
def exported(trained: Trained, footage: Footage) -> bytes:
    return export(trained.network, footage, 16)


def test_the_same_settings_give_the_same_network(trained: Trained, footage: Footage) -> None:
    again = train(footage, SETTINGS)
    assert again.losses == trained.losses
    for first, second in zip(trained.network.get_weights(), again.network.get_weights(), strict=True):
        np.testing.assert_array_equal(first, second)


def test_another_seed_gives_another_network(trained: Trained, footage: Footage) -> None:
    assert train(footage, replace(SETTINGS, seed=6)).losses != trained.losses


def test_the_exported_file_is_int8_with_one_picture_of_bytes_in(exported: bytes) -> None:
    interpreter = open_interpreter(exported)
    assert interpreter.input.shape == (1, INPUT_HEIGHT, INPUT_WIDTH, 3)
    assert interpreter.input.dtype == np.uint8
    assert interpreter.input.zero_point == 0
    assert interpreter.input.scale == pytest.approx(1 / 255)
    assert interpreter.outputs[0].dtype == np.uint8
    assert len(exported) < 200_000


def test_the_exported_file_says_what_the_trained_network_says(
    exported: bytes, trained: Trained, footage: Footage
) -> None:
    assert np.abs(scores_of(exported, footage) - trained_scores(trained.network, footage)).max() < 0.05


def test_an_evaluation_counts_every_test_picture_once(exported: bytes, trained: Trained, footage: Footage) -> None:
    evaluation = evaluate(trained.network, exported, footage, footage)
    counted = sum(
        found.normal_right + found.normal_wrong + found.intruder_right + found.intruder_wrong
        for found in evaluation.confusions
    )
    assert counted == len(footage)
    assert evaluation.model_bytes == len(exported)


def test_a_run_ends_in_a_bundle_that_opens_and_replaces_the_one_before(tmp_path: Path) -> None:
    out, work = tmp_path / "bundles" / "demo", tmp_path / "work"
    evaluation, digest = run(PLAN, "python -m training", out, work)
    bundle = ModelBundle.open(out)
    assert bundle.manifest.files[MODEL_FILE] == digest
    assert bundle.manifest.thresholds == evaluation.thresholds
    assert bundle.manifest.provenance.seed == PLAN.seed
    assert (work / "report.json").exists()
    scorer = analyser_of(bundle)
    assert isinstance(scorer, ClassifierScorer)
    assert 0 <= scorer.score([Picture.from_bgr(np.zeros((90, 160, 3), np.uint8))]) <= 1
    _, second = run(PLAN, "python -m training", out, work)
    assert second == digest, "the same seed gives the same file"
    assert [path.name for path in out.parent.iterdir()] == ["demo"]


def test_the_command_refuses_nonsense(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--epochs", "0"])
    assert "at least 1" in capsys.readouterr().err
