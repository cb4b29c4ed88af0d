"""Settings as text for `smartcam deploy`: the same keys in YAML, so that what was drawn outlives the device."""

import difflib
import json
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Final

from smartcam.contract.ids import CameraId
from smartcam.contract.wish import SETTABLE, SettingsOwner

_PLAIN: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_WORDS: Final = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})
"""What readers of YAML take for something else than text."""
_COMPONENTS: Final = {SettingsOwner.CAPTURE: "smartcam.Capture", SettingsOwner.INFERENCE: "smartcam.Inference"}


def yaml_of(camera: CameraId, settings: Mapping[str, object]) -> str:
    """What belongs into `cameras.yaml` for a camera; keys that the console may not set are left out."""
    document = {}
    for owner, component in _COMPONENTS.items():
        own = {key: settings[key] for key in SETTABLE[owner] if settings.get(key) is not None}
        if own:
            document[component] = {"cameras": {camera: own}}
    return "\n".join(_lines(document, "")) + "\n" if document else "{}\n"


def difference(before: str, after: str) -> str:
    """What differs, line by line, as `diff -u` says it; empty where nothing does."""
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), "before", "after", lineterm="")
    return "".join(f"{line}\n" for line in lines)


def _lines(table: Mapping[str, object], indent: str) -> Iterator[str]:
    for key, value in table.items():
        if isinstance(value, Mapping) and value:
            yield f"{indent}{_key(str(key))}:"
            yield from _lines(value, indent + "  ")
        else:
            yield f"{indent}{_key(str(key))}: {_flow(value)}"


def _key(text: str) -> str:
    is_plain = text in _COMPONENTS.values() or (_PLAIN.fullmatch(text) and text.lower() not in _WORDS)
    return text if is_plain else _flow(text)


def _flow(value: object) -> str:
    """JSON, which is YAML, but for numbers such as 1e-05 and for characters that YAML takes in no file."""
    if isinstance(value, float):
        return format(Decimal(repr(value)), "f")
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_flow(str(key))}: {_flow(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    text = json.dumps(value, ensure_ascii=False)
    return "".join(each if each.isprintable() else f"\\U{ord(each):08x}" for each in text)
