"""From rows to a model file; run it with the training environment: `pytest -m training`."""

import csv
import importlib.util
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcam.model.interpreter import open_interpreter
from smartcam.model.rows.bundle import open_filter, open_table
from tests.fakes.row_models import linear
from tests.training.tabular.verdicts import judged_history
from tools.train.tables import train_table, try_filter
from training.errors import TrainingError
from training.tabular.dense import DenseSettings
from training.tabular.learning import learn_table
from training.tabular.table import split

pytestmark = [pytest.mark.training, pytest.mark.filterwarnings("default")]
if importlib.util.find_spec("tensorflow") is None:
    pytest.skip("TensorFlow is only in the training environment", allow_module_level=True)

SHORT = DenseSettings(epochs=15)


def table(rows: int = 200) -> str:
    """Something large and red is a yes; one column is a thousand times as large as the other."""
    rng = np.random.default_rng(4)
    lines = ["kilometres,metres,colour,label"]
    for _ in range(rows):
        size, noise, colour = rng.uniform(0, 1), rng.uniform(0, 5000), rng.choice(["red", "blue"])
        lines.append(f"{size:.3f},{noise:.0f},{colour},{'yes' if size > 0.5 and colour == 'red' else 'no'}")
    return "\n".join(lines) + "\n"


def test_a_table_becomes_a_model_file_that_says_what_the_network_says() -> None:
    learned = learn_table(table(), "label", None, DenseSettings())
    assert learned.test.auc > 0.95
    assert learned.test.right > learned.test.usual
    assert learned.test.parity < 0.02
    model = open_interpreter(learned.exported)
    assert model.input.shape == (1, 4)
    assert model.input.dtype == np.float32


def test_a_table_whose_numbers_are_wild_is_learned_from_all_the_same() -> None:
    wild = table() + "1e29,4,red,yes\n-1e29,4,red,no\n"
    assert learn_table(wild, "label", None, SHORT).test.auc > 0.5


def test_a_rate_that_ruins_the_loss_ends_in_one_error() -> None:
    with pytest.raises(TrainingError, match="the loss is no number"):
        learn_table(table(), "label", None, DenseSettings(epochs=5, rate=1e25))


def test_a_table_becomes_a_bundle_that_the_next_one_replaces_by_the_same_file_and_nothing_else_is_replaced(
    tmp_path: Path,
) -> None:
    path, out = tmp_path / "t.csv", tmp_path / "out"
    path.write_text(table())
    assert train_table([str(path), "--out", str(out), "--epochs", "1"]) == 0
    before = (out / "model.tflite").read_bytes()
    assert train_table([str(path), "--out", str(out), "--epochs", "1", "--version", "3"]) == 0
    assert (out / "model.tflite").read_bytes() == before
    bundle = open_table(out)
    assert (bundle.manifest.name, bundle.manifest.version) == ("t", "3")
    assert bundle.manifest.labels == ("no", "yes")
    assert [code.name for code in bundle.code.columns] == ["kilometres", "metres", "colour"]
    (out / "notes.txt").write_text("mine")
    assert train_table([str(path), "--out", str(out), "--epochs", "1"]) == 1
    assert (out / "notes.txt").read_text() == "mine"


def written(path: Path, rows: list[dict[str, str]]) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    return path


def test_a_filter_that_is_proven_becomes_a_bundle_whose_file_does_what_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("training.tabular.silencing._FOLDS", 2)  # each takes a network of its own, and seconds
    rows, out = judged_history(), tmp_path / "out"
    assert try_filter([str(written(tmp_path / "h.csv", rows)), "--out", str(out), "--version", "3"]) == 0
    said = capsys.readouterr().out
    judge = open_filter(out)
    later = [(row, row["verdict"] == "false") for row in rows[200:]]
    held = [is_false for row, is_false in later if judge.holds_back(row)]
    assert all(held)
    assert len(held) >= sum(is_false for _, is_false in later) / 2
    assert f"run as a device runs it, it would have silenced {len(held)} of" in said
    assert "events 3" in said


def test_verdicts_that_say_nothing_silence_nothing_and_become_no_bundle(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What decides is the proof that they lack, whatever has learned from them; see test_silencing, too."""
    monkeypatch.setattr("tools.train.tables.dense_teacher", lambda _: linear)
    out = tmp_path / "out"
    out.mkdir()
    (out / "manifest.json").write_text("an earlier one")
    assert try_filter([str(written(tmp_path / "h.csv", judged_history(meaningless=True))), "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert "would have silenced 0 of" in said
    assert "bundle     none" in said
    assert [file.read_text() for file in out.iterdir()] == ["an earlier one"]


def test_what_cannot_be_learned_from_is_one_line_and_no_bundle(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a,b\n1,2\n")
    capsys.readouterr()
    assert train_table([str(path), "--out", str(tmp_path / "none")]) == 1
    assert try_filter([str(path)]) == 1
    assert try_filter([str(tmp_path / "missing.csv")]) == 1
    path.write_text("event_id,camera,verdict\n1,gate,false\n2,gate\n")
    assert try_filter([str(path)]) == 1
    path.write_text('event_id,camera,verdict\n1,gate,"false\n2,gate,true\n')
    assert try_filter([str(path)]) == 1
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 5
    assert said[3].endswith("t.csv:3: has 2 cells, and the first line 3")
    assert said[4].endswith("t.csv:2: is no CSV (a quotation mark of it is never closed)")
    assert not (tmp_path / "none").exists()


@given(st.integers(10, 90), st.integers(10, 300), st.integers(0, 99))
def test_every_row_is_in_one_part_and_each_label_in_its_share(few: int, many: int, seed: int) -> None:
    truth = np.random.default_rng(seed).permutation(np.arange(few + many) < few)
    parts = split(truth, seed)
    assert sorted(place for part in parts for place in part.tolist()) == list(range(few + many))
    for kind in (False, True):
        counts = [int((truth[part] == kind).sum()) for part in parts]
        assert counts == pytest.approx([0.6 * sum(counts), 0.2 * sum(counts), 0.2 * sum(counts)], abs=1.5)
    assert [part.tolist() for part in split(truth, seed)] == [part.tolist() for part in parts]
