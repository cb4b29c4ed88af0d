"""Labels in lines: one a line, numbered before or after the name, or a table with or without a header."""

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

from smartcam.contract.written import UnreadableText
from tools.bundle.coco import COCO_PLACES, nameless
from tools.bundle.label_list import LabelList, listed, placed

# Spaces are single by then, so that no line keeps the patterns busy.
_BEFORE: Final = re.compile(r"(?P<number>[0-9]{1,6})(?: ?(?P<mark>[:;,|]|[-=]>|=) ?| ?(?P<dot>[.)-]) | |$)(?P<name>.*)")
_AFTER: Final = re.compile(r"(?P<name>.*[^ :;,=|])(?: ?(?P<mark>[:;,=|]) ?| )(?P<number>[0-9]{1,6})")
_SEPARATORS: Final = "\t;,"
_SINGLE_HEADERS: Final = frozenset({"label", "labels", "name", "names", "class", "classes", "class_name", "label_name"})
_NAMES: Final = ("display_name", "displayname", "name", "names", "label", "label_name", "labelname", "class_name",
                 "classname", "class", "labels", "category", "category_name", "title")  # fmt: skip
_NUMBERS: Final = ("id", "index", "idx", "class_id", "classid", "class_index", "label_id", "category_id", "number",
                   "no", "num", "")  # fmt: skip
_ROWS_PER_TWIN: Final = 50
"""ImageNet has 2 names twice in 1,000; where more are the same, the number is what tells them apart."""
_MOST_DIGITS: Final = 9
_FEWEST_LINES: Final = 3
_AS_A_LIST: Final = 'if the numbers belong to the names, write them as a list in JSON: ["1 name", "2 name"]'


@dataclass(frozen=True, slots=True)
class _Numbering:
    numbers: list[int]
    names: list[str]
    leads: bool
    """Whether the numbers stand before the names."""

    @property
    def said(self) -> str:
        return f"each line has its number {'before' if self.leads else 'after'} the name"

    @property
    def tells_apart(self) -> bool:
        """Whether the names would be too few without the numbers, as with `1 euro, 2 euro`."""
        names = [name for name in self.names if name and not nameless(name)]
        bare = self.names.count("") * 2 >= len(self.names)
        return bare or (len(names) - len(set(names))) * _ROWS_PER_TWIN > len(names)

    @property
    def complete(self) -> bool:
        """Whether every number from 0 or from 1 is there, or all but those which COCO never used."""
        found = sorted(self.numbers)
        if found in (list(range(len(found))), list(range(1, len(found) + 1))):
            return True
        ids = [place + 1 for place in COCO_PLACES]
        return found in (list(COCO_PLACES), ids, [0, *ids])

    @property
    def broken(self) -> bool:
        """Whether it leads and counts up from 0 or 1, but lost its way."""
        first, last, kinds = self.numbers[0], self.numbers[-1], len(set(self.numbers))
        rising = self.numbers == sorted(self.numbers)
        return (
            self.leads
            and rising
            and first in {0, 1}
            and len(self.numbers) >= _FEWEST_LINES
            and 2 * kinds > last - first + 1
        )


def lines_read(text: str) -> LabelList:
    """The labels in a text whose lines end in a line feed.

    Raises:
        UnreadableText: a table with a wrong row, a numbering with a wrong number; and as `label_list.listed`.
    """
    lines = text.rstrip().split("\n")
    if len(lines) == 1:
        lines = _of_one_line(lines[0])
    lines, said = _without_comments(lines)
    full = [line for line in lines if line.strip()]
    header = _unquoted(full[0].strip()).casefold()
    if len(full) > 1 and _is_header(header, full[1]):
        said.append(f"the first line, {header!r}, is a header")
        found = _headless(lines[lines.index(full[0]) + 1 :])
    else:
        found = _table(full) or _headless(lines)
    return replace(found, said=(*said, *found.said))


