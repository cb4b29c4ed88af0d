"""The history as a table in which a person writes what was false."""

import csv
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from infra.alerts.runtime.ports import AlertState
from smartcam.contract.event import NormalBox
from smartcam.contract.ids import EventId
from smartcam.contract.times import NS_PER_S, UtcNs, format_utc
from smartcam.model.rows.known import event_row, features
from tests.infra.sample import NOON, raised
from tools.alerts.export import COLUMNS, Exported, ExportRefused, write_history
from tools.alerts.history import HistoryRecord

KEY = ("yard-1/gate", "event#1")
EVENT = replace(raised(), label="cat, large", box=NormalBox(0.1, 0.2, 0.3, 0.4))
RECORD = HistoryRecord(KEY, format_utc(NOON), AlertState.SENT, EVENT, ended_at=format_utc(UtcNs(NOON + 90 * NS_PER_S)))


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_an_event_is_a_row_that_only_its_owner_can_read(tmp_path: Path) -> None:
    path = tmp_path / "h.csv"
    assert write_history(path, [RECORD]).rows == 1
    (row,) = rows(path)
    assert tuple(row) == COLUMNS
    assert row["event_id"] == EVENT.event_id
    assert row["label"] == "cat, large"
    assert (row["x1"], row["y2"]) == ("0.1000", "0.4000")
    assert row["alert_state"] == AlertState.SENT
    assert row["verdict"] == ""
    assert float(row["seconds"]) >= 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_verdicts_and_old_rows_stay_when_it_is_exported_again(tmp_path: Path) -> None:
    path = tmp_path / "h.csv"
    write_history(path, [RECORD])
    edited = path.read_text().rstrip("\n") + "false\n"
    path.write_text("\ufeff" + edited.replace("\n", "\r\n"), newline="")  # as a spreadsheet leaves it
    other = replace(RECORD, event=replace(EVENT, event_id=EventId(EVENT.event_id[:-1] + "x")))
    assert write_history(path, [other]).rows == 2
    assert write_history(path, [RECORD]).rows == 2
    assert [row["verdict"] for row in rows(path) if row["event_id"] == EVENT.event_id] == ["false"]


@pytest.mark.parametrize("content", [b"my shopping list\n", b"\xff\xfe\x00", b"event_id,thing\n1,2\n", b"x" * 200_000])
def test_a_file_that_is_something_else_is_not_written_over(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "h.csv"
    path.write_bytes(content)
    with pytest.raises(ExportRefused, match="is there, and"):
        write_history(path, [RECORD])
    assert path.read_bytes() == content


@pytest.mark.parametrize("label", ['=HYPERLINK("http://x")', "+1", "-1", "@sum", "\tx"])
def test_a_label_that_a_device_made_up_is_no_formula_in_a_spreadsheet(label: str, tmp_path: Path) -> None:
    path = tmp_path / "h.csv"
    write_history(path, [replace(RECORD, event=replace(EVENT, label=label))])
    (row,) = rows(path)
    assert row["label"] == f"'{label}"


def test_what_this_program_cannot_read_is_left_out(tmp_path: Path) -> None:
    assert write_history(tmp_path / "h.csv", [replace(RECORD, event=None)]).rows == 0


@pytest.mark.parametrize("verdicts", [("false", ""), ("", "false")])
def test_an_event_that_is_there_twice_keeps_the_verdict_that_was_written(
    verdicts: tuple[str, str], tmp_path: Path
) -> None:
    path = tmp_path / "h.csv"
    write_history(path, [RECORD])
    head, row = path.read_text().splitlines()
    path.write_text("\n".join([head, *(row + each for each in verdicts)]) + "\n")
    write_history(path, [RECORD])
    assert [each["verdict"] for each in rows(path)] == ["false"]


def test_a_row_with_a_cell_too_many_is_named_and_nothing_of_it_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "h.csv"
    write_history(path, [RECORD])
    content = path.read_text().rstrip("\n") + ",false\n"
    path.write_text(content)
    with pytest.raises(ExportRefused, match="is there, and its line 2 has more cells than the first one"):
        write_history(path, [RECORD])
    assert path.read_text() == content


@pytest.mark.parametrize(("true", "word"), [(True, "true"), (False, "false"), (None, "")])
def test_the_verdict_that_the_history_has_stands_in_its_column(true: bool | None, word: str, tmp_path: Path) -> None:  # noqa: FBT001
    path = tmp_path / "h.csv"
    assert write_history(path, [replace(RECORD, verdict=true)]) == Exported(1)
    assert [row["verdict"] for row in rows(path)] == [word]


def test_a_verdict_that_comes_later_fills_an_empty_cell(tmp_path: Path) -> None:
    path = tmp_path / "h.csv"
    write_history(path, [RECORD])
    assert write_history(path, [replace(RECORD, verdict=False)]) == Exported(1)
    assert [row["verdict"] for row in rows(path)] == ["false"]


@pytest.mark.parametrize(
    ("typed", "differing"), [("false", (EVENT.event_id,)), ("true", ()), (" TRUE ", ()), ("perhaps", (EVENT.event_id,))]
)
def test_what_was_typed_stays_and_is_named_where_the_history_says_otherwise(
    typed: str, differing: tuple[str, ...], tmp_path: Path
) -> None:
    path = tmp_path / "h.csv"
    write_history(path, [RECORD])
    path.write_text(path.read_text().rstrip("\n") + typed + "\n")
    assert write_history(path, [replace(RECORD, verdict=True)]) == Exported(1, differing)
    assert [row["verdict"] for row in rows(path)] == [typed]


def test_what_a_filter_held_back_is_exported_with_its_name(tmp_path: Path) -> None:
    held = replace(RECORD, state=AlertState.UNWANTED, event=replace(EVENT, held_back="events 3"))
    write_history(tmp_path / "h.csv", [held])
    (row,) = rows(tmp_path / "h.csv")
    assert row["alert_state"] == "held back by events 3"


def test_a_row_is_what_a_filter_learns_from_and_what_a_device_asks_it(tmp_path: Path) -> None:
    write_history(tmp_path / "h.csv", [RECORD])
    (row,) = rows(tmp_path / "h.csv")
    assert features(row) == features(event_row(EVENT))
