"""`smartcam alerts tail`: show every event as it arrives, and again whenever its alert makes progress."""

import argparse
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final, Protocol

from smartcam.contract.times import NS_PER_S, UtcNs
from smartcam.edge.arguments import number
from tools.alerts.history import HistoryReader, HistoryRecord, Key, line
from tools.alerts.stack import FAULTS, find_site
from tools.command_line import complain, new_parser, say

_OVERLAP_S: Final = 15
"""An index lags slightly behind its table, and arrivals of the same moment may show up in any order."""
_FOLLOWED_S: Final = 3600
"""An alert that has made no progress in an hour is not checked again."""
_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_LONGEST_S: Final = 366 * 86_400


class Reader(Protocol):
    """What is read from the history."""

    def arrivals(self, since: UtcNs, now: UtcNs) -> Iterator[Key]:
        """The keys of what has arrived since, oldest first."""

    def record(self, key: Key) -> HistoryRecord | None:
        """One event."""


@dataclass
class Follower:
    """Remembers what was shown, so that each poll returns only what is new."""

    reader: Reader
    since: UtcNs
    camera: str | None = None
    shown: dict[Key, HistoryRecord] = field(default_factory=dict)
    open: dict[Key, UtcNs] = field(default_factory=dict)

    def poll(self, now: UtcNs) -> list[HistoryRecord]:
        """What is new, or has made progress, since the last poll."""
        found = dict.fromkeys([*self.open, *self.reader.arrivals(self.since, now)])
        self.since = UtcNs(max(self.since, now - _OVERLAP_S * NS_PER_S))
        return [record for key in found if (record := self._news(key, now)) is not None]

    def _news(self, key: Key, now: UtcNs) -> HistoryRecord | None:
        if key in self.shown and key not in self.open:
            return None
        record = self.reader.record(key)
        if record is None or (self.camera and not _is_of(record, self.camera)):
            self.open.pop(key, None)
            return None
        is_over = record.is_final and (record.event is None or record.ended_at is not None)
        first_seen = self.open.setdefault(key, now)
        if is_over or now - first_seen > _FOLLOWED_S * NS_PER_S:
            del self.open[key]
        is_news = self.shown.get(key) != record
        self.shown[key] = record
        return record if is_news else None


def _is_of(record: HistoryRecord, camera: str) -> bool:
    return camera in {record.key[0], record.key[0].rpartition("/")[2]}


def seconds(text: str) -> int:
    """`90s`, `15m`, `2h` or `1d` in seconds. Raises ArgumentTypeError for anything else, and for more than a year."""
    match = re.fullmatch(r"(\d{1,6})([smhd])", text, re.ASCII)
    length = int(match[1]) * _UNITS[match[2]] if match is not None else 0
    if not 0 < length <= _LONGEST_S:
        raise argparse.ArgumentTypeError("give a time such as 90s, 15m, 2h or 1d, up to a year")
    return length


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a date: give a UTC day such as 2026-03-01") from None


def main(argv: Sequence[str]) -> int:
    """Follow until Ctrl-C, or show what has arrived."""
    parser = new_parser("alerts tail", __doc__)
    parser.add_argument("--since", type=seconds, default=seconds("15m"), help="how far back to begin (default: 15m)")
    parser.add_argument("--camera", help="only this camera: its id, or thing/id")
    parser.add_argument("--day", type=_day, metavar="YYYY-MM-DD", help="show that day of --camera thing/id and end")
    parser.add_argument("--once", action="store_true", help="show what has arrived and end")
    parser.add_argument(
        "--every", type=number(0.1), default=2.0, metavar="SECONDS", help="how often to poll (default: 2)"
    )
    options = parser.parse_args(argv)
    if options.day and "/" not in (options.camera or ""):
        parser.error("--day needs --camera thing/id")
    try:
        return _follow(options)
    except FAULTS as error:
        return complain("alerts", error)
    except KeyboardInterrupt:
        return 0


def _follow(options: argparse.Namespace) -> int:
    site = find_site()
    reader = HistoryReader(site.client("dynamodb"), site.output("TableName"))
    if options.day:
        for record in reader.of_day(options.camera, options.day):
            print(line(record))
        return 0
    follower = Follower(reader, UtcNs(time.time_ns() - options.since * NS_PER_S), options.camera)
    while True:
        for record in follower.poll(UtcNs(time.time_ns())):
            say(line(record))
        if options.once:
            return 0
        time.sleep(options.every)
