"""A disk on which nothing has room."""

import os
from pathlib import Path
from typing import IO, Any


def on_a_full_disk(descriptor: int, mode: str, encoding: str | None = None) -> IO[Any]:
    """Instead of `os.fdopen`: the file is there, and what is written into it finds no room."""
    os.close(descriptor)
    return Path("/dev/full").open(mode, encoding=encoding)
