"""Which branches of a decoder its inputs reach, as coverage.py counts them."""

import importlib
import inspect
import json
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import coverage

from measure.fuzz.target import FuzzTarget

FEWEST: Final = 0.80
"""Of a decoder's branches, the share that its corpus has to reach."""


@dataclass(frozen=True, slots=True)
class Covered:
    """Branches of a target's decoder: how many there are, how many were taken, and the lines of the others."""

    branches: int
    taken: int
    missing: tuple[str, ...]

    @property
    def share(self) -> float:
        """0 to 1; a decoder without branches is covered."""
        return self.taken / self.branches if self.branches else 1.0


def cover(target: FuzzTarget, inputs: Iterable[bytes]) -> Covered:
    """Feed the inputs, and an empty one, and count. Raises what the target raises."""
    places = [_place(read) for read in target.reads]
    counter = _counter(target)
    with counter.collect():
        for data in (b"", *inputs):
            target.feed(data)
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        counter.json_report(outfile=str(report), ignore_errors=True)
        files = json.loads(report.read_text(encoding="utf-8"))["files"]
    found = {str(Path(name).resolve()): document for name, document in files.items()}
    parts = [part for path, function in places for part in _parts(found.get(str(path), {}), function)]
    return Covered(
        branches=sum(part["summary"]["num_branches"] for part in parts),
        taken=sum(part["summary"]["covered_branches"] for part in parts),
        missing=tuple(f"{a}->{b}" for part in parts for a, b in part["missing_branches"]),
    )


def minimal(target: FuzzTarget, inputs: Iterable[bytes]) -> list[bytes]:
    """Of the inputs, the shortest first, those that reach a branch of the decoder that none before them reached."""
    ordered = sorted(set(inputs), key=lambda one: (len(one), one))
    counter = _counter(target)
    with counter.collect():
        for number, data in enumerate(ordered):
            counter.switch_context(str(number))
            target.feed(data)
    kept, known = [], set[tuple[str, int, int]]()
    found = counter.get_data()
    for number, data in enumerate(ordered):
        found.set_query_context(str(number))
        arcs = {(file, a, b) for file in found.measured_files() for a, b in found.arcs(file) or ()}
        if arcs - known:
            known |= arcs
            kept.append(data)
    return kept


def _counter(target: FuzzTarget) -> coverage.Coverage:
    files = sorted({str(path) for path, _ in map(_place, target.reads)})
    counter = coverage.Coverage(data_file=None, branch=True, include=files)
    counter.set_option("run:disable_warnings", ["no-data-collected"])
    return counter


def _place(read: str) -> tuple[Path, str]:
    """The file of a module, and the name of the function in it or nothing."""
    name, _, function = read.partition(":")
    return Path(inspect.getfile(importlib.import_module(name))).resolve(), function


def _parts(document: dict[str, dict[str, Any]], function: str) -> list[dict[str, Any]]:
    """Of a file's report: the whole, or the functions of this name, also those inside a class of this name."""
    if not document:
        return []
    if not function:
        return [document]
    return [part for name, part in document["functions"].items() if name == function or name.startswith(f"{function}.")]
