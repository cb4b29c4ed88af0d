"""`smartcam-inference --table`: the model of a table answers the rows of a CSV, on either runtime."""

import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smartcam.edge.standard_output import NOBODY_READS
from smartcam.inference.commands.table import answer_rows
from smartcam.inference.main import main
from smartcam.model.rows.packing import write_row_bundle
from tests.fakes import models
from tests.fakes.row_models import DEVIATION, LAYERS, MEAN, linear, table_draft, write_filter
from tests.training.tabular.verdicts import judged_history
from training.tabular.onnx_file import OnnxDense
from training.tabular.silencing import learn_filter

NARROW = 1000.0


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("table") / "shapes"
    layers = [(np.array(weights, np.float32), np.array(bias, np.float32)) for weights, bias in LAYERS]
    onnx = OnnxDense(np.array(MEAN, np.float32), np.array(DEVIATION, np.float32), NARROW, layers).to_bytes()
    write_row_bundle(folder, models.dense(MEAN, DEVIATION, LAYERS), table_draft(), onnx)
    return folder


def answered(bundle: Path, file: Path, *, onnx: bool = False) -> tuple[int, list[dict[str, object]], str]:
    answers, errors = io.StringIO(), io.StringIO()
    code = answer_rows(bundle, file, answers, errors, onnx=onnx)
    return code, [json.loads(line) for line in answers.getvalue().splitlines()], errors.getvalue()


def written(folder: Path, text: str) -> Path:
    (folder / "rows.csv").write_text(text, encoding="utf-8")
    return folder / "rows.csv"


def test_each_row_is_answered_with_its_label_and_probability(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = written(tmp_path, "\ufeffid,colour,size\n7, red ,9\n\n8,blue,\n9,green,nan\n")
    assert main(["--table", str(bundle), "--csv", str(file)]) == 0
    answers = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [answer["line"] for answer in answers] == [2, 4, 5]
    assert answers[0]["label"] == "yes"
    assert answers[0]["probability"] > 0.9
    assert answers[1]["label"] == "no"
    assert 0 <= answers[1]["probability"] < 0.5


@given(rows=st.lists(st.tuples(st.floats(-1e4, 1e4), st.sampled_from(["red", "blue", "green", ""])), max_size=12))
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_onnx_runtime_says_the_same_as_the_device_s_own_runtime(
    bundle: Path, tmp_path: Path, rows: list[tuple[float, str]]
) -> None:
    file = written(tmp_path, "size,colour\n" + "".join(f"{size},{colour}\n" for size, colour in rows))
    code, ours, _ = answered(bundle, file)
    onnx_code, theirs, said = answered(bundle, file, onnx=True)
    assert (code, onnx_code, said) == (0, 0, "")
    assert len(ours) == len(theirs) == len(rows)
    for one, other in zip(ours, theirs, strict=True):
        assert one["probability"] == pytest.approx(other["probability"], abs=1e-3)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "rows.csv: has no column 'size'; there are none; the model was trained with it"),
        ("size\n1\n", "has no column 'colour'; there are size; the model was trained with it"),
        ("Size;colour\n1;red\n", "has no column 'size'; there are Size;colour; the model"),
        (",".join(f"c{n}" for n in range(99)) + "\n", "there are c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, "),
        ("size,size,colour\n1,2,red\n", "two columns are called 'size'; the model was trained with it"),
        ('size,colour\n1,red\n2,"red\n3,red\n', "rows.csv:3: is no CSV (a quotation mark of it is never closed)"),
        ("size,colour\n1\n", "rows.csv:2: has 1 cells, and the first line 2"),
        ("size,colour\n1,red\n1,red,x\n", "rows.csv:3: has 3 cells"),
        ('size,colour\n1,"' + "r" * 140_000 + '"\n', "is no CSV (field larger"),
        ("size,colour\n1,\x00\n", "holds a NUL byte"),
    ],
)
def test_a_csv_that_cannot_be_answered_is_one_line_with_its_place(
    bundle: Path, tmp_path: Path, text: str, said: str
) -> None:
    code, _, errors = answered(bundle, written(tmp_path, text))
    assert code == 1
    assert said in errors
    assert len(errors.splitlines()) == 1


def test_what_is_no_table_or_not_there_is_one_line(bundle: Path, tmp_path: Path) -> None:
    file = written(tmp_path, "size,colour\n1,red\n")
    false_alarms = write_filter(tmp_path / "f", learn_filter(judged_history(), linear))
    assert "is a filter, not a table" in answered(false_alarms, file)[2]
    assert "no bundle found" in answered(tmp_path / "none", file)[2]
    assert "none.csv" in answered(bundle, tmp_path / "none.csv")[2]
    write_row_bundle(tmp_path / "plain", models.dense(MEAN, DEVIATION, LAYERS), table_draft())
    assert "has no model.onnx" in answered(tmp_path / "plain", file, onnx=True)[2]


@pytest.mark.parametrize("argv", [["--table", "x"], ["--csv", "x"], ["--onnx"]])
def test_a_table_without_rows_and_rows_without_a_table_are_said(
    argv: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(argv)
    assert "--table and --csv go together" in capsys.readouterr().err


def test_a_reader_of_the_answers_that_has_seen_enough_ends_it_without_a_word(bundle: Path, tmp_path: Path) -> None:
    file = written(tmp_path, "size,colour\n" + "1,red\n" * 5000)
    command = [sys.executable, "-m", "smartcam.inference.main", "--table", str(bundle), "--csv", str(file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        assert json.loads(child.stdout.readline())["line"] == 2
        child.stdout.close()
        said = child.stderr.read()
    assert "Broken pipe" not in said
    assert "Traceback" not in said
    assert child.returncode == NOBODY_READS
