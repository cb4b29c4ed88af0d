"""Quiet hours: from when to when, in the local time of the people who sleep."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Final

from smartcam.contract.times import EPOCH, NS_PER_MS, UtcNs

_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class QuietHours:
    """Every day from `begins` to `ends`, over midnight where `ends` is the earlier one."""

    begins: time
    ends: time
    zone: tzinfo

    def end_after(self, now: UtcNs) -> UtcNs | None:
        """When the current quiet hours end; None outside of them."""
        today = (EPOCH + timedelta(milliseconds=now // NS_PER_MS)).astimezone(self.zone).date()
        for day in (today - _DAY, today):
            begin, end = self._night(day)
            if begin <= now < end:
                return end
        return None

    def _night(self, day: date) -> tuple[UtcNs, UtcNs]:
        """The quiet that begins on a day.

        Where the clock shows a time twice, quiet begins at the first and ends at the second; a time
        that a spring night skips is taken as if the clock had not been moved yet.
        """
        last = day if self.begins < self.ends else day + _DAY
        return self._instant(day, self.begins, 0), max(self._instant(last, self.ends, fold) for fold in (0, 1))

    def _instant(self, day: date, at: time, fold: int) -> UtcNs:
        moment = datetime.combine(day, at.replace(fold=fold), self.zone)
        return UtcNs((moment - EPOCH) // timedelta(milliseconds=1) * NS_PER_MS)
