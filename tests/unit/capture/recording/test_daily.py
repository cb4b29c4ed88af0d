"""The highlights of each day: when they are made, how often, and what goes when there is no room."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, tzinfo
from pathlib import Path

import pytest

from smartcam.capture.recording.clip_folder import RESERVE_BYTES
from smartcam.capture.recording.daily import LARGEST_FILM_BYTES, DailyHighlights
from smartcam.capture.recording.highlights import Highlights
from smartcam.capture.settings import ClipSettings
from smartcam.contract.times import NS_PER_S, UtcNs
from smartcam.edge.lifecycle import StopToken
from tests.clip_events import YARD
from tests.fakes.clock import FakeClock

WANTED = ClipSettings(keep=True, highlights=True, most_mb=50)


def utc(text: str) -> UtcNs:
    return UtcNs(round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * NS_PER_S)


class House:
    """A device with clips, whose films are made by nobody."""

    def __init__(self, folder: Path) -> None:
        self.clips, self.out = folder / "clips", folder / "highlights"
        self.clips.mkdir()
        self.out.mkdir()
        self.clock = FakeClock(utc("2026-03-02T12:00"))
        self.free = RESERVE_BYTES + LARGEST_FILM_BYTES
        self.days: list[date] = []
        self.error: OSError | None = None
        self.daily = self.again()

    def again(self, settings: ClipSettings = WANTED) -> DailyHighlights:
        """The service of the next process."""
        self.daily = DailyHighlights(self.clips, self.out, self.clock, self.make, lambda _: self.free)
        self.daily.configure(settings)
        return self.daily

    def make(
        self, clips: Path, out: Path, day: date, place: tzinfo, is_over: Callable[[], bool]
    ) -> Iterator[Highlights]:
        assert (clips, out, is_over()) == (self.clips, self.out, False)
        assert place is not None
        self.days.append(day)
        if self.error:
            raise self.error
        self.keep(day)
        yield Highlights(YARD, out / f"{day}.yard.mp4", 1, ())

    def keep(self, day: date, size: int = 1000) -> None:
        (self.out / f"{day}.yard.mp4").write_bytes(bytes(size))
        (self.out / f"{day}.yard.jpg").write_bytes(bytes(10))

    def step_at(self, text: str) -> list[date]:
        self.clock.step_utc((utc(text) - self.clock.utc()) / NS_PER_S)
        self.days.clear()
        self.daily.step(StopToken())
        return list(self.days)


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def test_those_of_a_day_are_made_once_an_hour_after_its_end(house: House) -> None:
    assert house.step_at("2026-03-02T00:59") == [date(2026, 2, 28)]
    assert house.step_at("2026-03-02T00:59:59") == []
    assert house.step_at("2026-03-02T01:00") == [date(2026, 3, 1)]
    assert house.step_at("2026-03-02T23:00") == []
    assert house.step_at("2026-03-03T01:00") == [date(2026, 3, 2)]


def test_a_day_is_that_of_the_time_zone(house: House) -> None:
    house.again(replace(WANTED, timezone="Asia/Shanghai"))
    assert house.step_at("2026-03-01T16:59") == [date(2026, 2, 28)]
    assert house.step_at("2026-03-01T17:00") == [date(2026, 3, 1)]


def test_a_process_that_starts_again_makes_nothing_twice(house: House) -> None:
    assert house.step_at("2026-03-02T02:00") == [date(2026, 3, 1)]
    house.again()
    assert house.step_at("2026-03-02T02:01") == []


@pytest.mark.parametrize("settings", [ClipSettings(), replace(WANTED, highlights=False), replace(WANTED, keep=False)])
def test_nothing_is_made_unless_somebody_asks_for_it(settings: ClipSettings, house: House) -> None:
    house.again(settings)
    assert house.step_at("2026-03-02T12:00") == []


def test_a_clock_that_is_not_trusted_makes_no_day(house: House) -> None:
    house.clock.is_synced = False
    assert house.step_at("2026-03-02T12:00") == []
    house.clock.is_synced = True
    assert house.step_at("2026-03-02T12:01") == [date(2026, 3, 1)]


def test_a_disk_that_is_nearly_full_gets_no_film(house: House, caplog: pytest.LogCaptureFixture) -> None:
    house.free -= 1
    assert house.step_at("2026-03-02T12:00") == []
    assert "nearly full" in caplog.text


def test_a_disk_that_refuses_is_said_and_tried_again_the_next_day(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    house.error = OSError(28, "No space left on device")
    assert house.step_at("2026-03-02T12:00") == [date(2026, 3, 1)]
    assert "highlights_not_made" in caplog.text
    house.error = None
    assert house.step_at("2026-03-03T12:00") == [date(2026, 3, 2)]


def test_the_oldest_days_go_where_there_is_no_more_room_for_them(house: House) -> None:
    for day in range(1, 7):
        house.keep(date(2026, 2, day), 3_000_000)
    (house.out / "notes.txt").write_text("mine")
    house.step_at("2026-02-07T12:00")
    kept = sorted(path.name for path in house.out.iterdir())
    assert "2026-02-02.yard.mp4" not in kept
    assert {"2026-02-03.yard.mp4", "2026-02-06.yard.jpg", "notes.txt"} <= set(kept)


def test_days_that_are_older_than_clips_may_be_go(house: House) -> None:
    for day in (1, 20, 28):
        house.keep(date(2026, 2, day))
    house.again(replace(WANTED, days=9))
    house.step_at("2026-03-01T12:00")
    assert sorted(path.name for path in house.out.glob("*.mp4")) == ["2026-02-20.yard.mp4", "2026-02-28.yard.mp4"]


def test_a_film_of_a_clock_that_was_ahead_for_a_moment_costs_no_later_one(house: House) -> None:
    house.keep(date(2036, 2, 1))
    house.keep(date(2026, 2, 28))
    assert house.step_at("2026-03-02T12:00") == [date(2026, 3, 1)]
    assert house.step_at("2026-03-03T12:00") == [date(2026, 3, 2)]
    kept = {path.name[:10] for path in house.out.glob("*.mp4")}
    assert kept == {"2026-02-28", "2026-03-01", "2026-03-02", "2036-02-01"}


def test_where_clips_are_switched_off_what_was_made_of_them_goes_too(house: House) -> None:
    house.keep(date(2026, 2, 1))
    house.again(ClipSettings())
    assert list(house.out.iterdir()) == []


@pytest.mark.parametrize("settings", [WANTED, ClipSettings()])
def test_a_film_that_cannot_be_deleted_costs_no_camera_and_no_film_of_another_day(
    settings: ClipSettings, house: House, caplog: pytest.LogCaptureFixture
) -> None:
    (house.out / "2020-01-01.yard.mp4").mkdir()
    house.keep(date(2020, 1, 2))
    house.keep(date(2026, 2, 1))
    house.again(settings)
    assert house.step_at("2026-03-02T12:00") == ([date(2026, 3, 1)] if settings.keep else [])
    assert not (house.out / "2020-01-02.yard.mp4").exists()
    assert "highlights_not_deleted" in caplog.text
