"""The networks: the source article's as the baseline, and a small head on an encoder that knows pictures already.

All take float32 RGB of 0 to 1, (n, height, width, 3), and give one logit, (n, 1).
"""

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any, Final
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from smartcam.contract.errors import ModelIntegrityError
from smartcam.model.bundle import ModelBundle
from smartcam.model.manifest import MODEL_FILE, InputSpec, TensorType
from training.errors import TrainingError
from training.network import Network

_ARTICLE: Final = (32, 64, 128)
_ARTICLE_DENSE: Final = 512
_HEAD: Final = 32
_CELLS: Final = 4
"""Cells of the encoder's map, a side, of which the strongest sign is kept: rough places stay apart."""
_CONVOLUTIONS: Final = ((16, 2), (24, 2), (32, 1), (48, 2), (64, 1), (64, 1))
"""Channels and stride of each; on a CPU they train three times as fast as separable ones."""
_SMALL: Final = (8, 12, 16, 24, 24, 32)
CELL: Final = 8
"""Side, in pixels of the network's input, of one cell of the map of signs."""
TRUNK: Final = "trunk"
VERDICT: Final = "verdict"
_KERNEL: Final = 3
_SIDES: Final = 4


class InputSize(StrEnum):
    """The pictures that a network can be made for, as width and height."""

    USUAL = "160x96"
    MICRO = "96x96"
    """A microcontroller's memory holds the picture and what the first layer makes of it."""

    @property
    def width(self) -> int:
        """In pixels."""
        return int(self.partition("x")[0])

    @property
    def height(self) -> int:
        """In pixels."""
        return int(self.partition("x")[2])

    @property
    def shape(self) -> tuple[int, int, int]:
        """Of a picture: (height, width, 3)."""
        return (self.height, self.width, 3)


class NetworkName(StrEnum):
    """The networks that can be trained."""

    ARTICLE = "article"
    """Convolutions of 32, 64 and 128 with pooling, a dense layer of 512, a sigmoid."""
    TRANSFER = "transfer"
    """A head on an encoder; both go on learning."""
    SMALL = "small"
    """The transfer network's form with less than half of its channels, from scratch: what distillation is for."""
    SIGNS = "signs"
    """Says how much each part of the picture looks like the target; the strongest sign decides. It learns best from
    footage that says where the target is."""


def rgb_spec(size: InputSize = InputSize.USUAL) -> InputSpec:
    """The networks' input: RGB bytes as they are, divided by 255."""
    return InputSpec(
        width=size.width,
        height=size.height,
        dtype=TensorType.UINT8,
        scale=1 / 255,
        zero_point=0,
        mean=(0.0, 0.0, 0.0),
        std=(255.0, 255.0, 255.0),
    )


def build(name: NetworkName, size: InputSize = InputSize.USUAL, encoder: Network | None = None) -> Network:
    """An untrained network, but for the encoder in it, which `TRANSFER` needs. Weights follow from keras' seed."""
    if name is NetworkName.ARTICLE:
        return _article(size)
    if name is NetworkName.SMALL:
        return _with_head(_convolutions(_SMALL, size))
    if name is NetworkName.SIGNS:
        return _signs(size)
    if encoder is None:
        raise ValueError("the transfer network needs an encoder")
    return _with_head(encoder)


def begun_with(path: Path, size: InputSize = InputSize.USUAL) -> Network:
    """The signs network with the weights of one that training wrote, a Keras file.

    It has no normalisations: they are multiplied into the weights, for what has learned already goes on without.

    Raises:
        TrainingError: there is none in it.
    """
    network = _signs(size, normalises=False)
    try:
        network.set_weights(_plain_weights(_keras().saving.load_model(path, compile=False)))
    except (OSError, ValueError, KeyError, TypeError, BadZipFile) as error:
        raise TrainingError(
            f"{path}: is no signs network of Keras ({error}); give a .keras file that `python -m training` wrote"
        ) from error
    return network


def deployable(network: Network) -> Network:
    """The network as a device runs it: one picture in, its probability out.

    Converters need the batch of 1: with an open one tflite-runtime runs without its fast kernels.
    """
    keras = _keras()
    picture = keras.Input(batch_shape=(1, *network.input.shape[1:]))
    return keras.Model(picture, keras.layers.Activation("sigmoid")(network(picture)))


def opened_encoder(path: Path, size: InputSize = InputSize.USUAL) -> Network:
    """An encoder: a Keras model (a file), or the convolutions of a bundle (a folder) of the demo's form.

    It takes pictures of that size as the networks here do and gives a map of features, (n, rows, columns, channels).
    The convolutions of a bundle fit every size.

    Raises:
        TrainingError: there is none in it.
    """
    try:
        encoder = _of_bundle(path, size) if path.is_dir() else _keras().saving.load_model(path, compile=False)
    except (OSError, ValueError, KeyError, TypeError, BadZipFile, ModelIntegrityError) as error:
        raise TrainingError(f"encoder {path}: cannot be opened ({error})") from error
    takes, gives = tuple(encoder.input.shape), tuple(encoder.output.shape)
    if takes[1:] != size.shape or len(gives) != _SIDES or min(gives[1:3]) < _CELLS:
        raise TrainingError(
            f"encoder {path}: takes {takes} and gives {gives}; must take (n, {size.height}, {size.width}, 3) "
            f"and give a map of {_CELLS} cells a side at least"
        )
    return encoder


