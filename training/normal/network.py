"""The encoder: convolutions down to a number of features for each cell of 8x8 pixels."""

from typing import Any, Final

from training.normal.pictures import HEIGHT, WIDTH

FEATURES: Final = 16
"""Numbers a cell."""
_LAYERS: Final = ((16, 2), (32, 2), (32, 1), (48, 2), (48, 1))
"""Channels and stride of each convolution."""


def build_encoder(batch: int | None = None) -> Any:  # noqa: ANN401 - Keras publishes no types
    """An untrained encoder: float32 (n, 64, 128, 3) of 0..1 in; (n, 8, 16, FEATURES) out."""
    import keras  # noqa: PLC0415 - only the training environment has it

    picture = keras.Input(batch_shape=(batch, HEIGHT, WIDTH, 3))
    x = picture
    for channels, stride in _LAYERS:
        x = keras.layers.Conv2D(channels, 3, strides=stride, padding="same", use_bias=False)(x)
        x = keras.layers.ReLU(max_value=6.0)(keras.layers.BatchNormalization(momentum=0.95)(x))
    return keras.Model(picture, keras.layers.Conv2D(FEATURES, 1, name="features")(x))
