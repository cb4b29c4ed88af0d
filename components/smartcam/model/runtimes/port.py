"""What a runtime does for the rest of the suite: one picture in, arrays out."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from smartcam.contract.errors import ModelIntegrityError

Tensor = NDArray[Any]
MOST_NUMBERS: Final = 1 << 24
"""64 MiB; a picture of 2,300 pixels a side, or the candidates of a YOLO with 80 classes for 1,700 of them."""
_AS_SINGLE: Final = (np.dtype(np.float16), np.dtype(np.float64))


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """One input or output; `scale` is 0 if the tensor is not quantised, `name` is the file's."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    scale: float
    zero_point: int
    name: str = ""


class Interpreter(Protocol):
    """Runs one model with one input. Only one thread may use it at a time."""

    @property
    def input(self) -> TensorSpec:
        """What the model takes."""
        ...

    @property
    def outputs(self) -> tuple[TensorSpec, ...]:
        """What it gives, in the model's order."""
        ...

    def invoke(self, tensor: Tensor) -> tuple[Tensor, ...]:
        """The outputs as copies, in the model's order, for a tensor of the input's shape and type.

        Raises:
            ModelIntegrityError: if the runtime refuses or fails.
        """
        ...


def single_type(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The type in which the rest of the suite gives and takes such numbers: reals of 16 and 64 bits are float32."""
    return np.dtype(np.float32) if dtype in _AS_SINGLE else dtype


def single(tensor: Tensor) -> Tensor:
    """The same numbers in that type."""
    return tensor.astype(single_type(tensor.dtype), copy=False)


def check_count(inputs: int, outputs: int) -> None:
    """Raises ModelIntegrityError unless a picture goes in and something comes out."""
    if inputs != 1 or not outputs:
        raise ModelIntegrityError(f"must have one input and an output, not {inputs} and {outputs}")


def check_numbers(specs: Sequence[TensorSpec]) -> None:
    """Raises ModelIntegrityError if so much goes in or comes out that a device would run out of memory."""
    for what, limit in (("takes", specs[:1]), ("gives", specs[1:])):
        numbers = sum(math.prod(spec.shape) for spec in limit)
        if numbers > MOST_NUMBERS:
            raise ModelIntegrityError(
                f"{what} {numbers} numbers for one picture; at most {MOST_NUMBERS} fit into a device's memory"
            )


def first_line(error: Exception) -> str:
    """What a runtime said, short enough for a log."""
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200]