def _without_comments(lines: list[str]) -> tuple[list[str], list[str]]:
    """The lines below the comments that they begin with, and what there is to say of those."""
    comments = next((place for place, line in enumerate(lines) if line.strip() and not line.startswith("# ")), 0)
    if not any(line.strip() for line in lines[:comments]):
        return lines, []
    return lines[comments:], ["the first lines, with #, are comments"]


def _is_header(line: str, following: str) -> bool:
    """Whether a line names one column, or a column of numbers and one of names with a space between."""
    if line in _SINGLE_HEADERS:
        return True
    words = line.split()
    known = len(words) == 2 and words[0] in _NUMBERS and words[1] in _NAMES  # noqa: PLR2004 - two columns
    return known and _BEFORE.fullmatch(" ".join(following.split())) is not None


def _of_one_line(line: str) -> list[str]:
    """The labels of a file that has them all in one line; one label with commas alone in a file is no model's."""
    for separator in _SEPARATORS:
        if separator in line:
            cells = [cell for row in _rows([line], separator) for cell in row if cell.strip()]
            counted = [_is_number(cell) for cell in cells]
            fewest = _FEWEST_LINES if _BEFORE.fullmatch(" ".join(line.split())) else 2
            return cells if len(cells) >= fewest and (all(counted) or not counted[0]) else [line]
    return [line]


def _is_number(cell: str) -> bool:
    return cell.strip().isdecimal() and cell.isascii()


def _headless(lines: Sequence[str]) -> LabelList:
    tidy = _without_quotes([" ".join(line.split()) for line in lines])
    full = [line for line in tidy if line]
    said: list[str] = []
    for numbering in _numberings(full):
        if numbering.complete:
            return placed(numbering.numbers, [_unquoted(name) for name in numbering.names], [numbering.said])
        if numbering.broken:
            raise UnreadableText(f"{_what_is_wrong(numbering.numbers)}; number all lines or none; {_AS_A_LIST}")
        said.append("every line has a number, but they do not count from 0 or 1: they stay in the labels")
    blank = [place for place, line in enumerate(tidy) if not line]
    if blank:
        said.append(f"blank lines between the labels ({len(blank)}) are taken for classes without a name")
    return listed(tidy, said, blank=blank)


def _without_quotes(lines: list[str]) -> list[str]:
    """The lines without the quotes of CSV, or of a program with a comma behind each, if each of them is quoted."""
    full = [line for line in lines if line]
    if len(full) > 1 and all(line.endswith(",") for line in full[:-1]):
        lines = [line.removesuffix(",").rstrip() for line in lines]
    if _are_quoted(lines, "'"):
        return [_unquoted(line) for line in lines]
    if not _are_quoted(lines, '"'):
        return lines
    return _read_as_csv(lines)


def _read_as_csv(lines: list[str]) -> list[str]:
    """The lines as CSV reads them; as they are where it cannot, or makes fewer of them."""
    try:
        rows = [",".join(row) for row in _rows(lines, ",")]
    except UnreadableText:
        return lines
    return rows if len(rows) == len(lines) else lines


def _are_quoted(lines: Sequence[str], quote: str) -> bool:
    """Whether each line that is not empty stands between these."""
    return all(len(line) > 1 and line[0] == line[-1] == quote for line in lines if line)


def _numberings(lines: Sequence[str]) -> Iterator[_Numbering]:
    """What may be numbers of the lines, and no part of their names."""
    for pattern, fewest in ((_BEFORE, 1), (_AFTER, 2)):
        numbering = _numbering(lines, pattern) if len(lines) >= fewest else None
        if numbering is not None and not numbering.tells_apart:
            yield numbering


def _numbering(lines: Sequence[str], pattern: re.Pattern[str]) -> _Numbering | None:
    """The numbers and names of the lines; None where a line has no number, or another mark than the rest."""
    found = [pattern.fullmatch(line) for line in lines]
    numbered = [each for each in found if each is not None]
    if not numbered or len(numbered) < len(lines):
        return None
    marks = {each.groupdict().get("mark") or each.groupdict().get("dot") for each in numbered if each["name"]}
    if len(marks) != 1:
        return None
    numbers = [int(each["number"]) for each in numbered]
    return _Numbering(numbers, [each["name"] for each in numbered], leads=pattern is _BEFORE)


