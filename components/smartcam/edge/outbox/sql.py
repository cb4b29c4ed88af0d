"""The outbox's SQL, and how it computes ages."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from smartcam.contract.times import NS_PER_S, MonotonicNs, UtcNs

_CLOCK_SLACK_NS: Final = 60 * NS_PER_S
_NEVER: Final = -(2**63)

PUT: Final = """
    INSERT INTO waiting (event_id, phase, severity, payload, boot_id, mono_ns, utc_ns, synced)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (event_id, phase) DO UPDATE SET severity = excluded.severity, payload = excluded.payload,
        boot_id = excluded.boot_id, mono_ns = excluded.mono_ns, utc_ns = excluded.utc_ns, synced = excluded.synced
    RETURNING row"""
DROP_OVER_SIZE: Final = """
    DELETE FROM waiting WHERE row IN (
        SELECT row FROM waiting ORDER BY phase = 'raised', severity, row
        LIMIT max((SELECT count(*) FROM waiting) - ?, 0))
    RETURNING event_id, phase"""
DROP_OVER_AGE: Final = """
    DELETE FROM waiting WHERE (boot_id = ? AND mono_ns < ?) OR (boot_id <> ? AND synced AND utc_ns < ?)
    RETURNING event_id, phase"""
ADOPT_CLOCK: Final = tuple(
    f"UPDATE {table} SET utc_ns = mono_ns + ?, synced = 1 WHERE boot_id = ? AND NOT synced"  # noqa: S608  two own names
    for table in ("waiting", "episodes")
)
DUE: Final = """
    SELECT row, event_id, phase, payload, coalesce(attempts, 0), boot_id, mono_ns, utc_ns, synced
    FROM waiting LEFT JOIN retry USING (row) WHERE coalesce(at_ns, 0) <= ?
    ORDER BY phase = 'cleared', severity DESC, row DESC LIMIT ?"""
WAITING: Final = "SELECT row, payload FROM waiting WHERE event_id = ? AND phase = ?"
LET_GO: Final = ("DELETE FROM waiting WHERE row = ?", "DELETE FROM retry WHERE row = ?")
NEXT_DUE: Final = "SELECT min(coalesce(at_ns, 0)) FROM waiting LEFT JOIN retry USING (row)"
ATTEMPTED: Final = "INSERT OR REPLACE INTO retry VALUES (?1, ?2, ?3)"
STILL_WAITING: Final = "SELECT payload FROM waiting WHERE row = ?"
STORE: Final = "INSERT OR REPLACE INTO episodes VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
EPISODES: Final = """
    SELECT camera_id, key, event_id, state, boot_id, mono_ns, utc_ns, synced FROM episodes ORDER BY event_id"""
FORGET_REFUSED: Final = """
    DELETE FROM refused WHERE row IN (SELECT row FROM refused ORDER BY row DESC LIMIT -1 OFFSET ?) RETURNING row"""
COUNT: Final = """
    SELECT (SELECT count(*) FROM waiting), (SELECT count(*) FROM refused), (SELECT count(*) FROM episodes)"""
# The oldest of each boot: ages of two boots cannot be compared in SQL.
OLDEST: Final = "SELECT boot_id, min(mono_ns), min(utc_ns), min(synced) FROM waiting GROUP BY boot_id"


@dataclass(frozen=True, slots=True)
class Stamp:
    """A moment on both clocks, in one boot."""

    boot_id: str
    mono: MonotonicNs
    utc: UtcNs
    synced: bool

    def age_ns(self, now: "Stamp") -> int | None:
        """Nanoseconds from this moment to `now`; None if a reboot and an untrusted clock lie between them."""
        if self.boot_id == now.boot_id:
            return max(now.mono - self.mono, 0)
        if not (self.synced and now.synced) or now.utc < self.utc - _CLOCK_SLACK_NS:
            return None
        return max(now.utc - self.utc, 0)


def stamp_of(row: Sequence[Any]) -> Stamp:
    """The stamp in the last four columns of a row."""
    boot_id, mono_ns, utc_ns, synced = row
    return Stamp(boot_id, mono_ns, utc_ns, bool(synced))


def age_limits(now: Stamp, max_age_s: float) -> tuple[str, int, str, int]:
    """The parameters of `DROP_OVER_AGE`."""
    limit_ns = round(max_age_s * NS_PER_S)
    # The age of another boot's row is known only if both clocks were right; otherwise it is never too old.
    oldest_utc = now.utc - limit_ns if now.synced else _NEVER
    return now.boot_id, now.mono - limit_ns, now.boot_id, oldest_utc
