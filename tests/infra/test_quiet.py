"""Quiet hours by the clock on the wall, through the nights on which it is moved."""

from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.alerts.runtime.quiet import QuietHours
from smartcam.contract.times import NS_PER_S, UtcNs

BERLIN = ZoneInfo("Europe/Berlin")
ZONES = ("Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Chatham", "UTC")
YEAR_S = 366 * 86_400
START = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp())


def at(text: str, zone: ZoneInfo = BERLIN, fold: int = 0) -> UtcNs:
    moment = datetime.fromisoformat(text).replace(tzinfo=zone, fold=fold)
    return UtcNs(int(moment.timestamp()) * NS_PER_S)


def wall(moment: UtcNs, zone: ZoneInfo) -> str:
    return f"{datetime.fromtimestamp(moment // NS_PER_S, zone):%Y-%m-%d %H:%M}"


def quiet(begins: str, ends: str, zone: ZoneInfo = BERLIN) -> QuietHours:
    return QuietHours(time.fromisoformat(begins), time.fromisoformat(ends), zone)


NIGHT = quiet("22:00", "07:00")


def test_quiet_over_midnight_ends_in_the_morning() -> None:
    assert NIGHT.end_after(at("2026-03-01 21:59:59")) is None
    assert NIGHT.end_after(at("2026-03-01 22:00:00")) == at("2026-03-02 07:00")
    assert NIGHT.end_after(at("2026-03-02 03:00:00")) == at("2026-03-02 07:00")
    assert NIGHT.end_after(at("2026-03-02 07:00:00")) is None


def test_quiet_within_a_day_ends_on_the_same_day() -> None:
    siesta = quiet("13:00", "15:00")
    assert siesta.end_after(at("2026-03-01 12:59:59")) is None
    assert siesta.end_after(at("2026-03-01 13:00:00")) == at("2026-03-01 15:00")
    assert siesta.end_after(at("2026-03-01 15:00:00")) is None


@pytest.mark.parametrize(
    ("begin", "hours"), [("2026-03-28 22:00", 8), ("2026-10-24 22:00", 10), ("2026-06-01 22:00", 9)]
)
def test_a_night_is_as_long_as_it_is_on_the_wall(begin: str, hours: int) -> None:
    ends = NIGHT.end_after(at(begin))
    assert ends is not None
    assert ends - at(begin) == hours * 3600 * NS_PER_S
    assert wall(ends, BERLIN).endswith("07:00")


def test_an_end_that_the_spring_night_skips_is_when_the_clock_would_have_shown_it() -> None:
    early = quiet("22:00", "02:30")
    ends = early.end_after(at("2026-03-28 23:00"))
    assert ends is not None
    assert wall(ends, BERLIN) == "2026-03-29 03:30"


def test_an_end_that_the_autumn_night_shows_twice_is_the_second() -> None:
    early = quiet("22:00", "02:30")
    assert early.end_after(at("2026-10-24 23:00")) == at("2026-10-25 02:30", fold=1)
    assert early.end_after(at("2026-10-25 02:45", fold=0)) is not None
    assert early.end_after(at("2026-10-25 02:45", fold=1)) is None


def test_a_beginning_that_the_autumn_night_shows_twice_is_the_first() -> None:
    late = quiet("02:30", "06:00")
    assert late.end_after(at("2026-10-25 02:29", fold=0)) is None
    assert late.end_after(at("2026-10-25 02:30", fold=0)) == at("2026-10-25 06:00")
    assert late.end_after(at("2026-10-25 02:15", fold=1)) == at("2026-10-25 06:00")


def test_a_quiet_that_the_spring_night_skips_altogether_is_kept_an_hour_later() -> None:
    skipped = quiet("02:10", "02:50")
    ends = skipped.end_after(at("2026-03-29 03:20"))
    assert ends is not None
    assert wall(ends, BERLIN) == "2026-03-29 03:50"


times = st.times().map(lambda one: one.replace(second=0, microsecond=0))


@given(st.sampled_from(ZONES), times, times, st.integers(START, START + YEAR_S))
def test_an_end_is_ahead_within_a_day_and_shows_its_time_on_the_wall(
    zone_name: str, begins: time, ends: time, second: int
) -> None:
    zone, now = ZoneInfo(zone_name), UtcNs(second * NS_PER_S)
    hours = QuietHours(begins, ends, zone)
    if begins == ends:
        return
    until = hours.end_after(now)
    if until is None:
        return
    assert 0 < until - now <= 25 * 3600 * NS_PER_S
    shown = datetime.fromtimestamp(until // NS_PER_S, zone)
    exists = datetime.combine(shown.date(), ends, zone).astimezone(UTC).astimezone(zone).time() == ends
    assert shown.time() == ends or not exists


@given(st.sampled_from(ZONES), times, st.integers(START, START + YEAR_S))
def test_of_two_hours_that_complete_each_other_one_is_quiet_at_any_time(
    zone_name: str, noon: time, second: int
) -> None:
    zone, now = ZoneInfo(zone_name), UtcNs(second * NS_PER_S)
    first = QuietHours(time(3, 30), noon, zone).end_after(now) if noon != time(3, 30) else None
    second_half = QuietHours(noon, time(3, 30), zone).end_after(now) if noon != time(3, 30) else None
    assert noon == time(3, 30) or first is not None or second_half is not None
