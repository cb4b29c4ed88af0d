"""A small file for what was learnt: losing it costs the time to learn it again, never an event."""

import os
import zlib
from pathlib import Path
from typing import Final, Self

from smartcam.edge.files import replace_file

_CHECK_BYTES: Final = 4
_LARGEST: Final = 4 << 20


class MemoryFile:
    """One file, readable by its owner only, that is replaced as a whole."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def beside(self, ending: str) -> Self:
        """Another file with the same name and an ending."""
        return type(self)(self.path.with_name(self.path.name + ending))

    def load(self) -> bytes:
        """What was stored last; empty where the file is missing, damaged, or not one of ours."""
        stored = self._read(_LARGEST + 1)
        check, content = stored[:_CHECK_BYTES], stored[_CHECK_BYTES:]
        is_whole = len(stored) <= _LARGEST and int.from_bytes(check) == zlib.crc32(content)
        return content if is_whole else b""

    def beginning(self, size: int) -> bytes:
        """The first bytes of what was stored, also where the rest is damaged, or more than this version stores."""
        return self._read(_CHECK_BYTES + size)[_CHECK_BYTES:]

    def store(self, content: bytes, *, durable: bool = False) -> None:
        """Replace what is stored; a `durable` content survives a power cut from when this returns.

        Raises:
            OSError: the disk is full or cannot be written; what was stored before is still there.
        """
        replace_file(self.path, zlib.crc32(content).to_bytes(_CHECK_BYTES) + content, durable=durable)

    def _read(self, size: int) -> bytes:
        try:
            descriptor = os.open(self.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
            with os.fdopen(descriptor, "rb") as file:
                return file.read(size)
        except OSError:
            return b""
