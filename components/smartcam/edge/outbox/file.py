"""The outbox's file: opened durable and private; a corrupt one is moved aside, never deleted.

While the disk cannot be written, its content is kept in memory.
"""

import errno
import os
import shutil
import sqlite3
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from smartcam.contract.errors import OutboxError

SCHEMA_VERSION: Final = 1
KEPT_ASIDE: Final = 5
_BUSY_S: Final = 2.0
_CORRUPT: Final = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_PASSING: Final = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_UNWRITABLE: Final = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN}
_UNWRITABLE_ERRNO: Final = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO}
_PRIMARY: Final = 0xFF
_COMPANIONS: Final = ("", "-wal", "-shm", "-journal")
_WHAT_COUNTS: Final = ("", "-wal")
_SHARED_MEMORY: Final = Path("/dev/shm")  # noqa: S108  a private folder is made in it

# Row numbers are never used twice (AUTOINCREMENT), so that a late answer cannot hit a newer row.
_STAMP = "boot_id TEXT NOT NULL, mono_ns INTEGER NOT NULL, utc_ns INTEGER NOT NULL, synced INTEGER NOT NULL"
_SCHEMA: Final = (
    f"""CREATE TABLE IF NOT EXISTS waiting (row INTEGER PRIMARY KEY AUTOINCREMENT, event_id TEXT NOT NULL,
        phase TEXT NOT NULL, severity INTEGER NOT NULL, payload BLOB NOT NULL, {_STAMP}, UNIQUE (event_id, phase))""",
    """CREATE TABLE IF NOT EXISTS refused (row INTEGER PRIMARY KEY AUTOINCREMENT, event_id TEXT NOT NULL,
        phase TEXT NOT NULL, reason TEXT NOT NULL, payload BLOB NOT NULL)""",
    f"""CREATE TABLE IF NOT EXISTS episodes (camera_id TEXT NOT NULL, key TEXT NOT NULL, event_id TEXT NOT NULL,
        state TEXT NOT NULL, {_STAMP}, PRIMARY KEY (camera_id, key))""",
)
# The retry times end with the process: a restarted one tries at once, and trying costs no disk write.
_RETRY: Final = "CREATE TEMP TABLE retry (row INTEGER PRIMARY KEY, attempts INTEGER NOT NULL, at_ns INTEGER NOT NULL)"


@dataclass(frozen=True, slots=True)
class Opened:
    """An open database; where its corrupt predecessor is now, if there was one; and whether it is only in memory."""

    connection: sqlite3.Connection
    aside: Path | None = None
    is_in_memory: bool = False


def open_database(path: Path) -> Opened:
    """Opens or makes the database, 0600 in a folder that is made 0700 when it is missing.

    If the disk can be read but not written, its content is taken into memory.

    Raises:
        OutboxError: when the disk refuses, or the path is not a regular file of ours.
    """
    try:
        return _open_on_disk(path)
    except (sqlite3.Error, OSError) as error:
        if is_unwritable(error):
            with suppress(sqlite3.Error, OSError):
                return Opened(_read_to_memory(path), is_in_memory=True)
        raise OutboxError(f"{path}: cannot be opened ({error})") from error


def copy_to_memory(connection: sqlite3.Connection) -> sqlite3.Connection:
    """A copy of the database in memory, without its disk.

    Raises:
        sqlite3.Error: it cannot be read either.
    """
    memory = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    try:
        connection.backup(memory)
        _prepare(memory)
    except BaseException:
        memory.close()
        raise
    return memory


def write_back(memory: sqlite3.Connection, path: Path) -> Opened:
    """Moves the database back to its disk and closes the one in memory; the file's older content is replaced.

    Raises:
        sqlite3.Error, OSError: the disk still refuses; `memory` is still open then, and the file as it was.
    """
    opened = _open_on_disk(path)
    try:
        memory.backup(opened.connection)
    except BaseException:
        opened.connection.close()
        raise
    memory.close()
    return opened


