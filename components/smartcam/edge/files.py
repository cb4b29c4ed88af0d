"""Files that are replaced as a whole."""

import os
from pathlib import Path


def replace_file(path: Path, content: bytes, *, durable: bool = False) -> None:
    """Write a file that only its owner can read; until it is complete, what was there before stays.

    A `durable` one survives a power cut from when this returns. Nothing at its path, or where it is written first,
    is followed if it is a link.

    Raises:
        OSError: the disk is full or cannot be written; nothing of the new content is left.
    """
    unfinished = path.with_name(f"{path.name}.part")
    unfinished.unlink(missing_ok=True)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            if durable:
                file.flush()
                os.fsync(descriptor)
        unfinished.replace(path)
    except OSError:
        unfinished.unlink(missing_ok=True)
        raise
