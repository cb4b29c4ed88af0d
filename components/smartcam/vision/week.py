"""The hours of a week, by local time."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import Final

from smartcam.contract.errors import SettingsError
from smartcam.contract.times import UtcNs, local_time

DAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
GROUPS: Final[Mapping[str, tuple[int, ...]]] = {
    "daily": (0, 1, 2, 3, 4, 5, 6),
    "weekdays": (0, 1, 2, 3, 4),
    "weekend": (5, 6),
} | {day: (number,) for number, day in enumerate(DAYS)}
"""The words for days, and the days of the week they stand for; Monday is 0."""
_DAY: Final = 24 * 60
_SPAN: Final = re.compile(r"(\d\d):(\d\d)-(\d\d):(\d\d)")
_REMEDY: Final = "must be times of day as HH:MM-HH:MM, from 00:00 to 24:00, such as 22:00-06:00"

Span = tuple[int, int]
"""Minutes of a day, the second excluded."""


@dataclass(frozen=True, slots=True)
class WeeklyHours:
    """The spans of minutes that count on each day of the week, Monday first, in the local time of a place.

    When the clocks go forward, an hour of the night is missing; when they go back, the hour that comes twice counts
    twice.
    """

    place: tzinfo
    days: tuple[tuple[Span, ...], ...]

    def contains(self, at: UtcNs) -> bool:
        """Whether the moment lies within the hours."""
        local = local_time(at, self.place)
        minute = local.hour * 60 + local.minute
        return any(start <= minute < end for start, end in self.days[local.weekday()])


def weekly_hours(place: tzinfo, spans: Mapping[str, Sequence[str]], key: str) -> WeeklyHours:
    """Validated hours: `22:00-06:00` for a day or a group of days; a span across midnight ends on the next day.

    Raises:
        SettingsError: naming the key under `key`, for a day or a time that does not exist.
    """
    days: list[list[Span]] = [[] for _ in DAYS]
    for word, texts in spans.items():
        if word not in GROUPS:
            raise SettingsError(f"{key}.{word}", list(texts), f"is not a day; days are {', '.join(GROUPS)}")
        for text in texts:
            start, end = _span(text, f"{key}.{word}")
            for day in GROUPS[word]:
                days[day].append((start, end if start < end else _DAY))
                if end < start:
                    days[(day + 1) % len(DAYS)].append((0, end))
    return WeeklyHours(place, tuple(tuple(sorted(set(day))) for day in days))


def _span(text: str, key: str) -> Span:
    found = _SPAN.fullmatch(text.strip())
    if found is None:
        raise SettingsError(key, text, _REMEDY)
    start, end = (_minute(found[part], found[part + 1]) for part in (1, 3))
    if start is None or end is None or start == _DAY:
        raise SettingsError(key, text, _REMEDY)
    if start == end:
        raise SettingsError(key, text, "must not begin where it ends; the whole day is 00:00-24:00")
    return start, end


def _minute(hours: str, minutes: str) -> int | None:
    minute = int(hours) * 60 + int(minutes)
    return minute if int(minutes) < 60 and minute <= _DAY else None  # noqa: PLR2004  minutes of an hour