def _open_on_disk(path: Path) -> Opened:
    try:
        return Opened(_connect(path))
    except sqlite3.DatabaseError as error:
        if not is_corrupt(error):
            raise
        aside = move_aside(path)
        return Opened(_connect(path), aside)


def _read_to_memory(path: Path) -> sqlite3.Connection:
    """SQLite cannot read a file where it cannot create another beside it: it is given a copy elsewhere."""
    with tempfile.TemporaryDirectory(dir=_SHARED_MEMORY if _SHARED_MEMORY.is_dir() else None) as folder:
        copy = Path(folder) / path.name
        for companion in _WHAT_COUNTS:
            source = path.with_name(path.name + companion)
            if source.exists():
                shutil.copyfile(source, copy.with_name(copy.name + companion))
        disk = sqlite3.connect(copy)
        try:
            return copy_to_memory(disk)
        finally:
            disk.close()


def copy_database(lost: sqlite3.Connection, path: Path) -> sqlite3.Connection:
    """Writes the database of a removed file to `path` again and closes the old connection.

    SQLite would go on writing to a file that no restart finds.

    Raises:
        OutboxError: when the disk refuses; `lost` is still open then, and `path` still free.
    """
    try:
        return write_back(lost, path).connection
    except (sqlite3.Error, OSError) as error:
        path.unlink(missing_ok=True)
        raise OutboxError(f"{path}: was removed and cannot be written again ({error})") from error


def is_corrupt(error: sqlite3.Error) -> bool:
    """Whether the file itself is broken, so that trying again cannot help."""
    return _code(error) in _CORRUPT


def is_unwritable(error: Exception) -> bool:
    """Whether the disk cannot be written: it is full, broken, or has become read-only."""
    return _code(error) in _UNWRITABLE if isinstance(error, sqlite3.Error) else _errno(error) in _UNWRITABLE_ERRNO


def is_passing(error: sqlite3.Error) -> bool:
    """Whether the connection is sound and the fault is temporary: no room, or another writer."""
    return _code(error) in _PASSING


def move_aside(path: Path) -> Path:
    """Renames the database with its companions to the next free `.corrupt-<n>`; the newest few are kept.

    Raises:
        OSError: when the folder refuses.
    """
    stem = f"{path.name}.corrupt-"
    numbers = sorted(
        int(other.name.removeprefix(stem))
        for other in path.parent.glob(f"{stem}*")
        if other.name.removeprefix(stem).isdecimal()
    )
    target = path.with_name(f"{stem}{numbers[-1] + 1 if numbers else 1}")
    for companion in _COMPANIONS:
        source = path.with_name(path.name + companion)
        if source.exists():
            source.rename(target.with_name(target.name + companion))
    for number in numbers[: -(KEPT_ASIDE - 1)]:
        for companion in _COMPANIONS:
            path.with_name(f"{stem}{number}{companion}").unlink(missing_ok=True)
    return target


def _connect(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        os.fchmod(descriptor, 0o600)
    finally:
        os.close(descriptor)
    connection = sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)
    try:
        _prepare(connection)
    except BaseException:
        connection.close()
        raise
    _sync_folder(path.parent)
    return connection


def _prepare(connection: sqlite3.Connection) -> None:
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "temp_store=MEMORY", "trusted_schema=OFF"):
        connection.execute(f"PRAGMA {pragma}").fetchall()
    (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if verdict != "ok" or version not in (0, SCHEMA_VERSION):
        reason = sqlite3.DatabaseError(f"quick_check says {verdict}, schema version is {version}")
        reason.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
        raise reason
    connection.execute("BEGIN IMMEDIATE")
    for statement in _SCHEMA:
        connection.execute(statement)
    if version != SCHEMA_VERSION:
        connection.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
    connection.execute("COMMIT")
    connection.execute(_RETRY)


def _code(error: sqlite3.Error) -> int:
    return getattr(error, "sqlite_errorcode", 0) & _PRIMARY


def _errno(error: Exception) -> int | None:
    return error.errno if isinstance(error, OSError) else None


def _sync_folder(folder: Path) -> None:
    """Without this a power cut may lose the file's directory entry."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
