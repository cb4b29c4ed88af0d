"""The interpreter: whatever is no model is an error, never a crash."""

import numpy as np
import pytest

from smartcam.contract.errors import ModelIntegrityError
from smartcam.model.interpreter import RUNTIME, Interpreter
from tests.fakes import models

unchecked = pytest.mark.skipif(
    RUNTIME == "tflite-runtime", reason="tflite-runtime reads a model unchecked and ends the process: hashes guard it"
)


def test_a_model_says_what_it_takes_and_gives() -> None:
    interpreter = Interpreter(models.classifier("int8"))
    assert interpreter.input.shape == (1, models.SIDE, models.SIDE, 3)
    assert interpreter.input.dtype == np.int8
    assert interpreter.input.zero_point == -128
    assert [output.shape for output in interpreter.outputs] == [(1, 2)]


def test_outputs_outlive_the_next_run() -> None:
    interpreter = Interpreter(models.classifier("float32"))
    black, red = np.zeros(interpreter.input.shape, np.float32), np.zeros(interpreter.input.shape, np.float32)
    red[..., 0] = 1
    (first,) = interpreter.invoke(black)
    before = first.copy()
    interpreter.invoke(red)
    np.testing.assert_array_equal(first, before)


@pytest.mark.parametrize(
    "garbage", [b"", b"TFL3", b"\0" * 4096, b"PK\3\4" + bytes(4096), bytes(4) + b"TFL2" + bytes(4096)]
)
def test_what_is_not_a_model_is_refused(garbage: bytes) -> None:
    with pytest.raises(ModelIntegrityError, match="identifier TFL3 is missing"):
        Interpreter(garbage)


@unchecked
def test_a_broken_model_with_the_right_identifier_is_reported() -> None:
    with pytest.raises(ModelIntegrityError, match=r"cannot be run as a \.tflite model"):
        Interpreter(b"\xff\xff\xff\x7fTFL3" + bytes(range(256)) * 16)


@unchecked
def test_every_truncated_model_is_reported() -> None:
    model = models.detector()
    for end in range(8, len(model) - 64, 97):
        with pytest.raises(ModelIntegrityError):
            Interpreter(model[:end])


def test_a_tensor_that_does_not_fit_is_reported() -> None:
    interpreter = Interpreter(models.classifier("float32"))
    with pytest.raises(ModelIntegrityError, match="could not be run"):
        interpreter.invoke(np.zeros((1, 2, 2, 3), np.float32))
    with pytest.raises(ModelIntegrityError, match="could not be run"):
        interpreter.invoke(np.zeros(interpreter.input.shape, np.int8))
