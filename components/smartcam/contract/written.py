"""What a person has written into a file: read as it stands, or refused with the line; nothing is lost or guessed."""

import csv
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from smartcam.contract.errors import SmartcamError
from smartcam.contract.reading import bounded, finite, no_constant

MOST_BYTES: Final = 10_000_000
"""More is no file that a person has written."""
_AS_UTF_8: Final = "; save the file as UTF-8"
_WIDE: Final = ((b"\xff\xfe\x00\x00", "UTF-32"), (b"\x00\x00\xfe\xff", "UTF-32"), (b"\xff\xfe", "UTF-16"),
                (b"\xfe\xff", "UTF-16"))  # fmt: skip
_BEHIND_ALL: Final = "end"
"""A line more: what is still open at the end takes it in."""
_TOKEN: Final = re.compile(r'("(?:[^"\\]|\\.)*")(\s*:)?|[{}]')


class UnreadableText(SmartcamError):
    """A file cannot be taken as its writer meant it; `line` counts from 1, 0 where no line is to blame."""

    def __init__(self, reason: str, line: int = 0) -> None:
        super().__init__(f"line {line}: {reason}" if line else reason)
        self.reason = reason
        self.line = line

    def within(self, file: object) -> str:
        """The error with the file's name before it, in the form `file:line: reason`."""
        return f"{file}{f':{self.line}' if self.line else ''}: {self.reason}"


def read_text(file: Path, most_bytes: int = MOST_BYTES) -> str:
    """The text in a file.

    Raises:
        OSError: it cannot be read.
        UnreadableText: it has more bytes than these, or is no text in UTF-8.
    """
    with file.open("rb") as opened:
        raw = opened.read(most_bytes + 1)
    if len(raw) > most_bytes:
        raise UnreadableText(f"has more than {most_bytes} bytes; is it the file that you mean?")
    return text_of(raw)


def text_of(raw: bytes) -> str:
    """The text, without a byte order mark. Raises UnreadableText, naming the encoding that it seems to have."""
    for mark, name in _WIDE:
        if raw.startswith(mark):
            raise UnreadableText(f"is {name}{_AS_UTF_8}")
    if 0 in raw:
        known = "UTF-16 without a mark" if raw.count(0) * 4 > len(raw) else "no text"
        raise UnreadableText(f"holds a NUL byte, as {known} does{_AS_UTF_8}", _line(raw, raw.index(0)))
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # The codec may have left out the mark before it counted.
        at = len(raw) - len(error.object) + error.start
        odd = f"the byte 0x{raw[at]:02X}, which is not UTF-8"
        latin = raw[at : at + 1].decode("latin-1")
        meant = f" (in Latin-1 it is {latin!r})" if latin.isprintable() else ""
        raise UnreadableText(f"holds {odd}{meant}{_AS_UTF_8}", _line(raw, at)) from error


def csv_of(text: str) -> Iterator[tuple[int, list[str]]]:
    """The rows of a CSV as they stand, each with the line on which it begins; an empty line has no cells.

    Raises:
        UnreadableText: a cell is longer than any that is meant, or a quotation mark is never closed, behind which all
            other rows would be one cell.
    """
    lines = list(io.StringIO(text, newline=""))
    reader = csv.reader([*lines, _BEHIND_ALL])
    begins = 1
    try:
        for cells in reader:
            if reader.line_num > len(lines) and begins <= len(lines):
                raise UnreadableText("is no CSV (a quotation mark of it is never closed)", begins)
            if reader.line_num <= len(lines):
                yield begins, cells
            begins = reader.line_num + 1
    except csv.Error as error:
        raise UnreadableText(f"is no CSV ({error})", begins) from error


def json_of(text: str) -> object:
    """The value in a JSON text.

    Raises:
        UnreadableText: it is no JSON, holds a number that is none, or a key twice in one object.
    """
    try:
        value: object = json.loads(text, parse_constant=no_constant, parse_float=finite, parse_int=bounded)
        check_characters(value)
    except json.JSONDecodeError as error:
        raise UnreadableText(f"is not JSON ({error.msg})", error.lineno) from error
    except RecursionError as error:
        raise UnreadableText("is not JSON that can be read (its objects lie too deep in each other)") from error
    except ValueError as error:
        raise UnreadableText(f"is not JSON ({error})") from error
    _refuse_duplicates(text)
    return value


def twice(key: str, first: int) -> str:
    """What is wrong with a key that was given before, in this line."""
    return f"the key {key!r} is given twice, first in line {first}; one of the two would be lost"


def check_characters(value: object) -> None:
    """Raises UnreadableText for text with half a character, which could be read, but never be written again."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        half = error.object[error.start]
        raise UnreadableText(f"holds half a character, U+{ord(half):04X}; write the character itself") from error


def _refuse_duplicates(text: str) -> None:
    """Raises UnreadableText for the first key that stands twice in an object of a JSON text that is otherwise right."""
    objects: list[dict[str, int]] = []
    line, looked_at = 1, 0
    for token in _TOKEN.finditer(text):
        line += text.count("\n", looked_at, token.start())
        looked_at = token.start()
        if token[0] == "{":
            objects.append({})
        elif token[0] == "}":
            objects.pop()
        elif token[2]:
            key = json.loads(token[1])
            if key in objects[-1]:
                raise UnreadableText(twice(key, objects[-1][key]), line)
            objects[-1][key] = line


def _line(raw: bytes, at: int) -> int:
    return raw.count(b"\n", 0, at) + 1
