"""Any CSV with a label column, as numbers that a network takes."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from smartcam.contract.written import UnreadableText, csv_of
from smartcam.model.rows.columns import LONGEST_CELL, MOST_COLUMNS, MOST_WORDS, ColumnCode, Row, RowCode, number_in
from training.errors import TrainingError

LABEL: Final = "label"
MOST_ROWS: Final = 1_000_000
_NUMERIC: Final = 0.95
_TRUE: Final = frozenset({"1", "true", "yes", "y", "positive", "1.0"})
_SHOWN: Final = 5
_LONGEST_SHOWN: Final = 40


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of a table and their labels; `said`: what was left out, and why.

    `labels`: what is said of the other rows, and what is learned, which is also `positive`.
    """

    rows: tuple[Row, ...]
    truth: NDArray[np.bool_]
    labels: tuple[str, str]
    said: tuple[str, ...]

    @property
    def positive(self) -> str:
        """The label that is learned."""
        return self.labels[1]


@dataclass(frozen=True, slots=True)
class TableCode(RowCode):
    """How rows become numbers, and the columns that are not used, each with the reason."""

    left_out: tuple[tuple[str, str], ...] = ()


def read_rows(text: str, label: str = LABEL, positive: str | None = None) -> Rows:
    """The rows of a CSV. Rows without a label, or with too few or too many cells, are left out and told of.

    Raises:
        TrainingError: there is no such column, or not two labels with enough rows.
    """
    try:
        lines = list(csv_of(text.removeprefix("\ufeff")))
    except UnreadableText as error:
        raise TrainingError(f"table: {error}") from error
    names = [name.strip() for name in lines[0][1]] if lines else []
    if label not in names:
        raise TrainingError(f"table: has no column {label!r}; there are {', '.join(names) or 'none'}; give --label")
    if len(set(names)) < len(names) or len(lines) > MOST_ROWS:
        twice = [name for name, count in Counter(names).items() if count > 1]
        why = f"two columns are called {twice[0]!r}" if twice else f"has more than {MOST_ROWS} rows"
        raise TrainingError(f"table: {why}")
    said = []
    crooked = [line for line, cells in lines[1:] if cells and len(cells) != len(names)]
    if crooked:
        where = ", ".join(map(str, crooked[:_SHOWN]))
        said.append(f"left out: rows with another number of cells: {len(crooked)} (line {where})")
    whole = [cells for _, cells in lines[1:] if len(cells) == len(names)]
    rows = [{name: cell.strip() for name, cell in zip(names, cells, strict=True)} for cells in whole]
    unlabelled = sum(not row[label] for row in rows)
    if unlabelled:
        said.append(f"left out: rows without a {label}: {unlabelled}")
    rows = [row for row in rows if row[label]]
    chosen = _positive([row[label] for row in rows], label, positive)
    (other,) = {row[label] for row in rows} - {chosen}
    truth = np.array([row[label] == chosen for row in rows], bool)
    bare = tuple({name: cell for name, cell in row.items() if name != label} for row in rows)
    return Rows(bare, truth, (other, chosen), tuple(said))


def learn_code(rows: Sequence[Row]) -> TableCode:
    """How to turn rows like these into numbers.

    Raises:
        TrainingError: no column can be learned from.
    """
    columns, left_out = [], []
    for name in rows[0] if rows else ():
        cells = [row.get(name, "") for row in rows]
        code = _column(name, cells)
        if isinstance(code, str):
            left_out.append((name, code))
        else:
            columns.append(code)
    if len(columns) > MOST_COLUMNS:
        raise TrainingError(f"table: has {len(columns)} columns to learn from; at most {MOST_COLUMNS} are possible")
    if not columns:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in left_out[:_SHOWN]) or "there is none"
        raise TrainingError(f"table: no column can be learned from ({reasons})")
    return TableCode(tuple(columns), tuple(left_out))


def split(truth: NDArray[np.bool_], seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Places for training, validation and test: six, two and two tenths of each label, drawn by the seed.

    There must be ten rows of each label.
    """
    from sklearn.model_selection import train_test_split  # noqa: PLC0415 - only the training environment has it

    train, others = train_test_split(np.arange(truth.size), test_size=0.4, stratify=truth, random_state=seed)
    validation, test = train_test_split(others, test_size=0.5, stratify=truth[others], random_state=seed)
    return np.sort(train), np.sort(validation), np.sort(test)


def _column(name: str, cells: Sequence[str]) -> ColumnCode | str:
    """The code of a column, or why there is none."""
    filled = [cell for cell in cells if cell]
    if len(name) > LONGEST_CELL:
        return f"has a name of more than {LONGEST_CELL} characters"
    if len(set(cells)) < 2:  # noqa: PLR2004  telling apart takes two
        return "is the same everywhere" if filled else "is empty"
    numbers = [number for cell in filled if (number := number_in(cell)) is not None]
    if sum(map(_is_number, filled)) >= _NUMERIC * len(filled) and numbers:
        return ColumnCode(name, middle=float(np.median(numbers)), tells_missing=len(numbers) < len(cells))
    words = Counter(filled)
    if len(words) > MOST_WORDS:
        return f"has {len(words)} different texts"
    if max(map(len, words)) > LONGEST_CELL:
        return f"has a text of more than {LONGEST_CELL} characters"
    return ColumnCode(name, tuple(sorted(words)))


def _is_number(text: str) -> bool:
    """Also one that says nothing: programs write nan and inf for what is missing."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def _positive(labels: Sequence[str], label: str, wanted: str | None) -> str:
    counts = Counter(labels)
    if len(counts) != 2:  # noqa: PLR2004  yes and no
        shown = ", ".join(f"{name} ({count})" for name, count in counts.most_common(_SHOWN)) or "none"
        raise TrainingError(f"table: column {label!r} must have two different labels; it has {len(counts)}: {shown}")
    for name in counts:
        if not name.isprintable() or len(name) > LONGEST_CELL:
            said = f"{name[:_LONGEST_SHOWN]!r}, which is no line of at most {LONGEST_CELL} characters"
            raise TrainingError(f"table: column {label!r} has the label {said}")
    few = min(counts.values())
    if few < 10:  # noqa: PLR2004  six, two and two
        raise TrainingError(f"table: column {label!r} has a label with only {few} rows; at least 10 are needed of each")
    if wanted is not None:
        if wanted not in counts:
            raise TrainingError(f"table: no row of column {label!r} is {wanted!r}; there are {', '.join(counts)}")
        return wanted
    likely = [name for name in counts if name.lower() in _TRUE]
    return likely[0] if len(likely) == 1 else min(counts, key=lambda name: (counts[name], name))
