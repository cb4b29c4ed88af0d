"""Settings as text for `smartcam deploy`: the same keys in YAML, so that what was drawn outlives the device."""

import difflib
import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from smartcam.contract.ids import CameraId
from smartcam.contract.wish import SETTABLE, SettingsOwner

_COMPONENTS: Final = {SettingsOwner.CAPTURE: "smartcam.Capture", SettingsOwner.INFERENCE: "smartcam.Inference"}


def yaml_of(camera: CameraId, settings: Mapping[str, object]) -> str:
    """What belongs into `cameras.yaml` for a camera; keys that the console may not set are left out.

    What people have named stands in quotes: readers of YAML take some words for something else than text.
    """
    lines = []
    for owner, component in _COMPONENTS.items():
        own = {key: settings[key] for key in SETTABLE[owner] if settings.get(key) is not None}
        if own:
            lines += [f"{component}:", "  cameras:", f"    {_flow(camera)}:"]
        for key, value in own.items():
            if isinstance(value, Mapping) and value:
                lines += [f"      {key}:", *(f"        {_flow(name)}: {_flow(one)}" for name, one in value.items())]
            else:
                lines.append(f"      {key}: {_flow(value)}")
    return "\n".join(lines or ["{}"]) + "\n"


def difference(before: str, after: str) -> str:
    """What differs, line by line, as `diff -u` says it; empty where nothing does."""
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), "before", "after", lineterm="")
    return "".join(f"{line}\n" for line in lines)


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
