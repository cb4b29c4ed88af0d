"""What an outbox's file still holds, row by row: each is checked before it counts as an event or an episode."""

import errno
import os
import sqlite3
import struct
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import astuple, dataclass, field
from pathlib import Path
from typing import Any, Final

from smartcam.contract.errors import ContractError
from smartcam.contract.event import Event, Severity
from smartcam.edge.outbox import sql
from smartcam.edge.outbox.pages import PageLog, StoredRecord, identity, read_log, read_others, read_records
from smartcam.edge.outbox.seal import is_cut, is_said, is_when, seal_of, unsealed_state
from smartcam.edge.outbox.sql import UNKNOWN, Stamp, stamp_of

RANKS: Final = {Severity.INFO: 0, Severity.WARNING: 1, Severity.CRITICAL: 2}
_WAITING_COLUMNS: Final = (9, 10)
"""Without and with a seal."""
_REFUSED_COLUMNS: Final = 5
_EPISODE_COLUMNS: Final = 8


@dataclass(frozen=True, slots=True)
class WaitingRow:
    """A row whose event is as it was stored; its stamp is `UNKNOWN` where that is not."""

    row: int
    event: Event
    payload: bytes
    stamp: Stamp


@dataclass(slots=True)
class Salvage:
    """What was found; `unreadable` counts what was not readable, a page of unknown content as one."""

    waiting: list[WaitingRow] = field(default_factory=list)
    refused: list[tuple[str, str, str, bytes]] = field(default_factory=list)
    episodes: list[tuple[Any, ...]] = field(default_factory=list)
    unreadable: int = 0
    hurt: set[int] = field(default_factory=set)
    """Pages with a row that was not as it was stored."""
    lost: set[int] = field(default_factory=set)
    """The numbers of such rows."""


def waiting_row(row: Sequence[Any]) -> WaitingRow:
    """A row of `waiting`: its number and columns. What else says who the event is and how severe follows from it.

    Raises:
        ContractError: it is not the event that was stored.
    """
    number, event_id, phase, _, stored, *stamp = row[:9]
    payload, seal = _sealed(stored, row[9] if len(row) > _WAITING_COLUMNS[0] else None)
    if seal is not None and not is_said(seal, payload):
        raise ContractError("event", "is not as it was stored")
    event = Event.from_json(payload)
    if seal is None and (event.event_id, event.phase) != (event_id, phase):
        raise ContractError("event_id", "is not that of its row")
    when = stamp_of(stamp)
    return WaitingRow(number, event, payload, when if seal is None or is_when(seal, when) else UNKNOWN)


def _sealed(payload: Any, seal: Any) -> tuple[bytes, int | None]:  # noqa: ANN401  a damaged column holds anything
    """An event and its seal as they were stored; no seal where that was cut. Raises ContractError."""
    # A bit that flips in a column's type leaves its bytes as they were, and the seal says whether they are right.
    if isinstance(seal, float):
        (seal,) = struct.unpack(">q", struct.pack(">d", seal))
    if isinstance(payload, str):
        payload = payload.encode()
    if not isinstance(payload, bytes) or not isinstance(seal, int | None):
        raise ContractError("event", "stands in columns of other types")
    return payload, None if seal is None or is_cut(seal) else seal


def salvage(path: Path) -> Salvage:
    """Everything in a file and its write-ahead log that can be read; either may be missing.

    Raises:
        OSError: the disk does not give them.
    """
    if path.is_symlink():
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))
    journal = read_log(path.with_name(f"{path.name}-wal"))
    found = read_records(path, journal)
    kept = _sorted(found.records)
    kept.unreadable += found.unreadable
    hurt = kept.hurt | found.hurt | journal.damaged
    if hurt and journal.pages:
        _add(kept, _sorted(read_others(path, journal, hurt)))
    if is_foreign(path, journal):
        # The log is not this file's: what it laid over the file's own pages is there too.
        below = _sorted(read_records(path, PageLog()).records)
        kept.episodes += below.episodes
        _add(kept, below)
    kept.unreadable += len(kept.lost - {one.row for one in kept.waiting})
    return kept