def _article(size: InputSize) -> Network:
    keras = _keras()
    picture = x = keras.Input(batch_shape=(None, *size.shape))
    for channels in _ARTICLE:
        x = keras.layers.MaxPooling2D()(keras.layers.Conv2D(channels, _KERNEL, activation="relu")(x))
    x = keras.layers.Dense(_ARTICLE_DENSE, activation="relu")(keras.layers.Flatten()(x))
    return keras.Model(picture, keras.layers.Dense(1)(x))


def _with_head(encoder: Network) -> Network:
    keras = _keras()
    x = keras.layers.Conv2D(_HEAD, 1, activation="relu")(encoder.output)
    x = keras.layers.Flatten()(keras.layers.MaxPooling2D(_CELLS)(x))
    x = keras.layers.Dense(_HEAD, activation="relu")(x)
    return keras.Model(encoder.input, keras.layers.Dense(1)(x))


def _signs(size: InputSize, *, normalises: bool = True) -> Network:
    keras = _keras()
    part = x = keras.Input(batch_shape=(None, None, None, 3))
    for channels, stride in _CONVOLUTIONS:
        x = keras.layers.Conv2D(channels, _KERNEL, strides=stride, padding="same", use_bias=not normalises)(x)
        x = keras.layers.BatchNormalization(momentum=0.95)(x) if normalises else x
        x = keras.layers.ReLU(max_value=6.0)(x)
    seldom = keras.initializers.Constant(-3.0)
    trunk = keras.Model(part, keras.layers.Conv2D(1, 1, bias_initializer=seldom)(x), name=TRUNK)
    verdict = keras.layers.Dense(1, kernel_initializer="ones", name=VERDICT)
    picture = keras.Input(batch_shape=(None, *size.shape))
    return keras.Model(picture, verdict(_strongest(trunk(picture))))


def _plain_weights(network: Network) -> list[NDArray[np.float32]]:
    """A network's weights in the order of its layers, normalisations multiplied into the kernels before them."""
    weights: list[NDArray[np.float32]] = []
    for layer in network.layers:
        if hasattr(layer, "layers"):
            weights += _plain_weights(layer)
        elif hasattr(layer, "moving_variance"):
            gamma, beta, mean, variance = layer.get_weights()
            share = gamma / np.sqrt(variance + np.float32(layer.epsilon))
            weights[-1:] = [weights[-1] * share, beta - mean * share]
        else:
            weights += layer.get_weights()
    return weights


def signs_and_verdict(network: Network, side: int) -> Network:
    """The signs network for square parts of pictures: the map of signs, and the logit; its weights are the network's.

    A part of `side` pixels has (side / `CELL`) squared signs.
    """
    keras = _keras()
    part = keras.Input(batch_shape=(None, side, side, 3))
    signs = network.get_layer(TRUNK)(part)
    return keras.Model(part, [network.get_layer(VERDICT)(_strongest(signs)), signs])


def _strongest(signs: Any) -> Any:  # noqa: ANN401 - a Keras tensor
    layers = _keras().layers
    # What is sought is a small part of the picture and would vanish in an average.
    return layers.Flatten()(layers.MaxPooling2D(pool_size=(signs.shape[1], signs.shape[2]))(signs))


def _convolutions(channels: Sequence[int], size: InputSize) -> Network:
    """The form of the signs network, without its normalisation, which its exported weights hold."""
    keras = _keras()
    picture = x = keras.Input(batch_shape=(None, *size.shape))
    for number, (_, stride) in zip(channels, _CONVOLUTIONS, strict=True):
        x = keras.layers.Conv2D(number, _KERNEL, strides=stride, padding="same")(x)
        x = keras.layers.ReLU(max_value=6.0)(x)
    return keras.Model(picture, x)


def _of_bundle(folder: Path, size: InputSize) -> Network:
    """The convolutions of an exported network of the demo's form, with its weights out of 8 bits."""
    import tensorflow as tf  # noqa: PLC0415 - only the training environment has it

    ModelBundle.open(folder)  # a damaged file would crash the interpreter
    interpreter = tf.lite.Interpreter(str(folder / MODEL_FILE))
    constants = [
        each
        for each in interpreter.get_tensor_details()
        if each["index"] and each["quantization_parameters"]["scales"].size
    ]
    values = {each["index"]: _real(interpreter, each) for each in constants if _is_constant(interpreter, each)}
    kernels = [index for index, value in values.items() if value.ndim == _SIDES and value.shape[1] == _KERNEL]
    # The last layer comes first in the file; each bias stands right before its kernel.
    kernels = sorted(kernels, reverse=True)
    channels = [int(values[index].shape[0]) for index in kernels]
    wanted = [each for each, _ in _CONVOLUTIONS]
    if channels != wanted:
        raise ValueError(f"has convolutions with {channels} channels, not {wanted}")
    encoder = _convolutions(channels, size)
    encoder.set_weights(
        [value for index in kernels for value in (values[index].transpose(1, 2, 3, 0), values[index - 1])]
    )
    return encoder


def _is_constant(interpreter: Any, detail: Any) -> bool:  # noqa: ANN401 - TensorFlow publishes no types
    try:
        interpreter.get_tensor(detail["index"])
    except ValueError:  # a result: there is none before the model has run
        return False
    return True


def _real(interpreter: Any, detail: Any) -> np.ndarray[Any, np.dtype[np.float32]]:  # noqa: ANN401
    """A quantised constant as real numbers; scales are by output channel, which comes first."""
    raw = interpreter.get_tensor(detail["index"]).astype(np.float32)
    scales = detail["quantization_parameters"]["scales"]
    return np.asarray(raw * scales.reshape(-1, *[1] * (raw.ndim - 1)), np.float32)


def _keras() -> Any:  # noqa: ANN401 - a module without types
    import keras  # noqa: PLC0415 - only the training environment has it

    return keras
