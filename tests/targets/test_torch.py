"""A network of PyTorch from its training to a device's answers, and out again: the same numbers everywhere."""

import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from measure.export.command import LEAST_PICTURES, PARITY
from measure.export.command import main as export_main
from smartcam.model.bundle import ModelBundle
from smartcam.model.interpreter import open_interpreter
from smartcam.model.preprocess import crop_rgb, whole
from tools.bundle.command import main as bundle_main
from tools.command_line import ROOT
from tools.setup import setup_torch
from training.bundle import TORCH_SOURCE, source_beside
from training.classifier.networks import rgb_spec
from training.drawn_films import YardSlides

pytestmark = pytest.mark.targets

YARDS = range(800_000, 800_005)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Trained with PyTorch on drawn pictures, then made a bundle, as a user does it."""
    folder = tmp_path_factory.mktemp("torch")
    shots = [shot for seed in YARDS for shot in YardSlides(seed, 3).shots()]
    rgb = np.stack([crop_rgb(shot.picture, whole(shot.picture), rgb_spec()) for shot in shots])
    np.savez(folder / "pictures.npz", rgb=rgb, shows=np.array([shot.shows for shot in shots]))
    learn = [setup_torch(), ROOT / "targets/pytorch/learn.py", folder / "pictures.npz", folder / "learned.pt2"]
    subprocess.run([str(each) for each in learn], check=True)
    (folder / "labels.txt").write_text("normal\nintruder\n")
    order = ["--model", folder / "learned.pt2", "--labels", folder / "labels.txt", "--out", folder / "yard"]
    assert bundle_main([str(each) for each in order]) == 0
    return folder / "yard"


@pytest.fixture(scope="module")
def rows(bundle: Path) -> dict[str, Any]:
    out = bundle.with_name("out")
    code = export_main([str(bundle), "--to", "onnx,executorch,coreml", "--out", str(out)])
    rows = {row["target"]: row for row in json.loads((out / PARITY).read_text())["targets"]}
    assert code == 0, rows
    return rows


def test_the_program_becomes_a_bundle_that_a_device_opens_and_lies_beside_it(bundle: Path) -> None:
    opened = ModelBundle.open(bundle)
    assert opened.manifest.labels == ("normal", "intruder")
    assert open_interpreter((bundle / "model.tflite").read_bytes()).input.shape == (1, 3, 96, 160)
    assert source_beside(bundle, TORCH_SOURCE).read_bytes() == bundle.with_name("learned.pt2").read_bytes()


@pytest.mark.parametrize("target", ["onnx float", "executorch", "coreml"])
def test_it_gives_the_same_numbers_on_each_target(rows: dict[str, Any], target: str) -> None:
    row = rows[target]
    assert row["pictures"] == LEAST_PICTURES + 1
    assert row["limit"] == 1e-3
    assert row["largest"] <= 1e-3
