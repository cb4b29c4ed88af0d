"""What operators should hear of, counted by a word and a subject, and written a few times a minute at most."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Protocol

from smartcam.contract.times import NS_PER_S, UtcNs

PARTITION: Final = "guard"
"""Troubles stand beside the other guards, as items `trouble#<word>#<subject>`."""
PREFIX: Final = "trouble#"
PACE_S: Final = 60
"""A process writes the same word and subject once in this time at most: trouble must not cost what it warns of."""
_MOST_SUBJECTS: Final = 256


class Trouble(StrEnum):
    """What is wrong, by its word in the table."""

    OVER_BOUND = "over_bound"
    """A thing sends more than the cloud takes of one thing; the subject is the thing to look at, or to revoke."""
    PUBLISH_FAILED = "publish_failed"
    ALERT_WAITS = "alert_waits"
    SMS_WITHHELD = "sms_withheld"
    SMS_NEARLY = "sms_nearly"
    SCHEMA_UNKNOWN = "schema_unknown"
    REFUSED = "refused"


class Troubles(Protocol):
    """Where troubles are counted."""

    def note(self, word: Trouble, subject: str = "", count: int = 1) -> None:
        """Count a trouble; it may be written later than this returns. Never raises: no alert fails for its sake."""


@dataclass(slots=True)
class _Noted:
    count: int = 0
    written_at: int | None = None


@dataclass(frozen=True, slots=True)
class PacedTroubles:
    """`Troubles` that hands each word and subject to `write` at once, and then once a minute at most.

    What was counted and not written is lost with the process: these are orders of magnitude for people, not a history.
    """

    write: Callable[[Trouble, str, int, UtcNs], None]
    now: Callable[[], UtcNs]
    noted: dict[tuple[Trouble, str], _Noted] = field(default_factory=dict)

    def note(self, word: Trouble, subject: str = "", count: int = 1) -> None:
        """See Troubles."""
        now = self.now()
        if (word, subject) not in self.noted and len(self.noted) >= _MOST_SUBJECTS:
            self.noted.clear()  # rather forget when something was written than grow with what devices say
        one = self.noted.setdefault((word, subject), _Noted())
        one.count += count
        if one.written_at is not None and now - one.written_at < PACE_S * NS_PER_S:
            return
        counted, one.count, one.written_at = one.count, 0, now
        self.write(word, subject, counted, now)
