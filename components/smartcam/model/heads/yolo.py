"""Detectors that score many candidates: YOLO in its ways of answering."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from smartcam.contract.errors import ModelIntegrityError
from smartcam.model.heads.answer import (
    LEAST_SCORE,
    MOST_CANDIDATES,
    FloatArray,
    IntArray,
    RegionDetections,
    in_region,
    keep_best,
)
from smartcam.model.heads.checks import check_places, real, shapes_of
from smartcam.model.interpreter import Tensor, TensorSpec
from smartcam.model.manifest import InputSpec
from smartcam.model.outputs import Activation, Axes, BoxForm, BoxUnit, Candidates, YoloOutput

BOX: Final = 4
BATCHED: Final = 7
"""Numbers of a row with the place in the batch, box, class and score."""
_PLANE: Final = 2
_HARDLY_LESS: Final = 1e-4


@dataclass(frozen=True, slots=True)
class CandidatePart:
    """Where one part of a candidate is: the output, its shape with candidates in rows, and the columns."""

    place: int
    spec: TensorSpec
    columns: slice
    candidates: Candidates

    def rows(self, outputs: Sequence[Tensor]) -> Tensor:
        """The part of every candidate, as the model's own numbers (candidates, columns)."""
        return matrix(outputs[self.place], self.candidates)[:, self.columns]

    def reaching(self, outputs: Sequence[Tensor], least: float) -> IntArray:
        """The candidates of which one of these numbers may reach `least`.

        Whole rows are compared and what belongs to other parts is left out: a third of the time that the highest
        number of each short row takes.
        """
        floor = self._raw(least)
        if self.candidates is Candidates.COLUMNS:
            return np.flatnonzero(self.rows(outputs).max(axis=1) >= floor)
        may = matrix(outputs[self.place], self.candidates) >= floor
        may[:, : self.columns.start] = False
        may[:, self.columns.stop :] = False
        places = np.flatnonzero(may) // may.shape[1]
        return np.asarray(places[np.diff(places, prepend=-1) > 0], np.int64)

    def _raw(self, least: float) -> Any:  # noqa: ANN401  a number of the output's type
        """A number of the model's own that is no more than `least`."""
        if not self.spec.scale:
            return least - _HARDLY_LESS
        limits = np.iinfo(self.spec.dtype)
        number = math.floor(least / self.spec.scale + self.spec.zero_point - _HARDLY_LESS)
        return self.spec.dtype.type(min(max(number, limits.min), limits.max))

    def real(self, rows: Tensor) -> FloatArray:
        """Some of these numbers as real ones."""
        return real(rows, self.spec)


class YoloReader:
    """Reads the detections in a YOLO's outputs."""

    def __init__(self, output: YoloOutput, outputs: Sequence[TensorSpec], spec: InputSpec) -> None:
        """Raises ModelIntegrityError if the model's outputs are not as described."""
        self._output = output
        self.parts = _parts(output, outputs)
        classes = self.parts["scores"].columns
        self.classes: int | None = None if output.classes is not None else classes.stop - classes.start
        """The number of classes; None where the model names the class itself."""
        is_logit = output.activation is Activation.SIGMOID
        self._least = math.log(LEAST_SCORE / (1 - LEAST_SCORE)) if is_logit else LEAST_SCORE
        sides = (spec.width, spec.height) * 2 if output.unit is BoxUnit.PIXELS else (1,) * 4
        self._sides = np.array(sides, np.float32)

    def read(self, outputs: Sequence[Tensor]) -> RegionDetections:
        """The detections, one for each object."""
        sure, scores, classes = self._sure(outputs)
        boxes = self.parts["boxes"]
        return self.detections(boxes.real(boxes.rows(outputs)[sure]), sure, scores, classes)

    def detections(
        self, boxes: FloatArray, sure: IntArray, scores: FloatArray, classes: FloatArray
    ) -> RegionDetections:
        """The objects among the candidates `sure`, whose boxes are (n, 4) as the model gives them."""
        corners = self.corners(boxes, sure)
        kept = keep_best(corners, scores, classes.astype(np.int64))
        return in_region(corners[kept], scores[kept], classes[kept])

    def corners(self, boxes: FloatArray, sure: IntArray) -> FloatArray:  # noqa: ARG002  a grid needs the places
        """Corners as shares of the region."""
        if self._output.axes is Axes.YX:
            boxes = boxes[:, (1, 0, 3, 2)]
        if self._output.form is BoxForm.CENTRES:
            half = boxes[:, 2:] / 2
            boxes = np.concatenate((boxes[:, :2] - half, boxes[:, :2] + half), axis=1)
        return boxes / self._sides

    def _sure(self, outputs: Sequence[Tensor]) -> tuple[IntArray, FloatArray, FloatArray]:
        """The surest candidates, their scores, and the class of each."""
        scores = self.parts["scores"]
        rows = scores.rows(outputs)
        chances: FloatArray | None = None
        if "objectness" in self.parts:
            objectness = self.parts["objectness"]
            chances = self._shares(objectness.real(objectness.rows(outputs)[:, 0]))
            sure = np.flatnonzero(chances >= LEAST_SCORE)
            rows, chances = rows[sure], chances[sure]
            best = self._shares(scores.real(rows.max(axis=1))) * chances
        else:
            sure = scores.reaching(outputs, self._least)
            rows = rows[sure]
            best = self._shares(scores.real(rows.max(axis=1)))
        chosen = np.flatnonzero(best >= LEAST_SCORE)
        if len(chosen) > MOST_CANDIDATES:
            chosen = chosen[np.argpartition(-best[chosen], MOST_CANDIDATES)[:MOST_CANDIDATES]]
            chosen.sort()
        sure = sure[chosen]
        if "classes" in self.parts:
            classes = self.parts["classes"]
            return sure, best[chosen], classes.real(classes.rows(outputs)[sure, 0])
        return sure, best[chosen], rows[chosen].argmax(axis=1).astype(np.float32)

    def _shares(self, values: FloatArray) -> FloatArray:
        if self._output.activation is Activation.SIGMOID:
            return sigmoid(values)
        return values


