"""The outbox's file: opened durable and private; one that is not sound is moved aside, never deleted.

While the disk cannot be used, its content is kept in memory.
"""

import os
import sqlite3
import stat
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from smartcam.contract.errors import ContractError
from smartcam.edge.files import sync_folder
from smartcam.edge.outbox import sql
from smartcam.edge.outbox.asides import WAL, inodes, move_aside
from smartcam.edge.outbox.pages import PAGE, read_log
from smartcam.edge.outbox.salvage import columns_of, is_foreign, salvage, take_in, waiting_row

SCHEMA_VERSION: Final = 1
_NEWEST_THINKABLE: Final = 10_000
"""A version number above this is not one of ours, but damage."""
_BUSY_S: Final = 2.0
# Our SQL is right, so what SQLite has against it is a schema that is not ours any more.
_CORRUPT: Final = {
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_NOTADB,
    sqlite3.SQLITE_ERROR,
    sqlite3.SQLITE_CONSTRAINT,
    sqlite3.SQLITE_MISMATCH,
    sqlite3.SQLITE_FORMAT,
    sqlite3.SQLITE_SCHEMA,
    sqlite3.SQLITE_TOOBIG,
}
_PASSING: Final = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_UNWRITABLE: Final = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN}
_PRIMARY: Final = 0xFF

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
# The first release knows no seals: it reads and fills the same table, and its changes take a seal away.
_SEALS: Final = (
    "ALTER TABLE waiting ADD COLUMN seal INTEGER",
    """CREATE TRIGGER unsealed AFTER UPDATE OF payload ON waiting
        WHEN new.seal IS old.seal AND new.payload IS NOT old.payload
        BEGIN UPDATE waiting SET seal = NULL WHERE row = new.row; END""",
)
# The retry times end with the process: a restarted one tries at once, and trying costs no disk write.
_RETRY: Final = "CREATE TEMP TABLE retry (row INTEGER PRIMARY KEY, attempts INTEGER NOT NULL, at_ns INTEGER NOT NULL)"
_SHAPES: Final = {
    "waiting": ("row", "event_id", "phase", "severity", "payload", "boot_id", "mono_ns", "utc_ns", "synced", "seal"),
    "refused": ("row", "event_id", "phase", "reason", "payload"),
    "episodes": ("camera_id", "key", "event_id", "state", "boot_id", "mono_ns", "utc_ns", "synced"),
}


class NewerVersionError(Exception):
    """The file is of a newer release, which will want it back as it is."""


@dataclass(frozen=True, slots=True)
class Opened:
    """An open database, and what was unusual about opening it.

    `path` is its file, a second one where the first is a newer release's. `asides` were not sound and are kept there
    now; `unreadable` rows were put to the refused ones. `in_memory` says why there is no file; `covers` is the inode
    then of one whose whole content is in memory too, None if there is none.
    """

    connection: sqlite3.Connection
    path: Path
    asides: tuple[Path, ...] = ()
    unreadable: int = 0
    in_memory: str = ""
    covers: object = None


def open_database(path: Path) -> Opened:
    """Opens or makes the database, 0600 in a folder that is made 0700 when it is missing.

    Where the disk cannot be used its content, as far as it can be read, is taken into memory.
    """
    try:
        return open_on_disk(path)
    except (sqlite3.Error, OSError) as error:
        memory = empty_memory()
        try:
            own, _ = inodes(path)
            found = salvage(path)
        except OSError:
            return Opened(memory, path, in_memory=str(error))
        memory.execute("BEGIN")
        take_in(memory, found)
        memory.execute("COMMIT")
        # What cannot be read must not be replaced by less.
        return Opened(memory, path, in_memory=str(error), covers=None if found.unreadable else own)


def empty_memory() -> sqlite3.Connection:
    """A database without a disk."""
    memory = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    _configure(memory)
    _make(memory)
    return memory


def copy_to_memory(connection: sqlite3.Connection) -> sqlite3.Connection:
    """A copy of the database in memory, without its disk.

    Raises:
        sqlite3.Error: it cannot be read either.
    """
    memory = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    try:
        connection.backup(memory)
        _configure(memory)
        _make(memory)
    except BaseException:
        memory.close()
        raise
    return memory


def write_back(memory: sqlite3.Connection, path: Path, covers: object) -> Opened:
    """Moves the database back to its disk and closes the one in memory.

    The content of the file is replaced whose inode `covers` is; any other that is there by now and holds something is
    moved aside.

    Raises:
        sqlite3.Error, OSError: the disk still refuses; `memory` is still open then, and the file as it was.
    """
    opened = open_on_disk(path)
    try:
        if inodes(opened.path)[0] != covers and any(opened.connection.execute(sql.COUNT).fetchone()):
            opened.connection.close()
            asides, unreadable = (*opened.asides, move_aside(opened.path)), opened.unreadable
            opened = open_on_disk(path)
            opened = replace(opened, asides=asides + opened.asides, unreadable=unreadable + opened.unreadable)
        (own,) = opened.connection.execute("PRAGMA application_id").fetchone()
        memory.execute(f"PRAGMA application_id={own}")
        memory.backup(opened.connection)
    except BaseException:
        opened.connection.close()
        raise
    memory.close()
    return opened


