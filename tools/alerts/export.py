"""`smartcam alerts export`: the history as a table with verdicts, in which a person can write more."""

import csv
import io
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from smartcam.contract.event import Event
from smartcam.contract.times import NS_PER_S, UtcNs, parse_utc
from smartcam.edge.files import replace_file
from smartcam.model.rows.known import event_row
from tools.alerts.history import HistoryReader, HistoryRecord, verdict_word
from tools.alerts.stack import FAULTS, find_site
from tools.alerts.tail import seconds
from tools.command_line import complain, new_parser
from training.tabular.silencing import VERDICT, verdict

COLUMNS: Final = (
    "event_id", "thing", "camera", "kind", "severity", "label", "rule", "zone", "cause", "started_at", "seconds",
    "score", "threshold", "x1", "y1", "x2", "y2", "suppressed", "alert_state", VERDICT,
)  # fmt: skip
_MOST_NAMED: Final = 5


@dataclass(frozen=True, slots=True)
class Exported:
    """How many events a table has, and of which of them it says otherwise than the history."""

    rows: int
    differing: tuple[str, ...] = ()


class ExportRefused(Exception):
    """A file that is there cannot be gone on with; the message names it."""


def main(argv: Sequence[str]) -> int:
    """Writes the table. 0: it is there. 1: it is not, and what was there before is there still."""
    parser = new_parser("alerts export", __doc__)
    parser.add_argument("--csv", type=Path, required=True, metavar="FILE", help="verdicts in a file that is there stay")
    parser.add_argument("--since", type=seconds, default=seconds("90d"), help="how far back, such as 30d (90d)")
    options = parser.parse_args(argv)
    try:
        site = find_site()
        reader = HistoryReader(site.client("dynamodb"), site.output("TableName"))
        now = UtcNs(time.time_ns())
        keys = dict.fromkeys(reader.arrivals(UtcNs(now - options.since * NS_PER_S), now))
        records = [record for key in keys if (record := reader.record(key)) is not None]
        exported = write_history(options.csv, records)
    except FAULTS as error:
        return complain("alerts", error)
    except (ExportRefused, OSError) as error:
        return complain("alerts", f"export {options.csv}: {getattr(error, 'strerror', None) or error}")
    print(f"{options.csv}: {exported.rows} events; write false or true into their column {VERDICT!r}")
    if exported.differing:
        some = ", ".join(exported.differing[:_MOST_NAMED]) + (", ..." if len(exported.differing) > _MOST_NAMED else "")
        print(f"the history says otherwise of {len(exported.differing)}: {some}; empty a cell to take what it says")
    return 0


def write_history(path: Path, records: Iterable[HistoryRecord]) -> Exported:
    """Writes events into a file for its owner's eyes, with the verdicts that the history has.

    Rows and verdicts that are in the file already stay: somebody may have typed them.

    Raises:
        ExportRefused: what is there is no such table.
        OSError: it cannot be written, and is as it was.
    """
    rows: dict[str, Mapping[str, str]] = {}
    for row in _there(path):
        if row[VERDICT] or not rows.get(row["event_id"], row)[VERDICT]:  # no empty cell takes a verdict's place
            rows[row["event_id"]] = row
    differing = []
    for record in records:
        if record.event is not None:
            said = "" if record.verdict is None else verdict_word(record.verdict)
            there = rows.get(record.event.event_id, {})
            typed = there.get(VERDICT, "")
            if typed and said not in {"", verdict(there)}:
                differing.append(str(record.event.event_id))
            rows[record.event.event_id] = row_of(record.event, record) | {VERDICT: typed or said}
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(sorted(rows.values(), key=lambda row: row["event_id"]))
    replace_file(path, text.getvalue().encode())
    return Exported(len(rows), tuple(differing))


def row_of(event: Event, record: HistoryRecord) -> dict[str, str]:
    """An event by column; what is unknown is empty."""
    length = (
        ""
        if record.ended_at is None
        else f"{(parse_utc(record.ended_at, 'ended_at') - event.started_at) / NS_PER_S:.1f}"
    )
    known = event_row(event) | {"event_id": event.event_id, "seconds": length, "alert_state": record.outcome}
    return {name: known.get(name, "") for name in COLUMNS}


def _there(path: Path) -> list[Mapping[str, str]]:
    try:
        text = path.read_text(encoding="utf-8-sig")  # spreadsheets put a mark in front
    except FileNotFoundError:
        return []
    except UnicodeDecodeError as error:
        raise ExportRefused("is there, and is no table of events; give another --csv") from error
    reader = csv.DictReader(io.StringIO(text))
    rows: list[Mapping[str, str]] = []
    try:
        if tuple(reader.fieldnames or ()) != COLUMNS:
            raise ExportRefused("is there, and is no table of events; give another --csv")
        for row in reader:
            if None in row:  # a comma was typed, and what is behind it would be lost
                raise ExportRefused(f"is there, and its line {reader.line_num} has more cells than the first one")
            rows.append({name: row.get(name) or "" for name in COLUMNS})
    except csv.Error as error:
        raise ExportRefused(f"is there, and its line {reader.line_num} is no CSV ({error})") from error
    return rows
