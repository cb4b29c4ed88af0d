"""The manifest of a model: what it is, what it takes, what it answers, where it comes from."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Final

from smartcam.contract.errors import ContractError
from smartcam.contract.event import EventKind
from smartcam.contract.reading import Fields, parse_object
from smartcam.model.outputs import (
    HEADS,
    LARGEST_NUMBER,
    SMALLEST_DIVISOR,
    HeadName,
    Output,
    dump_output,
    quantisation,
    read_output,
)

MANIFEST_SCHEMA: Final = 2
"""What is written; 1 is read too."""
_FIRST_SCHEMA: Final = 1
MODEL_FILE: Final = "model.tflite"
ONNX_FILE: Final = "model.onnx"
MANIFEST_FILE: Final = "manifest.json"
MAKE_ONE: Final = "make a bundle with `smartcam bundle`, or of rows with `smartcam train table` or `filter`"
NO_MANIFEST: Final = f"has no {MANIFEST_FILE}; {MAKE_ONE}"
"""The error for a folder that is not a bundle."""
MOST_LABELS: Final = 2000
LONGEST_LABEL: Final = 64
CHANNELS: Final = 3
KINDS_OF_MODELS: Final = (EventKind.PERSON, EventKind.VEHICLE, EventKind.ANIMAL, EventKind.ANOMALY)
_MOST_FILES: Final = 16
_OF_ROWS: Final = "which looks at no picture: set a filter as `filter`, run a table with `smartcam-inference --table`"
_OF_PICTURES: Final = "which looks at pictures: set it as `bundle`"
_MOST_FRAMES: Final = 1000
_WIDEST_TOLERANCE: Final = 0.25
"""Of a golden answer; beyond it nearly any answer would pass."""
_LONGEST_TEXT: Final = 1024
LARGEST_SIDE: Final = 4096
_HIGHEST_SAMPLE: Final = 255
_FILE_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,63}", re.ASCII)
_SHA256: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)


class ModelKind(StrEnum):
    """What a model answers."""

    DETECTOR = "detector"
    """Objects: a box, a class and a score of each."""
    CLASSIFIER = "classifier"
    """One probability per label, for the whole picture."""


class RowKind(StrEnum):
    """What a model answers that takes a row of a table and not a picture; its manifest is another one."""

    TABLE = "table"
    """The probability of one of two labels."""
    FILTER = "filter"
    """Of a row about an event: how likely it is false."""


SCENE_MEMORY: Final = "scene-memory"
"""The kind of what `smartcam normal` writes, which is no model."""
_WHERE_IT_GOES: Final[Mapping[str, str]] = {
    **dict.fromkeys(ModelKind, _OF_PICTURES),
    **dict.fromkeys(RowKind, _OF_ROWS),
    SCENE_MEMORY: "which is no model: a device takes its scene.memory as what a camera has learned, `normal-CAMERA`",
}


class TensorType(StrEnum):
    """The type of a model's input."""

    UINT8 = "uint8"
    INT8 = "int8"
    FLOAT32 = "float32"


class Colours(StrEnum):
    """The order of a model's colours."""

    RGB = "rgb"
    BGR = "bgr"


class TensorLayout(StrEnum):
    """Whether a model's input has the colours of each pixel together, or one plane for each colour."""

    NHWC = "nhwc"
    NCHW = "nchw"


class Fit(StrEnum):
    """How a picture of other proportions is brought to the model's size."""

    STRETCH = "stretch"
    LETTERBOX = "letterbox"
    """Keeping its proportions, in the middle, with grey around it."""


