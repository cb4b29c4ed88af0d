"""Second stage: the encoder learns to say the same of a place under another light, and something else of all others.

The loss is VICReg's (Bardes, Ponce, LeCun 2021, arXiv:2105.04906) over cells instead of pictures: views of one cell are
near, every feature varies over cells, and no two features say the same. It needs no labels and no negatives.
"""

import sys
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from training.normal.network import FEATURES, build_encoder
from training.normal.pictures import Rgb
from training.normal.views import pairs

_BATCH: Final = 32
_CELLS: Final = 768
"""Cells of a batch that a step compares: neighbours say nearly the same."""
_RATE: Final = 3e-3
_ALIKE: Final = 10.0
_VARIED: Final = 10.0
_APART: Final = 1.0
"""Weights of the three parts of the loss."""


@dataclass(frozen=True, slots=True, eq=False)
class Learnt:
    """The encoder and the mean loss of every fifty steps."""

    encoder: Any
    losses: tuple[float, ...]


def learn(pictures: Rgb, steps: int, seed: int) -> Learnt:
    """Trains from scratch; the same pictures, steps, seed and versions give the same encoder."""
    import keras  # noqa: PLC0415 - only the training environment has it
    import tensorflow as tf  # noqa: PLC0415

    keras.utils.clear_session()  # names are numbered, and they end up in the exported file
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()
    encoder, rng = build_encoder(), np.random.default_rng([seed, 7])
    schedule = keras.optimizers.schedules.CosineDecay(
        _RATE / 15, decay_steps=steps, warmup_target=_RATE, warmup_steps=max(1, steps // 10)
    )
    step = tf.function(_step(encoder, keras.optimizers.AdamW(schedule, weight_decay=1e-4)))
    losses: list[float] = []
    recent: list[float] = []
    for number in range(steps):
        one, other = pairs(pictures[rng.choice(len(pictures), _BATCH, replace=len(pictures) < _BATCH)], rng)
        cells = one.shape[0] * (one.shape[1] // 8) * (one.shape[2] // 8)
        chosen = rng.choice(cells, _CELLS, replace=False).astype(np.int32)
        recent.append(float(step(one, other, chosen)))
        if (number + 1) % 50 == 0 or number + 1 == steps:
            losses.append(float(np.mean(recent)))
            print(f"step {number + 1}/{steps} loss {losses[-1]:.3f}", file=sys.stderr, flush=True)
            recent = []
    return Learnt(encoder, tuple(losses))


def _step(encoder: Any, optimiser: Any) -> Any:  # noqa: ANN401 - Keras publishes no types
    """One step on two views of a batch and the cells to compare; returns the loss."""
    import tensorflow as tf  # noqa: PLC0415 - only the training environment has it

    def spread(features: Any) -> tuple[Any, Any]:  # noqa: ANN401
        centred = features - tf.reduce_mean(features, 0)
        deviation = tf.sqrt(tf.reduce_mean(centred**2, 0) + 1e-4)
        covariance = tf.matmul(centred, centred, transpose_a=True) / _CELLS
        off = tf.reduce_sum(covariance**2) - tf.reduce_sum(tf.linalg.diag_part(covariance) ** 2)
        return tf.reduce_mean(tf.nn.relu(1 - deviation)), off / FEATURES

    def step(one: Any, other: Any, chosen: Any) -> Any:  # noqa: ANN401
        with tf.GradientTape() as tape:
            features = tf.reshape(encoder(tf.concat([one, other], 0), training=True), (2, -1, FEATURES))
            mine, yours = tf.gather(features[0], chosen), tf.gather(features[1], chosen)
            (varied, apart), (varied_too, apart_too) = spread(mine), spread(yours)
            loss = (
                _ALIKE * tf.reduce_mean((mine - yours) ** 2)
                + _VARIED * (varied + varied_too)
                + _APART * (apart + apart_too)
            )
        weights = encoder.trainable_variables
        optimiser.apply_gradients(zip(tape.gradient(loss, weights), weights, strict=True))
        return loss

    return step
