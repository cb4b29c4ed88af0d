"""Times of something in sight, as labels give them: in frames or in seconds."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

_LARGEST: Final = 2**53
NOTES: Final = frozenset({"note", "how"})
FORM: Final = '[first frame, last frame]; in seconds: {"seconds": [first, last]}'


class ScoreError(Exception):
    """Something that the measurement needs is missing or wrong; the message says what and where."""


class Unit(StrEnum):
    """What an interval counts in; the word is its key as well."""

    FRAMES = "frames"
    SECONDS = "seconds"


@dataclass(frozen=True, slots=True)
class Interval:
    """Something in sight: `word` says what; frames are 0-based, and the last one belongs to the interval.

    `is_counted`: the label says how many objects there are; each of them has an interval of its own then.
    """

    word: str
    first: float
    last: float
    is_counted: bool = False
    unit: Unit = Unit.FRAMES

    def __str__(self) -> str:
        return f"{self.word} in {self.unit} {self.first:.10g} to {self.last:.10g}"


def read_interval(where: str, word: str, item: object, others: frozenset[str] = frozenset()) -> Interval:
    """The interval in an item of a list. `others`: keys that it may have besides its ends and notes.

    Raises:
        ScoreError: it is none, naming `where` and the item.
    """
    table: Mapping[str, object] = item if isinstance(item, dict) else {Unit.FRAMES: item}
    unit = Unit.SECONDS if Unit.SECONDS in table else Unit.FRAMES
    ends = table.get(unit)
    is_pair = isinstance(ends, list) and len(ends) == 2 and all(is_place(each, unit) for each in ends)  # noqa: PLR2004
    if table.keys() - {unit} - others - NOTES or not isinstance(ends, list) or not is_pair:
        raise ScoreError(f"{where} holds {shown(item)}, which is not {FORM}")
    first, last = ends
    if not 0 <= first <= last:
        raise ScoreError(f"{where} holds {shown(item)}, which begins below 0 or ends before it begins")
    return Interval(word, first, last, unit=unit)


def is_place(value: object, unit: Unit) -> bool:
    """Whether it is a number of a frame, or a number of seconds."""
    if type(value) is int:
        return abs(value) <= _LARGEST
    return unit is Unit.SECONDS and isinstance(value, float) and math.isfinite(value)


def shown(value: object, most: int = 200) -> str:
    """A value as an error shows it: a list of thousands of boxes helps nobody."""
    text = repr(value)
    return text if len(text) <= most else f"{text[:most]}..."
