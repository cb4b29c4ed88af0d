"""How a network is taught: what learns in its stead, what it is shown, and what it is told of it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from training.classifier.augmenting import TILE, sign_map, tiles, varied
from training.classifier.networks import signs_and_verdict
from training.footage.gathering import Examples
from training.network import Network

_SMOOTHING: Final = 0.02
_SIGNS_WEIGH: Final = 20.0
Batch = tuple[Any, Any, Any]
"""What a step of training is given: pictures, what they are, and what each weighs."""
ClassWeights = tuple[float, float]
"""What a picture without and one with the target weighs."""


@dataclass(frozen=True, slots=True)
class Teaching:
    """`learner`: what is trained, the network itself or more around it; its losses and their weights.

    `batch` makes a step's pictures out of the examples with the given numbers, otherwise each time.
    """

    learner: Network
    loss: Any
    loss_weights: list[float] | None
    batch: Callable[[Examples, NDArray[np.int64], ClassWeights, np.random.Generator], Batch]


def plainly(learner: Network) -> Teaching:
    """Whole pictures, and whether each shows the target."""
    return Teaching(learner, _verdict_loss(), None, _whole_pictures)


def by_signs(network: Network) -> Teaching:
    """For the signs network: tiles, whether each shows the target, and where.

    From the first alone the network hardly learns where to look.
    """
    import keras  # noqa: PLC0415 - only the training environment has it

    found = keras.losses.BinaryFocalCrossentropy(apply_class_balancing=True, alpha=0.8, from_logits=True)
    return Teaching(signs_and_verdict(network, TILE), [_verdict_loss(), found], [1.0, _SIGNS_WEIGH], _marked_tiles)


def says_where(examples: Examples) -> bool:
    """Whether it is known of each picture with the target where that is."""
    return bool((examples.boxes[examples.shows, 2] > 0).all())


def _verdict_loss() -> Any:  # noqa: ANN401 - Keras publishes no types
    import keras  # noqa: PLC0415 - only the training environment has it

    return keras.losses.BinaryCrossentropy(from_logits=True, label_smoothing=_SMOOTHING)


def _whole_pictures(
    examples: Examples, chosen: NDArray[np.int64], weights: ClassWeights, rng: np.random.Generator
) -> Batch:
    shows = examples.shows[chosen]
    return varied(examples.rgb[chosen], rng), _truth(shows), _weights(shows, weights)


def _marked_tiles(
    examples: Examples, chosen: NDArray[np.int64], weights: ClassWeights, rng: np.random.Generator
) -> Batch:
    shows = examples.shows[chosen]
    parts, placed = tiles(examples.rgb[chosen], examples.boxes[chosen], rng)
    weighs = _weights(shows, weights)
    return parts, [_truth(shows), sign_map(placed)], [weighs, weighs[:, None, None]]


def _truth(shows: NDArray[np.bool_]) -> NDArray[np.float32]:
    return shows[:, None].astype(np.float32)


def _weights(shows: NDArray[np.bool_], weights: ClassWeights) -> NDArray[np.float32]:
    return np.where(shows, weights[1], weights[0]).astype(np.float32)
