"""What is exported, and what it answers itself."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from measure.export.original import ExportedModel, in_steps, open_exported, real_inputs
from measure.export.parity import apart
from smartcam.contract.errors import ModelIntegrityError
from smartcam.model.interpreter import Tensor
from smartcam.vision.picture import Picture

DEMO = Path(__file__).resolve().parents[4] / "training/bundles/demo"
SHADES = (0, 60, 120, 250)


@pytest.fixture(scope="module")
def demo() -> ExportedModel:
    pictures = [Picture.from_bgr(np.full((90, 160, 3), shade, np.uint8)) for shade in SHADES]
    return open_exported(DEMO, lambda see: [see(picture) for picture in pictures])


def test_the_golden_picture_comes_first_and_each_picture_is_kept_apart(demo: ExportedModel) -> None:
    golden = np.fromfile(DEMO / "golden_input.bin", np.uint8)
    assert (demo.inputs[0].reshape(-1) == golden).all()
    means = [float(each.mean()) for each in demo.inputs[1:]]
    assert means == pytest.approx(SHADES, abs=3)


def test_the_reference_kernels_say_nearly_the_same(demo: ExportedModel) -> None:
    answers, ms = demo.ran
    assert ms > 0
    # Where the two sets differ by a step before a steep sigmoid, several come out behind it.
    assert max(apart(answers[place], demo.by_reference(place)) for place in range(len(answers))) <= 12


def test_inputs_as_real_numbers_are_shares_of_white(demo: ExportedModel) -> None:
    first, *_ = real_inputs(demo)
    assert first.dtype == np.float32
    assert np.abs(first * 255 - demo.inputs[0]).max() < 1e-3


def test_real_answers_are_told_in_the_originals_steps(demo: ExportedModel) -> None:
    half: Sequence[tuple[Tensor, ...]] = [(np.array([[0.5]], np.float32),)]
    assert float(in_steps(demo, half)[0][0][0, 0]) == 128


@pytest.mark.parametrize(("number", "label"), [(0, 0), (127, 0), (128, 1), (255, 1)])
def test_of_two_labels_the_likelier_is_the_top_one(demo: ExportedModel, number: int, label: int) -> None:
    assert demo.top((np.array([[number]], np.uint8),)) == label


@pytest.mark.parametrize("text", ["", "[]", "{", '{"kind": 7}', '{"kind": "table"}', '{"kind": "filter", "files": []}'])
def test_a_manifest_that_is_none_is_refused_with_its_place(text: str, tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(ModelIntegrityError, match=r"manifest\.json"):
        open_exported(tmp_path, lambda _: [])


def test_a_bundle_that_is_damaged_is_not_exported(tmp_path: Path) -> None:
    for file in DEMO.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "model.tflite").write_bytes(b"x" * 100)
    with pytest.raises(ModelIntegrityError, match="SHA-256"):
        open_exported(tmp_path, lambda _: [])
