"""A table's and a filter's bundle without TensorFlow: a network of one layer, learned in a few steps of numpy."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from smartcam.contract.event import Severity
from smartcam.model.manifest import RowKind
from smartcam.model.rows.columns import ColumnCode, Row, RowCode
from smartcam.model.rows.known import features
from smartcam.model.rows.packing import RowDraft, write_row_bundle
from tests.fakes import models
from training.tabular.silencing import FilterLesson
from training.tabular.table import learn_code

_STEPS = 400

TABLE = RowCode((ColumnCode("size", middle=3.0, tells_missing=True), ColumnCode("colour", ("blue", "red"))))
"""What is large and red is a yes."""


@dataclass(frozen=True, slots=True)
class LinearAnswer:
    """Learns as `silencing` wants it, and is a network that can be exported."""

    code: RowCode
    mean: NDArray[np.float64]
    deviation: NDArray[np.float64]
    weights: NDArray[np.float64]
    bias: float

    def __call__(self, rows: Sequence[Row]) -> NDArray[np.float64]:
        apart = (self.code.encode(rows).astype(np.float64) - self.mean) / self.deviation
        return np.asarray(apart @ self.weights + self.bias, np.float64)

    def exported(self) -> bytes:
        layer = ([[weight] for weight in self.weights.tolist()], [self.bias])
        return models.dense(self.mean.tolist(), self.deviation.tolist(), [layer])


def linear(rows: Sequence[Row], is_false: NDArray[np.bool_]) -> LinearAnswer:
    """Logistic regression by gradient descent; both labels weigh the same."""
    code = learn_code(rows)
    numbers = code.encode(rows).astype(np.float64)
    mean, deviation = numbers.mean(axis=0), numbers.std(axis=0) + 1e-6
    apart = (numbers - mean) / deviation
    share = np.where(is_false, 0.5 / is_false.mean(), 0.5 / (~is_false).mean()) / len(rows)
    weights, bias = np.zeros(apart.shape[1]), 0.0
    for _ in range(_STEPS):
        error = share * (1 / (1 + np.exp(-(apart @ weights + bias))) - is_false)
        weights, bias = weights * 0.999 - 0.5 * apart.T @ error, bias - 0.5 * float(error.sum())
    return LinearAnswer(code, mean, deviation, weights, bias)


def write_filter(folder: Path, lesson: FilterLesson[LinearAnswer], version: str = "1.0.0") -> Path:
    made = lesson.made
    draft = RowDraft(
        name="events",
        version=version,
        kind=RowKind.FILTER,
        labels=("true", "false"),
        threshold=made.threshold,
        code=made.answer.code,
        rows=[features(row) for row in lesson.later],
        licence="none",
        spans=made.rule.spans,
        never_from=made.rule.never_from,
    )
    write_row_bundle(folder, made.answer.exported(), draft)
    return folder


def table_draft(*, kind: RowKind = RowKind.TABLE, never_from: Severity | None = None) -> RowDraft:
    rows = [{"size": "1", "colour": "red"}, {"size": "9", "colour": "red"}, {"size": "9", "colour": "blue"}, {}]
    return RowDraft("shapes", "1.0.0", kind, ("no", "yes"), 0.5, TABLE, rows, "none", never_from=never_from)


LAYERS = [
    ([[1.0, -1.0], [0.5, 0.0], [-2.0, 1.0], [2.0, 0.0]], [0.0, 0.5]),
    ([[1.5], [-1.0]], [-1.0]),
]
MEAN, DEVIATION = [4.0, 0.1, 0.5, 0.5], [2.0, 0.5, 0.5, 0.5]
