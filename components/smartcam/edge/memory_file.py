"""A small file for what was learnt: losing it costs the time to learn it again, never an event."""

import os
import zlib
from pathlib import Path
from typing import Final

from smartcam.edge.files import replace_file

_CHECK_BYTES: Final = 4
_LARGEST: Final = 4 << 20


class MemoryFile:
    """One file, readable by its owner only, that is replaced as a whole."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def load(self) -> bytes:
        """What was stored last; empty where the file is missing, damaged, or not one of ours."""
        try:
            descriptor = os.open(self.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
            with os.fdopen(descriptor, "rb") as file:
                stored = file.read(_LARGEST + 1)
        except OSError:
            return b""
        check, content = stored[:_CHECK_BYTES], stored[_CHECK_BYTES:]
        is_whole = len(stored) <= _LARGEST and int.from_bytes(check) == zlib.crc32(content)
        return content if is_whole else b""

    def store(self, content: bytes, *, durable: bool = False) -> None:
        """Replace what is stored; a `durable` content survives a power cut from when this returns.

        Raises:
            OSError: the disk is full or cannot be written; what was stored before is still there.
        """
        replace_file(self.path, zlib.crc32(content).to_bytes(_CHECK_BYTES) + content, durable=durable)
