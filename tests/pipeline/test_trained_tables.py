"""What the training environment learns from rows, run by the device's own code in this one."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from smartcam.inference.main import main
from tests.training.tabular.verdicts import judged_history
from tests.unit.inference.judging_device import play_later_half
from tools.command_line import ROOT
from tools.train.command import main as train

pytestmark = pytest.mark.skipif(
    not (ROOT / ".venv-training/bin/python").exists(), reason="needs the training environment"
)


def written(path: Path, rows: list[dict[str, str]]) -> str:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    return str(path)


@pytest.mark.soak
def test_a_filter_learned_from_verdicts_silences_half_of_the_later_false_events_on_the_device_and_no_true_one(
    tmp_path: Path,
) -> None:
    assert train(["filter", written(tmp_path / "h.csv", judged_history()), "--out", str(tmp_path / "filter")]) == 0
    play_later_half(tmp_path / "filter", tmp_path)


def test_a_table_s_network_says_the_same_on_onnx_runtime_as_in_eight_bits(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = np.random.default_rng(7)
    rows = [
        {"size": f"{size:.3f}", "far": f"{rng.uniform(0, 5000):.0f}", "label": "yes" if size > 0.5 else "no"}
        for size in rng.uniform(0, 1, 200)
    ]
    file = written(tmp_path / "rows.csv", rows)
    assert train(["table", file, "--out", str(tmp_path / "table"), "--epochs", "5"]) == 0
    answers = []
    for more in ([], ["--onnx"]):
        capsys.readouterr()
        assert main(["--table", str(tmp_path / "table"), "--csv", file, *more]) == 0
        answers.append([json.loads(line)["probability"] for line in capsys.readouterr().out.splitlines()])
    ours, theirs = map(np.array, answers)
    steps = np.abs(ours - theirs) * 256
    assert len(steps) == 200
    assert steps.max() < 2
