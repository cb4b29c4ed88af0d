"""The two kinds of heads: RGB in, the model's answer in plain numbers out."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from smartcam.contract.errors import ModelIntegrityError
from smartcam.model.interpreter import Interpreter, Tensor
from smartcam.model.manifest import (
    CHANNELS,
    Activation,
    ClassifierOutput,
    DetectorOutput,
    InputSpec,
    ModelManifest,
    TensorType,
)
from smartcam.model.preprocess import Preprocessor

OUTPUTS_OF_A_DETECTOR: Final = 4
_SCALE_TOLERANCE: Final = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class RegionDetections:
    """What a detector finds in one region, the surest first.

    `boxes` is float32 (n, 4): x1, y1, x2, y2 normalised to the region, `0 <= x1 < x2 <= 1`; `scores` is float32 (n,),
    0 to 1; `classes` is int64 (n,), the index of the label.
    """

    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    classes: NDArray[np.int64]


class DetectorHead:
    """An SSD with post-processing."""

    def __init__(self, interpreter: Interpreter, spec: InputSpec, output: DetectorOutput) -> None:
        """Raises ModelIntegrityError if the model does not match the specifications."""
        check_input(interpreter, spec)
        if len(interpreter.outputs) != OUTPUTS_OF_A_DETECTOR:
            raise ModelIntegrityError(f"must have four outputs as a detector, not {len(interpreter.outputs)}")
        self._interpreter = interpreter
        self._output = output
        self.preprocessor = Preprocessor(spec)

    def infer(self, rgb: NDArray[np.uint8]) -> RegionDetections:
        """The detections in a region: RGB uint8 (height, width, 3) of the model's size.

        Raises:
            ModelIntegrityError: if the model fails, or its outputs do not match each other.
        """
        outputs = self._interpreter.invoke(self.preprocessor.tensor(rgb))
        return read_detections(outputs, self._output)


class ClassifierHead:
    """A network that gives a probability for each label."""

    def __init__(self, interpreter: Interpreter, spec: InputSpec, output: ClassifierOutput) -> None:
        """Raises ModelIntegrityError if the model does not match the specifications."""
        check_input(interpreter, spec)
        if len(interpreter.outputs) != 1:
            raise ModelIntegrityError(f"must have one output as a classifier, not {len(interpreter.outputs)}")
        check_quantisation("output", interpreter.outputs[0].scale, interpreter.outputs[0].zero_point, output)
        self._interpreter = interpreter
        self._reader = ShareReader(output, interpreter.outputs[0].dtype)
        self.preprocessor = Preprocessor(spec)
        self.labels = int(np.prod(interpreter.outputs[0].shape))

    def infer(self, rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
        """The probability of each label, float32 (labels,), for RGB uint8 (height, width, 3) of the model's size.

        Raises:
            ModelIntegrityError: if the model fails, or gives numbers that are not finite.
        """
        (raw,) = self._interpreter.invoke(self.preprocessor.tensor(rgb))
        return self._reader.read(raw)


def head_of(interpreter: Interpreter, manifest: ModelManifest) -> DetectorHead | ClassifierHead:
    """The head that the manifest describes. Raises ModelIntegrityError if the model does not fit it."""
    if isinstance(manifest.output, DetectorOutput):
        return DetectorHead(interpreter, manifest.input, manifest.output)
    head = ClassifierHead(interpreter, manifest.input, manifest.output)
    if head.labels != len(manifest.labels):
        raise ModelIntegrityError(f"gives {head.labels} shares, but the manifest has {len(manifest.labels)} labels")
    return head


def check_input(interpreter: Interpreter, spec: InputSpec) -> None:
    """Raises ModelIntegrityError unless the model's input is as `spec` says."""
    given = interpreter.input
    shape = (1, spec.height, spec.width, CHANNELS)
    if given.shape != shape or given.dtype != np.dtype(spec.dtype.value):
        raise ModelIntegrityError(f"takes {given.dtype} {given.shape}, but the manifest says {spec.dtype} {shape}")
    if spec.dtype is not TensorType.FLOAT32:
        check_quantisation("input", given.scale, given.zero_point, spec)


def check_quantisation(what: str, scale: float, zero_point: int, said: InputSpec | ClassifierOutput) -> None:
    """Raises ModelIntegrityError unless the model's quantisation is the manifest's; a model may state none (0)."""
    if scale and (abs(scale - said.scale) > _SCALE_TOLERANCE * max(scale, said.scale) or zero_point != said.zero_point):
        raise ModelIntegrityError(
            f"has {what} scale {scale} and zero point {zero_point}, "
            f"but the manifest says {said.scale} and {said.zero_point}"
        )


def read_detections(outputs: tuple[Tensor, ...], order: DetectorOutput) -> RegionDetections:
    """The detections in a detector's outputs; boxes come as y1, x1, y2, x2 and may reach outside.

    Raises:
        ModelIntegrityError: if the outputs do not match each other.
    """
    boxes, classes, scores = (outputs[place] for place in (order.boxes, order.classes, order.scores))
    counted = outputs[order.count].reshape(-1)
    most = classes.size
    if boxes.size != 4 * most or scores.size != most or counted.size != 1 or not np.isfinite(counted[0]):
        shapes = ", ".join(str(output.shape) for output in outputs)
        raise ModelIntegrityError(f"outputs {shapes} are not boxes, classes, scores and count")
    count = min(max(int(counted[0]), 0), most)
    y1, x1, y2, x2 = np.clip(boxes.reshape(-1, 4)[:count].T.astype(np.float32), 0, 1)
    corners = np.stack((x1, y1, x2, y2), axis=1)
    flat_scores = scores.reshape(-1)[:count].astype(np.float32)
    flat_classes = classes.reshape(-1)[:count]
    # Comparisons with NaN are false, so NaNs are dropped here.
    good = (
        (x1 < x2) & (y1 < y2) & (flat_scores >= 0) & (flat_scores <= 1) & (flat_classes >= 0) & (flat_classes < 2**31)
    )
    ranking = np.argsort(-flat_scores[good], kind="stable")
    return RegionDetections(
        corners[good][ranking],
        flat_scores[good][ranking],
        np.rint(flat_classes[good][ranking]).astype(np.int64),
    )


class ShareReader:
    """Turns the output of a classifier into probabilities."""

    def __init__(self, output: ClassifierOutput, dtype: np.dtype[Any]) -> None:
        """Raises ModelIntegrityError if the output is neither float32 nor 8-bit with a scale."""
        self._softmax = output.activation is Activation.LOGITS
        self._table: NDArray[np.float32] | None = None
        if dtype.itemsize == 1 and output.scale:
            # A lookup by bit pattern: for a small model, arithmetic on two numbers takes a tenth of the run.
            numbers = np.arange(256, dtype=np.uint8).view(dtype).astype(np.float32)
            self._table = (numbers - output.zero_point) * np.float32(output.scale)
        elif dtype != np.float32:
            raise ModelIntegrityError(f"gives {dtype} with scale {output.scale}, not float32 or scaled 8-bit numbers")

    def read(self, raw: Tensor) -> NDArray[np.float32]:
        """Probabilities (labels,), float32.

        Raises:
            ModelIntegrityError: if the output's numbers are not finite.
        """
        values: NDArray[np.float32] = raw.reshape(-1)
        if self._table is not None:
            values = self._table[values.view(np.uint8)]
        elif not np.isfinite(values).all():
            raise ModelIntegrityError("gives numbers that are not finite")
        if self._softmax:
            values = np.exp(values - values.max())
            return np.asarray(values / values.sum(), np.float32)
        return values.clip(0, 1)
