"""From a classifier's output to probabilities."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcam.contract.errors import ModelIntegrityError
from smartcam.model.examine import examine, input_spec
from smartcam.model.heads.classifier import ClassifierHead, ShareReader
from smartcam.model.heads.head import DetectorHead
from smartcam.model.interpreter import open_interpreter
from smartcam.model.outputs import Activation, ClassifierOutput, SsdOutput
from tests.fakes import models

ORDER = SsdOutput(0, 1, 2, 3)
FLOAT_SHARES = ClassifierOutput(Activation.PROBABILITY, 0.0, 0)


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


@given(st.lists(st.floats(-200, 200, width=32), min_size=1, max_size=20))
def test_each_logit_of_a_sigmoid_becomes_a_probability_by_itself(logits: list[float]) -> None:
    reader = ShareReader(ClassifierOutput(Activation.SIGMOID, 0.0, 0), np.dtype(np.float32))
    exact = 1 / (1 + np.exp(-np.array(logits, np.float64)))
    np.testing.assert_allclose(reader.read(np.array([logits], np.float32)), exact, atol=1e-6)


def test_one_number_and_two_labels_are_the_probability_of_the_second() -> None:
    interpreter = open_interpreter(models.classifier("float32", labels=1))
    spec = input_spec(interpreter)
    head = ClassifierHead(interpreter, spec, FLOAT_SHARES, labels=2)
    rgb = np.zeros((models.SIDE, models.SIDE, 3), np.uint8)
    (alone,) = ClassifierHead(interpreter, spec, FLOAT_SHARES).infer(rgb)
    assert head.labels == 2
    np.testing.assert_allclose(head.infer(rgb), [1 - alone, alone])


@pytest.mark.parametrize("labels", [1, 2, 1001, 2000])
def test_a_classifier_may_have_any_number_of_labels(labels: int) -> None:
    found = examine(open_interpreter(models.classifier("float32", labels)))
    assert (found.head, found.classes) == ("classifier", labels)


def test_more_numbers_than_labels_can_be_are_no_classifier() -> None:
    with pytest.raises(ModelIntegrityError, match="as classifier, it gives at most 2000 numbers, not 2001"):
        examine(open_interpreter(models.classifier("float32", 2001)))


def test_logits_of_one_label_are_read_by_a_sigmoid_and_those_of_several_by_a_softmax() -> None:
    several = examine(open_interpreter(models.classifier("float32", 3, logits=True))).output
    assert several == ClassifierOutput(Activation.LOGITS, 0.0, 0)
    one = examine(open_interpreter(models.classifier("float32", 1, logits=True))).output
    assert one == ClassifierOutput(Activation.SIGMOID, 0.0, 0)
