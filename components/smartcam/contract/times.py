"""Two clocks: UTC for people and the cloud, monotonic for ages and time-outs."""

import re
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final, NewType

from smartcam.contract.errors import ContractError

UtcNs = NewType("UtcNs", int)
"""Nanoseconds since 1970 in UTC. A clock step may move it: for people, never for ages."""
MonotonicNs = NewType("MonotonicNs", int)
"""Nanoseconds since this boot, shared by all processes of the machine (CLOCK_MONOTONIC)."""

NS_PER_MS = 1_000_000
NS_PER_S = 1_000_000_000
TICKS: Final = 90_000
"""Of a second: the clock of RTP, in which cameras stamp."""
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_END: Final = 2**63
_RFC3339_MS = re.compile(r"\d{4}-\d{2}-\d{2}T(?:[01]\d|2[0-3]):\d{2}:\d{2}\.\d{3}Z", re.ASCII)


def format_utc(at: UtcNs) -> str:
    """RFC 3339 in UTC with milliseconds, rounded down: `2026-03-01T12:00:00.250Z`."""
    moment = EPOCH + timedelta(milliseconds=at // NS_PER_MS)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def local_time(at: UtcNs, place: tzinfo) -> datetime:
    """The same moment as the clocks of a place show it, in microseconds."""
    return (EPOCH + timedelta(microseconds=at // 1000)).astimezone(place)


def parse_utc(text: str, field: str) -> UtcNs:
    """The inverse of `format_utc`, for times that fit into 64 bits: 1970 to 2262.

    Raises:
        ContractError: when the text is anything else, with the name of the field.
    """
    if not _RFC3339_MS.fullmatch(text):
        raise ContractError(field, "must be a time such as 2026-03-01T12:00:00.250Z")
    try:
        # A tenth of what strptime takes, and a day's events are many.
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ContractError(field, f"is not a time that exists ({error})") from error
    return storable(UtcNs((moment - EPOCH) // timedelta(milliseconds=1) * NS_PER_MS), field)


def storable(at: UtcNs, field: str) -> UtcNs:
    """The time, if it fits into 64 bits: near the year 9999 additions and time zones leave what Python can tell.

    Raises:
        ContractError: it does not, with the name of the field.
    """
    if not 0 <= at < _END:
        raise ContractError(field, "must be a time from 1970 to 2262")
    return at
