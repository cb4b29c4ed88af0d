"""A file that is on its way here: what came so far, and which file of which server that is the beginning of."""

import errno
import hashlib
import json
import os
import stat
from pathlib import Path
from typing import Final

_CHUNK: Final = 1 << 20
_MODE: Final = 0o600
_ENDING: Final = ".part"
_ORIGIN_ENDING: Final = ".origin"
_LARGEST_ORIGIN: Final = 10_000


def part_of(target: Path) -> Path:
    """Where the beginning of a file lies."""
    return target.with_name(target.name + _ENDING)


class PartialFile:
    """Bytes that nobody has checked yet, beside the place where the file will lie. Private to its user.

    Raises:
        OSError: on opening, when it cannot be written, or is no regular file.
    """

    def __init__(self, target: Path) -> None:
        self.target = target
        self.path = part_of(target)
        self._origin = target.with_name(target.name + _ORIGIN_ENDING)
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        descriptor = os.open(self.path, flags, _MODE)
        status = os.fstat(descriptor)
        # Under another name, or as another user, somebody could lose a file by it or change it afterwards.
        if not stat.S_ISREG(status.st_mode) or status.st_nlink != 1 or status.st_uid != os.geteuid():
            os.close(descriptor)
            raise OSError(errno.EINVAL, "it is no regular file of this user alone; remove it", str(self.path))
        os.fchmod(descriptor, _MODE)
        self._file = os.fdopen(descriptor, "r+b")
        self.have = self._file.seek(0, os.SEEK_END)

    def validator(self, address: str) -> str | None:
        """What tells this file from a later one at the same address: "" where its server said nothing of the kind.

        None where the bytes come from another address, or nobody knows where from.
        """
        try:
            with self._origin.open("rb") as file:
                origin = json.loads(file.read(_LARGEST_ORIGIN))
            return str(origin["validator"]) if origin["address"] == _digest(address) else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def begin(self, address: str, validator: str) -> None:
        """Let go of what is there, and remember what comes now."""
        self._file.seek(0)
        self._file.truncate()
        self.have = 0
        # The address itself may hold a key in its query.
        written = json.dumps({"address": _digest(address), "validator": validator}).encode()
        self._origin.unlink(missing_ok=True)
        with os.fdopen(os.open(self._origin, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MODE), "wb") as file:
            file.write(written)

    def add(self, chunk: bytes) -> None:
        """Keep what came next."""
        self._file.write(chunk)
        self.have += len(chunk)

    def sha256(self) -> str:
        """The SHA-256 of all that is there."""
        self._file.seek(0)
        digest = hashlib.sha256()
        while chunk := self._file.read(_CHUNK):
            digest.update(chunk)
        return digest.hexdigest()

    def finish(self) -> None:
        """Put it into its place, for good."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self.path.replace(self.target)
        self._origin.unlink(missing_ok=True)

    def drop(self) -> None:
        """Leave nothing of it."""
        self._file.close()
        self.path.unlink(missing_ok=True)
        self._origin.unlink(missing_ok=True)

    def close(self) -> None:
        """Keep what came, for another time; nothing is kept of what never began."""
        if self._file.closed:
            return
        self._file.close()
        if self.have == 0:
            self.drop()


def _digest(address: str) -> str:
    return hashlib.sha256(address.encode()).hexdigest()
