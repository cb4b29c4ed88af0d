"""Whether a file of float16 holds the very weights of its source: pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[Any]
_HALF_STEP: Final = 2.0**-11
"""Of float16, relative to the number."""
_SLACK: Final = 1.001
"""Converters multiply normalisations into the weights in float32."""
_SMALLEST: Final = 2.0**-25
"""Half of the smallest step that float16 has at all."""


@dataclass(frozen=True, slots=True)
class WeightsFound:
    """`numbers` weights were compared, in `tensors` of the source; the largest difference; what is wrong, in words."""

    tensors: int
    numbers: int
    largest: float
    faults: tuple[str, ...]


def compare_weights(source: Mapping[str, Numbers], found: Sequence[Numbers]) -> WeightsFound:
    """Finds each tensor of the source among those of a file, in whatever order of its axes, rounded to float16.

    Each of the file's is taken once. What it has besides may be single numbers (limits, scales) and zeros.
    """
    left = [np.asarray(each, np.float64) for each in found]
    faults, largest = [], 0.0
    for name, wanted in source.items():
        distances = [_distance(np.asarray(wanted, np.float64), each) for each in left]
        fitting = [place for place, distance in enumerate(distances) if distance is not None]
        if not fitting:
            faults.append(f"{name} {wanted.shape} is not in it")
            continue
        best = min(fitting, key=lambda place: distances[place] or 0.0)
        largest = max(largest, distances[best] or 0.0)
        del left[best]
    faults += [f"has {each.shape} that is not in the source" for each in left if each.size > 1 and each.any()]
    numbers = sum(each.size for each in source.values())
    return WeightsFound(len(source), int(numbers), largest, tuple(faults))


def _distance(wanted: NDArray[np.float64], given: NDArray[np.float64]) -> float | None:
    """The largest difference under the order of axes that fits; None: under none is it rounding alone."""
    if wanted.size != given.size:
        return None
    limit = _HALF_STEP * _SLACK * np.abs(wanted) + _SMALLEST
    squeezed, room = wanted.squeeze(), limit.squeeze()
    flat = given.squeeze()
    for order in permutations(range(squeezed.ndim)):
        turned = squeezed.transpose(order)
        if turned.shape == flat.shape:
            apart = np.abs(turned - flat)
            if (apart <= room.transpose(order)).all():
                return float(apart.max(initial=0.0))
    return None
