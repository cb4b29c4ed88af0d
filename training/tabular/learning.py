"""From a table to a model file, with its figures on rows that were held out."""

from dataclasses import dataclass

import numpy as np

from smartcam.model.interpreter import open_interpreter
from smartcam.model.rows.columns import Row
from training.evaluate import area_under_curve
from training.tabular.dense import DenseSettings, exported_dense, exported_onnx, fit_dense, logits_of_rows
from training.tabular.table import TableCode, learn_code, read_rows, split


@dataclass(frozen=True, slots=True)
class TableVerdict:
    """Figures on held-out rows: right at a half, and right by always saying what is usual.

    `parity`: the largest difference of a probability between the file and the network.
    """

    rows: int
    auc: float
    right: int
    usual: int
    parity: float


@dataclass(frozen=True, slots=True)
class LearnedTable:
    """A model file and its twin in ONNX, how rows become its numbers, its worth; `said`: what was left out.

    `held_out`: the rows that the figures are of.
    """

    exported: bytes
    onnx: bytes
    code: TableCode
    labels: tuple[str, str]
    test: TableVerdict
    held_out: tuple[Row, ...]
    said: tuple[str, ...]


def learn_table(text: str, label: str, positive: str | None, settings: DenseSettings) -> LearnedTable:
    """Learns from a CSV; two tenths of its rows decide when to stop, and two tenths are for the figures.

    Raises:
        TrainingError: the table cannot be learned from.
    """
    table = read_rows(text, label, positive)
    train, validation, test = split(table.truth, settings.seed)
    code = learn_code([table.rows[place] for place in train])
    numbers = code.encode(table.rows)
    held_out = numbers[validation], table.truth[validation]
    network = fit_dense(numbers[train], table.truth[train], settings, held_out)
    exported = exported_dense(network)
    model = open_interpreter(exported)
    shares = np.array([float(model.invoke(row[None])[0].ravel()[0]) for row in numbers[test]], np.float32)
    trained = 1 / (1 + np.exp(-logits_of_rows(network, numbers[test])))
    truth = table.truth[test]
    verdict = TableVerdict(
        rows=int(truth.size),
        auc=area_under_curve(shares, truth),
        right=int(((shares >= 0.5) == truth).sum()),  # noqa: PLR2004  a half
        usual=max(int(truth.sum()), int((~truth).sum())),
        parity=float(np.abs(shares - trained).max()),
    )
    said = (*table.said, *(f"left out: column {name} {reason}" for name, reason in code.left_out))
    held_out_rows = tuple(table.rows[place] for place in test)
    return LearnedTable(exported, exported_onnx(network), code, table.labels, verdict, held_out_rows, said)
