"""The source article's dense network of 64, 32 and 1, with the scaling of its numbers inside."""

from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from smartcam.model.rows.columns import Row, RowCode
from training.classifier.fitting import begin, class_weights
from training.errors import TrainingError
from training.network import Network
from training.tabular.onnx_file import OnnxDense
from training.tabular.table import learn_code

_LAYERS: Final = (64, 32)
_BATCH: Final = 64
_WEIGHT: Final = 1e-3
DEVIATIONS: Final = 6.0
"""A number so far from the usual says no more than that it is far: a mistyped one must not decide alone."""


@dataclass(frozen=True, slots=True)
class DenseSettings:
    """Passes at most, passes without progress, learning rate, seed; without validation all passes are done."""

    epochs: int = 40
    patience: int = 8
    rate: float = 5e-3
    seed: int = 1


def build_dense(numbers: NDArray[np.float32]) -> Network:
    """An untrained network for rows like these: float32 (n, columns) in, one logit out."""
    import keras  # noqa: PLC0415 - only the training environment has it

    mean, deviation = numbers.mean(axis=0), numbers.std(axis=0)
    scale = np.where(deviation > 0, deviation, 1)
    row = keras.Input((numbers.shape[1],))
    x = keras.layers.Normalization(mean=mean, variance=scale**2)(row)
    x = keras.ops.clip(x, -DEVIATIONS, DEVIATIONS)
    for width in _LAYERS:
        x = keras.layers.Dense(width, activation="relu", kernel_regularizer=keras.regularizers.L2(_WEIGHT))(x)
    return keras.Model(row, keras.layers.Dense(1)(x))


def fit_dense(
    numbers: NDArray[np.float32],
    truth: NDArray[np.bool_],
    settings: DenseSettings,
    validation: tuple[NDArray[np.float32], NDArray[np.bool_]] | None = None,
) -> Network:
    """The network with its best weights; both labels weigh the same.

    Raises:
        TrainingError: the loss is no number any more.
    """
    import keras  # noqa: PLC0415 - only the training environment has it
    import tensorflow as tf  # noqa: PLC0415

    begin(settings.seed)
    network = build_dense(numbers)
    network.compile(keras.optimizers.Adam(settings.rate), keras.losses.BinaryCrossentropy(from_logits=True))
    stop = keras.callbacks.EarlyStopping(patience=settings.patience, restore_best_weights=True)
    wanted = truth.astype(np.float32)
    weights = np.array(class_weights(truth), np.float32)[truth.astype(np.int64)]
    rows = tf.data.Dataset.from_tensor_slices((numbers, wanted, weights))
    # Without an end: a pass that opens its own rows takes longer for that than for learning from a few hundred.
    history = network.fit(
        rows.shuffle(truth.size, seed=settings.seed).batch(_BATCH).repeat(),
        epochs=settings.epochs,
        steps_per_epoch=-(-truth.size // _BATCH),
        shuffle=False,  # they are already
        validation_data=None if validation is None else (validation[0], validation[1].astype(np.float32)),
        callbacks=[] if validation is None else [stop],
        verbose=0,
    )
    if not np.isfinite(history.history["loss"]).all():
        raise TrainingError("the loss is no number: give a lower --rate, or look for wild numbers in the table")
    return network


def logits_of_rows(network: Network, numbers: NDArray[np.float32]) -> NDArray[np.float64]:
    """The network's logit of each row, float64 (n,)."""
    return np.asarray(network(numbers, training=False), np.float64)[:, 0]


def exported_dense(network: Network) -> bytes:
    """The network as a model file: a row of float32 in, a probability out, weights in 8 bits.

    What goes in stays float32: one 8-bit scale for all columns would leave nothing of the small ones, and the scaling
    is inside.
    """
    import keras  # noqa: PLC0415 - only the training environment has it
    import tensorflow as tf  # noqa: PLC0415

    row = keras.Input(batch_shape=(1, network.input.shape[1]))
    whole = keras.Model(row, keras.layers.Activation("sigmoid")(network(row)))
    converter: Any = tf.lite.TFLiteConverter.from_keras_model(whole)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter._experimental_disable_per_channel_quantization_for_dense_layers = True  # noqa: SLF001
    with redirect_stdout(StringIO()):
        return bytes(converter.convert())


def exported_onnx(network: Network) -> bytes:
    """The same as an ONNX model, its weights float32."""
    scaling = network.layers[1]
    dense = [layer.get_weights() for layer in network.layers if len(layer.get_weights()) == 2]  # noqa: PLR2004
    mean, variance = (np.asarray(part, np.float32).reshape(-1) for part in (scaling.mean, scaling.variance))
    return OnnxDense(mean, np.sqrt(variance), DEVIATIONS, [(weights, bias) for weights, bias in dense]).to_bytes()


@dataclass(frozen=True, slots=True)
class DenseAnswer:
    """A network that has learned from rows, with their code."""

    network: Network
    code: RowCode

    def __call__(self, rows: Sequence[Row]) -> NDArray[np.float64]:
        """The logit of each row, float64 (n,)."""
        return logits_of_rows(self.network, self.code.encode(rows))


def dense_teacher(settings: DenseSettings) -> Callable[[Sequence[Row], NDArray[np.bool_]], DenseAnswer]:
    """Learns from rows as `silencing` wants it."""

    def teach(rows: Sequence[Row], truth: NDArray[np.bool_]) -> DenseAnswer:
        code = learn_code(rows)
        return DenseAnswer(fit_dense(code.encode(rows), truth, settings), code)

    return teach
