"""The demo's model as ONNX: the same network, in a form that old runtimes read."""

import numpy as np
import pytest

from measure.export.original import open_exported
from measure.export.parity import TargetRow
from measure.export.to_onnx import export_onnx, versions
from smartcam.vision.picture import Picture
from tools.command_line import ROOT

DEMO = ROOT / "training/bundles/demo"


def test_the_versions_that_a_file_asks_for_are_read() -> None:
    own, others = b"\x10\x0d", b"\x0a\x0aai.onnx.ml\x10\x02"
    model = b"\x08\x08" + b"\x42\x0e" + others + b"\x42\x02" + own
    assert versions(model) == {"ir_version": 8, "opset": 13}


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> dict[str, TargetRow]:
    if not [*(ROOT / ".venv-training/lib").glob("python3.*/site-packages/tf2onnx")]:
        pytest.skip("no tf2onnx: make setup-training")
    random = np.random.default_rng(1)
    shown = [Picture.from_bgr(random.integers(0, 256, (12, 20, 3), np.uint8)) for _ in range(40)]
    exported = open_exported(DEMO, lambda see: [see(picture) for picture in shown])
    folder = tmp_path_factory.mktemp("export") / "onnx"
    return {row.target: row for row in export_onnx(exported, folder, lambda _: None)}


@pytest.mark.slow
def test_the_demos_classifier_is_the_same_network_under_onnx_runtime(rows: dict[str, TargetRow]) -> None:
    row = rows["onnx int8"]
    assert row.is_good
    assert row.difference is not None
    assert row.difference.largest <= 2
    assert row.notes == {"ir_version": 7, "opset": 13}


@pytest.mark.slow
def test_with_real_numbers_it_sees_the_same(rows: dict[str, TargetRow]) -> None:
    row = rows["onnx float"]
    assert row.difference is not None
    assert row.difference.same_top >= 0.95
    assert row.difference.mean < 10


@pytest.mark.slow
def test_no_file_holds_a_path_of_the_machine_that_made_it(
    rows: dict[str, TargetRow], tmp_path_factory: pytest.TempPathFactory
) -> None:
    made = [*tmp_path_factory.getbasetemp().glob("export0/onnx/*.onnx")]
    assert len(made) == len(rows)
    assert [path.name for path in made if str(tmp_path_factory.getbasetemp()).encode() in path.read_bytes()] == []