def _what_is_wrong(numbers: Sequence[int]) -> str:
    for before, number in pairwise(numbers):
        if number != before + 1:
            return f"its lines are numbered from {numbers[0]}, but after {before} comes {number}"
    return f"its lines are numbered from {numbers[0]}"  # pragma: no cover - such a numbering is complete


def _table(lines: Sequence[str]) -> LabelList | None:
    """The labels in a table whose first line names its columns; None if it does not."""
    for separator in _SEPARATORS:
        header = [_unquoted(cell.strip()).casefold().replace(" ", "_") for cell in lines[0].split(separator)]
        if len(lines) > 1 and _names_columns(header):
            rows = (row for row in _rows(lines[1:], separator) if any(cell.strip() for cell in row))
            return _columns(header, [_of_width(row, len(header), separator) for row in rows])
    return None


def _names_columns(header: Sequence[str]) -> bool:
    known = sum(cell in _NAMES or cell in _NUMBERS for cell in header if cell)
    # pandas gives its column of numbers no name.
    of_pandas = header[0] == "" and any(cell in _NAMES for cell in header)
    return (known > 1 or of_pandas) and not any(map(_is_number, header))


def _columns(header: Sequence[str], rows: Sequence[Sequence[str]]) -> LabelList:
    columns = {name: [_unquoted(row[place].strip()) for row in rows] for place, name in enumerate(header)}
    name, number = _names_and_numbers(columns)
    said = f"a table with a header; the names are in the column {name!r}"
    if number is None:
        _refuse_broken_numbers(columns, name)
        return listed(columns[name], [said])
    numbers = [int(cell) if len(cell) <= _MOST_DIGITS else 10**_MOST_DIGITS for cell in columns[number]]
    return placed(numbers, columns[name], [f"{said}, the numbers in {number!r}"])


def _names_and_numbers(columns: Mapping[str, Sequence[str]]) -> tuple[str, str | None]:
    """The columns that hold them. `label` may hold the names, or the numbers beside names that stand under `class`."""
    counted = [name for name, cells in columns.items() if all(_is_number(cell) for cell in cells)]
    words = [name for name in _NAMES if name in columns]
    if not words:
        raise UnreadableText("has no column for the names among those of its first line; call one `name`")
    name = next((word for word in words if word not in counted), words[0])
    return name, next((each for each in (*_NUMBERS, *_NAMES) if each in counted and each != name), None)


def _refuse_broken_numbers(columns: Mapping[str, Sequence[str]], name: str) -> None:
    """Raises UnreadableText where the first column with numbers, if it is not that of the names, holds others too."""
    broken = next((each for each in _NUMBERS if any(map(_is_number, columns.get(each, ())))), None)
    if broken is not None and broken != name:
        odd = next(cell for cell in columns[broken] if not _is_number(cell))
        raise UnreadableText(
            f"has {odd[:_MOST_DIGITS]!r} among the numbers in its column {broken!r}; write 0, 1, 2, ..."
        )


def _of_width(row: list[str], width: int, separator: str) -> list[str]:
    """A row with as many cells as the header; what is too much belongs to a last name with commas in it."""
    if len(row) < width:
        raise UnreadableText(f"has a row with {len(row)} of {width} cells: {separator.join(row)[:40]!r}")
    return [*row[: width - 1], separator.join(row[width - 1 :])]


def _rows(lines: Sequence[str], separator: str) -> Iterator[list[str]]:
    reader = csv.reader((f"{line}\n" for line in lines), delimiter=separator, strict=True)
    try:
        yield from reader
    except csv.Error as error:
        # It quotes the separator as it is, and a tab is no sign for a terminal.
        raise UnreadableText(f"is not CSV ({str(error).replace(chr(9), 'a tab')})", reader.line_num) from error


def _unquoted(name: str) -> str:
    """A name without the quotes around all of it."""
    for quote in "\"'":
        if len(name) > 1 and name[0] == name[-1] == quote:
            return name[1:-1].replace(quote * 2, quote)
    return name
