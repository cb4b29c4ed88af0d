"""The last configuration that could be read: one that cannot, such as another version's, changes nothing."""

import json
import logging
from collections.abc import Callable, Mapping
from typing import Final, Generic, TypeVar

from smartcam.contract.errors import BusError, SettingsError
from smartcam.edge.bus.port import ConfigurationSource
from smartcam.edge.logs import log
from smartcam.edge.memory_file import MemoryFile

logger = logging.getLogger(__name__)

S = TypeVar("S")
FILE: Final = "configuration-understood"


class Understood(Generic[S]):
    """Reads documents with `read` and remembers the last one that could be read; with `memory`, across restarts."""

    def __init__(self, read: Callable[[Mapping[str, object]], S], memory: MemoryFile | None = None) -> None:
        self._read = read
        self._memory = memory

    def take(self, document: Mapping[str, object]) -> S:
        """The settings in a document.

        Raises:
            SettingsError: naming the key; the document before is still remembered.
        """
        settings = self._read(document)
        content = json.dumps(document, sort_keys=True).encode()
        if self._memory is not None and self._memory.load() != content:
            try:
                self._memory.store(content)
            except OSError as error:
                log(logger, logging.WARNING, "configuration_not_kept", error=error)
        return settings

    def now(self, source: ConfigurationSource, otherwise: S, say: Callable[[str], None]) -> S:
        """Those of the source's document, else the last ones that could be read, and why is said.

        `otherwise`: where there is nobody to be asked, and there were none. Raises SettingsError where there are none.
        """
        try:
            return self.take(source.configuration())
        except SettingsError as error:
            last = self.last()
            if last is None:
                raise
            say(f"{error}; going on with the configuration before")
            return last
        except BusError:
            return self.last() or otherwise

    def last(self) -> S | None:
        """The settings in the document that is remembered; None where there is none, or this version cannot read it."""
        document = self.last_document()
        try:
            return None if document is None else self._read(document)
        except SettingsError:
            return None

    def last_document(self) -> Mapping[str, object] | None:
        """The document that is remembered, whether or not this version can read it."""
        try:
            document = json.loads(b"" if self._memory is None else self._memory.load() or b"null")
        except (ValueError, RecursionError):
            return None
        return document if isinstance(document, dict) else None