@dataclass(frozen=True, slots=True)
class InputSpec:
    """The picture that a model takes: (1, height, width, 3), or with `nchw` (1, 3, height, width).

    A sample p of 0 to 255 becomes `(p - mean) / std`, and for a quantised type
    `round(that / scale) + zero_point`, clipped to the type. `scale` is 0 for float32. `mean` and `std` are of red,
    green and blue, whatever the model's `colours`. `pad` is the sample around a letterboxed picture.
    """

    width: int
    height: int
    dtype: TensorType
    scale: float
    zero_point: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    colours: Colours = Colours.RGB
    layout: TensorLayout = TensorLayout.NHWC
    fit: Fit = Fit.STRETCH
    pad: int = 0


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
    output: Output
    labels: tuple[str, ...]
    events: Mapping[str, EventKind]
    thresholds: Thresholds
    min_frames: int
    golden: Golden
    provenance: Provenance
    licence: str

    def __post_init__(self) -> None:
        """Raises ContractError if the fields contradict each other."""
        if (self.kind is ModelKind.CLASSIFIER) != (self.head is HeadName.CLASSIFIER):
            raise ContractError("output", f"does not fit a {self.kind}")
        self._check_events()
        if self.thresholds.clear_at > self.thresholds.raise_at:
            raise ContractError("thresholds.clear_at", "must not be above raise_at")
        if ONNX_FILE in self.files and MODEL_FILE in self.files:
            raise ContractError(f"files.{ONNX_FILE}", f"must not be there beside {MODEL_FILE}")
        for name in (self.model_file, self.golden.input, self.golden.output):
            if name not in self.files:
                raise ContractError(f"files.{name}", "is missing")

    def _check_events(self) -> None:
        for label in self.events:
            if label not in self.labels:
                raise ContractError(f"events.{label}", "is not one of the labels")
        if not self.events or (self.kind is ModelKind.CLASSIFIER and len(self.events) > 1):
            which = "the one label" if self.kind is ModelKind.CLASSIFIER else "a label"
            raise ContractError("events", f"must name {which} that raises an event")

    @property
    def head(self) -> HeadName:
        """How the model answers."""
        return HEADS[type(self.output)]

    @property
    def model_file(self) -> str:
        """The name of the model's file."""
        return ONNX_FILE if ONNX_FILE in self.files else MODEL_FILE

    def to_json(self) -> bytes:
        """The manifest as JSON in UTF-8, one field per line so that people can read it."""
        source = self.provenance
        document: dict[str, object] = {
            "schema": MANIFEST_SCHEMA,
            "name": self.name,
            "version": self.version,
            "kind": self.kind,
            "head": self.head,
            "files": dict(self.files),
            "input": asdict(self.input) | {"channels": CHANNELS},
            "output": dump_output(self.output),
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
        check_kind(fields, ModelKind)
        schema = fields.integer("schema")
        if schema not in (_FIRST_SCHEMA, MANIFEST_SCHEMA):
            raise ContractError("schema", f"must be {MANIFEST_SCHEMA}; update the side that does not know it")
        kind = fields.choice("kind", ModelKind)
        if schema == _FIRST_SCHEMA:
            fields = Fields(_renewed(fields, kind))
        limits = fields.inner("thresholds")
        return cls(
            name=name_in(fields, "name"),
            version=name_in(fields, "version"),
            kind=kind,
            files=read_files(fields.inner("files")),
            input=_input(fields.inner("input")),
            output=read_output(fields.choice("head", HeadName), fields.inner("output")),
            labels=_labels(fields),
            events=_events(fields.inner("events")),
            thresholds=Thresholds(limits.number("raise_at", 0, 1), limits.number("clear_at", 0, 1)),
            min_frames=fields.integer("min_frames", 1, _MOST_FRAMES),
            golden=read_golden(fields.inner("golden")),
            provenance=read_provenance(fields.inner("provenance")),
            licence=fields.text("licence"),
        )


def check_kind(fields: Fields, own: type[StrEnum]) -> None:
    """Raises ContractError for a bundle of ours that goes elsewhere, whatever its schema, and says where."""
    kind = fields.document.get("kind")
    if isinstance(kind, str) and kind in _WHERE_IT_GOES and kind not in tuple(own):
        raise ContractError("kind", f"is {kind}, {_WHERE_IT_GOES[kind]}")


def read_golden(fields: Fields) -> Golden:
    """The golden answer's files and tolerance. Raises ContractError naming the first wrong field."""
    return Golden(fields.text("input"), fields.text("output"), fields.number("tolerance", 0, _WIDEST_TOLERANCE))


def numbered(fields: Fields, key: str, items: Sequence[object]) -> Fields:
    """The items of a list as fields named by their index, so that an error names the item."""
    return Fields({str(place): item for place, item in enumerate(items)}, fields.name(key))


def _renewed(fields: Fields, kind: ModelKind) -> dict[str, object]:
    """A document of schema 1 as one of schema 2: there was one kind of detector and one way to bring it a picture."""
    was_said = {"colours": Colours.RGB, "layout": TensorLayout.NHWC, "fit": Fit.STRETCH, "pad": 0}
    head, answered = (
        (HeadName.SSD, {"axes": "yx", "unit": "shares"}) if kind is ModelKind.DETECTOR else (HeadName.CLASSIFIER, {})
    )
    taken, given = fields.inner("input").document, fields.inner("output").document
    return {**fields.document, "head": head, "input": {**taken, **was_said}, "output": {**given, **answered}}


def name_in(fields: Fields, key: str) -> str:
    """A name or version: letters, digits, '.', '-' and '_', at most 64. Raises ContractError."""
    return _match(fields, key, _NAME)


def _match(fields: Fields, key: str, pattern: re.Pattern[str]) -> str:
    text = fields.text(key)
    if not pattern.fullmatch(text):
        raise ContractError(fields.name(key), f"must match {pattern.pattern}")
    return text


def read_files(fields: Fields) -> dict[str, str]:
    """Hashes by file. Raises ContractError for a name that is no plain file's, or what is no SHA-256."""
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
    scale, zero_point = quantisation(fields)
    if (dtype is TensorType.FLOAT32) != (scale == 0):
        raise ContractError(fields.name("scale"), "must be 0 for float32 and above 0 for a quantised type")
    std = _triple(fields, "std")
    if any(abs(each) < SMALLEST_DIVISOR for each in std):
        raise ContractError(fields.name("std"), f"must not be 0 or nearer to it than {SMALLEST_DIVISOR:g}")
    return InputSpec(
        width=fields.integer("width", 1, LARGEST_SIDE),
        height=fields.integer("height", 1, LARGEST_SIDE),
        dtype=dtype,
        scale=scale,
        zero_point=zero_point,
        mean=_triple(fields, "mean"),
        std=std,
        colours=fields.choice("colours", Colours),
        layout=fields.choice("layout", TensorLayout),
        fit=fields.choice("fit", Fit),
        pad=fields.integer("pad", 0, _HIGHEST_SAMPLE),
    )


def _triple(fields: Fields, key: str) -> tuple[float, float, float]:
    items = fields.items(key, CHANNELS)
    if len(items) != CHANNELS:
        raise ContractError(fields.name(key), "must be three numbers: red, green, blue")
    colours = numbered(fields, key, items)
    red, green, blue = (colours.number(str(place), -LARGEST_NUMBER, LARGEST_NUMBER) for place in range(CHANNELS))
    return red, green, blue


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


def read_provenance(fields: Fields) -> Provenance:
    """Where a model comes from. Raises ContractError naming the first wrong field."""

    def text(key: str) -> str:
        return fields.text(key, _LONGEST_TEXT) if fields.has(key) else ""

    return Provenance(
        source=text("source"),
        command=text("command"),
        seed=fields.integer("seed") if fields.has("seed") else None,
        training=text("training"),
    )
