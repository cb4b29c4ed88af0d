"""The journal: what happened, one JSON object a line, for people and programs that follow it."""

import base64
import json
import os
import time
from pathlib import Path
from typing import Final

LARGEST_LOCAL_PAYLOAD: Final = 2048


class Journal:
    """A file that only its owner can read, flushed line by line."""

    def __init__(self, path: Path) -> None:
        self._file = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "w", encoding="utf-8")

    def write(self, event: str, **facts: object) -> None:
        """Record an event now. Facts are JSON values; None is left out; bytes become base64."""
        if self._file.closed:
            return
        present = {key: _plain(value) for key, value in facts.items() if value is not None}
        line = json.dumps({"at_ns": time.time_ns(), "event": event} | present, separators=(",", ":"))
        self._file.write(line + "\n")
        self._file.flush()

    def close(self) -> None:
        """Nothing is written after this."""
        self._file.close()


def _plain(value: object) -> object:
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value
