"""Words of script mode become words of `smartcam train clips`."""

import json
from pathlib import Path

import pytest

from tools.train.command import main
from tools.train.in_service import arguments

PLACES = {"SM_MODEL_DIR": "/opt/ml/model", "SM_CHANNEL_CLIPS": "/opt/ml/input/data/clips"}


def test_the_parameters_of_a_job_become_options(tmp_path: Path) -> None:
    (tmp_path / "labels.json").write_text("{}")
    told = {"target": "-x y", "rate": 0.001, "epochs": 4, "unknown": "--out=/etc"}
    said = arguments({**PLACES, "SM_CHANNEL_LABELS": str(tmp_path), "SM_HPS": json.dumps(told)}, tmp_path)
    assert said[:2] == ["clips", "/opt/ml/input/data/clips"]
    assert said[said.index("--out") + 1] == "/opt/ml/model/bundle"
    assert said[said.index("--labels") + 1] == str(tmp_path / "labels.json")
    assert {"--target=-x y", "--rate=0.001", "--epochs=4"} <= set(said)
    assert not any("/etc" in word for word in said)


def test_one_folder_for_each_class_needs_no_labels(tmp_path: Path) -> None:
    assert "--labels" not in arguments({**PLACES, "SM_HPS": "{}"}, tmp_path)


def test_footage_that_cannot_be_learned_from_fails_the_job_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tools.train.command.importlib.util.find_spec", lambda _: object())
    here = {"SM_MODEL_DIR": str(tmp_path / "model"), "SM_CHANNEL_CLIPS": str(tmp_path), "SM_HPS": "{}"}
    assert main(arguments(here, tmp_path / "work")) == 1
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert not (tmp_path / "model").exists()
