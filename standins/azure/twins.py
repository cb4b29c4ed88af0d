"""A module's twin with IoT Hub's rules: what it takes, and how a patch is merged."""

import json
from collections.abc import Mapping
from copy import deepcopy
from typing import Final

_FORBIDDEN: Final = frozenset(".$ ")
_DEEPEST: Final = 10
_LARGEST: Final = 32 * 1024
_LONGEST_KEY: Final = 1024
_LONGEST_TEXT: Final = 4096
_FIRST_PRINTABLE: Final = 0x20


class TwinRefused(Exception):
    """A patch against the rules; the hub answers 400."""


class Properties:
    """One half of a twin: its document and its version."""

    def __init__(self) -> None:
        self.version = 1
        self._document: dict[str, object] = {}

    def document(self) -> dict[str, object]:
        """As a client gets it."""
        return {**deepcopy(self._document), "$version": self.version}

    def patch(self, change: object) -> dict[str, object]:
        """Merge; null deletes. Returns what the hub tells the module. Raises TwinRefused, and nothing has changed."""
        if not isinstance(change, Mapping):
            raise TwinRefused("a patch must be an object")
        _check(change, 1)
        merged = _merged(self._document, change)
        if len(json.dumps(merged).encode()) > _LARGEST:
            raise TwinRefused(f"over {_LARGEST} bytes")
        self._document = merged
        self.version += 1
        return {**change, "$version": self.version}


def _merged(document: Mapping[str, object], change: Mapping[str, object]) -> dict[str, object]:
    merged = dict(document)
    for key, value in change.items():
        before = merged.get(key)
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, Mapping):
            merged[key] = _merged(before if isinstance(before, Mapping) else {}, value)
        else:
            merged[key] = deepcopy(value)
    return merged


def _check(value: object, depth: int) -> None:
    if depth > _DEEPEST:
        raise TwinRefused(f"deeper than {_DEEPEST}")
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if len(key) > _LONGEST_KEY or any(sign in _FORBIDDEN or ord(sign) < _FIRST_PRINTABLE for sign in key):
                raise TwinRefused(f"the key {key!r}")
            _check(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            _check(inner, depth + 1)
    elif isinstance(value, str) and len(value.encode()) > _LONGEST_TEXT:
        raise TwinRefused(f"a text over {_LONGEST_TEXT} bytes")
