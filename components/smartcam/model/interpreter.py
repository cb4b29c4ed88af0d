"""The only module that knows the interpreter: LiteRT, or tflite-runtime if LiteRT is not installed."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from smartcam.contract.errors import ModelIntegrityError

try:
    from ai_edge_litert import interpreter as runtime
except ImportError:  # Python 3.11 with the extra `tflite`: the same interface, another package
    from tflite_runtime import interpreter as runtime

Tensor = NDArray[Any]

RUNTIME: Final = "LiteRT" if runtime.__name__.startswith("ai_edge_litert") else "tflite-runtime"
"""Which of the two runs the models."""

IDENTIFIER: Final = b"TFL3"
_IDENTIFIER_AT: Final = slice(4, 8)
_SMALLEST_MODEL: Final = 64


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """One input or output; `scale` is 0 if the tensor is not quantised."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    scale: float
    zero_point: int
    name: str = ""


class Interpreter:
    """Runs one .tflite model with one input. Only one thread may use it at a time."""

    def __init__(self, model: bytes, threads: int = 1) -> None:
        """Loads a model from bytes whose hash has been checked, or whose maker is trusted.

        LiteRT checks a model before it uses it. tflite-runtime does not, and a damaged one crashes the process; on a
        device the bundle's hash is checked first.

        Raises:
            ModelIntegrityError: if it is not a .tflite model, or not one that the runtime can run.
        """
        if len(model) < _SMALLEST_MODEL or model[_IDENTIFIER_AT] != IDENTIFIER:
            raise ModelIntegrityError("is not a .tflite model: the identifier TFL3 is missing")
        try:
            self._runtime = runtime.Interpreter(model_content=model, num_threads=threads)
            self._runtime.allocate_tensors()
            inputs = self._runtime.get_input_details()
            outputs = self._runtime.get_output_details()
        except (ValueError, RuntimeError, TypeError, SystemError) as error:
            # SystemError: tflite-runtime with numpy 2.
            raise ModelIntegrityError(f"cannot be run as a .tflite model: {_first_line(error)}") from error
        if len(inputs) != 1 or not outputs:
            raise ModelIntegrityError(f"must have one input and an output, not {len(inputs)} and {len(outputs)}")
        self.input = _spec(inputs[0])
        self.outputs = tuple(_spec(output) for output in outputs)
        self._input_index: int = inputs[0]["index"]
        self._output_indices: tuple[int, ...] = tuple(output["index"] for output in outputs)

    def invoke(self, tensor: Tensor) -> tuple[Tensor, ...]:
        """The outputs as copies, in the model's order, for a tensor of the input's shape and type.

        Raises:
            ModelIntegrityError: if the runtime refuses or fails.
        """
        try:
            self._runtime.set_tensor(self._input_index, tensor)
            self._runtime.invoke()
            return tuple(self._runtime.get_tensor(index) for index in self._output_indices)
        except (ValueError, RuntimeError) as error:
            raise ModelIntegrityError(f"could not be run: {_first_line(error)}") from error


def open_interpreter(model: bytes, threads: int = 1) -> Interpreter:
    """Opens a model with the runtime for its format. Raises ModelIntegrityError if that cannot run it."""
    return Interpreter(model, threads)


def _spec(details: dict[str, Any]) -> TensorSpec:
    scale, zero_point = details["quantization"]
    shape = tuple(int(side) for side in details["shape"])
    return TensorSpec(shape, np.dtype(details["dtype"]), float(scale), int(zero_point), str(details["name"]))


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200]
