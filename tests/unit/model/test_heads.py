"""From tensors to answers: what is not an answer is dropped or reported."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from smartcam.contract.errors import ModelIntegrityError
from smartcam.model.examine import input_spec
from smartcam.model.heads.answer import RegionDetections
from smartcam.model.heads.classifier import ClassifierHead, ShareReader
from smartcam.model.heads.head import DetectorHead
from smartcam.model.heads.ssd import SsdReader
from smartcam.model.interpreter import TensorSpec, open_interpreter
from smartcam.model.manifest import InputSpec, TensorType
from smartcam.model.outputs import Activation, ClassifierOutput, SsdOutput
from tests.fakes import models

ORDER = SsdOutput(0, 1, 2, 3)
FLOAT_SHARES = ClassifierOutput(Activation.PROBABILITY, 0.0, 0)
SPEC = InputSpec(64, 32, TensorType.UINT8, 1.0, 0, (0.0,) * 3, (1.0,) * 3)


def read(outputs: Sequence[np.ndarray]) -> RegionDetections:  # type: ignore[type-arg]
    specs = [TensorSpec(output.shape, output.dtype, 0.0, 0, "") for output in outputs]
    return SsdReader(ORDER, specs, SPEC).read(outputs)


raw_numbers = st.floats(width=32, allow_nan=True, allow_infinity=True)


def raw(shape: tuple[int, ...]) -> st.SearchStrategy[np.ndarray]:  # type: ignore[type-arg]
    return arrays.arrays(np.float32, shape, elements=raw_numbers)


@given(raw((1, 5, 4)), raw((1, 5)), raw((1, 5)), raw((1,)))
def test_whatever_a_model_gives_sightings_are_sound(
    boxes: object, classes: object, scores: object, count: object
) -> None:
    outputs = (np.asarray(boxes), np.asarray(classes), np.asarray(scores), np.asarray(count))
    if not np.isfinite(outputs[3]).all():
        with pytest.raises(ModelIntegrityError):
            read(outputs)
        return
    seen = read(outputs)
    assert len(seen.boxes) == len(seen.scores) == len(seen.classes) <= 5
    assert ((seen.boxes >= 0) & (seen.boxes <= 1)).all()
    assert (seen.boxes[:, :2] < seen.boxes[:, 2:]).all()
    assert ((seen.scores >= 0) & (seen.scores <= 1)).all()
    assert (np.diff(seen.scores) <= 0).all()
    assert (seen.classes >= 0).all()


def test_boxes_come_in_the_order_x1_y1_x2_y2() -> None:
    boxes = np.array([[[0.1, 0.2, 0.3, 0.4]]], np.float32)
    seen = read((boxes, np.zeros((1, 1)), np.full((1, 1), 0.5), np.ones(1)))
    np.testing.assert_allclose(seen.boxes, [[0.2, 0.1, 0.4, 0.3]], rtol=1e-6)


def test_only_as_many_as_counted_are_read() -> None:
    boxes = np.array([[[0, 0, 1, 1], [0, 0, 1, 1]]], np.float32)
    seen = read((boxes, np.zeros((1, 2)), np.full((1, 2), 0.5), np.ones(1)))
    assert len(seen.scores) == 1


def test_outputs_that_do_not_fit_are_reported() -> None:
    with pytest.raises(ModelIntegrityError, match="not boxes, classes, scores and count"):
        read((np.zeros((1, 3, 4)), np.zeros((1, 2)), np.zeros((1, 3)), np.ones(1)))


def test_quantised_shares_are_read_by_their_scale() -> None:
    reader = ShareReader(ClassifierOutput(Activation.PROBABILITY, 1 / 256, -128), np.dtype(np.int8))
    np.testing.assert_allclose(reader.read(np.array([[-128, 0, 127]], np.int8)), [0, 0.5, 255 / 256])
    unsigned = ShareReader(ClassifierOutput(Activation.PROBABILITY, 1 / 256, 0), np.dtype(np.uint8))
    np.testing.assert_allclose(unsigned.read(np.array([[0, 128, 255]], np.uint8)), [0, 0.5, 255 / 256])


def test_logits_become_shares_that_sum_to_one() -> None:
    reader = ShareReader(ClassifierOutput(Activation.LOGITS, 0.0, 0), np.dtype(np.float32))
    shares = reader.read(np.array([[1000.0, 1000.0, -1000.0]], np.float32))
    np.testing.assert_allclose(shares, [0.5, 0.5, 0], atol=1e-6)


def test_a_probability_a_hair_above_one_is_one() -> None:
    reader = ShareReader(FLOAT_SHARES, np.dtype(np.float32))
    assert reader.read(np.array([[1.0000001, -1e-9]], np.float32)).tolist() == [1, 0]


def test_numbers_that_are_not_finite_are_reported() -> None:
    reader = ShareReader(FLOAT_SHARES, np.dtype(np.float32))
    with pytest.raises(ModelIntegrityError, match="not finite"):
        reader.read(np.array([[np.nan, 0]], np.float32))


def test_an_output_of_unknown_numbers_is_reported() -> None:
    with pytest.raises(ModelIntegrityError, match="gives int64"):
        ShareReader(FLOAT_SHARES, np.dtype(np.int64))


def test_a_classifier_is_no_detector_and_the_other_way_round() -> None:
    one, four = open_interpreter(models.classifier()), open_interpreter(models.detector())
    with pytest.raises(ModelIntegrityError, match="has no output 1 for the classes"):
        DetectorHead(one, input_spec(one), ORDER)
    with pytest.raises(ModelIntegrityError, match="must have one output as a classifier, not 4"):
        ClassifierHead(four, input_spec(four), FLOAT_SHARES)


def test_another_quantisation_than_the_manifests_is_reported() -> None:
    interpreter = open_interpreter(models.classifier("int8"))
    with pytest.raises(ModelIntegrityError, match=r"output scale 0\.00390625 and zero point -128"):
        ClassifierHead(interpreter, input_spec(interpreter), ClassifierOutput(Activation.PROBABILITY, 1 / 128, -128))


def test_another_input_than_the_manifests_is_reported() -> None:
    float_model, int_model = open_interpreter(models.classifier("float32")), open_interpreter(models.classifier("int8"))
    with pytest.raises(ModelIntegrityError, match="takes float32"):
        ClassifierHead(float_model, input_spec(int_model), FLOAT_SHARES)
