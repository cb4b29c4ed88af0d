"""How good a model file is, run as the device runs it."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from smartcam.model.examine import input_spec
from smartcam.model.heads.classifier import ClassifierHead
from smartcam.model.interpreter import open_interpreter
from smartcam.model.outputs import Activation, ClassifierOutput

_TARGET: Final = 1
"""Its place among the two labels."""


def scores_of(exported: bytes, rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The probability of the second of two labels in each picture (n,), by the device's own code."""
    head = head_of_two(exported)
    return np.array([head.infer(picture)[_TARGET] for picture in rgb], np.float32)


def head_of_two(exported: bytes) -> ClassifierHead:
    """A model file that gives probabilities of two labels, or that of the second one, as the device runs it."""
    interpreter = open_interpreter(exported)
    given = interpreter.outputs[0]
    output = ClassifierOutput(Activation.PROBABILITY, given.scale, given.zero_point)
    return ClassifierHead(interpreter, input_spec(interpreter), output, 2)


def area_under_curve(scores: NDArray[np.floating[Any]], truth: NDArray[np.bool_]) -> float:
    """The chance that a frame with an intruder scores above one without; ties count half.

    Raises:
        ValueError: if there are none of one kind.
    """
    present, absent = np.sort(scores[truth]), np.sort(scores[~truth])
    if not present.size or not absent.size:
        raise ValueError("needs frames with and frames without an intruder")
    below = np.searchsorted(absent, present, side="left").sum()
    ties = np.searchsorted(absent, present, side="right").sum() - below
    return float((below + ties / 2) / (present.size * absent.size))
