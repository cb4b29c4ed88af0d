"""The outbox's file: opened durable and private; a corrupt one is moved aside, never thrown away."""

import os
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from smartcam.contract.errors import OutboxError

SCHEMA_VERSION: Final = 1
KEPT_ASIDE: Final = 5
_BUSY_S: Final = 2.0
_CORRUPT: Final = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_PASSING: Final = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_PRIMARY: Final = 0xFF
_COMPANIONS: Final = ("", "-wal", "-shm", "-journal")

# Row numbers are never used twice (AUTOINCREMENT), so that a late answer cannot hit a younger row.
_STAMP = "boot_id TEXT NOT NULL, mono_ns INTEGER NOT NULL, utc_ns INTEGER NOT NULL, synced INTEGER NOT NULL"
_SCHEMA: Final = (
    f"""CREATE TABLE IF NOT EXISTS waiting (row INTEGER PRIMARY KEY AUTOINCREMENT, event_id TEXT NOT NULL,
        phase TEXT NOT NULL, severity INTEGER NOT NULL, payload BLOB NOT NULL, {_STAMP}, UNIQUE (event_id, phase))""",
    """CREATE TABLE IF NOT EXISTS refused (row INTEGER PRIMARY KEY AUTOINCREMENT, event_id TEXT NOT NULL,
        phase TEXT NOT NULL, reason TEXT NOT NULL, payload BLOB NOT NULL)""",
    f"""CREATE TABLE IF NOT EXISTS episodes (camera_id TEXT NOT NULL, key TEXT NOT NULL, event_id TEXT NOT NULL,
        state TEXT NOT NULL, {_STAMP}, PRIMARY KEY (camera_id, key))""",
)
# When to try again is forgotten with the process: a restarted one tries at once, and trying costs no disk write.
_RETRY: Final = "CREATE TEMP TABLE retry (row INTEGER PRIMARY KEY, attempts INTEGER NOT NULL, at_ns INTEGER NOT NULL)"


@dataclass(frozen=True, slots=True)
class Opened:
    """An open database, and where a corrupt predecessor lies now, if there was one."""

    connection: sqlite3.Connection
    aside: Path | None


def open_database(path: Path) -> Opened:
    """Opens or makes the database, 0600 in a folder that is made 0700 when it is missing.

    Raises:
        OutboxError: when the disk refuses, or the path is no regular file of ours.
    """
    try:
        try:
            return Opened(_connect(path), None)
        except sqlite3.DatabaseError as error:
            if not is_corrupt(error):
                raise
            aside = move_aside(path)
            return Opened(_connect(path), aside)
    except (sqlite3.Error, OSError) as error:
        raise OutboxError(f"{path}: cannot be opened ({error})") from error


def copy_database(lost: sqlite3.Connection, path: Path) -> sqlite3.Connection:
    """Writes the database of a removed file to `path` anew and closes the old connection.

    SQLite would go on writing to a file that no restart finds again.

    Raises:
        OutboxError: when the disk refuses; `lost` is still open then, and `path` still free.
    """
    copy = open_database(path).connection
    try:
        lost.backup(copy)
    except sqlite3.Error as error:
        copy.close()
        path.unlink(missing_ok=True)
        raise OutboxError(f"{path}: was removed and cannot be written again ({error})") from error
    lost.close()
    return copy


def is_corrupt(error: sqlite3.Error) -> bool:
    """Whether the file itself is broken, so that trying again cannot help."""
    return _code(error) in _CORRUPT


def is_passing(error: sqlite3.Error) -> bool:
    """Whether the connection is sound and only the moment is wrong: no room, or somebody else is writing."""
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


def _sync_folder(folder: Path) -> None:
    """Without this a power cut may forget that the file was ever made."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
