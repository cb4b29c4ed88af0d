"""A bundle from a model file: examined by running it, and whole or not there at all."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from smartcam.contract.errors import ContractError, ModelIntegrityError
from smartcam.contract.event import EventKind
from smartcam.model.bundle import ModelBundle
from smartcam.model.examine import Scaling, detector_output, input_spec, structured_picture
from smartcam.model.interpreter import Interpreter
from smartcam.model.manifest import Activation, ClassifierOutput, DetectorOutput, TensorType, Thresholds
from smartcam.model.packing import write_bundle
from tests.fakes import models
from tests.unit.model.conftest import CLASSIFIER, DETECTOR


def pictures() -> list[np.ndarray]:  # type: ignore[type-arg]
    return [structured_picture(seed, models.SIDE, models.SIDE) for seed in range(4)]


def test_the_same_model_gives_the_same_bundle_byte_for_byte(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_bundle(tmp_path / name, models.detector(), DETECTOR)
    names = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert names == ["golden_input.bin", "golden_output.json", "manifest.json", "model.tflite"]
    for name in names:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


@pytest.mark.parametrize(
    "order", ["boxes classes scores count", "scores boxes count classes", "count scores classes boxes"]
)
def test_the_order_of_a_detectors_outputs_is_found(order: str) -> None:
    interpreter = Interpreter(models.detector(order=order))
    places = order.split()
    expected = DetectorOutput(*(places.index(name) for name in ("boxes", "classes", "scores", "count")))
    assert detector_output(interpreter, input_spec(interpreter), pictures()) == expected


def test_a_bundle_with_outputs_in_another_order_works(tmp_path: Path) -> None:
    write_bundle(tmp_path / "b", models.detector(kind="int8", order="scores boxes count classes"), DETECTOR)
    assert ModelBundle.open(tmp_path / "b").manifest.input.dtype is TensorType.INT8


def test_logits_are_told_from_probabilities(tmp_path: Path) -> None:
    sure = write_bundle(tmp_path / "p", models.classifier("int8"), CLASSIFIER).output
    raw = write_bundle(tmp_path / "l", models.classifier("float32", logits=True), CLASSIFIER).output
    assert sure == ClassifierOutput(Activation.PROBABILITY, 1 / 256, -128)
    assert raw == ClassifierOutput(Activation.LOGITS, 0.0, 0)


def test_a_float_models_scaling_is_what_the_maker_says(tmp_path: Path) -> None:
    scaling = Scaling((127.5,) * 3, (127.5,) * 3)
    manifest = write_bundle(tmp_path / "b", models.classifier("float32"), replace(CLASSIFIER, scaling=scaling))
    assert (manifest.input.mean, manifest.input.std) == (scaling.mean, scaling.std)


def test_the_wrong_kind_is_refused_and_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(ModelIntegrityError, match="as an SSD with its post-processing does"):
        write_bundle(tmp_path / "b", models.classifier(), DETECTOR)
    with pytest.raises(ModelIntegrityError, match="a classifier gives"):
        write_bundle(tmp_path / "b", models.detector(), CLASSIFIER)
    assert list(tmp_path.iterdir()) == []


def test_too_few_labels_are_reported(tmp_path: Path) -> None:
    with pytest.raises(ModelIntegrityError, match="detects class 1, but there are only 1 labels"):
        write_bundle(tmp_path / "b", models.detector(), replace(DETECTOR, labels=("person",)))
    with pytest.raises(ModelIntegrityError, match="gives 2 shares, but there are 3 labels"):
        write_bundle(tmp_path / "b", models.classifier(), replace(CLASSIFIER, labels=("normal", "intruder", "cat")))


def test_a_draft_that_contradicts_itself_is_named_by_field(tmp_path: Path) -> None:
    wrong = {
        "name": replace(CLASSIFIER, name="a b"),
        "thresholds.clear_at": replace(CLASSIFIER, thresholds=Thresholds(0.3, 0.6)),
        "events.cat": replace(CLASSIFIER, events={"cat": EventKind.ANIMAL}),
    }
    for field, draft in wrong.items():
        with pytest.raises(ContractError) as caught:
            write_bundle(tmp_path / "b", models.classifier(), draft)
        assert caught.value.field == field
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_already_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    with pytest.raises(FileExistsError, match="written into a new folder"):
        write_bundle(tmp_path / "b", models.classifier(), CLASSIFIER)
    assert list((tmp_path / "b").iterdir()) == []


def test_a_structured_picture_is_the_same_for_the_same_seed() -> None:
    assert (structured_picture(1, 30, 20) == structured_picture(1, 30, 20)).all()
    assert (structured_picture(1, 30, 20) != structured_picture(2, 30, 20)).any()
    assert structured_picture(1, 30, 20).shape == (20, 30, 3)
