"""The network: small convolutions; the strongest sign of an intruder anywhere in the picture decides."""

from typing import Any

from training.dataset import INPUT_HEIGHT, INPUT_WIDTH

Network = Any
"""A Keras model; TensorFlow publishes no types."""

LABELS = ("normal", "intruder")
CELL = 8
"""Side, in pixels of the network's input, of one cell of the map of signs."""
_LAYERS = ((16, 2), (24, 2), (32, 1), (48, 2), (64, 1), (64, 1))
"""Channels and stride of each convolution; on a CPU they train three times as fast as separable ones."""
TILE = 80
"""Side of the tile that is cut from each picture for training: half the work, and the person is in it."""


def build_network() -> Network:
    """An untrained network for tiles: float32 (n, 80, 80, 3) of 0..1 in; label probabilities and signs out.

    Signs (n, 10, 10, 1) say how much each part of the picture looks like an intruder. They are used only for training:
    from the label alone the network does not learn where to look.
    """
    picture, signs = _signs(TILE, TILE, batch=None)
    return _keras().Model(picture, [_shares(signs), signs])


def for_whole_pictures(trained: Network, batch: int | None = None) -> Network:
    """The same weights for whole pictures, probabilities only; converters and devices need a batch of 1."""
    picture, signs = _signs(INPUT_WIDTH, INPUT_HEIGHT, batch)
    whole = _keras().Model(picture, _shares(signs))
    whole.set_weights(trained.get_weights())
    return whole


def _signs(width: int, height: int, batch: int | None) -> tuple[Any, Any]:
    layers = _keras().layers
    picture = _keras().Input(batch_shape=(batch, height, width, 3))
    x = picture
    for channels, stride in _LAYERS:
        x = layers.Conv2D(channels, 3, strides=stride, padding="same", use_bias=False)(x)
        x = layers.ReLU(max_value=6.0)(layers.BatchNormalization(momentum=0.95)(x))
    return picture, layers.Conv2D(1, 1, bias_initializer=_keras().initializers.Constant(-3.0), name="signs")(x)


def _shares(signs: Any) -> Any:  # noqa: ANN401 - a Keras tensor
    layers = _keras().layers
    # A person is a small part of the picture and would vanish in an average.
    strongest = layers.MaxPooling2D(pool_size=(signs.shape[1], signs.shape[2]))(signs)
    return layers.Dense(len(LABELS), activation="softmax", name="shares")(layers.Flatten()(strongest))


def _keras() -> Any:  # noqa: ANN401 - a module without types
    import keras  # noqa: PLC0415 - only the training environment has it

    return keras
