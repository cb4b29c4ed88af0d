"""What can be found out about a .tflite file by running it: the part of a manifest that nobody should have to type."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from smartcam.contract.errors import ModelIntegrityError
from smartcam.model.heads import OUTPUTS_OF_A_DETECTOR, check_input
from smartcam.model.interpreter import Interpreter, Tensor
from smartcam.model.manifest import CHANNELS, Activation, ClassifierOutput, DetectorOutput, InputSpec, TensorType
from smartcam.model.preprocess import INT8_OFFSET, Preprocessor

Colour = tuple[float, float, float]

_SIDES_OF_A_BOX: Final = 4
_SHAPES_IN_A_PICTURE: Final = 6
_WHITE: Final = 255.0


@dataclass(frozen=True, slots=True)
class Scaling:
    """How samples of 0 to 255 become a float model's numbers: `(p - mean) / std`."""

    mean: Colour = (0.0, 0.0, 0.0)
    std: Colour = (_WHITE, _WHITE, _WHITE)


def input_spec(interpreter: Interpreter, scaling: Scaling | None = None) -> InputSpec:
    """The model's input.

    A quantised model without `scaling` is assumed to take samples as they are (uint8) or minus 128 (int8), which is how
    converters make them; a float model 0 to 1.

    Raises:
        ModelIntegrityError: if the input is not a single RGB picture of a known type.
    """
    given = interpreter.input
    kinds = {np.dtype(kind.value): kind for kind in TensorType}
    if len(given.shape) != 4 or given.shape[0] != 1 or given.shape[3] != CHANNELS or given.dtype not in kinds:  # noqa: PLR2004
        raise ModelIntegrityError(f"takes {given.dtype} {given.shape}; a picture model takes (1, height, width, 3)")
    _, height, width, _ = given.shape
    kind = kinds[given.dtype]
    if kind is TensorType.FLOAT32:
        chosen = scaling or Scaling()
        return InputSpec(width, height, kind, 0.0, 0, chosen.mean, chosen.std)
    scale, zero_point = (given.scale, given.zero_point) if given.scale else (1.0, 0)
    offset = zero_point + (INT8_OFFSET if kind is TensorType.INT8 else 0)
    chosen = scaling or Scaling((float(offset),) * 3, (1 / scale,) * 3)
    return InputSpec(width, height, kind, scale, zero_point, chosen.mean, chosen.std)


def detector_output(interpreter: Interpreter, spec: InputSpec, pictures: Sequence[NDArray[np.uint8]]) -> DetectorOutput:
    """Which output is which, inferred from shapes and from the results for `pictures`.

    Raises:
        ModelIntegrityError: if it is not an SSD with post-processing.
    """
    runs = _run(interpreter, spec, pictures)
    places = range(len(interpreter.outputs))
    boxes = [place for place in places if runs[0][place].ndim > 1 and runs[0][place].shape[-1] == _SIDES_OF_A_BOX]
    count = [place for place in places if runs[0][place].size == 1]
    rest = [place for place in places if place not in boxes + count]
    classes = [place for place in rest if all(_whole(run[place]) for run in runs)]
    scores = [place for place in rest if place not in classes and all(_shares(run[place]) for run in runs)]
    if len(places) != OUTPUTS_OF_A_DETECTOR or any(len(found) != 1 for found in (boxes, count, classes, scores)):
        shapes = ", ".join(str(output.shape) for output in runs[0])
        raise ModelIntegrityError(
            f"gives {shapes}; a detector gives boxes (1, n, 4), classes (1, n), scores (1, n) and a count, "
            "as an SSD with its post-processing does"
        )
    return DetectorOutput(boxes[0], classes[0], scores[0], count[0])


def classifier_output(
    interpreter: Interpreter, spec: InputSpec, pictures: Sequence[NDArray[np.uint8]]
) -> ClassifierOutput:
    """How the output is read: if all numbers are within 0 to 1, as probabilities, otherwise as logits.

    Raises:
        ModelIntegrityError: unless there is one output with one number per label.
    """
    runs = _run(interpreter, spec, pictures)
    if len(interpreter.outputs) != 1 or runs[0][0].shape != (1, runs[0][0].size):
        shapes = ", ".join(str(output.shape) for output in runs[0])
        raise ModelIntegrityError(f"gives {shapes}; a classifier gives (1, labels)")
    given = interpreter.outputs[0]
    real = [(run[0].astype(np.float64) - given.zero_point) * (given.scale or 1.0) for run in runs]
    probable = all(bool(((values >= 0) & (values <= 1)).all()) for values in real)
    return ClassifierOutput(Activation.PROBABILITY if probable else Activation.LOGITS, given.scale, given.zero_point)


def structured_picture(seed: int, width: int, height: int) -> NDArray[np.uint8]:
    """Coloured shapes on a gradient, RGB uint8 (height, width, 3); the same seed gives the same picture."""
    random = np.random.Generator(np.random.PCG64(seed))
    down, across = np.mgrid[0:height, 0:width].astype(np.float64)
    down, across = down / height, across / width
    picture: NDArray[np.float64] = np.stack((across, down, 1 - across), axis=-1) * 128 + 64
    for turn in range(_SHAPES_IN_A_PICTURE):
        x, y = random.random(2)
        half_width, half_height = 0.05 + 0.2 * random.random(2)
        colour = random.random(3) * _WHITE
        along, upright = np.abs(across - x) / half_width, np.abs(down - y) / half_height
        inside = (along < 1) & (upright < 1) if turn % 2 else along**2 + upright**2 < 1
        picture[inside] = colour
    return picture.clip(0, _WHITE).astype(np.uint8)


def _run(interpreter: Interpreter, spec: InputSpec, pictures: Sequence[NDArray[np.uint8]]) -> list[tuple[Tensor, ...]]:
    check_input(interpreter, spec)
    preprocessor = Preprocessor(spec)
    return [interpreter.invoke(preprocessor.tensor(picture)) for picture in pictures]


def _whole(values: Tensor) -> bool:
    return bool(np.isfinite(values).all() and (values == np.rint(values)).all())


def _shares(values: Tensor) -> bool:
    return bool(((values >= 0) & (values <= 1)).all())
