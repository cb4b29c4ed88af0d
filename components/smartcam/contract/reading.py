"""Reading JSON documents field by field: each wrong field is named once, here."""

import json
import math
import re
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import Final, TypeVar

from smartcam.contract.errors import ContractError

type_names: Final = {str: "text", int: "a whole number", bool: "true or false", dict: "an object", list: "a list"}
T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)
_ESCAPE: Final = "\\ud"
HEX_OF_32_BYTES: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
LARGEST_INTEGER: Final = 2**63 - 1
"""What every database and clock of ours can take; the smallest is one below its negative."""
_MOST_DIGITS: Final = 20
DEEPEST: Final = 32
"""Objects and lists within one another. What is read near Python's own limit could not always be written again."""
_SHOWN: Final = 24


def no_constant(text: str) -> float:
    """Raises ValueError: NaN and Infinity are no JSON."""
    raise ValueError(f"{text} is not JSON")


def finite(text: str) -> float:
    """The number. Raises ValueError for one that is too large."""
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:_SHOWN]} is too large")
    return number


def bounded(text: str) -> int:
    """The number. Raises ValueError for one beyond 64 bits, which no arithmetic with a float would survive."""
    number = int(text) if len(text) <= _MOST_DIGITS else LARGEST_INTEGER + 1
    if not -LARGEST_INTEGER - 1 <= number <= LARGEST_INTEGER:
        raise ValueError(f"{text[:_SHOWN]} is too large")
    return number


def _check_depth(document: object) -> None:
    level: list[object] = [document]
    for _ in range(DEEPEST):
        level = [inner for outer in level if isinstance(outer, dict | list) for inner in _inside(outer)]
    if any(isinstance(each, dict | list) for each in level):
        raise ValueError(f"it is nested deeper than {DEEPEST}")


def _inside(outer: dict[str, object] | list[object]) -> Iterable[object]:
    return outer.values() if isinstance(outer, dict) else outer


def parse_object(payload: bytes | str, what: str) -> dict[str, object]:
    """The JSON object in a payload: integers of 64 bits, finite numbers, at most `DEEPEST` objects and lists deep.

    Raises:
        ContractError: naming `what`, for anything that is not one such object in UTF-8.
    """
    text, document = _parsed(payload, what, no_constant, finite, bounded)
    try:
        if text.count("[") + text.count("{") > DEEPEST:
            _check_depth(document)
        if _ESCAPE in text.lower():
            # Half a surrogate pair could be read, but never be written again.
            json.dumps(document, ensure_ascii=False).encode()
    except ValueError as error:  # Unicode's errors are ValueErrors too
        raise ContractError(what, f"is not JSON ({error})") from error
    return document


def parse_refused(payload: bytes | str, what: str) -> dict[str, object]:
    """What can be read of an object that `parse_object` may have refused, for an answer that names it.

    A number that is not taken reads as None. The object must not be kept: it could not always be written again.

    Raises:
        ContractError: naming `what`, for anything that is not one JSON object in UTF-8.
    """
    return _parsed(payload, what, _or_none(no_constant), _or_none(finite), _or_none(bounded))[1]


def _parsed(
    payload: bytes | str,
    what: str,
    constant: Callable[[str], object],
    real: Callable[[str], object],
    whole: Callable[[str], object],
) -> tuple[str, dict[str, object]]:
    """The payload's text, and the object in it."""
    try:
        text = payload if isinstance(payload, str) else payload.decode()
        document = json.loads(text, parse_constant=constant, parse_float=real, parse_int=whole)
    except (ValueError, RecursionError) as error:
        raise ContractError(what, f"is not JSON ({error})") from error
    if not isinstance(document, dict):
        raise ContractError(what, "must be a JSON object")
    return text, document


def _or_none(read: Callable[[str], T]) -> Callable[[str], T | None]:
    def attempt(text: str) -> T | None:
        try:
            return read(text)
        except ValueError:
            return None

    return attempt


