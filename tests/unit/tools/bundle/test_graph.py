"""What a model's file says of its operators, without running it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcam.contract.errors import ModelIntegrityError
from tests.fakes import models
from tools.bundle.graph import classes_said, custom_operators, post_processing, refuse_compiled

POST_PROCESSING = "TFLite_Detection_PostProcess"


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (2, 0, 3, 1), (3, 2, 1, 0)])
def test_the_operator_says_which_output_is_which_in_any_order(order: tuple[int, ...]) -> None:
    found = post_processing(models.custom(POST_PROCESSING, order))
    assert found == {role: order.index(place) for place, role in enumerate(("boxes", "classes", "scores", "count"))}


def test_a_model_without_the_operator_says_nothing() -> None:
    assert post_processing(models.custom("SomethingElse")) == {}
    assert post_processing(models.detector()) == {}
    assert post_processing(models.custom(POST_PROCESSING, (0, 1))) == {}, "an output that is no output of the model"


def test_the_operator_says_how_many_classes_there_are() -> None:
    assert classes_said(models.custom(POST_PROCESSING, classes=90)) == 90
    assert classes_said(models.custom(POST_PROCESSING)) is None, "it has no options"
    assert classes_said(models.custom(POST_PROCESSING, classes=0)) is None, "no number of classes"
    assert classes_said(models.custom("SomethingElse", classes=90)) is None
    assert classes_said(models.detector()) is None


def test_a_model_for_an_edge_tpu_is_known_by_its_operator_whatever_its_name() -> None:
    assert custom_operators(models.custom("edgetpu-custom-op")) == ("edgetpu-custom-op",)
    with pytest.raises(ModelIntegrityError, match="for the Edge TPU"):
        refuse_compiled(models.custom("edgetpu-custom-op"), "model.tflite")
    refuse_compiled(models.detector(), "model.tflite")


@given(st.binary(max_size=64), st.integers(0, 200))
def test_damaged_files_and_files_of_another_kind_say_nothing(noise: bytes, at: int) -> None:
    whole = models.custom(POST_PROCESSING, classes=90)
    for damaged in (noise, whole[:at], whole[:at] + noise + whole[at + len(noise) :], b"\0\0\0\0TFL3" + noise):
        post_processing(damaged)
        classes_said(damaged)
        custom_operators(damaged)
