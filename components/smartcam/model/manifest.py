"""The manifest of a model: what it is, what it takes, what it answers, where it comes from."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, astuple, dataclass
from enum import StrEnum
from typing import Final

from smartcam.contract.errors import ContractError
from smartcam.contract.event import EventKind
from smartcam.contract.reading import Fields, parse_object

MANIFEST_SCHEMA: Final = 1
MODEL_FILE: Final = "model.tflite"
ONNX_FILE: Final = "model.onnx"
MANIFEST_FILE: Final = "manifest.json"
MAKE_ONE: Final = "make a bundle with `smartcam bundle`"
NO_MANIFEST: Final = f"has no {MANIFEST_FILE}; {MAKE_ONE}"
"""The error for a folder that is not a bundle."""
MOST_LABELS: Final = 2000
LONGEST_LABEL: Final = 64
CHANNELS: Final = 3
KINDS_OF_MODELS: Final = (EventKind.PERSON, EventKind.VEHICLE, EventKind.ANIMAL, EventKind.ANOMALY)
_MOST_FILES: Final = 16
_MOST_FRAMES: Final = 1000
_LONGEST_TEXT: Final = 1024
_LARGEST_NUMBER: Final = 1e9
_SMALLEST_DIVISOR: Final = 1e-12
"""Samples are divided by it: what is smaller is no scaling, and overflows."""
_INT8_LOWEST: Final = -128
_UINT8_HIGHEST: Final = 255
LARGEST_SIDE: Final = 4096
_FILE_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,63}", re.ASCII)
_SHA256: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)


class ModelKind(StrEnum):
    """What a model answers."""

    DETECTOR = "detector"
    """An SSD with post-processing: boxes, classes, scores, count."""
    CLASSIFIER = "classifier"
    """One probability per label, for the whole picture."""


class TensorType(StrEnum):
    """The type of a model's input."""

    UINT8 = "uint8"
    INT8 = "int8"
    FLOAT32 = "float32"


class Activation(StrEnum):
    """What a classifier's numbers mean."""

    PROBABILITY = "probability"
    LOGITS = "logits"


@dataclass(frozen=True, slots=True)
class InputSpec:
    """The picture that a model takes: RGB, (1, height, width, 3).

    A sample p of 0 to 255 becomes `(p - mean) / std`, and for a quantised type
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
    """The index of each output in the model's order."""

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
    """`0 <= clear_at <= raise_at <= 1`: defaults that a camera's configuration may override."""

    raise_at: float
    clear_at: float


@dataclass(frozen=True, slots=True)
class Golden:
    """A picture and the model's answer to it, which prove that this device computes the same.

    `input` is a file of RGB uint8 (height, width, 3), `output` a JSON file, `tolerance` the largest difference of a
    score that is accepted.
    """

    input: str
    output: str
    tolerance: float


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a model comes from, in words for people; empty if it does not apply.

    `training` describes the pictures it was trained on.
    """

    source: str = ""
    command: str = ""
    seed: int | None = None
    training: str = ""


@dataclass(frozen=True, slots=True)
class ModelManifest:
    """What a bundle says about its model.

    `files`: the SHA-256 of every other file of the bundle. `events`: the kind of event that each label raises; a label
    that is not listed raises none.
    """

    name: str
    version: str
    kind: ModelKind
    files: Mapping[str, str]
    input: InputSpec
    output: DetectorOutput | ClassifierOutput
    labels: tuple[str, ...]
    events: Mapping[str, EventKind]
    thresholds: Thresholds
    min_frames: int
    golden: Golden
    provenance: Provenance
    licence: str

    def __post_init__(self) -> None:
        """Raises ContractError if the fields contradict each other."""
        if (self.kind is ModelKind.DETECTOR) != isinstance(self.output, DetectorOutput):
            raise ContractError("output", f"does not fit a {self.kind}")
        for label in self.events:
            if label not in self.labels:
                raise ContractError(f"events.{label}", "is not one of the labels")
        if not self.events or (self.kind is ModelKind.CLASSIFIER and len(self.events) > 1):
            which = "the one label" if self.kind is ModelKind.CLASSIFIER else "a label"
            raise ContractError("events", f"must name {which} that raises an event")
        if self.thresholds.clear_at > self.thresholds.raise_at:
            raise ContractError("thresholds.clear_at", "must not be above raise_at")
        for name in (self.model_file, self.golden.input, self.golden.output):
            if name not in self.files:
                raise ContractError(f"files.{name}", "is missing")

    @property
    def model_file(self) -> str:
        """The name of the model's file, which tells its format. Raises ContractError if there are two."""
        if MODEL_FILE in self.files and ONNX_FILE in self.files:
            raise ContractError("files", f"must not name both {MODEL_FILE} and {ONNX_FILE}")
        return ONNX_FILE if ONNX_FILE in self.files else MODEL_FILE

    def to_json(self) -> bytes:
        """The manifest as JSON in UTF-8, one field per line so that people can read it."""
        source = self.provenance
        document: dict[str, object] = {
            "schema": MANIFEST_SCHEMA,
            "name": self.name,
            "version": self.version,
            "kind": self.kind,
            "files": dict(self.files),
            "input": asdict(self.input) | {"channels": CHANNELS},
            "output": asdict(self.output),
            "labels": list(self.labels),
            "events": dict(self.events),
            "thresholds": asdict(self.thresholds),
            "min_frames": self.min_frames,
            "golden": asdict(self.golden),
            "provenance": {key: value for key, value in asdict(source).items() if value not in ("", None)},
            "licence": self.licence,
        }
        return json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False).encode() + b"\n"

    @classmethod
    def from_json(cls, payload: bytes) -> "ModelManifest":
        """The manifest in a payload.

        Raises:
            ContractError: naming the first wrong field; for an unknown kind, the kinds that exist.
        """
        fields = Fields(parse_object(payload, "manifest"))
        if fields.integer("schema") != MANIFEST_SCHEMA:
            raise ContractError("schema", f"must be {MANIFEST_SCHEMA}; update the side that does not know it")
        kind = fields.choice("kind", ModelKind)
        limits, golden = fields.inner("thresholds"), fields.inner("golden")
        return cls(
            name=_match(fields, "name", _NAME),
            version=_match(fields, "version", _NAME),
            kind=kind,
            files=_files(fields.inner("files")),
            input=_input(fields.inner("input")),
            output=_detector(fields.inner("output")) if kind is ModelKind.DETECTOR else _shares(fields.inner("output")),
            labels=_labels(fields),
            events=_events(fields.inner("events")),
            thresholds=Thresholds(limits.number("raise_at", 0, 1), limits.number("clear_at", 0, 1)),
            min_frames=fields.integer("min_frames", 1, _MOST_FRAMES),
            golden=Golden(golden.text("input"), golden.text("output"), golden.number("tolerance", 0, 1)),
            provenance=_provenance(fields.inner("provenance")),
            licence=fields.text("licence"),
        )


