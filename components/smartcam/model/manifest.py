"""The paper that goes with a model: what it is, what it takes, what it says, where it comes from."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from smartcam.contract.errors import ContractError
from smartcam.contract.event import EventKind
from smartcam.contract.reading import Fields, dump_object, parse_object

MANIFEST_SCHEMA: Final = 1
MODEL_FILE: Final = "model.tflite"
MOST_LABELS: Final = 2000
_LARGEST_SIDE: Final = 4096
_FILE_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,63}", re.ASCII)
_SHA256: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)


class ModelKind(StrEnum):
    """What a model answers."""

    DETECTOR = "detector"
    """An SSD with post-processing: boxes, classes, scores, count."""
    CLASSIFIER = "classifier"
    """One share for each label, for the whole picture."""


class TensorType(StrEnum):
    """The numbers that a model takes."""

    UINT8 = "uint8"
    INT8 = "int8"
    FLOAT32 = "float32"


class Activation(StrEnum):
    """What a classifier's numbers are."""

    PROBABILITY = "probability"
    LOGITS = "logits"


@dataclass(frozen=True, slots=True)
class InputSpec:
    """The picture that a model takes: RGB, (1, height, width, 3).

    A sample p of 0 to 255 becomes `(p - mean) / std`, and where the type is a quantised one
    `round(that / scale) + zero_point`, clipped to the type. `scale` is 0 for float32.
    """

    width: int
    height: int
    dtype: TensorType
    scale: float
    zero_point: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class DetectorOutput:
    """Which of the model's outputs is what, counted from 0 in the model's order."""

    boxes: int
    classes: int
    scores: int
    count: int


@dataclass(frozen=True, slots=True)
class ClassifierOutput:
    """How a classifier's one output is read: `(q - zero_point) * scale`, scale 0 for float32."""

    activation: Activation
    scale: float
    zero_point: int


@dataclass(frozen=True, slots=True)
class Thresholds:
    """`0 <= clear_at <= raise_at <= 1`: defaults, which a camera's configuration may replace."""

    raise_at: float
    clear_at: float


@dataclass(frozen=True, slots=True)
class Golden:
    """A picture and what the model said of it: the proof that this device computes the same.

    `input` is a file of RGB uint8 (height, width, 3); `output` a JSON file; `tolerance` the
    largest difference of a score that passes.
    """

    input: str
    output: str
    tolerance: float


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a model comes from, in words for people; empty where it does not apply."""

    source: str = ""
    command: str = ""
    seed: int | None = None
    training: str = ""
    """The pictures it was trained on."""


@dataclass(frozen=True, slots=True)
class ModelManifest:
    """What a bundle says of its model. `files` gives the SHA-256 of every other file of the bundle."""

    name: str
    version: str
    kind: ModelKind
    files: Mapping[str, str]
    input: InputSpec
    output: DetectorOutput | ClassifierOutput
    labels: tuple[str, ...]
    events: Mapping[str, EventKind]
    """From a label to the kind of event that it raises; a label that is not here raises none."""
    thresholds: Thresholds
    min_frames: int
    golden: Golden
    provenance: Provenance
    licence: str
