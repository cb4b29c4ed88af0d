"""Files that are replaced as a whole, those that nobody else may read, and what makes a name survive a power cut."""

import os
import stat
from pathlib import Path
from typing import Final

from smartcam.contract.errors import SmartcamError

BYTES_OF_MB: Final = 1_000_000
"""What settings mean by a megabyte."""
_OTHERS: Final = 0o077


class FileExposed(SmartcamError):
    """A file that holds a secret is none that its owner alone can read; the message says why."""


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


def read_private(path: Path, most: int) -> bytes:
    """At most so many bytes of a plain file that we own and nobody else can read. No link is followed.

    Raises:
        FileExposed: others can read it, or it is another's, or no plain file. Nothing of it was read.
        OSError: it cannot be opened.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        exposure = _exposure(os.fstat(descriptor))
        if exposure:
            raise FileExposed(exposure)
        return os.read(descriptor, most)
    finally:
        os.close(descriptor)


def sync_folder(folder: Path) -> None:
    """Without this a power cut may lose the names of files that are new in the folder. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _exposure(found: os.stat_result) -> str:
    """Why others can read the file; empty if only the component's user can."""
    if not stat.S_ISREG(found.st_mode):
        return "is not a plain file"
    if found.st_uid != os.geteuid():
        return f"belongs to user {found.st_uid}, not to {os.geteuid()}, which runs this component"
    if stat.S_IMODE(found.st_mode) & _OTHERS:
        return f"has mode {stat.S_IMODE(found.st_mode):04o}; make it 0600"
    return ""