def _add(kept: Salvage, others: Salvage) -> None:
    """What was found elsewhere, where it was not readable where it should be, or is later there."""
    known = {(one.event.event_id, one.event.phase): one for one in kept.waiting}
    for one in others.waiting:
        key = one.event.event_id, one.event.phase
        if key not in known or known[key].event.revision < one.event.revision:
            known[key] = one
    kept.waiting = list(known.values())
    kept.lost |= others.lost


def is_foreign(path: Path, journal: PageLog) -> bool:
    """Whether a write-ahead log belongs to another file than the one beside it, as far as both say. Raises OSError."""
    if not journal.pages or not path.is_file():
        return False
    with path.open("rb") as file:
        own = identity(file.read(100))
    theirs = identity(journal.pages.get(1))
    return bool(own and theirs and own != theirs)


def take_in(connection: sqlite3.Connection, found: Salvage) -> int:
    """Stores within a transaction what is not there yet, behind what is; how many waiting events were new or newer.

    An event is known by its id and phase; of two revisions the later one stays.
    """
    (lowest,) = connection.execute("SELECT min(0, coalesce(min(row), 0)) FROM waiting").fetchone()
    taken = 0
    for one in sorted(found.waiting, key=lambda row: row.row, reverse=True):
        values = columns_of(one)
        there = connection.execute(sql.WAITING, values[:2]).fetchone()
        if there is None:
            lowest -= 1
            connection.execute(sql.TAKE_IN, (lowest, *values))
        elif revision_of(there[1]) < one.event.revision:
            connection.execute(sql.PUT, values)
        else:
            continue
        taken += 1
    for episode in found.episodes:
        connection.execute(sql.TAKE_IN_EPISODE, episode)
    for refused in found.refused:
        connection.execute(sql.REFUSE, refused)
    return taken


def columns_of(one: WaitingRow) -> tuple[Any, ...]:
    """The columns of `waiting`, its number left out."""
    event, stamp = one.event, one.stamp
    named = event.event_id, event.phase, RANKS[event.severity]
    return *named, one.payload, *astuple(stamp), seal_of(one.payload, stamp)


def revision_of(payload: object) -> int:
    """The revision of a waiting event; one that can no longer be read has none."""
    try:
        return Event.from_json(payload).revision if isinstance(payload, bytes) else -1
    except ContractError:
        return -1


def _sorted(records: Iterable[StoredRecord]) -> Salvage:
    kept = Salvage()
    best: dict[tuple[str, str], WaitingRow] = {}
    for record in records:
        values = record.values
        if len(values) in _WAITING_COLUMNS and values[0] is None:
            one = _waiting(record)
            if one is None:
                kept.lost.add(record.row)
                kept.hurt.add(record.page)
                continue
            key = one.event.event_id, str(one.event.phase)
            if key not in best or best[key].event.revision <= one.event.revision:
                best[key] = one
        elif len(values) == _EPISODE_COLUMNS:
            kept.unreadable += not _keep_episode(kept, values)
        elif len(values) == _REFUSED_COLUMNS and values[0] is None:
            kept.unreadable += not _keep_refused(kept, values[1:])
        elif not _is_of_sqlite(values):
            kept.unreadable += 1
    kept.waiting = list(best.values())
    return kept


def _waiting(record: StoredRecord) -> WaitingRow | None:
    """The event in a record. One of its columns may say a wrong length, so that its seal is found at its end only."""
    for seal in (record.values[9:], (record.end,)):
        with suppress(ContractError):
            return waiting_row((record.row, *record.values[1:9], *seal))
    return None


def _keep_episode(kept: Salvage, values: Sequence[Any]) -> bool:
    camera_id, key, event_id, state, *stamp = values
    try:
        unsealed_state(state, str(camera_id), str(key), str(event_id))
    except ContractError:
        return False
    kept.episodes.append((camera_id, key, event_id, state, *astuple(stamp_of(stamp))))
    return True


def _keep_refused(kept: Salvage, values: Sequence[Any]) -> bool:
    event_id, phase, reason, payload = values
    if not isinstance(payload, bytes) or not all(isinstance(word, str) for word in (event_id, phase, reason)):
        return False
    kept.refused.append((event_id, phase, reason, payload))
    return True


def _is_of_sqlite(values: Sequence[object]) -> bool:
    """A row of the schema, or the counter of row numbers."""
    return values[:1] in (("table",), ("index",), ("trigger",)) or len(values) == 2  # noqa: PLR2004
