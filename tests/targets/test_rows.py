"""The rows that must be there: what is exported is the same network, on every target that can be run here.

`make test-targets`. A row that is missing fails, unless its package does not exist for this machine.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from measure.export import command
from measure.export.command import LEAST_PICTURES, PARITY, TARGETS, main
from measure.export.original import ExportedModel
from measure.export.parity import TargetRow
from tools.child import AbsentHereError
from tools.command_line import ROOT, Say
from tools.model.command import main as model_main

pytestmark = [pytest.mark.targets, pytest.mark.usefixtures("drawn_once")]

DEMO = ROOT / "training/bundles/demo"
MICRO = ROOT / "training/bundles/micro"
SSD = ROOT.parent / "shared/data/models/coco_ssd_mobilenet_v1_1.0_quant_2018_06_29.tflite"
SMALLEST_AGREEMENT = 0.99


def exported(bundle: Path, out: Path, *more: str) -> dict[str, Any]:
    """The rows of an export by target; a failed one fails here, with the table already printed."""
    code = main([str(bundle), "--out", str(out), *more])
    rows = {row["target"]: row for row in json.loads((out / PARITY).read_text())["targets"]}
    assert code == 0, f"{rows}"
    return rows


def required(rows: Mapping[str, Any], target: str) -> dict[str, Any]:
    """The row of a target that has to be there; where its package does not exist, the test is skipped and says so."""
    assert target in rows, f"there is no row for {target}, only for {', '.join(rows)}"
    row: dict[str, Any] = rows[target]
    if row["absent"]:
        pytest.skip(f"{target}: {row['absent']}")
    return row


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return exported(DEMO, tmp_path_factory.mktemp("demo") / "out")


@pytest.mark.parametrize("target", ["onnx int8", "tflm", "litert-js"])
def test_the_demos_classifier_gives_the_same_answers_on_each_target(demo: dict[str, Any], target: str) -> None:
    row = required(demo, target)
    assert row["pictures"] == LEAST_PICTURES + 1
    assert row["limit"] == 2
    assert row["largest"] <= 2
    assert row["same_top"] >= SMALLEST_AGREEMENT


def test_the_browser_and_onnx_answer_as_a_device_does_without_the_second_set_of_kernels(demo: dict[str, Any]) -> None:
    for target in ("onnx int8", "litert-js"):
        assert required(demo, target)["judged_by_reference_kernels"] == 0


def test_real_numbers_see_what_eight_bits_see(demo: dict[str, Any]) -> None:
    row = required(demo, "onnx float")
    assert row["limit"] is None
    assert row["same_top"] >= 0.95


def test_the_microcontrollers_arena_and_operators_are_said(demo: dict[str, Any]) -> None:
    row = required(demo, "tflm")
    assert 90_000 < row["arena_bytes"] < 120_000
    assert {"CONV_2D", "MAX_POOL_2D", "FULLY_CONNECTED", "LOGISTIC"} <= {*row["operators"]}


def test_the_classifier_for_a_microcontroller_needs_less_than_100_kilobytes_of_arena(tmp_path: Path) -> None:
    row = required(exported(MICRO, tmp_path / "out", "--to", "tflm"), "tflm")
    assert row["arena_bytes"] < 100_000
    assert row["pictures"] == LEAST_PICTURES + 1
    assert row["largest"] <= 2
    assert row["same_top"] >= SMALLEST_AGREEMENT


def test_the_shared_ssd_gives_the_same_boxes_under_onnx(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not SSD.is_file():
        pytest.skip("no shared data")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    bundle = tmp_path / "ssd"
    assert model_main(["get", "ssd-mobilenet-v1", "--from", str(SSD), "--out", str(bundle)]) == 0
    row = required(exported(bundle, tmp_path / "out", "--to", "onnx"), "onnx int8")
    assert row["largest"] <= 1e-3
    assert row["pictures"] == LEAST_PICTURES + 1


def test_there_is_a_row_for_every_target(demo: dict[str, Any]) -> None:
    assert {name.split()[0] for name in demo} == {*TARGETS} - {"executorch"}  # for that it must have been PyTorch


def test_each_weight_of_the_core_ml_package_is_the_sources(demo: dict[str, Any]) -> None:
    row = required(demo, "coreml")
    assert row["weights"] > 80_000
    assert row["same_top"] >= 0.95


def nothing(_: ExportedModel, folder: Path, __: Say) -> Iterator[TargetRow]:
    folder.mkdir()
    yield from ()


def without_package(_: ExportedModel, __: Path, ___: Say) -> Iterator[TargetRow]:
    raise AbsentHereError("has no package for riscv64")


def failing(_: ExportedModel, __: Path, ___: Say) -> Iterator[TargetRow]:
    yield TargetRow("litert-js", fault="ended without a word")


def test_a_row_that_is_missing_or_fails_is_a_failure_and_one_without_a_package_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "held_out", lambda *_: [])
    made = {"onnx": nothing, "tflm": without_package, "litert-js": failing}
    monkeypatch.setattr(command, "TARGETS", made)
    rows = exported(DEMO, tmp_path / "out", "--to", "onnx,tflm")
    with pytest.raises(AssertionError, match="no row for onnx int8"):
        required(rows, "onnx int8")
    with pytest.raises(pytest.skip.Exception, match="tflm: has no package for riscv64"):
        required(rows, "tflm")
    with pytest.raises(AssertionError, match="ended without a word"):
        exported(DEMO, tmp_path / "out", "--to", "litert-js")
