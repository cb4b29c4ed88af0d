"""What an ML Program is to take and to say, and what is noticed where it does not."""

from pathlib import Path

import pytest

from measure.export.original import open_exported, source_of
from measure.export.to_coreml import CoreMLOrder, described_faults
from smartcam.model.bundle import ModelBundle
from smartcam.vision.picture import Picture
from tools.child import ExportFault
from tools.command_line import ROOT
from training.bundle import KERAS_SOURCE, TORCH_SOURCE, keep_source, source_beside

ORDER = CoreMLOrder.of(ModelBundle.open(ROOT / "training/bundles/demo").manifest)
SAID = {"width": 160, "height": 96, "colours": "RGB", "labels": ["normal", "intruder"], "predicted": "label"}


def test_an_ml_program_scales_a_picture_as_the_device_does() -> None:
    assert ORDER.scale == pytest.approx((1 / 255,) * 3)
    assert ORDER.bias == pytest.approx((0, 0, 0))
    assert ORDER.shares == "probability"


@pytest.mark.parametrize(("name", "value"), [("width", 96), ("colours", "BGR"), ("labels", ["intruder", "normal"])])
def test_a_package_that_says_otherwise_is_a_fault_with_both_values(name: str, value: object) -> None:
    assert described_faults(ORDER, SAID) == []
    (fault,) = described_faults(ORDER, SAID | {name: value})
    assert fault.startswith(f"{name} is {value}, not ")


def test_a_bundle_without_its_source_says_so_and_a_source_of_another_kind_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    folder.symlink_to(ROOT / "training/bundles/demo")
    exported = open_exported(folder, lambda see: [see(picture) for picture in list[Picture]()])
    with pytest.raises(ExportFault, match=r"no program of PyTorch \(\.pt2\) lies beside the bundle"):
        source_of(exported, (TORCH_SOURCE,))


def test_a_source_lies_beside_its_bundle_and_replaces_one_of_another_kind(tmp_path: Path) -> None:
    folder = tmp_path / "yard.v2"
    folder.mkdir()
    kept = keep_source(folder, KERAS_SOURCE, lambda path: path.write_bytes(b"k"))
    assert kept == tmp_path / "yard.v2.keras"
    keep_source(folder, TORCH_SOURCE, lambda path: path.write_bytes(b"t"))
    assert sorted(each.name for each in tmp_path.iterdir()) == ["yard.v2", "yard.v2.pt2"]
    assert source_beside(folder, TORCH_SOURCE).read_bytes() == b"t"
