"""A classifier of whole pictures: a probability for each label."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from smartcam.contract.errors import ModelIntegrityError
from smartcam.model.heads.checks import check_input, check_quantisation
from smartcam.model.heads.yolo import sigmoid
from smartcam.model.interpreter import Interpreter, Tensor
from smartcam.model.manifest import InputSpec
from smartcam.model.outputs import Activation, ClassifierOutput
from smartcam.model.preprocess import Preprocessor

BOTH: Final = 2


class ClassifierHead:
    """A network that gives a probability for each label."""

    def __init__(
        self, interpreter: Interpreter, spec: InputSpec, output: ClassifierOutput, labels: int | None = None
    ) -> None:
        """A model with one number and two `labels` gives the probability of the second one.

        Raises ModelIntegrityError if the model does not match the specifications.
        """
        check_input(interpreter, spec)
        if len(interpreter.outputs) != 1:
            raise ModelIntegrityError(f"must have one output as a classifier, not {len(interpreter.outputs)}")
        given = interpreter.outputs[0]
        check_quantisation("output", given.scale, given.zero_point, output)
        self._interpreter = interpreter
        self._reader = ShareReader(output, given.dtype)
        self.preprocessor = Preprocessor(spec)
        numbers = int(np.prod(given.shape))
        self._is_one_of_two = numbers == 1 and labels == BOTH
        self.labels = BOTH if self._is_one_of_two else numbers

    def infer(self, rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
        """The probability of each label, float32 (labels,), for RGB uint8 (height, width, 3) of the model's size.

        Raises:
            ModelIntegrityError: if the model fails, or gives numbers that are not finite.
        """
        (raw,) = self._interpreter.invoke(self.preprocessor.tensor(rgb))
        shares = self._reader.read(raw)
        return np.concatenate((1 - shares, shares)) if self._is_one_of_two else shares


class ShareReader:
    """Turns the output of a classifier into probabilities."""

    def __init__(self, output: ClassifierOutput, dtype: np.dtype[Any]) -> None:
        """Raises ModelIntegrityError if the output is neither float nor 8-bit with a scale."""
        self._activation = output.activation
        self._table: NDArray[np.float32] | None = None
        if dtype.itemsize == 1 and output.scale:
            # A lookup by bit pattern: for a small model, arithmetic on two numbers takes a tenth of the run.
            numbers = np.arange(256, dtype=np.uint8).view(dtype).astype(np.float32)
            self._table = (numbers - output.zero_point) * np.float32(output.scale)
        elif dtype not in (np.float32, np.float16):
            raise ModelIntegrityError(f"gives {dtype} with scale {output.scale}, not float32 or scaled 8-bit numbers")

    def read(self, raw: Tensor) -> NDArray[np.float32]:
        """Probabilities (labels,), float32.

        Raises:
            ModelIntegrityError: if the output's numbers are not finite.
        """
        values: NDArray[np.float32] = raw.reshape(-1)
        if self._table is not None:
            values = self._table[values.view(np.uint8)]
        elif not np.isfinite(values).all():
            raise ModelIntegrityError("gives numbers that are not finite")
        if self._activation is Activation.LOGITS:
            values = np.exp(values - values.max())
            return np.asarray(values / values.sum(), np.float32)
        if self._activation is Activation.SIGMOID:
            return sigmoid(values)
        return values.clip(0, 1).astype(np.float32, copy=False)