def numbered(fields: Fields, key: str, items: Sequence[object]) -> Fields:
    """The items of a list as fields named by their index, so that an error names the item."""
    return Fields({str(place): item for place, item in enumerate(items)}, fields.name(key))


def _match(fields: Fields, key: str, pattern: re.Pattern[str]) -> str:
    text = fields.text(key)
    if not pattern.fullmatch(text):
        raise ContractError(fields.name(key), f"must match {pattern.pattern}")
    return text


def _files(fields: Fields) -> dict[str, str]:
    if len(fields.document) > _MOST_FILES:
        raise ContractError(fields.path, f"must name at most {_MOST_FILES} files")
    for name in fields.document:
        if not _FILE_NAME.fullmatch(name):
            raise ContractError(fields.name(name), "must be a plain file name")
        _match(fields, name, _SHA256)
    return {name: fields.text(name) for name in fields.document}


def _input(fields: Fields) -> InputSpec:
    if fields.integer("channels") != CHANNELS:
        raise ContractError(fields.name("channels"), "must be 3")
    dtype = fields.choice("dtype", TensorType)
    scale, zero_point = _quantisation(fields, dtype)
    std = _triple(fields, "std")
    if any(abs(each) < _SMALLEST_DIVISOR for each in std):
        raise ContractError(fields.name("std"), f"must not be 0 or nearer to it than {_SMALLEST_DIVISOR:g}")
    return InputSpec(
        width=fields.integer("width", 1, LARGEST_SIDE),
        height=fields.integer("height", 1, LARGEST_SIDE),
        dtype=dtype,
        scale=scale,
        zero_point=zero_point,
        mean=_triple(fields, "mean"),
        std=std,
    )


def _quantisation(fields: Fields, dtype: TensorType | None) -> tuple[float, int]:
    scale = fields.number("scale", 0, _LARGEST_NUMBER)
    if dtype is not None and (dtype is TensorType.FLOAT32) != (scale == 0):
        raise ContractError(fields.name("scale"), "must be 0 for float32 and above 0 for a quantised type")
    if 0 < scale < _SMALLEST_DIVISOR:
        raise ContractError(fields.name("scale"), f"must be 0, or at least {_SMALLEST_DIVISOR:g}")
    return scale, fields.integer("zero_point", _INT8_LOWEST, _UINT8_HIGHEST)


def _triple(fields: Fields, key: str) -> tuple[float, float, float]:
    items = fields.items(key, CHANNELS)
    if len(items) != CHANNELS:
        raise ContractError(fields.name(key), "must be three numbers: red, green, blue")
    colours = numbered(fields, key, items)
    red, green, blue = (colours.number(str(place), -_LARGEST_NUMBER, _LARGEST_NUMBER) for place in range(CHANNELS))
    return red, green, blue


def _detector(fields: Fields) -> DetectorOutput:
    output = DetectorOutput(*(fields.integer(key, 0, 3) for key in ("boxes", "classes", "scores", "count")))
    if len(set(astuple(output))) != len(astuple(output)):
        raise ContractError(fields.path, "must name four different outputs")
    return output


def _shares(fields: Fields) -> ClassifierOutput:
    scale, zero_point = _quantisation(fields, None)
    return ClassifierOutput(fields.choice("activation", Activation), scale, zero_point)


def _labels(fields: Fields) -> tuple[str, ...]:
    items = fields.items("labels", MOST_LABELS)
    if not items:
        raise ContractError(fields.name("labels"), "must have at least one")
    labels = numbered(fields, "labels", items)
    return tuple(labels.text(key, LONGEST_LABEL) for key in labels.document)


def _events(fields: Fields) -> dict[str, EventKind]:
    kinds = {label: fields.choice(label, EventKind) for label in fields.document}
    for label, kind in kinds.items():
        if kind not in KINDS_OF_MODELS:
            raise ContractError(fields.name(label), f"must be one of {', '.join(KINDS_OF_MODELS)}")
    return kinds


def _provenance(fields: Fields) -> Provenance:
    def text(key: str) -> str:
        return fields.text(key, _LONGEST_TEXT) if fields.has(key) else ""

    return Provenance(
        source=text("source"),
        command=text("command"),
        seed=fields.integer("seed") if fields.has("seed") else None,
        training=text("training"),
    )
