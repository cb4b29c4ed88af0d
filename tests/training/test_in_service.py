"""Our code's archive, run as script mode does it; run it with the training environment: `pytest -m training`."""

import importlib.util
import io
import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import cv2
import numpy as np
import pytest

from smartcam.model.bundle import ModelBundle
from tests.training.classifier.conftest import RedFilm
from tools.train.job import MADE
from tools.train.packed import source_archive

pytestmark = [pytest.mark.training, pytest.mark.filterwarnings("default")]
if importlib.util.find_spec("tensorflow") is None:
    pytest.skip("TensorFlow is only in the training environment", allow_module_level=True)


def test_the_entry_point_makes_a_bundle_in_the_services_folders(tmp_path: Path) -> None:
    code, model = tmp_path / "code", tmp_path / "model"
    clips, labels = tmp_path / "input/data/clips", tmp_path / "input/data/labels"
    for folder in (code, model, clips / "gate", labels):
        folder.mkdir(parents=True)
    with tarfile.open(fileobj=io.BytesIO(source_archive()), mode="r:gz") as archive:
        archive.extractall(code, filter="data")
    visits = [(5, 14), (35, 44), (54, 60)]
    for number, shot in enumerate(RedFilm("gate", 64.0, tuple((a / 2, b / 2) for a, b in visits)).shots()):
        if number < 64:
            cv2.imwrite(str(clips / f"gate/{number:03}.png"), np.asarray(shot.picture.to_bgr()))
    (labels / "labels.json").write_text(json.dumps({"gate": {"person": visits, "fps": 1}}))
    told = {"target": "person", "network": "small", "epochs": 1, "seed": 3, "version": "1.0.0"}
    environment = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ} | {
        "SM_CHANNEL_CLIPS": str(clips),
        "SM_CHANNEL_LABELS": str(labels),
        "SM_MODEL_DIR": str(model),
        "SM_HPS": json.dumps(told),
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    words = [word for name, value in told.items() for word in (f"--{name}", str(value))]
    done = subprocess.run(
        [sys.executable, "entry.py", *words], cwd=code, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert {str(path.relative_to(model)) for path in model.rglob("*") if path.is_file()} == MADE | {"bundle.keras"}
    bundle = ModelBundle.open(model / "bundle")
    assert bundle.manifest.labels == ("normal", "person")
    assert bundle.manifest.provenance.seed == 3