def sigmoid(values: FloatArray) -> FloatArray:
    """The probability that each logit stands for."""
    return np.asarray(1 / (1 + np.exp(-values.clip(-80, 80))), np.float32)


def matrix(values: Tensor, candidates: Candidates) -> Tensor:
    """An output as (candidates, numbers); a row or column of one number each counts as so many candidates."""
    if values.ndim == _PLANE and values.shape[0] == 1:
        return values.reshape(-1, 1)
    plane = values.reshape(values.shape[-2:])
    return plane.T if candidates is Candidates.COLUMNS else plane


def is_matrix(shape: Sequence[int]) -> bool:
    """Whether an output holds one matrix: nothing but ones before its last two sides."""
    return len(shape) >= _PLANE and all(side == 1 for side in shape[:-2])


def _parts(output: YoloOutput, outputs: Sequence[TensorSpec]) -> dict[str, CandidatePart]:
    """The parts in the order in which they follow one another."""
    places = {
        "boxes": output.boxes,
        "objectness": output.objectness,
        "scores": output.scores,
        "classes": output.classes,
    }
    named = {name: place for name, place in places.items() if place is not None}
    check_places(outputs, named)
    if output.row is not None:
        return _batched(named, output, outputs)
    if not all(is_matrix(outputs[place].shape) for place in named.values()):
        raise _not_these(named, outputs)
    parts: dict[str, CandidatePart] = {}
    candidates = set()
    for place in sorted(set(named.values())):
        spec = outputs[place]
        count, width = matrix(np.empty(spec.shape, np.int8), output.candidates).shape
        candidates.add(count)
        parts |= _divided([name for name, home in named.items() if home == place], width, output, place, spec)
    if len(candidates) != 1 or not _have_room(parts):
        raise _not_these(named, outputs)
    return parts


def _have_room(parts: dict[str, CandidatePart]) -> bool:
    """Whether each part has a column or more, and beside a class there is one score."""
    widths = {name: part.columns.stop - part.columns.start for name, part in parts.items()}
    return min(widths.values()) >= 1 and ("classes" not in parts or widths["scores"] == 1)


def _batched(named: dict[str, int], output: YoloOutput, outputs: Sequence[TensorSpec]) -> dict[str, CandidatePart]:
    """The parts of rows that begin with the picture's place in its batch."""
    spec = outputs[output.boxes]
    is_whole = set(named) == {"boxes", "scores", "classes"} and len(set(named.values())) == 1 and is_matrix(spec.shape)
    if not is_whole or matrix(np.empty(spec.shape, np.int8), output.candidates).shape[1] != BATCHED:
        raise _not_these(named, outputs)
    columns = {"boxes": slice(1, 1 + BOX), "classes": slice(BOX + 1, BOX + 2), "scores": slice(BOX + 2, BATCHED)}
    return {name: CandidatePart(output.boxes, spec, places, output.candidates) for name, places in columns.items()}


def _divided(
    names: list[str], width: int, output: YoloOutput, place: int, spec: TensorSpec
) -> dict[str, CandidatePart]:
    """The columns of one output, shared out among the parts in it; the scores take what is left."""
    fixed = {"boxes": BOX, "objectness": 1, "classes": 1}
    left = width - sum(fixed.get(name, 0) for name in names)
    if left < 0 or ("scores" not in names and left):
        left = -1
    parts, start = {}, 0
    for name in names:
        stop = start + fixed.get(name, left)
        if left < 0:
            stop = start
        parts[name] = CandidatePart(place, spec, slice(start, stop), output.candidates)
        start = stop
    return parts


def _not_these(named: dict[str, int], outputs: Sequence[TensorSpec]) -> ModelIntegrityError:
    said = ",".join(f"{name}={place}" for name, place in named.items())
    return ModelIntegrityError(f"outputs {shapes_of(outputs)} are not {said} of one number of candidates")
