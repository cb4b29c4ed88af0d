"""`smartcam highlights`: a day's clips as a short film and a page of stills for each camera.

Each event is shown in the seconds in which most happens, with the time and what it was. The clips are those of a
device, in its folder or copied from there; they are only read.
"""

import os
from argparse import ArgumentTypeError
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

from smartcam.capture.recording.highlights import Highlights, make_highlights
from smartcam.contract.errors import SettingsError
from smartcam.edge.settings import time_zone
from tools.command_line import complain, new_parser


def main(argv: Sequence[str]) -> int:
    """Writes them. 0: all clips are shown. 1: there are none, or some cannot be. 2: a folder cannot be used."""
    parser = new_parser("highlights", __doc__)
    parser.add_argument("--clips", type=Path, required=True, metavar="DIR", help="the folder with the clips")
    parser.add_argument("--day", type=_day, default="yesterday", metavar="DATE", help="such as 2026-03-01 (yesterday)")
    parser.add_argument(
        "--out", type=Path, default=Path("highlights"), metavar="DIR", help="for the films (highlights)"
    )
    parser.add_argument("--timezone", type=_zone, metavar="ZONE", help="such as Europe/Berlin (this machine's)")
    options = parser.parse_args(argv)
    place = options.timezone or _zone_of_this_machine()
    day = options.day if isinstance(options.day, date) else _named(options.day, place)
    codes: list[int] = []
    try:
        codes += [_say(found) for found in make_highlights(options.clips, options.out, day, place)]
    except OSError as error:
        return complain("highlights", f"{error.filename or options.out}: {error.strerror or error}", 2)
    if not codes:
        return complain("highlights", f"{options.clips} has no clips of events of {day}")
    return max(codes)


def _say(found: Highlights) -> int:
    for name in found.left_out:
        complain("highlights", f"{name} cannot be played, and is left out")
    if found.film is not None:
        print(f"{found.camera}: {found.clips} events in {found.film} and {found.film.with_suffix('.jpg').name}")
    return 1 if found.left_out else 0


def _named(word: str, place: tzinfo) -> date:
    today = datetime.now(place).date()
    return today - timedelta(days=1) if word == "yesterday" else today


def _day(text: str) -> date | str:
    if text in ("today", "yesterday"):
        return text
    try:
        day = date.fromisoformat(text)
        day + timedelta(days=1)  # the last day of the calendar has no end
    except (ValueError, OverflowError):
        raise ArgumentTypeError(f"{text!r} is no date; write 2026-03-01, today or yesterday") from None
    return day


def _zone(text: str) -> tzinfo:
    try:
        return time_zone(text, "--timezone")
    except SettingsError as error:
        raise ArgumentTypeError(str(error)) from None


def _zone_of_this_machine() -> tzinfo:
    """With its summer time: a day of July is asked for in winter too. Only today's offset where the zone is unknown."""
    name = os.environ.get("TZ", "").removeprefix(":")
    try:
        if name:
            return ZoneInfo(name)
        with Path("/etc/localtime").open("rb") as file:
            return ZoneInfo.from_file(file)
    except (OSError, ValueError, LookupError):
        return datetime.now(UTC).astimezone().tzinfo or UTC
