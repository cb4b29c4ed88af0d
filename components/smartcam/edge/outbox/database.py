"""The outbox's database, whatever happens to its file: removed, corrupt, on a disk that cannot be written."""

import logging
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from smartcam.contract.errors import OutboxError
from smartcam.contract.times import NS_PER_S, MonotonicNs
from smartcam.edge.clock import Clock
from smartcam.edge.logs import log
from smartcam.edge.outbox import sql
from smartcam.edge.outbox.file import (
    Opened,
    copy_database,
    copy_to_memory,
    is_corrupt,
    is_passing,
    is_unwritable,
    move_aside,
    open_database,
    write_back,
)

_LOGGER = logging.getLogger(__name__)
_RETURN_NS: Final = 10 * NS_PER_S
"""Between two attempts to write to the disk again."""


class OutboxDatabase:
    """Transactions from any thread. `set_aside`: corrupt files that were moved aside and kept beside the new one.

    `is_in_memory`: the disk cannot be written, and its content is kept in memory.
    """

    def __init__(self, path: Path, clock: Clock) -> None:
        """The file is opened by the first transaction."""
        self.set_aside = 0
        self.is_in_memory = False
        self.connection: sqlite3.Connection | None = None
        self._path = path
        self._clock = clock
        self._lock = threading.RLock()
        self._return_at = MonotonicNs(0)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing; raises OutboxError for any error of SQLite's. The next transaction may succeed."""
        with self._lock:
            connection = self._opened()
            try:
                connection.execute("BEGIN IMMEDIATE")
                yield connection
                connection.execute("COMMIT")
            except sqlite3.Error as error:
                self._recover(connection, error)
                raise OutboxError(f"{self._path}: {error}") from error
            except BaseException:
                self._roll_back(connection)
                raise

    def close(self) -> None:
        """Write back what is only in memory, and close the file; the next transaction opens it again."""
        with self._lock:
            if self.connection is not None and self.is_in_memory:
                self.connection = self._on_disk_again(self.connection)
                if self.is_in_memory:
                    (waiting, *_) = self.connection.execute(sql.COUNT).fetchone()
                    log(_LOGGER, logging.CRITICAL, "outbox_not_written", path=self._path, waiting=waiting)
            self._let_go()

    def _opened(self) -> sqlite3.Connection:
        if self.connection is None:
            self.connection = self._told(open_database(self._path))
        elif self.is_in_memory:
            if self._clock.monotonic() >= self._return_at:
                self.connection = self._on_disk_again(self.connection)
        elif not os.path.lexists(self._path):
            log(_LOGGER, logging.ERROR, "outbox_file_removed", path=self._path)
            self.connection = copy_database(self.connection, self._path)
        return self.connection

    def _on_disk_again(self, memory: sqlite3.Connection) -> sqlite3.Connection:
        """The database on disk, or the one in memory if the disk still cannot be written."""
        try:
            opened = write_back(memory, self._path)
        except (sqlite3.Error, OSError):
            self._return_at = MonotonicNs(self._clock.monotonic() + _RETURN_NS)
            return memory
        self.is_in_memory = False
        log(_LOGGER, logging.INFO, "outbox_on_disk_again", path=self._path)
        return self._told(opened)

    def _recover(self, connection: sqlite3.Connection, error: sqlite3.Error) -> None:
        """Leaves a state from which the next transaction can go on."""
        self._roll_back(connection)
        if is_unwritable(error) and not self.is_in_memory:
            with suppress(sqlite3.Error):
                self.connection = self._told(Opened(copy_to_memory(connection), is_in_memory=True))
                connection.close()
                return
        if is_passing(error):
            return
        self._let_go()
        if is_corrupt(error):
            try:
                self._told_of_corruption(move_aside(self._path))
            except OSError as refusal:
                raise OutboxError(f"{self._path}: is corrupt and cannot be moved aside ({refusal})") from refusal

    def _roll_back(self, connection: sqlite3.Connection) -> None:
        """SQLite may have rolled back by itself; a connection that cannot is given up."""
        try:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        except sqlite3.Error:
            self._let_go()

    def _let_go(self) -> None:
        if self.connection is not None:
            self.connection.close()
        self.connection, self.is_in_memory = None, False

    def _told(self, opened: Opened) -> sqlite3.Connection:
        """The connection; anything unusual about it is logged."""
        if opened.is_in_memory:
            self.is_in_memory = True
            self._return_at = MonotonicNs(self._clock.monotonic() + _RETURN_NS)
            log(_LOGGER, logging.CRITICAL, "outbox_in_memory", path=self._path, reason="the disk takes nothing")
        if opened.aside is not None:
            self._told_of_corruption(opened.aside)
        return opened.connection

    def _told_of_corruption(self, aside: Path) -> None:
        self.set_aside += 1
        log(_LOGGER, logging.CRITICAL, "outbox_corrupt", path=self._path, kept_as=aside)
