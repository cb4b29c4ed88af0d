"""The module twin: the components' settings in its desired properties, and what became of them in the reported ones.

The two documents stand below `capture` and `inference`: a twin's keys take no dots, so not below the components' names.
"""

import json
import logging
import threading
from collections.abc import Callable, Mapping
from typing import Final

from smartcam.capture.settings import read_settings as read_capture
from smartcam.contract.errors import BusUnavailable, SettingsError
from smartcam.edge.logs import log
from smartcam.edge.memory_file import MemoryFile
from smartcam.edge.settings import closest
from smartcam.inference.settings import read_settings as read_inference

logger = logging.getLogger(__name__)

CAPTURE: Final = "capture"
INFERENCE: Final = "inference"
_READ: Final[Mapping[str, Callable[[Mapping[str, object]], object]]] = {
    CAPTURE: read_capture,
    INFERENCE: read_inference,
}
_MOST_REFUSED: Final = 20
_LONGEST: Final = 512
"""Characters of a text in the report; a twin takes 4,096."""


class Desired:
    """The desired properties as they were last heard, also those of an earlier process: the hub may be away."""

    def __init__(self, memory: MemoryFile) -> None:
        self._memory = memory
        self._lock = threading.Lock()
        self._document: Mapping[str, object] | None = _load(memory)

    def section(self, name: str) -> Mapping[str, object]:
        """A component's document; empty where the twin has none.

        Raises:
            BusUnavailable: no twin has ever been read.
        """
        with self._lock:
            document = self._document
        if document is None:
            raise BusUnavailable("the module twin has not been read yet")
        section = document.get(name)
        return section if isinstance(section, Mapping) else {}

    def take(self, document: Mapping[str, object]) -> frozenset[str]:
        """Go on with these; the names of the sections that have changed."""
        with self._lock:
            before, self._document = self._document, document
        if before == document:
            return frozenset()
        try:
            self._memory.store(json.dumps(document).encode())
        except OSError as error:
            log(logger, logging.WARNING, "twin_not_kept", error=error)
        return frozenset(name for name in _READ if before is None or before.get(name) != document.get(name))


def report(document: Mapping[str, object]) -> dict[str, object]:
    """The reported properties for these desired ones: which version they are, and what of each section was refused.

    Nothing refused is an empty list: a patch leaves alone what it does not name. Secrets are not repeated.
    """
    sections: dict[str, object] = {"version": document.get("$version")}
    for name, read in _READ.items():
        sections[name] = {"refused": [_refusal(error) for error in _errors(document.get(name), name, read)]}
    strangers = [key for key in document if key not in _READ and not key.startswith("$")]
    known = " and ".join(_READ)
    errors = [
        SettingsError(key, "(not shown)", f"is not a section; known are {known}{closest(key, list(_READ))}")
        for key in strangers[:_MOST_REFUSED]
    ]
    sections["refused"] = [_refusal(error) for error in errors]
    return {"settings": sections}


def _errors(section: object, name: str, read: Callable[[Mapping[str, object]], object]) -> tuple[SettingsError, ...]:
    if section is None:
        return ()
    if not isinstance(section, Mapping):
        return (SettingsError(name, section, "must be a table of settings"),)
    try:
        read(section)
    except SettingsError as error:
        return (error, *error.also)[:_MOST_REFUSED]
    return ()


def _refusal(error: SettingsError) -> dict[str, str]:
    return {"key": error.key[:_LONGEST], "value": error.shown[:_LONGEST], "remedy": error.remedy[:_LONGEST]}


def _load(memory: MemoryFile) -> Mapping[str, object] | None:
    try:
        document = json.loads(memory.load() or b"null")
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None
