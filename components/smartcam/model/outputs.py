"""How a model answers: one description for each way, as the manifest's `output` holds it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Final

from smartcam.contract.errors import ContractError
from smartcam.contract.reading import Fields

LARGEST_NUMBER: Final = 1e9
SMALLEST_DIVISOR: Final = 1e-12
"""Samples are divided by it: what is smaller is no scaling, and overflows."""
_INT8_LOWEST: Final = -128
_UINT8_HIGHEST: Final = 255
_MOST_OUTPUTS: Final = 64
_LARGEST_STRIDE: Final = 128
_MOST_STRIDES: Final = 6


class HeadName(StrEnum):
    """The ways in which a model may answer."""

    SSD = "ssd"
    """Boxes, classes, scores and count, after the model's own suppression of doubles."""
    YOLO = "yolo"
    """Boxes and the scores of each class, for every candidate or for the best ones."""
    YOLOX = "yolox"
    """Offsets in a grid of candidates, as YOLOX exports them."""
    CLASSIFIER = "classifier"
    """One number per label, for the whole picture."""


class Activation(StrEnum):
    """What a model's numbers mean."""

    PROBABILITY = "probability"
    LOGITS = "logits"
    """They become probabilities that sum to one (softmax)."""
    SIGMOID = "sigmoid"
    """Logits of which each becomes a probability by itself."""


class BoxUnit(StrEnum):
    """What the sides of a box are measured in."""

    SHARES = "shares"
    PIXELS = "pixels"
    """Of the model's input."""


class BoxForm(StrEnum):
    """What the four numbers of a box are."""

    CORNERS = "corners"
    CENTRES = "centres"
    """The centre, then width and height."""


class Axes(StrEnum):
    """Whether the numbers of a box begin with x or with y."""

    XY = "xy"
    YX = "yx"


class Candidates(StrEnum):
    """Whether each row or each column of an output is one candidate."""

    ROWS = "rows"
    COLUMNS = "columns"


class RowOrder(StrEnum):
    """Where the parts of a row are that a model has selected itself, if it is not box, score and class."""

    BATCH_BOX_CLASS_SCORE = "batch-box-class-score"
    """The picture's place in its batch comes first: YOLO v7 with its own suppression of doubles."""


@dataclass(frozen=True, slots=True)
class SsdOutput:
    """The index of each output in the model's order; boxes are corners."""

    boxes: int
    classes: int
    scores: int
    count: int
    axes: Axes = Axes.YX
    unit: BoxUnit = BoxUnit.SHARES


@dataclass(frozen=True, slots=True)
class YoloOutput:
    """The index of the output that holds each part; parts in one output follow one another in this order.

    Each candidate has a box (4 numbers), with `objectness` one number of it, then the scores, one for each class. With
    `classes` the model has suppressed doubles itself: the score is one number, followed by the number of its class.
    `activation` is that of objectness and scores: probability or sigmoid.
    """

    boxes: int
    scores: int
    objectness: int | None = None
    classes: int | None = None
    candidates: Candidates = Candidates.ROWS
    form: BoxForm = BoxForm.CENTRES
    axes: Axes = Axes.XY
    unit: BoxUnit = BoxUnit.SHARES
    activation: Activation = Activation.PROBABILITY
    row: RowOrder | None = None


@dataclass(frozen=True, slots=True)
class YoloxOutput:
    """A grid for each stride: offset of the centre, logarithm of the size, objectness and a score for each class."""

    strides: tuple[int, ...]
    candidates: Candidates = Candidates.ROWS
    activation: Activation = Activation.PROBABILITY


@dataclass(frozen=True, slots=True)
class ClassifierOutput:
    """How a classifier's one output is read: `(q - zero_point) * scale`, scale 0 for float32."""

    activation: Activation
    scale: float
    zero_point: int


Output = SsdOutput | YoloOutput | YoloxOutput | ClassifierOutput

HEADS: Final[Mapping[type[Output], HeadName]] = {
    SsdOutput: HeadName.SSD,
    YoloOutput: HeadName.YOLO,
    YoloxOutput: HeadName.YOLOX,
    ClassifierOutput: HeadName.CLASSIFIER,
}


def dump_output(output: Output) -> dict[str, object]:
    """The fields of an output; what is None is left out."""
    return {key: value for key, value in asdict(output).items() if value is not None}


def read_output(head: HeadName, fields: Fields) -> Output:
    """The inverse of `dump_output`. Raises ContractError naming the first wrong field."""
    match head:
        case HeadName.SSD:
            return _ssd(fields)
        case HeadName.YOLO:
            return _yolo(fields)
        case HeadName.YOLOX:
            return YoloxOutput(_strides(fields), fields.choice("candidates", Candidates), _each(fields))
        case HeadName.CLASSIFIER:
            scale, zero_point = quantisation(fields)
            return ClassifierOutput(fields.choice("activation", Activation), scale, zero_point)


def quantisation(fields: Fields) -> tuple[float, int]:
    """Scale and zero point; scale 0 means none. Raises ContractError."""
    scale = fields.number("scale", 0, LARGEST_NUMBER)
    if 0 < scale < SMALLEST_DIVISOR:
        raise ContractError(fields.name("scale"), f"must be 0, or at least {SMALLEST_DIVISOR:g}")
    return scale, fields.integer("zero_point", _INT8_LOWEST, _UINT8_HIGHEST)


def _ssd(fields: Fields) -> SsdOutput:
    boxes, classes, scores, count = places = [_place(fields, key) for key in ("boxes", "classes", "scores", "count")]
    if len(set(places)) != len(places):
        raise ContractError(fields.path, "must name four different outputs")
    return SsdOutput(boxes, classes, scores, count, fields.choice("axes", Axes), fields.choice("unit", BoxUnit))


def _yolo(fields: Fields) -> YoloOutput:
    objectness, classes = (_place(fields, key) if fields.has(key) else None for key in ("objectness", "classes"))
    if objectness is not None and classes is not None:
        raise ContractError(fields.name("classes"), "must not be named beside objectness")
    return YoloOutput(
        boxes=_place(fields, "boxes"),
        scores=_place(fields, "scores"),
        objectness=objectness,
        classes=classes,
        candidates=fields.choice("candidates", Candidates),
        form=fields.choice("form", BoxForm),
        axes=fields.choice("axes", Axes),
        unit=fields.choice("unit", BoxUnit),
        activation=_each(fields),
        row=fields.choice("row", RowOrder) if fields.has("row") else None,
    )


def _place(fields: Fields, key: str) -> int:
    return fields.integer(key, 0, _MOST_OUTPUTS - 1)


def _each(fields: Fields) -> Activation:
    activation = fields.choice("activation", Activation)
    if activation is Activation.LOGITS:
        raise ContractError(fields.name("activation"), "must be probability or sigmoid: each class has its own")
    return activation


def _strides(fields: Fields) -> tuple[int, ...]:
    items = fields.items("strides", _MOST_STRIDES)
    strides = Fields({str(place): item for place, item in enumerate(items)}, fields.name("strides"))
    if not items:
        raise ContractError(fields.name("strides"), "must have at least one")
    return tuple(strides.integer(key, 1, _LARGEST_STRIDE) for key in strides.document)
