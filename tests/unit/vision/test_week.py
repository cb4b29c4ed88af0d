from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcam.contract.errors import SettingsError
from smartcam.contract.times import UtcNs
from smartcam.vision.week import DAYS, WeeklyHours, weekly_hours

BERLIN = ZoneInfo("Europe/Berlin")
KATHMANDU = ZoneInfo("Asia/Kathmandu")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def utc(text: str) -> UtcNs:
    return UtcNs((datetime.fromisoformat(text) - EPOCH) // timedelta(microseconds=1) * 1000)


def hours(place: ZoneInfo = BERLIN, **spans: Sequence[str]) -> WeeklyHours:
    return weekly_hours(place, spans, "schedule")


def minutes_held(schedule: WeeklyHours, start: str, end: str) -> int:
    first, last = utc(start), utc(end)
    minute = 60 * 10**9
    return sum(schedule.contains(UtcNs(at)) for at in range(first, last, minute))


def test_a_span_holds_from_its_first_minute_to_the_one_before_its_last() -> None:
    schedule = hours(monday=["08:00-18:30"])
    held = [
        schedule.contains(utc(f"2026-01-05T{time}+01:00")) for time in ("07:59:59", "08:00:00", "18:29:59", "18:30:00")
    ]
    assert held == [False, True, True, False]


def test_other_days_are_not_meant() -> None:
    assert not hours(monday=["00:00-24:00"]).contains(utc("2026-01-06T12:00:00+01:00"))


def test_a_span_over_midnight_ends_on_the_next_day_also_from_sunday_to_monday() -> None:
    schedule = hours(sunday=["22:00-06:00"])
    assert schedule.contains(utc("2026-01-04T23:59:00+01:00"))
    assert schedule.contains(utc("2026-01-05T05:59:00+01:00"))
    assert not schedule.contains(utc("2026-01-05T06:00:00+01:00"))
    assert not schedule.contains(utc("2026-01-04T05:59:00+01:00"))


def test_groups_of_days_are_their_days() -> None:
    time = ["09:00-10:00"]
    assert hours(weekdays=time) == hours(monday=time, tuesday=time, wednesday=time, thursday=time, friday=time)
    assert hours(weekend=time) == hours(saturday=time, sunday=time)
    assert hours(daily=time) == hours(weekdays=time, weekend=time)


def test_it_is_the_clock_on_the_wall_of_the_place_that_counts() -> None:
    assert hours(KATHMANDU, monday=["00:00-01:00"]).contains(utc("2026-01-04T18:15:00+00:00"))
    assert not hours(monday=["00:00-01:00"]).contains(utc("2026-01-04T18:15:00+00:00"))


def test_the_night_in_which_clocks_go_forward_is_an_hour_short() -> None:
    night = hours(saturday=["22:00-06:00"])
    assert minutes_held(night, "2026-03-28T12:00:00+00:00", "2026-03-29T12:00:00+00:00") == 7 * 60
    missing = hours(sunday=["02:00-03:00"])
    assert minutes_held(missing, "2026-03-28T12:00:00+00:00", "2026-03-29T12:00:00+00:00") == 0


def test_the_night_in_which_clocks_go_back_is_an_hour_long_and_its_hour_comes_twice() -> None:
    night = hours(saturday=["22:00-06:00"])
    assert minutes_held(night, "2026-10-24T12:00:00+00:00", "2026-10-25T12:00:00+00:00") == 9 * 60
    twice = hours(sunday=["02:15-02:45"])
    assert minutes_held(twice, "2026-10-24T12:00:00+00:00", "2026-10-25T12:00:00+00:00") == 2 * 30


@pytest.mark.parametrize("day", ["2026-03-29", "2026-10-25", "2026-06-15"])
def test_before_and_after_the_change_the_same_time_on_the_wall_holds(day: str) -> None:
    schedule = hours(daily=["08:00-09:00"])
    local = datetime.fromisoformat(f"{day}T08:30:00").replace(tzinfo=BERLIN)
    assert schedule.contains(utc(local.astimezone(UTC).isoformat()))
    assert not schedule.contains(utc((local + timedelta(hours=1)).astimezone(UTC).isoformat()))


@given(st.integers(0, 4_102_444_800), st.integers(0, 1439), st.integers(0, 1439))
def test_a_span_and_the_rest_of_the_day_share_every_moment_between_them(second: int, start: int, end: int) -> None:
    if start == end:
        return
    words = [f"{minute // 60:02}:{minute % 60:02}" for minute in (start, end)]
    one, rest = hours(daily=["-".join(words)]), hours(daily=["-".join(reversed(words))])
    at = UtcNs(second * 10**9)
    assert one.contains(at) != rest.contains(at)


@pytest.mark.parametrize(
    "text", ["25:00-26:00", "22:00", "8:00-9:00", "22:00-24:01", "24:00-06:00", "10:60-11:00", "evening", "08:00-08:00"]
)
def test_a_time_that_does_not_exist_is_refused_by_its_day(text: str) -> None:
    with pytest.raises(SettingsError) as caught:
        weekly_hours(BERLIN, {"monday": [text]}, "cameras.yard.schedule")
    assert caught.value.key == "cameras.yard.schedule.monday"
    assert caught.value.value == text


def test_a_day_that_does_not_exist_is_refused_with_those_that_do() -> None:
    with pytest.raises(SettingsError, match="daily, weekdays, weekend, monday"):
        weekly_hours(BERLIN, {"someday": ["08:00-09:00"]}, "schedule")


def test_a_week_has_seven_days() -> None:
    assert len(hours().days) == len(DAYS) == 7
