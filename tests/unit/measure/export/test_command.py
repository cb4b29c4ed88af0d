"""`smartcam export`: what it takes, what it writes, and when it fails."""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from measure.export import command, footage
from measure.export.judging import judged
from measure.export.original import ExportedModel
from measure.export.parity import TargetRow
from smartcam.contract.errors import CameraLost
from smartcam.model.rows.packing import write_row_bundle
from smartcam.vision.picture import Picture
from tests.fakes import models
from tests.fakes.row_models import DEVIATION, LAYERS, MEAN, table_draft
from tools.child import AbsentHereError, ExportFault
from tools.command_line import Say
from training.tabular.onnx_file import OnnxDense

DEMO = Path(__file__).resolve().parents[4] / "training/bundles/demo"
SHOWN = [Picture.from_bgr(np.full((96, 160, 3), shade, np.uint8)) for shade in (0, 60, 120, 250)]


@pytest.fixture(autouse=True)
def _short_footage(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four pictures in the place of two hundred."""
    monkeypatch.setattr(command, "held_out", lambda *order: [order[-1](each) for each in SHOWN])


def same(exported: ExportedModel, folder: Path, _: Say) -> Iterator[TargetRow]:
    folder.mkdir()
    file = folder / "model.bin"
    file.write_bytes(exported.model)
    yield judged(exported, "same", file, (exported.ran[0], 1.0))


def other(exported: ExportedModel, folder: Path, _: Say) -> Iterator[TargetRow]:
    folder.mkdir()
    file = folder / "model.bin"
    file.write_bytes(b"x")
    answers = [tuple(255 - each for each in outputs) for outputs in exported.ran[0]]
    yield judged(exported, "other", file, (answers, 1.0))


def lacking(_: ExportedModel, folder: Path, __: Say) -> Iterator[TargetRow]:
    folder.mkdir()
    (folder / "half").write_bytes(b"x")
    raise ExportFault("lacks SEGMENT_SUM")


def absent(_: ExportedModel, __: Path, ___: Say) -> Iterator[TargetRow]:
    raise AbsentHereError("has no package for riscv64")


@pytest.fixture
def targets(monkeypatch: pytest.MonkeyPatch) -> None:
    made = {"same": same, "other": other, "lacking": lacking, "absent": absent}
    monkeypatch.setattr(command, "TARGETS", made)


def test_targets_are_a_list_with_commas_each_once() -> None:
    assert command.targets_in("tflm, onnx,tflm") == ["tflm", "onnx"]
    with pytest.raises(argparse.ArgumentTypeError, match=r"'tpu' is no target; there are onnx, .*, executorch"):
        command.targets_in("onnx,tpu")


@pytest.mark.usefixtures("targets")
@pytest.mark.parametrize(("names", "code"), [("same", 0), ("same,absent", 0), ("same,other", 1), ("lacking,same", 1)])
def test_it_fails_when_one_target_does_and_makes_the_others_all_the_same(
    names: str, code: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert command.main([str(DEMO), "--to", names, "--out", str(out)]) == code
    document = json.loads((out / command.PARITY).read_text())
    assert document["passed"] is (code == 0)
    assert [each["target"] for each in document["targets"]] == names.split(",")
    assert (out / "same/model.bin").read_bytes() == (DEMO / "model.tflite").read_bytes()
    assert not (out / "lacking").exists()
    said = capsys.readouterr().out
    assert ("lacks SEGMENT_SUM" in said) is ("lacking" in names)
    assert ("has no package for riscv64" in said) is ("absent" in names)


@pytest.mark.usefixtures("targets")
def test_an_export_is_replaced_by_the_next_one_and_anything_else_is_left_alone(tmp_path: Path) -> None:
    out = tmp_path / "out"
    order = [str(DEMO), "--to", "same", "--out", str(out)]
    assert [command.main(order), command.main(order)] == [0, 0]
    (out / "notes.txt").write_text("mine")
    assert command.main(order) == 1
    assert (out / "notes.txt").read_text() == "mine"
    strange = tmp_path / "file"
    strange.write_text("mine")
    assert command.main([str(DEMO), "--to", "same", "--out", str(strange)]) == 1
    assert strange.read_text() == "mine"


@pytest.mark.usefixtures("targets")
def test_the_source_beside_a_bundle_stands_for_it_and_the_showing_of_pictures_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main([f"{DEMO}.keras", "--to", "same", "--out", str(tmp_path / "out")]) == 0
    assert "showing it 200 pictures of drawn yards ..." in capsys.readouterr().out


@pytest.mark.usefixtures("targets")
def test_a_folder_that_is_no_bundle_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main([str(tmp_path), "--to", "same", "--out", str(tmp_path / "out")]) == 1
    assert "has no manifest.json" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_table_is_exported_as_the_onnx_that_lies_beside_it_and_is_the_same(tmp_path: Path) -> None:
    bundle, out = tmp_path / "table", tmp_path / "out"
    layers = [(np.array(weights, np.float32), np.array(bias, np.float32)) for weights, bias in LAYERS]
    onnx = OnnxDense(np.array(MEAN, np.float32), np.array(DEVIATION, np.float32), 1000.0, layers).to_bytes()
    write_row_bundle(bundle, models.dense(MEAN, DEVIATION, LAYERS), table_draft(), onnx=onnx)
    assert command.main([str(bundle), "--to", "onnx", "--out", str(out)]) == 0
    assert (out / "onnx/model.onnx").read_bytes() == onnx
    (made,) = json.loads((out / command.PARITY).read_text())["targets"]
    assert made["pictures"] >= 200
    assert made["largest"] < 1e-5
    assert (made["opset"], made["ir_version"]) == (13, 8)


def test_footage_with_too_few_pictures_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CameraLost):
        footage.held_out([tmp_path / "no.mp4"], 200, lambda picture: picture.luma)


def test_drawn_pictures_are_as_many_as_are_asked_for() -> None:
    seen = footage.held_out([], 3, lambda picture: picture.luma)
    assert len(seen) == 3
