"""The network: small convolutions, then the strongest sign anywhere in the picture decides."""

from typing import Any

from training.dataset import INPUT_HEIGHT, INPUT_WIDTH

Network = Any
"""A Keras model; TensorFlow publishes no types."""

LABELS = ("normal", "intruder")
CELL = 8
"""Pixels of the network's input that one cell of the map of signs stands for, each way."""
_LAYERS = ((16, 2), (24, 2), (32, 1), (48, 2), (64, 1), (64, 1))
"""Channels and stride of each convolution; on a CPU they train three times faster than separable ones."""


def build_network() -> Network:
    """An untrained network: float32 (n, height, width, 3) of 0..1 in; the share of each label and the signs out.

    Signs (n, height / 8, width / 8, 1) say how much each part of the picture looks like an intruder. They are for
    learning only: with the picture's label alone the network does not find out what to look at.
    """
    keras = _keras()
    picture, signs = _signs(batch=None)
    return keras.Model(picture, [_shares(signs), signs])


def for_the_device(trained: Network) -> Network:
    """The same weights for exactly one picture, without the signs: converters want every side of a tensor known."""
    keras = _keras()
    picture, signs = _signs(batch=1)
    fixed = keras.Model(picture, _shares(signs))
    fixed.set_weights(trained.get_weights())
    return fixed


def _signs(batch: int | None) -> tuple[Any, Any]:
    layers = _keras().layers
    picture = _keras().Input(batch_shape=(batch, INPUT_HEIGHT, INPUT_WIDTH, 3))
    x = picture
    for channels, stride in _LAYERS:
        x = layers.Conv2D(channels, 3, strides=stride, padding="same", use_bias=False)(x)
        x = layers.ReLU(max_value=6.0)(layers.BatchNormalization(momentum=0.95)(x))
    return picture, layers.Conv2D(1, 1, bias_initializer=_keras().initializers.Constant(-3.0), name="signs")(x)


def _shares(signs: Any) -> Any:  # noqa: ANN401 - a Keras tensor
    layers = _keras().layers
    # A person is a small part of the picture: an average would drown them.
    strongest = layers.MaxPooling2D(pool_size=(INPUT_HEIGHT // CELL, INPUT_WIDTH // CELL))(signs)
    return layers.Dense(len(LABELS), activation="softmax", name="shares")(layers.Flatten()(strongest))


def _keras() -> Any:  # noqa: ANN401 - a module without types
    import keras  # noqa: PLC0415 - only the training environment has it

    return keras
