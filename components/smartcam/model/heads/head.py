"""A model behind its head: RGB in, the model's answer in plain numbers out."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from smartcam.contract.errors import ModelIntegrityError
from smartcam.model.heads.answer import RegionDetections
from smartcam.model.heads.checks import check_input
from smartcam.model.heads.classifier import ClassifierHead
from smartcam.model.heads.ssd import SsdReader
from smartcam.model.heads.yolo import YoloReader
from smartcam.model.heads.yolox import YoloxReader
from smartcam.model.interpreter import Interpreter, Tensor, TensorSpec
from smartcam.model.manifest import InputSpec, ModelManifest
from smartcam.model.outputs import ClassifierOutput, SsdOutput, YoloOutput, YoloxOutput
from smartcam.model.preprocess import Preprocessor

DetectorOutput = SsdOutput | YoloOutput | YoloxOutput


class DetectionReader(Protocol):
    """Reads the detections in a model's outputs."""

    classes: int | None

    def read(self, outputs: Sequence[Tensor]) -> RegionDetections:
        """The detections in one region. Raises ModelIntegrityError if the outputs do not match each other."""
        ...


class DetectorHead:
    """A model that finds objects, however it answers."""

    def __init__(self, interpreter: Interpreter, spec: InputSpec, output: DetectorOutput) -> None:
        """Raises ModelIntegrityError if the model does not match the specifications."""
        check_input(interpreter, spec)
        self._interpreter = interpreter
        self._reader = reader_of(output, interpreter.outputs, spec)
        self.preprocessor = Preprocessor(spec)
        self.classes = self._reader.classes
        """The number of classes; None where the model does not tell."""

    def infer(self, rgb: NDArray[np.uint8]) -> RegionDetections:
        """The detections in a region: RGB uint8 (height, width, 3) of the model's size.

        Raises:
            ModelIntegrityError: if the model fails, or its outputs do not match each other.
        """
        return self._reader.read(self._interpreter.invoke(self.preprocessor.tensor(rgb)))


def reader_of(output: DetectorOutput, outputs: Sequence[TensorSpec], spec: InputSpec) -> DetectionReader:
    """The reader for a way of answering. Raises ModelIntegrityError if the model's outputs do not fit it."""
    if isinstance(output, SsdOutput):
        return SsdReader(output, outputs, spec)
    if isinstance(output, YoloOutput):
        return YoloReader(output, outputs, spec)
    return YoloxReader(output, outputs, spec)


def head_of(interpreter: Interpreter, manifest: ModelManifest) -> DetectorHead | ClassifierHead:
    """The head that the manifest describes. Raises ModelIntegrityError if the model does not fit it."""
    count = len(manifest.labels)
    if not isinstance(manifest.output, ClassifierOutput):
        detector = DetectorHead(interpreter, manifest.input, manifest.output)
        if detector.classes not in (None, count):
            raise ModelIntegrityError(f"has {detector.classes} classes, but the manifest has {count} labels")
        return detector
    head = ClassifierHead(interpreter, manifest.input, manifest.output, count)
    if head.labels != count:
        raise ModelIntegrityError(f"gives {head.labels} shares, but the manifest has {count} labels")
    return head
