"""`make day`: one more stretch of a day, on the disk of the one before; then all of them are judged and drawn."""

import argparse
import csv
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from measure.day.page import page
from measure.day.stretch import live
from measure.day.verdict import Row, findings
from smartcam.edge.arguments import whole
from tools.command_line import ROOT, complain

FOLDER: Final = ROOT / "build" / "day"
MINUTES: Final = 50


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when every stretch so far was flat, every event arrived and the disk is within its budget."""
    chosen = _parser().parse_args(arguments)
    folder: Path = chosen.folder
    if chosen.fresh:
        shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    if chosen.minutes:
        number = len(_files(folder)) + 1
        try:
            live(folder, chosen.minutes, folder / f"stretch-{number:02}.csv", lambda line: print(line, flush=True))
        except TimeoutError as error:
            return complain("day", f"{error}; the logs are in {folder / 'device' / 'logs'}")
    stretches = [read(file) for file in _files(folder)]
    if not stretches:
        return complain("day", f"{folder}: holds no stretch; remedy: run one, --minutes {MINUTES}")
    found = list(findings(stretches))
    (folder / "index.html").write_text(page(stretches, found))
    for one in found:
        print(f"{'good' if one.is_good else 'BAD '} {one.what}: {one.value:g}, at most {one.most:g}")
    minutes = sum(rows[-1]["minute"] for rows in stretches)
    events = round(sum(rows[-1]["raised"] for rows in stretches))
    print(f"{minutes:g} minutes in {len(stretches)} stretches, {events} events; drawn in {folder / 'index.html'}")
    return 0 if all(one.is_good for one in found) else 1


def read(file: Path) -> Sequence[Row]:
    """The rows of a stretch."""
    with file.open(newline="") as lines:
        return [{key: float(value) for key, value in row.items() if value} for row in csv.DictReader(lines)]


def _files(folder: Path) -> Sequence[Path]:
    return sorted(folder.glob("stretch-*.csv"))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="day", description="Live through a day, and watch what is held.")
    parser.add_argument("--minutes", type=whole(0, 50), default=MINUTES, help="of this stretch; 0: only judge and draw")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where the device and the rows are kept")
    parser.add_argument("--fresh", action="store_true", help="forget the device and the stretches so far")
    return parser
