"""The verb that shows a day: what it writes, and what it says of what it cannot show."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.unit.capture.recording.test_highlights import DAY, FPS, at, grey, keep
from tools.clips.highlights import main


def run(tmp_path: Path, *more: str) -> int:
    return main(["--clips", str(tmp_path / "clips"), "--out", str(tmp_path / "out"), "--timezone", "UTC", *more])


def test_it_says_how_many_events_are_in_which_film(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    keep(tmp_path / "clips", at(3), [grey(100)] * FPS)
    assert run(tmp_path, "--day", str(DAY)) == 0
    film = tmp_path / "out" / f"{DAY}.yard.mp4"
    assert capsys.readouterr().out == f"yard: 1 events in {film} and {DAY}.yard.jpg\n"


def test_what_it_cannot_show_it_names(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    keep(tmp_path / "clips", at(3), [grey(100)] * FPS)
    bad = keep(tmp_path / "clips", at(4), [grey(100)] * FPS)
    content = bad.read_bytes()
    bad.write_bytes(content[: content.index(b"moof")])
    assert run(tmp_path, "--day", str(DAY)) == 1
    assert bad.name in capsys.readouterr().err


def test_a_day_without_events_and_a_missing_folder_are_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "clips").mkdir()
    for word in ("yesterday", "today", "2020-02-29"):
        assert run(tmp_path, "--day", word) == 1
        assert "no clips of events of" in capsys.readouterr().err
    (tmp_path / "clips").rmdir()
    assert run(tmp_path) == 2
    assert "No such file" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments", [("--day", "2026-02-30"), ("--day", "9999-12-31"), ("--day", "1.3."), ("--timezone", "Mars/Olympus")]
)
def test_a_date_or_zone_that_is_none_is_refused_with_what_to_write(
    arguments: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        run(tmp_path, *arguments)
    said = capsys.readouterr().err
    assert arguments[1] in said
    assert "2026-03-01" in said or "Europe/Berlin" in said


@pytest.mark.parametrize(("started", "day"), [("2026-01-31T22:30Z", "2026-01-31"), ("2026-06-30T22:30Z", "2026-07-01")])
def test_a_day_of_summer_is_this_machines_day_in_winter_too(
    started: str, day: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    try:
        hours = (datetime.fromisoformat(started) - datetime(DAY.year, DAY.month, DAY.day, tzinfo=UTC)) / timedelta(
            hours=1
        )
        keep(tmp_path / "clips", at(hours), [grey(100)] * FPS)
        assert main(["--clips", str(tmp_path / "clips"), "--out", str(tmp_path / "out"), "--day", day]) == 0
    finally:
        monkeypatch.undo()
        time.tzset()
