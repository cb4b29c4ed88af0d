"""A day is judged by what grew, and by nothing that only came and went."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from measure.day.command import main
from measure.day.verdict import BUDGETS_MB, COLUMNS, LIMITS, DayFigure, Row, findings, growth

Change = Callable[[int], Row]


def stretch(change: Change = lambda _: {}, minutes: int = 50) -> list[Row]:
    """Rows in which everything is 1, but for what changes with the minute."""
    return [{**dict.fromkeys(COLUMNS, 1.0), **change(minute), "minute": minute} for minute in range(minutes + 1)]


def bad(*stretches: Sequence[Row]) -> list[str]:
    return [one.what for one in findings(stretches) if not one.is_good]


def test_a_day_on_which_nothing_changes_is_good() -> None:
    assert bad(stretch(), stretch()) == []


@pytest.mark.parametrize("column", LIMITS)
def test_each_column_that_creeps_up_by_more_than_its_limit_is_bad(column: str) -> None:
    creeping = stretch(lambda minute: {column: 1 + minute * LIMITS[column] / 30})
    assert bad(stretch(), creeping) == [f"stretch 2: growth of {column}"]


@pytest.mark.parametrize("column", LIMITS)
def test_what_is_filled_in_the_first_minutes_or_goes_away_again_is_good(column: str) -> None:
    assert bad(stretch(lambda minute: {column: min(minute, 10) * 100})) == []
    assert bad(stretch(lambda minute: {column: 500 if minute % 7 == 0 else 3})) == []


def test_a_stretch_that_is_too_short_for_a_slope_is_judged_by_the_rest() -> None:
    creeping = stretch(lambda minute: {"capture_rss_mib": minute * 10, "raised": 2}, minutes=15)
    assert bad(creeping) == ["stretch 1: events not delivered"]


def test_a_process_that_was_started_again_is_bad_and_one_that_is_gone_for_a_minute_has_no_figures() -> None:
    assert bad(stretch(lambda minute: {"console_pid": 1 + minute // 30})) == ["stretch 1: console was started again"]
    rows = stretch()
    rows[20] = {key: value for key, value in rows[20].items() if not key.startswith("console")}
    assert bad(rows) == []


@pytest.mark.parametrize("folder", BUDGETS_MB)
def test_a_folder_that_was_over_its_budget_in_any_minute_is_bad(folder: str) -> None:
    over = stretch(lambda minute: {folder: BUDGETS_MB[folder] + (minute == 3)})
    assert bad(stretch(), over, stretch()) == [f"megabytes in {folder}"]


def test_growth_is_that_from_the_first_row_to_the_last() -> None:
    assert growth(stretch(lambda minute: {"shared_mib": minute / 2}), "shared_mib") == pytest.approx(25)
    assert growth([], "shared_mib") == 0


def test_kept_stretches_are_judged_and_drawn_without_living_another(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--minutes", "0", "--folder", str(tmp_path)]) == 1
    assert "holds no stretch" in capsys.readouterr().err
    for number, raised in ((1, 1), (2, 5)):
        rows = [{**row, "raised": raised} for row in stretch()]
        lines = [",".join(COLUMNS), *(",".join(str(row[column]) for column in COLUMNS) for row in rows)]
        (tmp_path / f"stretch-{number:02}.csv").write_text("\n".join(lines))
    assert main(["--minutes", "0", "--folder", str(tmp_path)]) == 1
    said = capsys.readouterr().out
    assert "BAD  stretch 2: events not delivered: 4, at most 0" in said
    assert "100 minutes in 2 stretches, 6 events" in said
    assert "class=bad>stretch 2: events not delivered" in (tmp_path / "index.html").read_text()


def test_what_is_exactly_at_its_limit_is_good() -> None:
    assert DayFigure("handles", 1, 1).is_good
    assert not DayFigure("handles", 1.1, 1).is_good
