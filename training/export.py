"""Third stage: the trained network as an int8 model file that both old and new runtimes can run."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from training.dataset import Footage
from training.network import Network, for_whole_pictures


def export(network: Network, footage: Footage, examples: int = 300) -> bytes:
    """The network as a model file in int8 with uint8 input and output.

    It is quantised after training; `examples` evenly spaced pictures of the footage set the scales.
    """
    import tensorflow as tf  # noqa: PLC0415 - only the training environment has it

    converter = tf.lite.TFLiteConverter.from_keras_model(for_whole_pictures(network, batch=1))
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: _examples(footage, examples)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = tf.uint8
    converter.inference_output_type = tf.uint8
    # tflite-runtime refuses dense layers with scales per channel; on aarch64 it crashes.
    converter._experimental_disable_per_channel_quantization_for_dense_layers = True  # noqa: SLF001
    return bytes(converter.convert())


def _examples(footage: Footage, count: int) -> Iterator[list[NDArray[np.float32]]]:
    for place in np.linspace(0, len(footage) - 1, min(count, len(footage))).astype(np.int64):
        yield [footage.rgb[place : place + 1].astype(np.float32) / np.float32(255)]
    # Black and white fix the input's scale at exactly one step per sample, so the device need not convert.
    yield [np.zeros_like(footage.rgb[:1], np.float32)]
    yield [np.ones_like(footage.rgb[:1], np.float32)]
