"""One picture on the disk: whole or not there, readable by its owner only."""

import os
from pathlib import Path


def write_picture(path: Path, jpeg: bytes) -> None:
    """Write it, and its folder where that is missing.

    No fsync: a power cut may take a picture, its event is safe in the outbox.

    Raises:
        OSError: the disk is full or cannot be written; nothing of it is left.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    try:
        with open(descriptor, "wb") as file:  # noqa: PTH123  a descriptor has no path
            file.write(jpeg)
        part.replace(path)
    except OSError:
        part.unlink(missing_ok=True)
        raise
