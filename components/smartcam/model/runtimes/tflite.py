"""Models in the format of TensorFlow Lite: LiteRT, or tflite-runtime if LiteRT is not installed."""

from dataclasses import replace
from typing import Any, Final

import numpy as np

from smartcam.contract.errors import ModelIntegrityError
from smartcam.model.runtimes.open_shapes import brought_to, settled_shapes, trial_tensors
from smartcam.model.runtimes.port import Tensor, TensorSpec, check_count, check_numbers, first_line, single, single_type

try:
    from ai_edge_litert import interpreter as runtime
except ImportError:  # Python 3.11 with the extra `tflite`: the same interface, another package
    from tflite_runtime import interpreter as runtime

NAME: Final = "LiteRT" if runtime.__name__.startswith("ai_edge_litert") else "tflite-runtime"
"""Which of the two runs these models."""
IDENTIFIER: Final = b"TFL3"
_IDENTIFIER_AT: Final = slice(4, 8)
_SMALLEST_MODEL: Final = 64


def is_tflite(model: bytes) -> bool:
    """Whether the bytes claim to be a .tflite model."""
    return len(model) >= _SMALLEST_MODEL and model[_IDENTIFIER_AT] == IDENTIFIER


class TfliteInterpreter:
    """An `Interpreter` for a .tflite model."""

    def __init__(self, model: bytes, threads: int = 1, *, reference: bool = False) -> None:
        """Loads a model from bytes whose hash has been checked, or whose maker is trusted.

        `reference`: with the slow kernels that say what each operator is to give, to compare others with.

        LiteRT checks a model before it uses it. tflite-runtime does not, and a damaged one crashes the process; on a
        device the bundle's hash is checked first.

        Raises:
            ModelIntegrityError: if it is not one that the runtime can run.
        """
        try:
            kernels = runtime.OpResolverType.BUILTIN_REF if reference else runtime.OpResolverType.AUTO
            self._runtime = runtime.Interpreter(
                model_content=model, num_threads=threads, experimental_op_resolver_type=kernels
            )
            self._runtime.allocate_tensors()
            inputs = self._runtime.get_input_details()
            outputs = self._runtime.get_output_details()
        except (ValueError, RuntimeError, TypeError, SystemError) as error:
            # SystemError: tflite-runtime with numpy 2.
            raise ModelIntegrityError(f"cannot be run as a .tflite model: {first_line(error)}") from error
        check_count(len(inputs), len(outputs))
        self.input = _spec(inputs[0])
        self.outputs = tuple(_spec(output) for output in outputs)
        check_numbers((self.input, *self.outputs))
        self._given = np.dtype(inputs[0]["dtype"])
        self._input_index: int = inputs[0]["index"]
        self._output_indices: tuple[int, ...] = tuple(output["index"] for output in outputs)
        self._is_open = False
        signature = list(inputs[0]["shape_signature"])
        has_open_batch = signature[:1] == [-1]
        if any(_leaves_open(output, has_open_batch) for output in outputs):
            shapes = settled_shapes([self.invoke(tensor) for tensor in trial_tensors(self.input)])
            self.outputs = tuple(map(_reshaped, self.outputs, shapes))
            check_numbers((self.input, *self.outputs))
            self._is_open = True

    def invoke(self, tensor: Tensor) -> tuple[Tensor, ...]:
        """See `Interpreter.invoke`."""
        try:
            if tensor.dtype == self.input.dtype:
                tensor = tensor.astype(self._given, copy=False)
            self._runtime.set_tensor(self._input_index, tensor)
            self._runtime.invoke()
            given = tuple(single(self._answer(index)) for index in self._output_indices)
        except (ValueError, RuntimeError) as error:
            raise ModelIntegrityError(f"could not be run: {first_line(error)}") from error
        if self._is_open:
            return tuple(brought_to(answer, spec.shape) for answer, spec in zip(given, self.outputs, strict=True))
        return given

    def _answer(self, index: int) -> Tensor:
        """One output. Of one without any rows the runtime gives no array."""
        try:
            answer: Tensor = self._runtime.get_tensor(index)
        except ValueError:
            now = next(output for output in self._runtime.get_output_details() if output["index"] == index)
            if 0 not in now["shape"]:
                raise
            answer = np.zeros(now["shape"], now["dtype"])
        return answer


def _leaves_open(details: dict[str, Any], has_open_batch: bool) -> bool:  # noqa: FBT001
    """Whether an output's shape depends on the picture; an open first side may be the batch's, if the input has one."""
    sides, signature = list(details["shape"]), list(details["shape_signature"])
    return not sides or 0 in sides or -1 in signature[has_open_batch:]


def _reshaped(spec: TensorSpec, shape: tuple[int, ...]) -> TensorSpec:
    return replace(spec, shape=shape)


def _spec(details: dict[str, Any]) -> TensorSpec:
    """What the file says; of real numbers a scale, which some converters leave there, means nothing."""
    kind = np.dtype(details["dtype"])
    scale, zero_point = details["quantization"] if kind.kind in "iu" else (0.0, 0)
    shape = tuple(int(side) for side in details["shape"])
    return TensorSpec(shape, single_type(kind), float(scale), int(zero_point), str(details["name"]))