def open_on_disk(path: Path) -> Opened:
    """Opens or makes the file; one that is not sound is moved aside, and one of a newer release left as it is.

    Raises:
        sqlite3.Error, OSError: the disk refuses.
    """
    asides = () if _is_sound(path) else (move_aside(path),)
    try:
        connection, unreadable = _connect(path)
    except NewerVersionError:
        opened = open_on_disk(path.with_name(f"{path.name}.v{SCHEMA_VERSION}"))
        return Opened(opened.connection, opened.path, asides + opened.asides, opened.unreadable)
    except sqlite3.DatabaseError as error:
        if not is_corrupt(error):
            raise
        asides = (*asides, move_aside(path))
        connection, unreadable = _connect(path)
    return Opened(connection, path, asides, unreadable)


def is_corrupt(error: sqlite3.Error) -> bool:
    """Whether the file itself is broken, so that trying again cannot help."""
    return _code(error) in _CORRUPT


def is_unwritable(error: sqlite3.Error) -> bool:
    """Whether the disk cannot be written: it is full, broken, or has become read-only."""
    return _code(error) in _UNWRITABLE


def is_passing(error: sqlite3.Error) -> bool:
    """Whether the connection is sound and the fault is temporary: no room, or another writer."""
    return _code(error) in _PASSING


def damage(reason: str) -> sqlite3.DatabaseError:
    """What SQLite would say if it had noticed."""
    error = sqlite3.DatabaseError(reason)
    error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
    return error


def _is_sound(path: Path) -> bool:
    """False for what is no file of ours, and for what SQLite would leave out in silence."""
    if os.path.lexists(path) and not stat.S_ISREG(path.lstat().st_mode):
        return False
    journal = read_log(path.with_name(path.name + WAL))
    if not journal.pages:
        return True
    has_file = path.exists() and path.stat().st_size > 0
    return has_file and journal.is_whole and not is_foreign(path, journal)


def _connect(path: Path) -> tuple[sqlite3.Connection, int]:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        os.fchmod(descriptor, 0o600)
    finally:
        os.close(descriptor)
    connection = sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)
    try:
        _configure(connection)
        _check(connection)
        _make(connection)
        unreadable = _put_aside(connection)
    except BaseException:
        connection.close()
        raise
    sync_folder(path.parent)
    return connection, unreadable


def _configure(connection: sqlite3.Connection) -> None:
    # A text that is no UTF-8 is damage in one row, and must not keep the others from being read.
    connection.text_factory = lambda raw: raw.decode(errors="replace")
    if connection.execute("PRAGMA page_count").fetchone() == (0,):
        connection.execute(f"PRAGMA page_size={PAGE}")
        # Before there is a log: the file itself has to say which log is its own.
        _name(connection)
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "temp_store=MEMORY", "trusted_schema=OFF"):
        connection.execute(f"PRAGMA {pragma}").fetchall()


def _check(connection: sqlite3.Connection) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (verdict,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
    if verdict != "ok" or version < 0 or version > _NEWEST_THINKABLE:
        raise damage(f"integrity_check says {verdict}, schema version is {version}")
    if version > SCHEMA_VERSION:
        raise NewerVersionError(version)


def _make(connection: sqlite3.Connection) -> None:
    """The tables, where they are missing. Raises sqlite3.DatabaseError where others are in their place."""
    connection.execute("BEGIN IMMEDIATE")
    for statement in _SCHEMA:
        connection.execute(statement)
    if "seal" not in _columns(connection, "waiting"):
        for statement in _SEALS:
            connection.execute(statement)
    if connection.execute("PRAGMA user_version").fetchone() == (0,):
        connection.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
    if connection.execute("PRAGMA application_id").fetchone() == (0,):
        _name(connection)
    if any(_columns(connection, table) != shape for table, shape in _SHAPES.items()):
        raise damage("the tables have other columns")
    connection.execute("COMMIT")
    connection.execute(_RETRY)


def _name(connection: sqlite3.Connection) -> None:
    connection.execute(f"PRAGMA application_id={1 + int.from_bytes(os.urandom(3))}")


def _columns(connection: sqlite3.Connection, table: str) -> tuple[str, ...]:
    return tuple(row[1] for row in connection.execute(f"PRAGMA table_info({table})"))


def _put_aside(connection: sqlite3.Connection) -> int:
    """Moves rows that are not as they were stored to the refused ones; how many. A damaged stamp becomes UNKNOWN."""
    unreadable = 0
    connection.execute("BEGIN IMMEDIATE")
    for row in connection.execute(sql.ALL).fetchall():
        try:
            one = waiting_row(row)
        except ContractError as error:
            connection.execute("DELETE FROM waiting WHERE row = ?", row[:1])
            connection.execute(sql.REFUSE, (*map(str, row[1:3]), f"cannot be read: {error}", as_bytes(row[4])))
            unreadable += 1
            continue
        if (columns := columns_of(one)) != tuple(row[1:]):
            connection.execute(sql.RESTORE, (*columns, one.row))
    connection.execute("COMMIT")
    return unreadable


def as_bytes(value: object) -> bytes:
    """A value of any type, to be kept as a payload."""
    return value if isinstance(value, bytes) else str(value).encode()


def _code(error: sqlite3.Error) -> int:
    return getattr(error, "sqlite_errorcode", 0) & _PRIMARY
