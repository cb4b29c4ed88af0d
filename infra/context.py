"""Reading the CDK context: a key that is missing or empty has its default, a wrong value is named with its remedy."""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, TypeVar

from smartcam.contract.errors import SettingsError
from smartcam.contract.written import UnreadableText, json_of, read_text

CDK_JSON: Final = Path(__file__).resolve().parents[1] / "cdk.json"
SWITCH: Final = {"on": True, "off": False, "true": True, "false": False}
T = TypeVar("T")


def feature_flags() -> dict[str, object]:
    """What the file says that the CDK CLI reads too: the CDK's feature flags, and keys of ours.

    Raises:
        SettingsError: for a file that is wrong.
    """
    try:
        document = json_of(read_text(CDK_JSON))
    except (OSError, UnreadableText) as error:
        raise SettingsError("cdk.json", str(CDK_JSON), f"must be JSON as the CDK reads it ({error})") from error
    context = document.get("context", {}) if isinstance(document, dict) else None
    if not isinstance(context, dict):
        raise SettingsError("cdk.json", str(CDK_JSON), 'must be an object with "context": {...}')
    return context


def value_of(context: Mapping[str, object], key: str) -> object | None:
    """The value; None where none is given."""
    value = context.get(key)
    return None if value == "" else value


def switch(context: Mapping[str, object], key: str) -> bool:
    """On or off; off by default. Raises SettingsError."""
    value = value_of(context, key)
    word = "off" if value is None else str(value).lower()
    if word not in SWITCH:
        raise SettingsError(key, value, "say on or off")
    return SWITCH[word]


def whole_number(context: Mapping[str, object], key: str, default: int, lowest: int, highest: int) -> int:
    """A number in the range. Raises SettingsError."""
    value = value_of(context, key)
    if value is None:
        return default
    text = str(value)
    if isinstance(value, bool) or not re.fullmatch(r"\d{1,6}", text, re.ASCII) or not lowest <= int(text) <= highest:
        off = " (off)" if lowest == 0 else ""
        raise SettingsError(key, value, f"give a whole number from {lowest}{off} to {highest}")
    return int(text)


def several(context: Mapping[str, object], key: str, read: Callable[[str, str], T]) -> tuple[T, ...]:
    """Comma-separated values, each made by `read` from the key and its text. Raises SettingsError."""
    value = value_of(context, key)
    if value is None:
        return ()
    if not isinstance(value, str):
        raise SettingsError(key, value, "give text, several values separated by commas")
    return distinct(key, value, [read(key, part.strip()) for part in value.split(",")])


def distinct(key: str, given: object, values: Sequence[T]) -> tuple[T, ...]:
    """The values that were given. Raises SettingsError where one is given twice."""
    if len(set(values)) != len(values):
        raise SettingsError(key, given, "name each value once")
    return tuple(values)
