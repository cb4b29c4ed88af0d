"""The outbox's database, whatever happens to its file: removed, replaced, damaged, on a disk that takes nothing."""

import logging
import sqlite3
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Final

from smartcam.contract.errors import OutboxError
from smartcam.contract.times import NS_PER_S, MonotonicNs
from smartcam.edge.clock import Clock
from smartcam.edge.logs import log
from smartcam.edge.outbox import sql
from smartcam.edge.outbox.asides import asides_of, give_way, inodes, move_aside, put_away
from smartcam.edge.outbox.file import (
    Opened,
    copy_to_memory,
    is_corrupt,
    is_passing,
    is_unwritable,
    open_database,
    write_back,
)
from smartcam.edge.outbox.salvage import Salvage, salvage, take_in

_LOGGER = logging.getLogger(__name__)
_RETURN_NS: Final = 10 * NS_PER_S
"""Between two attempts to write to the disk again, or to take in what was set aside."""
_MOST_TRIES: Final = 3


class OutboxDatabase:
    """Transactions from any thread. `set_aside`: files that were not sound and were moved aside.

    What can be read of them is taken in, one file after another, as long as `most()` events wait at most. `unreadable`
    counts the rows that could not be read, a page of unknown content as one. `is_in_memory`: the disk cannot be used,
    and its content is kept in memory.
    """

    def __init__(self, path: Path, clock: Clock, most: Callable[[], int]) -> None:
        """The file is opened by the first transaction."""
        self.set_aside = 0
        self.unreadable = 0
        self.is_in_memory = False
        self.connection: sqlite3.Connection | None = None
        self._path = path
        self._file = path
        self._clock = clock
        self._most = most
        self._lock = threading.RLock()
        self._inodes: tuple[object, object] = (None, None)
        self._return_at = MonotonicNs(0)
        self._take_in_at: MonotonicNs | None = MonotonicNs(0)
        self._next: tuple[Path, Salvage] | None = None
        self._done: set[Path] = set()
        self._counted: set[Path] = set()
        self._tries: Counter[Path] = Counter()

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
                self.connection = self._to_disk(self.connection)
                if self.is_in_memory:
                    (waiting, *_) = self.connection.execute(sql.COUNT).fetchone()
                    log(_LOGGER, logging.CRITICAL, "outbox_not_written", path=self._path, waiting=waiting)
            self._let_go()

    def _opened(self) -> sqlite3.Connection:
        connection = self._open()
        if self._take_in_at is None or self._clock.monotonic() < self._take_in_at:
            return connection
        self._take_in()
        return self.connection or self._open()

    def _open(self) -> sqlite3.Connection:
        if self.connection is None:
            return self._use(open_database(self._path))
        if self.is_in_memory:
            return self._to_disk(self.connection) if self._clock.monotonic() >= self._return_at else self.connection
        there = inodes(self._file)
        if self._inodes[1] is None:  # SQLite makes the log when it first needs it
            self._inodes = self._inodes[0], there[1]
        return self.connection if there == self._inodes else self._write_again(self.connection)

    def _use(self, opened: Opened) -> sqlite3.Connection:
        """Go on with this connection; anything unusual about it is logged."""
        self.connection, self._file = opened.connection, opened.path
        self.is_in_memory = bool(opened.in_memory)
        self._next, self._done, self._take_in_at = None, set(), MonotonicNs(0)
        if opened.in_memory:
            self._return_at, self._inodes = self._later(), (opened.covers, None)
            log(_LOGGER, logging.CRITICAL, "outbox_in_memory", path=self._path, reason=opened.in_memory)
        else:
            self._inodes = inodes(opened.path)
            if opened.path != self._path:
                log(_LOGGER, logging.CRITICAL, "outbox_of_newer_version", kept=self._path, goes_on_in=opened.path)
        for aside in opened.asides:
            self._told_of_damage(aside)
        if opened.unreadable:
            self.unreadable += opened.unreadable
            log(_LOGGER, logging.CRITICAL, "outbox_unreadable", path=opened.path, rows=opened.unreadable)
        return opened.connection

    def _to_disk(self, memory: sqlite3.Connection) -> sqlite3.Connection:
        """Go on in the file, or in memory if the disk still cannot be written."""
        try:
            opened = write_back(memory, self._path, self._inodes[0])
        except (sqlite3.Error, OSError):
            self._return_at = self._later()
            return memory
        log(_LOGGER, logging.INFO, "outbox_on_disk_again", path=self._path)
        return self._use(opened)

    def _write_again(self, lost: sqlite3.Connection) -> sqlite3.Connection:
        """Somebody removed or replaced the file: SQLite would go on writing to one that no restart finds.

        What lies there now is moved aside, and taken in like every other.
        """
        log(_LOGGER, logging.ERROR, "outbox_file_removed", path=self._file)
        try:
            memory = copy_to_memory(lost)
        except sqlite3.Error as error:
            self._let_go()
            raise OutboxError(f"{self._path}: was removed and cannot be read any more ({error})") from error
        asides: tuple[Path, ...] = ()
        try:
            # Ours are read by now; a log that SQLite finds when it closes it removes by name, whoever's it is.
            asides = give_way(self._file, self._inodes)
            lost.close()
            opened = write_back(memory, self._file, self._inodes[0])
        except (sqlite3.Error, OSError) as error:
            lost.close()
            return self._use(Opened(memory, self._path, asides, in_memory=str(error), covers=self._inodes[0]))
        return self._use(replace(opened, asides=asides + opened.asides))

    def _take_in(self) -> None:
        """Store what one file that was set aside still holds, if there is room for it."""
        self._take_in_at = None  # its own transaction must not begin with this again, however long it takes to read
        left = [one for one in asides_of(self._path) if one not in self._done and self._tries[one] < _MOST_TRIES]
        aside = next((one for one in left if one != self._file), None)
        if aside is None:
            return
        was_in_memory = self.is_in_memory
        try:
            is_next = self._take_in_one(aside)
        except (OSError, OutboxError) as error:
            self._tries[aside] += 1
            # There was no room for it on the disk: then there is in memory.
            is_next = self.is_in_memory and not was_in_memory
            log(_LOGGER, logging.ERROR, "outbox_not_salvaged", file=aside, error=error)
        self._take_in_at = MonotonicNs(0) if is_next else self._later()

    def _take_in_one(self, aside: Path) -> bool:
        """False if there is no room for it. Raises OSError or OutboxError."""
        if self._next is None or self._next[0] != aside:
            self._next = aside, salvage(aside)
        found = self._next[1]
        with self.transaction() as connection:
            (waiting, *_) = connection.execute(sql.COUNT).fetchone()
            if waiting and waiting + len(found.waiting) > self._most():
                return False
            taken = take_in(connection, found)
        if not self.is_in_memory:  # memory is not where a file's content is safe
            put_away(aside, self._path, found.unreadable)
        self._next = None
        self._done.add(aside)
        if aside not in self._counted:
            self.unreadable += found.unreadable
        (self._counted.add if self.is_in_memory else self._counted.discard)(aside)
        level = logging.CRITICAL if found.unreadable else logging.WARNING
        log(_LOGGER, level, "outbox_salvaged", file=aside, events=taken, unreadable=found.unreadable)
        return True

    def _recover(self, connection: sqlite3.Connection, error: sqlite3.Error) -> None:
        """Leaves a state from which the next transaction can go on."""
        self._roll_back(connection)
        if is_unwritable(error) and not self.is_in_memory:
            with suppress(sqlite3.Error):
                memory = copy_to_memory(connection)
                self._use(Opened(memory, self._path, in_memory=str(error), covers=self._inodes[0]))
                connection.close()
                return
        if is_passing(error):
            return
        is_damaged = is_corrupt(error) and not self.is_in_memory
        self._let_go()
        if is_damaged:
            try:
                self._told_of_damage(move_aside(self._file))
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

    def _later(self) -> MonotonicNs:
        return MonotonicNs(self._clock.monotonic() + _RETURN_NS)

    def _told_of_damage(self, aside: Path) -> None:
        self.set_aside += 1
        log(_LOGGER, logging.CRITICAL, "outbox_corrupt", path=self._path, kept_as=aside)
