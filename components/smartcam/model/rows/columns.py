"""How a row of words and numbers becomes what a network takes: one code for training and for devices."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from smartcam.contract.errors import ContractError
from smartcam.contract.reading import Fields
from smartcam.model.manifest import numbered

MOST_WORDS: Final = 30
"""Of one column; a text column with more different texts is a name or a note, which a network cannot learn from."""
LONGEST_CELL: Final = 256
"""Of a column's name, and of a word that counts."""
MOST_COLUMNS: Final = 1000
WIDEST: Final = 1e30
"""Float32 ends at 3e38."""
Row = Mapping[str, str]
"""A table's row by the names of its columns; a cell that is missing is as good as an empty one."""


@dataclass(frozen=True, slots=True)
class ColumnCode:
    """How one column becomes numbers: as it is, with `middle` where it is missing, or one number for each word.

    `tells_missing`: one number more says that it is missing, which it was in training.
    """

    name: str
    words: tuple[str, ...] = ()
    middle: float = 0.0
    tells_missing: bool = False

    @property
    def width(self) -> int:
        """How many numbers it becomes."""
        return len(self.words) or 1 + self.tells_missing

    def numbers(self, text: str) -> list[float]:
        """The numbers for a cell."""
        if self.words:
            return [float(text == word) for word in self.words]
        value = number_in(text)
        known = self.middle if value is None else value
        return [known, float(value is None)] if self.tells_missing else [known]


@dataclass(frozen=True, slots=True)
class RowCode:
    """How rows become numbers."""

    columns: tuple[ColumnCode, ...]

    @property
    def width(self) -> int:
        """How many numbers a row becomes."""
        return sum(code.width for code in self.columns)

    def encode(self, rows: Sequence[Row]) -> NDArray[np.float32]:
        """Numbers (rows, width), float32; a column that a row lacks is missing there."""
        numbers = [[number for code in self.columns for number in code.numbers(row.get(code.name, ""))] for row in rows]
        return np.array(numbers, np.float32).reshape(len(rows), -1)


def number_in(text: str) -> float | None:
    """The number in a cell; None where there is none, or one that says nothing: programs write nan and inf."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and abs(value) < WIDEST else None


def dump_columns(columns: Sequence[ColumnCode]) -> list[dict[str, object]]:
    """Columns as JSON."""
    return [
        {"name": code.name, "words": list(code.words)}
        if code.words
        else {"name": code.name, "middle": code.middle, "tells_missing": code.tells_missing}
        for code in columns
    ]


def read_columns(fields: Fields) -> tuple[ColumnCode, ...]:
    """The inverse of `dump_columns`. Raises ContractError naming the first wrong field."""
    columns = tuple(_column(each) for each in objects(fields, "columns"))
    if not columns:
        raise ContractError(fields.name("columns"), "must have at least one")
    check_differ([code.name for code in columns], fields.name("columns"))
    return columns


def objects(fields: Fields, key: str) -> list[Fields]:
    """The objects in a list, each named by its place. Raises ContractError."""
    within = numbered(fields, key, fields.items(key, MOST_COLUMNS))
    return [within.inner(place) for place in within.document]


def cell(fields: Fields, key: str) -> str:
    """A text as it stands in tables: also an empty one, or one with odd characters. Raises ContractError."""
    text = fields.document.get(key)
    if not isinstance(text, str) or len(text) > LONGEST_CELL:
        raise ContractError(fields.name(key), f"must be a text of at most {LONGEST_CELL} characters")
    return text


def words_in(fields: Fields, most: int) -> tuple[str, ...]:
    """The list of texts named `words`, at most so many. Raises ContractError."""
    within = numbered(fields, "words", fields.items("words", most))
    words = tuple(cell(within, place) for place in within.document)
    check_differ(words, fields.name("words"))
    return words


def check_differ(names: Sequence[str], where: str) -> None:
    """Raises ContractError where a name stands twice."""
    if len(set(names)) < len(names):
        raise ContractError(where, "must not name one twice")


def _column(fields: Fields) -> ColumnCode:
    name = cell(fields, "name")
    if fields.has("words"):
        if fields.has("middle"):
            raise ContractError(fields.name("middle"), "must not be there beside words")
        words = words_in(fields, MOST_WORDS)
        if not words:
            raise ContractError(fields.name("words"), "must have at least one")
        return ColumnCode(name, words)
    middle = fields.number("middle", -WIDEST, WIDEST)
    return ColumnCode(name, middle=middle, tells_missing=fields.boolean("tells_missing"))
