"""A trained network as a model file that both old and new runtimes can run."""

from collections.abc import Iterator
from contextlib import redirect_stdout
from enum import StrEnum
from io import StringIO

import numpy as np
from numpy.typing import NDArray

from training.network import Network

EXAMPLES = 300


class Precision(StrEnum):
    """What the numbers of a model file are."""

    FLOAT32 = "float32"
    DYNAMIC = "dynamic range"
    """Weights in 8 bits, results in 32."""
    FLOAT16 = "float16"
    INT8 = "int8"
    """All in 8 bits, with pictures of bytes in and bytes out: what a device gets."""


def converted(network: Network, precision: Precision, rgb: NDArray[np.uint8], examples: int = EXAMPLES) -> bytes:
    """A Keras network with a batch of one as a model file.

    It is quantised after training; for int8, `examples` evenly spaced pictures, uint8 (n, h, w, 3), set the scales.
    """
    import tensorflow as tf  # noqa: PLC0415 - only the training environment has it

    converter = tf.lite.TFLiteConverter.from_keras_model(network)
    # tflite-runtime refuses dense layers with scales per channel; on aarch64 it crashes.
    converter._experimental_disable_per_channel_quantization_for_dense_layers = True  # noqa: SLF001
    if precision is not Precision.FLOAT32:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if precision is Precision.FLOAT16:
        converter.target_spec.supported_types = [tf.float16]
    if precision is Precision.INT8:
        converter.representative_dataset = lambda: _examples(rgb, examples)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = tf.uint8
        converter.inference_output_type = tf.uint8
    with redirect_stdout(StringIO()):  # Keras tells of a folder that is deleted again
        return bytes(converter.convert())


def _examples(rgb: NDArray[np.uint8], count: int) -> Iterator[list[NDArray[np.float32]]]:
    for place in np.linspace(0, len(rgb) - 1, min(count, len(rgb))).astype(np.int64):
        yield [rgb[place : place + 1].astype(np.float32) / np.float32(255)]
    # Black and white fix the input's scale at exactly one step per sample, so the device need not convert.
    yield [np.zeros_like(rgb[:1], np.float32)]
    yield [np.ones_like(rgb[:1], np.float32)]
