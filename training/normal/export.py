"""Third stage: the encoder as an int8 model file that both old and new runtimes can run."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from training.normal.network import build_encoder
from training.normal.pictures import Rgb
from training.normal.views import Floats, pairs


def export(encoder: Any, pictures: Rgb, examples: int = 200) -> bytes:  # noqa: ANN401 - Keras publishes no types
    """The encoder as a model file: uint8 RGB (1, 64, 128, 3) in, int8 (1, 8, 16, FEATURES) out.

    `examples` evenly spaced pictures, as cameras may see them, set the scales.
    """
    import tensorflow as tf  # noqa: PLC0415 - only the training environment has it

    whole = build_encoder(batch=1)
    whole.set_weights(encoder.get_weights())
    converter = tf.lite.TFLiteConverter.from_keras_model(whole)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: _examples(pictures, examples)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = tf.uint8
    converter.inference_output_type = tf.int8
    return bytes(converter.convert())


def _examples(pictures: Rgb, count: int) -> Iterator[list[Floats]]:
    chosen = pictures[np.linspace(0, len(pictures) - 1, min(count, len(pictures))).astype(np.int64)]
    for view in pairs(chosen, np.random.default_rng(0))[0]:
        yield [view[None]]
    # Black and white fix the input's scale at exactly one step per sample, so the device need not convert.
    yield [np.zeros((1, *pictures.shape[1:]), np.float32)]
    yield [np.ones((1, *pictures.shape[1:]), np.float32)]
