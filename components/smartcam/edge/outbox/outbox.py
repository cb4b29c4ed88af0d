"""The outbox: events on disk until the cloud has them."""

import logging
import random
import sqlite3
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import astuple, dataclass, replace
from enum import IntEnum
from pathlib import Path
from typing import Any, Final

from smartcam.contract.ack import Acknowledgement, AckStatus
from smartcam.contract.errors import ContractError
from smartcam.contract.event import Event, Phase
from smartcam.contract.ids import CameraId, EventId
from smartcam.contract.times import NS_PER_MS, NS_PER_S, UtcNs
from smartcam.edge.clock import Clock
from smartcam.edge.logs import log
from smartcam.edge.outbox import sql
from smartcam.edge.outbox.database import OutboxDatabase
from smartcam.edge.outbox.file import as_bytes, damage
from smartcam.edge.outbox.salvage import WaitingRow, columns_of, revision_of, waiting_row
from smartcam.edge.outbox.seal import sealed_state, unsealed_state
from smartcam.edge.outbox.sql import UNKNOWN, Stamp, age_limits, stamp_of

_LOGGER = logging.getLogger(__name__)
_LONGEST_AGE_MS: Final = 2**53
_MOST_DOUBLINGS: Final = 30
_MOST_NAMED: Final = 5
FRESH_NS: Final = 60 * NS_PER_S
"""How long an event goes before all that has waited longer."""


@dataclass(frozen=True, slots=True)
class Episode:
    """An open episode, stored so that a restarted process can continue it.

    `state` is a small JSON object of the caller's. `age_ms` is how long ago the episode was
    stored, set when it is read back: None if a reboot made that unknowable. Keep no
    monotonic times in `state`: they mean nothing after a reboot.
    """

    key: str
    camera_id: CameraId
    event_id: EventId
    state: Mapping[str, object]
    age_ms: int | None = None


@dataclass(frozen=True, slots=True)
class OutboxLimits:
    """How much is kept, for how long, and how often sending is retried."""

    max_events: int = 10_000
    max_age_s: float = 7 * 86_400.0
    max_refused: int = 200
    retry_first_s: float = 5.0
    retry_ceiling_s: float = 3600.0


class Urgency(IntEnum):
    """Of what is to be sent. `FRESH`: stored within the last minute; of the rest, `CRITICAL` alarms go apart."""

    FRESH = 0
    CRITICAL = 1
    WAITED = 2


@dataclass(frozen=True, slots=True)
class DueEvent:
    """One row to send now: `event` with a fresh age and clock state, `payload` its JSON.

    `urgency` says among which others it is sent.
    """

    row: int
    event: Event
    payload: bytes
    attempts: int
    urgency: "Urgency"


@dataclass(frozen=True, slots=True)
class OutboxCounts:
    """What is in the outbox, and what has happened to the rest since the process started."""

    waiting: int
    refused: int
    episodes: int
    put: int
    sent: int
    accepted: int
    dropped_by_size: int
    dropped_by_age: int
    refused_forgotten: int
    set_aside: int
    """Database files that were not sound; what could be read of them was taken in."""
    unreadable: int
    """Rows that could not be read, a damaged page of unknown content counted as one."""
    oldest_ms: int | None
    """Age of the oldest waiting event, None when none waits or no age is known."""
    in_memory: bool
    """Whether the disk cannot be written: a process that ends now loses what has come since."""


@dataclass(frozen=True, slots=True)
class RefusedEvent:
    """An event that the cloud will never take, and why."""

    event_id: str
    phase: str
    reason: str


