"""The outbox's SQL, and how it computes ages."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from smartcam.contract.times import NS_PER_S, MonotonicNs, UtcNs

_CLOCK_SLACK_NS: Final = 60 * NS_PER_S
_NEVER: Final = -(2**63)

# The columns of `waiting` come in the order in which file.py checks that they stand.
PUT: Final = """
    INSERT INTO waiting (event_id, phase, severity, payload, boot_id, mono_ns, utc_ns, synced, seal)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (event_id, phase) DO UPDATE SET severity = excluded.severity, payload = excluded.payload,
        boot_id = excluded.boot_id, mono_ns = excluded.mono_ns, utc_ns = excluded.utc_ns, synced = excluded.synced,
        seal = excluded.seal
    RETURNING row"""
TAKE_IN: Final = "INSERT INTO waiting VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
TAKE_IN_EPISODE: Final = "INSERT OR IGNORE INTO episodes VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
RESTORE: Final = """
    UPDATE waiting SET event_id = ?, phase = ?, severity = ?, payload = ?, boot_id = ?, mono_ns = ?, utc_ns = ?,
        synced = ?, seal = ? WHERE row = ?"""
REFUSE: Final = "INSERT INTO refused (event_id, phase, reason, payload) VALUES (?, ?, ?, ?)"
ALL: Final = "SELECT * FROM waiting NOT INDEXED"
DROP_OVER_SIZE: Final = """
    DELETE FROM waiting WHERE row IN (
        SELECT row FROM waiting ORDER BY phase = 'raised', severity, row
        LIMIT max((SELECT count(*) FROM waiting) - ?, 0))
    RETURNING event_id, phase"""
# What is as old as that, as far as its stamp is to be believed.
OVER_AGE: Final = """
    SELECT * FROM waiting WHERE (boot_id = ? AND mono_ns < ?) OR (boot_id <> ? AND synced AND utc_ns < ?)"""
UNDATED: Final = "SELECT * FROM waiting WHERE boot_id = ? AND NOT synced"
ADOPT_CLOCK: Final = "UPDATE episodes SET utc_ns = mono_ns + ?, synced = 1 WHERE boot_id = ? AND NOT synced"
# What has just happened is sent apart from all that has waited, so that no alarm stands behind a backlog; and what was
# tried in vain goes behind what was not, so that nothing that the cloud does not take keeps the rest from it.
DUE: Final = """
    SELECT waiting.*, coalesce(attempts, 0), CASE WHEN boot_id = ?1 AND mono_ns >= ?2 THEN 0
        WHEN severity = 2 AND phase = 'raised' THEN 1 ELSE 2 END AS urgency
    FROM waiting LEFT JOIN retry USING (row) WHERE coalesce(at_ns, 0) <= ?3 AND (?4 IS NULL OR urgency = ?4)
    ORDER BY urgency, coalesce(attempts, 0), phase <> 'raised', severity DESC, row DESC LIMIT ?5"""
WAITING: Final = "SELECT row, payload FROM waiting WHERE event_id = ? AND phase = ?"
WAITING_EVENTS: Final = "SELECT event_id FROM waiting WHERE phase = 'raised' ORDER BY row DESC LIMIT ?"
WAITING_WITHOUT_INDEX: Final = "SELECT row, payload FROM waiting NOT INDEXED WHERE event_id = ? AND phase = ?"
LET_GO: Final = ("DELETE FROM waiting WHERE row = ?", "DELETE FROM retry WHERE row = ?")
NEXT_DUE: Final = "SELECT min(coalesce(at_ns, 0)) FROM waiting LEFT JOIN retry USING (row)"
ATTEMPTED: Final = "INSERT OR REPLACE INTO retry VALUES (?1, ?2, ?3)"
STORE: Final = "INSERT OR REPLACE INTO episodes VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
EPISODES: Final = """
    SELECT camera_id, key, event_id, state, boot_id, mono_ns, utc_ns, synced FROM episodes ORDER BY event_id"""
FORGET_REFUSED: Final = """
    DELETE FROM refused WHERE row IN (SELECT row FROM refused ORDER BY row DESC LIMIT -1 OFFSET ?) RETURNING row"""
COUNT: Final = """
    SELECT (SELECT count(*) FROM waiting), (SELECT count(*) FROM refused), (SELECT count(*) FROM episodes)"""
# The oldest of each boot: ages of two boots cannot be compared in SQL.
OLDEST: Final = "SELECT boot_id, min(mono_ns), min(utc_ns), min(synced) FROM waiting GROUP BY boot_id"
REFUSED: Final = "SELECT event_id, phase, reason FROM refused ORDER BY row"


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


UNKNOWN: Final = Stamp("unknown", MonotonicNs(0), UtcNs(0), synced=False)
"""The moment of what has a damaged stamp: no age follows from it."""


def stamp_of(row: Sequence[Any]) -> Stamp:
    """The stamp in the last four columns of a row; `UNKNOWN` where they cannot be one."""
    boot_id, mono_ns, utc_ns, synced = row
    if not isinstance(boot_id, str) or not all(isinstance(number, int) for number in (mono_ns, utc_ns)):
        return UNKNOWN
    return Stamp(boot_id, mono_ns, utc_ns, bool(synced)) if mono_ns >= 0 and synced in {0, 1} else UNKNOWN


def age_limits(now: Stamp, max_age_s: float) -> tuple[str, int, str, int]:
    """The parameters of `OVER_AGE`."""
    limit_ns = round(max_age_s * NS_PER_S)
    # The age of another boot's row is known only if both clocks were right; otherwise it is never too old.
    oldest_utc = now.utc - limit_ns if now.synced else _NEVER
    return now.boot_id, now.mono - limit_ns, now.boot_id, oldest_utc
