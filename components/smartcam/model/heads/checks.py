"""Whether a model is what its manifest says, and its numbers as real ones."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from smartcam.contract.errors import ModelIntegrityError
from smartcam.model.interpreter import Interpreter, Tensor, TensorSpec
from smartcam.model.manifest import CHANNELS, InputSpec, TensorLayout, TensorType
from smartcam.model.outputs import ClassifierOutput

_SCALE_TOLERANCE: Final = 1e-6


def input_shape(spec: InputSpec) -> tuple[int, int, int, int]:
    """The shape of a model's input."""
    if spec.layout is TensorLayout.NCHW:
        return 1, CHANNELS, spec.height, spec.width
    return 1, spec.height, spec.width, CHANNELS


def check_input(interpreter: Interpreter, spec: InputSpec) -> None:
    """Raises ModelIntegrityError unless the model's input is as `spec` says."""
    given = interpreter.input
    shape = input_shape(spec)
    if given.shape != shape or given.dtype != np.dtype(spec.dtype.value):
        raise ModelIntegrityError(f"takes {given.dtype} {given.shape}, but the manifest says {spec.dtype} {shape}")
    if spec.dtype is not TensorType.FLOAT32:
        check_quantisation("input", given.scale, given.zero_point, spec)


def check_quantisation(what: str, scale: float, zero_point: int, said: InputSpec | ClassifierOutput) -> None:
    """Raises ModelIntegrityError unless the model's quantisation is the manifest's; a model may state none (0)."""
    if scale and (abs(scale - said.scale) > _SCALE_TOLERANCE * max(scale, said.scale) or zero_point != said.zero_point):
        raise ModelIntegrityError(
            f"has {what} scale {scale} and zero point {zero_point}, "
            f"but the manifest says {said.scale} and {said.zero_point}"
        )


def check_places(outputs: Sequence[TensorSpec], places: Mapping[str, int]) -> None:
    """Raises ModelIntegrityError if an output that the manifest names is not there."""
    for name, place in places.items():
        if place >= len(outputs):
            raise ModelIntegrityError(f"has no output {place} for the {name}: it gives {shapes_of(outputs)}")


def shapes_of(tensors: Sequence[Tensor | TensorSpec]) -> str:
    """The shapes in words for an error."""
    return ", ".join(str(tuple(tensor.shape)) for tensor in tensors)


def real(values: Tensor, spec: TensorSpec) -> NDArray[np.float32]:
    """Numbers as the model means them: a quantised q is `(q - zero_point) * scale`."""
    if not spec.scale:
        return values.astype(np.float32, copy=False)
    return (values.astype(np.float32) - np.float32(spec.zero_point)) * np.float32(spec.scale)