class Outbox:
    """Keeps each event until the cloud acknowledges it.

    Every method may be called from any thread and raises OutboxError when the disk refuses; the next call tries
    again. The file is opened by the first call. A damaged file is moved aside, a new one is begun, and what can be
    read of the old one is taken in row by row; the call that met it raises OutboxError, so that its caller does not
    believe something stored that is not. A row whose content is not as it was stored moves to the refused events.

    While the disk takes nothing, everything goes on in memory, so that events are still sent; the call
    that met it raises OutboxError too. Now and then, and when the outbox is closed, the disk is tried again.
    """

    def __init__(
        self,
        path: Path,
        clock: Clock,
        limits: OutboxLimits | None = None,
        random: Callable[[], float] = random.random,
    ) -> None:
        self.limits = limits or OutboxLimits()
        """May be replaced at any time."""
        self._database = OutboxDatabase(path, clock, lambda: self.limits.max_events)
        self.clock = clock
        self._random = random
        self._tally: Counter[str] = Counter()

    def put(self, event: Event, episode: Episode | None = None) -> None:
        """Stores an event until it is acknowledged, in one transaction with its open episode.

        A raised event brings its episode along; a cleared one ends the episode of the same event id.
        `event.age_ms` is how old the event is already (None: new). The same event id and phase again
        replaces what waits and is sent again at once.

        Raises:
            OutboxError: nothing was stored; keep the event and put it again.
            ContractError: when the event or the episode's state is over 4 kB.
            ValueError: for an episode together with a cleared event.
        """
        if episode is not None and event.phase is Phase.CLEARED:
            raise ValueError("a cleared event ends its episode and brings none")
        # Age and clock state are written afresh at each send, and must not push the event over its limit then.
        replace(event, age_ms=_LONGEST_AGE_MS, clock_synced=False).to_json()
        now = self._now()
        with self._database.transaction() as connection:
            row = WaitingRow(0, event, event.to_json(), now)
            (number,) = connection.execute(sql.PUT, columns_of(row)).fetchone()
            connection.execute("DELETE FROM retry WHERE row = ?", (number,))
            if event.phase is Phase.CLEARED:
                connection.execute("DELETE FROM episodes WHERE event_id = ?", (event.event_id,))
            if episode is not None:
                _store(connection, episode, now)
            dropped = connection.execute(sql.DROP_OVER_SIZE, (self.limits.max_events,)).fetchall()
        self._tally["put"] += 1
        self._report_drop("size", dropped)

    def put_episode(self, episode: Episode) -> None:
        """Stores a changed state of an open episode without an event.

        Raises:
            ContractError: when the state is over 4 kB.
        """
        with self._database.transaction() as connection:
            _store(connection, episode, self._now())

    def close_episode(self, event_id: EventId) -> None:
        """Forgets an open episode without an event."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM episodes WHERE event_id = ?", (event_id,))

    def due(self, most: int = 16, urgency: Urgency | None = None) -> list[DueEvent]:
        """What is to be sent now, of one urgency or of all, the most urgent first.

        What was not tried goes before the rest, then raised before cleared, the most severe, the newest.

        Applies the age limit first, unless what has waited is asked for apart: who does that asks for what is fresh
        before. A row that can no longer be read moves to the refused events.
        """
        now = self._now()
        old: list[tuple[str, str]] = []
        with self._database.transaction() as connection:
            if not urgency:
                if now.synced:  # the UTC of this boot is known now, and with it the time of its earlier rows
                    self._adopt_clock(connection, now)
                old = self._too_old(connection, now)
            parameters = now.boot_id, now.mono - FRESH_NS, now.mono, urgency, most
            rows = connection.execute(sql.DUE, parameters).fetchall()
            due = [self._render(connection, row, now) for row in rows]
        self._report_drop("age", old)
        return [row for row in due if row is not None]

    def attempted(self, due: DueEvent, *, reached: bool = True, held_s: float = 0.0) -> None:
        """Notes an attempt to send a row: it is due again after a pause, which grows with each that has `reached` out.

        The pause is `held_s` at least. An event that was revised meanwhile was not tried: it is due at once.
        """
        limits = self.limits
        attempts = due.attempts if reached else 0
        whole_s = min(limits.retry_first_s * 2 ** min(attempts, _MOST_DOUBLINGS), limits.retry_ceiling_s)
        wait_ns = round(max(whole_s * (0.5 + 0.5 * self._random()), held_s) * NS_PER_S)
        with self._database.transaction() as connection:
            # By its name: in a file that was begun anew the row has another number.
            found = connection.execute(sql.WAITING, (due.event.event_id, due.event.phase)).fetchone()
            if found is not None and revision_of(found[1]) <= due.event.revision:
                row = found[0], due.attempts + reached, self.clock.monotonic() + wait_ns
                connection.execute(sql.ATTEMPTED, row)
        self._tally["sent"] += 1

    def retry_now(self) -> None:
        """The cloud can be reached again: everything that waits is due at once."""
        with self._database.transaction() as connection:
            connection.execute("UPDATE retry SET at_ns = 0")

    def next_due_s(self) -> float | None:
        """Seconds until something is due, 0 for now; None while nothing waits."""
        with self._database.transaction() as connection:
            (at_ns,) = connection.execute(sql.NEXT_DUE).fetchone()
        return None if at_ns is None else max(at_ns - self.clock.monotonic(), 0) / NS_PER_S

    def acknowledge(self, ack: Acknowledgement) -> bool:
        """Removes what the cloud has recorded, and moves what it refuses to the refused events.

        False when nothing waits for it: a second acknowledgement is no fault. An event that has been revised since the
        revision that the cloud has recorded or refused goes on waiting.
        """
        with self._database.transaction() as connection:
            found = _waiting(connection, ack.event_id, ack.phase)
            if found is None or (ack.revision is not None and revision_of(found[1]) > ack.revision):
                return False
            for statement in sql.LET_GO:
                connection.execute(statement, (found[0],))
            if ack.status is AckStatus.REFUSED:
                self._refuse(connection, ack.event_id, ack.phase, ack.reason, found[1])
        if ack.status is AckStatus.ACCEPTED:
            self._tally["accepted"] += 1
        return True

    def unacknowledged(self, most: int) -> list[EventId]:
        """The newest events of which the cloud does not know yet that they have begun."""
        with self._database.transaction() as connection:
            rows = connection.execute(sql.WAITING_EVENTS, (most,)).fetchall()
        return [EventId(event_id) for (event_id,) in rows]

    def open_episodes(self) -> list[Episode]:
        """The episodes that were open when they were last stored, with their ages."""
        now = self._now()
        with self._database.transaction() as connection:
            rows = connection.execute(sql.EPISODES).fetchall()
        return [episode for row in rows if (episode := _episode(row, now)) is not None]

    def refused(self) -> list[RefusedEvent]:
        """What the cloud refused, the newest last; bounded, so the oldest are forgotten."""
        with self._database.transaction() as connection:
            rows = connection.execute(sql.REFUSED).fetchall()
        return [RefusedEvent(*map(str, row)) for row in rows]

    def counts(self) -> OutboxCounts:
        """What is in the outbox now, and what became of the rest since the process started."""
        now = self._now()
        with self._database.transaction() as connection:
            waiting, refused, episodes = connection.execute(sql.COUNT).fetchone()
            stamps = connection.execute(sql.OLDEST).fetchall()
        ages = [age for stamp in stamps if (age := stamp_of(stamp).age_ns(now)) is not None]
        tally = self._tally
        return OutboxCounts(
            waiting=waiting,
            refused=refused,
            episodes=episodes,
            put=tally["put"],
            sent=tally["sent"],
            accepted=tally["accepted"],
            dropped_by_size=tally["dropped_by_size"],
            dropped_by_age=tally["dropped_by_age"],
            refused_forgotten=tally["refused_forgotten"],
            set_aside=self._database.set_aside,
            unreadable=self._database.unreadable,
            oldest_ms=max(ages) // NS_PER_MS if ages else None,
            in_memory=self._database.is_in_memory,
        )

    def close(self) -> None:
        """Closes the file; the next call opens it again."""
        self._database.close()

    def _now(self) -> Stamp:
        clock = self.clock
        return Stamp(clock.boot_id(), clock.monotonic(), clock.utc(), clock.synced())

    def _report_drop(self, reason: str, dropped: list[tuple[str, str]]) -> None:
        if dropped:
            self._tally[f"dropped_by_{reason}"] += len(dropped)
            names = ",".join(f"{event_id}/{phase}" for event_id, phase in dropped[:_MOST_NAMED])
            log(_LOGGER, logging.ERROR, "outbox_dropped", reason=reason, count=len(dropped), events=names)

    def _adopt_clock(self, connection: sqlite3.Connection, now: Stamp) -> None:
        for row in connection.execute(sql.UNDATED, (now.boot_id,)).fetchall():
            one = self._readable(connection, row)
            if one is not None and one.stamp is not UNKNOWN:
                dated = replace(one.stamp, utc=UtcNs(one.stamp.mono + now.utc - now.mono), synced=True)
                connection.execute(sql.RESTORE, (*columns_of(replace(one, stamp=dated)), one.row))
        connection.execute(sql.ADOPT_CLOCK, (now.utc - now.mono, now.boot_id))

    def _too_old(self, connection: sqlite3.Connection, now: Stamp) -> list[tuple[str, str]]:
        """Lets go of what is over the age limit; a damaged stamp makes no event old."""
        dropped = []
        for row in connection.execute(sql.OVER_AGE, age_limits(now, self.limits.max_age_s)).fetchall():
            one = self._readable(connection, row)
            if one is not None and one.stamp is not UNKNOWN:
                connection.execute(sql.LET_GO[0], (one.row,))
                dropped.append((str(one.event.event_id), str(one.event.phase)))
        return dropped

    def _readable(self, connection: sqlite3.Connection, row: tuple[Any, ...]) -> WaitingRow | None:
        """The event as it was stored. A row that holds another moves to the refused events."""
        try:
            one = waiting_row(row)
        except ContractError as error:
            self._put_aside(connection, row, error)
            return None
        if (columns := columns_of(one)) != tuple(row[1:10]):
            connection.execute(sql.RESTORE, (*columns, one.row))
        return one

    def _put_aside(self, connection: sqlite3.Connection, row: tuple[Any, ...], error: ContractError) -> None:
        for statement in sql.LET_GO:
            connection.execute(statement, row[:1])
        self._database.unreadable += 1
        self._refuse(connection, str(row[1]), str(row[2]), f"cannot be read: {error}", as_bytes(row[4]))

    def _render(self, connection: sqlite3.Connection, row: tuple[Any, ...], now: Stamp) -> DueEvent | None:
        *columns, attempts, urgency = row
        one = self._readable(connection, tuple(columns))
        if one is None:
            return None
        age_ns = one.stamp.age_ns(now)
        age_ms = None if age_ns is None else (one.event.age_ms or 0) + age_ns // NS_PER_MS
        event = replace(one.event, age_ms=age_ms, clock_synced=now.synced)
        try:
            payload = event.to_json()
        except ContractError as error:
            self._put_aside(connection, row, error)
            return None
        return DueEvent(one.row, event, payload, attempts, Urgency(urgency))

    def _refuse(self, connection: sqlite3.Connection, event_id: str, phase: str, reason: str, payload: bytes) -> None:
        connection.execute(sql.REFUSE, (event_id, phase, reason, payload))
        forgotten = connection.execute(sql.FORGET_REFUSED, (self.limits.max_refused,)).fetchall()
        self._tally["refused_forgotten"] += len(forgotten)
        log(_LOGGER, logging.ERROR, "event_refused", event_id=event_id, phase=phase, reason=reason)


def _store(connection: sqlite3.Connection, episode: Episode, now: Stamp) -> None:
    names = episode.camera_id, episode.key, episode.event_id
    connection.execute(sql.STORE, (*names, sealed_state(episode.state, *names), *astuple(now)))


def _waiting(connection: sqlite3.Connection, event_id: EventId, phase: Phase) -> tuple[int, bytes] | None:
    """The number and payload of a row. Raises sqlite3.DatabaseError where the index leads to another, or to none."""
    found: tuple[int, bytes] | None = connection.execute(sql.WAITING, (event_id, phase)).fetchone()
    there: tuple[int, bytes] | None = connection.execute(sql.WAITING_WITHOUT_INDEX, (event_id, phase)).fetchone()
    if found != there:
        raise damage("the index does not lead to the row")
    return found


def _episode(row: tuple[Any, ...], now: Stamp) -> Episode | None:
    camera_id, key, event_id, state, *stamp = row
    age_ns = stamp_of(stamp).age_ns(now)
    age_ms = None if age_ns is None else age_ns // NS_PER_MS
    try:
        known = unsealed_state(state, str(camera_id), str(key), str(event_id))
        return Episode(key, CameraId(camera_id), EventId(event_id), known, age_ms)
    except ContractError as error:
        log(_LOGGER, logging.ERROR, "episode_unreadable", event_id=event_id, error=error)
        return None
