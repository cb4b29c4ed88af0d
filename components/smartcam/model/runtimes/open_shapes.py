"""Outputs that have as many rows as the model finds things: brought to one shape, so that nobody else has to care."""

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from smartcam.contract.errors import ModelIntegrityError
from smartcam.model.runtimes.port import Tensor, TensorSpec

MOST_ROWS: Final = 1000
"""What a model finds in one picture; rows that it does not find are 0, those beyond are left out."""
_HIGHEST_SAMPLE: Final = 255


def trial_tensors(given: TensorSpec) -> Iterator[Tensor]:
    """A black picture and two of noise, in the two ranges of real samples: a model finds different things in them."""
    random = np.random.Generator(np.random.PCG64(0))
    yield np.zeros(given.shape, given.dtype)
    for highest in (1, _HIGHEST_SAMPLE):
        # No more than what an 8-bit picture has; a signed one wraps, which is noise as well.
        yield (
            (random.random(given.shape) * highest)
            .astype(np.uint8 if given.dtype.itemsize == 1 else given.dtype)
            .view(given.dtype)
        )


def settled_shapes(answers: Sequence[Sequence[Tensor]]) -> tuple[tuple[int, ...], ...]:
    """The shape of each output: a side that is not the same in all answers, or 0, is MOST_ROWS.

    Raises:
        ModelIntegrityError: if an output has more sides for one picture than for another.
    """
    return tuple(_settled([answer.shape for answer in given]) for given in zip(*answers, strict=True))


def _settled(shapes: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
    if len(set(map(len, shapes))) != 1:
        raise ModelIntegrityError(f"gives {shapes[0]} for one picture and {shapes[-1]} for another")
    columns = [set(sides) for sides in zip(*shapes, strict=True)]
    return tuple(max(sides) if len(sides) == 1 and 0 not in sides else MOST_ROWS for sides in columns)


def brought_to(tensor: Tensor, shape: tuple[int, ...]) -> Tensor:
    """The tensor with rows of 0, or without its last ones, so that it has this shape.

    Raises:
        ModelIntegrityError: if it has another number of sides.
    """
    if tensor.shape == shape:
        return tensor
    if tensor.ndim != len(shape):
        raise ModelIntegrityError(f"gives {tensor.shape} for one picture and {shape} for another")
    whole = np.zeros(shape, tensor.dtype)
    common = tuple(slice(min(pair)) for pair in zip(tensor.shape, shape, strict=True))
    whole[common] = tensor[common]
    return whole
