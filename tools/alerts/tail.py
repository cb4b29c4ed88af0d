"""`smartcam alerts tail`: every event as it arrives, and again when its alert has come further."""

import argparse
import re
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from smartcam.contract.times import NS_PER_S, UtcNs
from smartcam.edge.arguments import number
from tools.alerts.history import HistoryReader, Key, Record, line
from tools.alerts.stack import StackError, find_site

_OVERLAP_S: Final = 15
"""An index is a moment behind its table, and arrivals of the same moment may show up in any order."""
_FOLLOWED_S: Final = 3600
"""Whose alert has come no further in an hour is not looked at again."""
_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


class Reader(Protocol):
    """What is asked of the history."""

    def arrivals(self, since: UtcNs, now: UtcNs) -> Iterator[Key]:
        """The keys of what has arrived since, oldest first."""

    def record(self, key: Key) -> Record | None:
        """One event."""


@dataclass
class Follower:
    """Remembers what was shown, so that each look shows only what is new."""

    reader: Reader
    since: UtcNs
    camera: str | None = None
    shown: dict[Key, Record] = field(default_factory=dict)
    open: dict[Key, UtcNs] = field(default_factory=dict)

    def look(self, now: UtcNs) -> list[Record]:
        """What is new, or has come further, since the last look."""
        found = dict.fromkeys([*self.open, *self.reader.arrivals(self.since, now)])
        self.since = UtcNs(max(self.since, now - _OVERLAP_S * NS_PER_S))
        return [record for key in found if (record := self._news(key, now)) is not None]

    def _news(self, key: Key, now: UtcNs) -> Record | None:
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


def _is_of(record: Record, camera: str) -> bool:
    return camera in {record.key[0], record.key[0].rpartition("/")[2]}


def seconds(text: str) -> int:
    """`90s`, `15m`, `2h` or `1d` in seconds. Raises ArgumentTypeError."""
    match = re.fullmatch(r"(\d{1,6})([smhd])", text)
    if match is None:
        raise argparse.ArgumentTypeError("give a time such as 90s, 15m, 2h or 1d")
    return int(match[1]) * _UNITS[match[2]]


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no day: give one of UTC, such as 2026-03-01") from None


def main(argv: Sequence[str]) -> int:
    """Follow until Ctrl-C, or show what is there."""
    parser = argparse.ArgumentParser(prog="smartcam alerts tail", description=__doc__)
    parser.add_argument("--since", type=seconds, default=seconds("15m"), help="begin so long ago (default: 15m)")
    parser.add_argument("--camera", help="only this camera: its id, or thing/id")
    parser.add_argument("--day", type=_day, metavar="YYYY-MM-DD", help="a day's events of --camera thing/id, and end")
    parser.add_argument("--once", action="store_true", help="show what is there and end")
    parser.add_argument(
        "--every", type=number(0.1), default=2.0, metavar="SECONDS", help="between two looks (default: 2)"
    )
    options = parser.parse_args(argv)
    if options.day and "/" not in (options.camera or ""):
        parser.error("--day needs --camera thing/id")
    try:
        return _follow(options)
    except (StackError, BotoCoreError, ClientError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
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
        for record in follower.look(UtcNs(time.time_ns())):
            print(line(record), flush=True)
        if options.once:
            return 0
        time.sleep(options.every)