def dump_object(document: Mapping[str, object]) -> bytes:
    """Compact JSON in UTF-8; what is None is left out."""
    present = {key: value for key, value in document.items() if value is not None}
    return json.dumps(present, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def printable(text: str, instead: str = "?") -> str:
    """The text with `instead` for each unprintable character, so that it fits into any message."""
    return "".join(character if character.isprintable() else instead for character in text)


class Fields:
    """A JSON object that is read field by field; `path` leads to it in the message."""

    def __init__(self, document: Mapping[str, object], path: str = "") -> None:
        self.document = document
        self.path = path

    def name(self, key: str) -> str:
        """The field's whole name, for errors."""
        return f"{self.path}.{key}" if self.path else key

    def unknown(self, known: frozenset[str]) -> dict[str, object]:
        """The fields that this version does not know."""
        return {key: value for key, value in self.document.items() if key not in known}

    def has(self, key: str) -> bool:
        """Whether the field is there and not null."""
        return self.document.get(key) is not None

    def text(self, key: str, longest: int = 256) -> str:
        """Raises ContractError unless the field is text of 1 to `longest` characters."""
        value = self._typed(key, str)
        if not 1 <= len(value) <= longest:
            raise ContractError(self.name(key), f"must have 1 to {longest} characters")
        if not value.isprintable():
            raise ContractError(self.name(key), "must not hold control characters")
        return value

    def optional_text(self, key: str, longest: int = 256) -> str | None:
        """As `text`; None where the field is missing or null."""
        return self.text(key, longest) if self.has(key) else None

    def optional_key(self, key: str) -> str | None:
        """A public key in hexadecimal; None where the field is missing or null. Raises ContractError for other text."""
        text = self.optional_text(key)
        if text is not None and not HEX_OF_32_BYTES.fullmatch(text):
            raise ContractError(self.name(key), "must be 64 hexadecimal digits in lower case")
        return text

    def optional_integer(self, key: str) -> int | None:
        """As `integer`; None where the field is missing or null."""
        return self.integer(key) if self.has(key) else None

    def integer(self, key: str, lowest: int = 0, highest: int = LARGEST_INTEGER) -> int:
        """Raises ContractError unless the field is a whole number within the range."""
        value = self._typed(key, int)
        if not lowest <= value <= highest:
            raise ContractError(self.name(key), f"must be {lowest} to {highest}")
        return value

    def number(self, key: str, lowest: float, highest: float) -> float:
        """Raises ContractError unless the field is a finite number within the range."""
        value = self.document.get(key)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ContractError(self.name(key), "must be a number")
        if not lowest <= value <= highest:  # false for NaN, and compared exactly for an integer beyond any float
            raise ContractError(self.name(key), f"must be {lowest} to {highest}")
        return float(value)

    def boolean(self, key: str) -> bool:
        """Raises ContractError unless the field is true or false."""
        return self._typed(key, bool)

    def choice(self, key: str, kinds: type[E]) -> E:
        """Raises ContractError unless the field is one of the enumeration's words."""
        value = self._typed(key, str)
        try:
            return kinds(value)
        except ValueError as error:
            words = ", ".join(kinds)
            raise ContractError(self.name(key), f"must be one of {words}") from error

    def items(self, key: str, longest: int = 64) -> list[object]:
        """Raises ContractError unless the field is a list of at most `longest` items."""
        value: list[object] = self._typed(key, list)
        if len(value) > longest:
            raise ContractError(self.name(key), f"must have at most {longest} items")
        return value

    def objects(self, key: str, longest: int = 64) -> list["Fields"]:
        """Raises ContractError unless the field is a list of at most `longest` objects, which are read in turn."""
        found = []
        for place, item in enumerate(self.items(key, longest)):
            path = f"{self.name(key)}[{place}]"
            if not isinstance(item, dict):
                raise ContractError(path, "must be an object")
            found.append(Fields(item, path))
        return found

    def words(self, key: str, most: int, longest: int = 32) -> tuple[str, ...]:
        """Raises ContractError unless the field is a list of at most `most` texts of 1 to `longest` characters."""
        items = self.items(key, most)
        inside = Fields({str(place): item for place, item in enumerate(items)}, self.name(key))
        return tuple(inside.text(str(place), longest) for place in range(len(items)))

    def inner(self, key: str) -> "Fields":
        """Raises ContractError unless the field is an object, which is read in turn."""
        return Fields(self._typed(key, dict), self.name(key))

    def _typed(self, key: str, kind: type[T]) -> T:
        value = self.document.get(key)
        if value is None:
            raise ContractError(self.name(key), "is missing")
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise ContractError(self.name(key), f"must be {type_names[kind]}")
        return value
