"""`smartcam train table` and `smartcam train filter`: what can be learned from rows."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

from smartcam.contract.errors import ContractError, ModelIntegrityError
from smartcam.contract.event import Severity
from smartcam.contract.written import UnreadableText, csv_of, read_text
from smartcam.edge.arguments import number, whole
from smartcam.model.manifest import Provenance, RowKind
from smartcam.model.rows.bundle import open_filter
from smartcam.model.rows.known import features
from smartcam.model.rows.packing import RowDraft, write_row_bundle
from tools.command_line import new_parser
from tools.train.command import version_word
from tools.train.guarding import guarded
from training.bundle import check_replaceable, replaced
from training.classifier.learning import plain_name
from training.errors import TrainingError
from training.tabular.dense import DenseAnswer, DenseSettings, dense_teacher, exported_dense
from training.tabular.learning import LearnedTable, TableVerdict, learn_table
from training.tabular.silencing import FALSE, TRUE, VERDICT, Effect, FilterLesson, learn_filter
from training.tabular.table import LABEL

MOST_BYTES: Final = 200_000_000
_USUAL: Final = DenseSettings()
_LICENCE: Final = "that of the rows, which is their owner's"
_HALF: Final = 0.5
T = TypeVar("T")


def train_table(argv: list[str]) -> int:
    """A table's bundle. 0: it is there. 1: not, with one line on stderr."""
    parser = new_parser("train table", "train table: learn a yes or no from a CSV: a dense network of 64, 32 and 1.")
    parser.add_argument("csv", type=Path, metavar="FILE.csv", help="rows with names in the first line")
    parser.add_argument("--label", default=LABEL, help="the column to learn (label)")
    parser.add_argument("--positive", help="the label that counts as yes (true, yes or 1, else the rarer one)")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="where the bundle goes")
    parser.add_argument("--epochs", type=whole(1, 10_000), default=_USUAL.epochs, help="passes at most (%(default)s)")
    parser.add_argument("--rate", type=number(1e-7, 10), default=_USUAL.rate, help="learning rate (%(default)s)")
    _add_usual(parser, "the file's name")
    options = parser.parse_args(argv)

    def run() -> int:
        check_replaceable(options.out)
        settings = DenseSettings(epochs=options.epochs, rate=options.rate, seed=options.seed)
        learned = learn_table(_read(options.csv), options.label, options.positive, settings)
        for line in learned.said:
            print(line)
        draft = _table_draft(learned, options)
        _made(options.out, lambda made: write_row_bundle(made, learned.exported, draft, learned.onnx))
        print(f"bundle     {options.out}: {len(learned.exported):,} bytes, says {learned.labels[1]!r}")
        print(f"held out   {_words(learned.test)}")
        return 0

    return guarded(run)


def try_filter(argv: list[str]) -> int:
    """What a filter would have done, and with --out its bundle if that is proven. 0: it is said. 1: it cannot be."""
    parser = new_parser(
        "train filter",
        "train filter: learn from your verdicts which events are false, and say what that would silence.",
    )
    parser.add_argument("csv", type=Path, metavar="HISTORY.csv", help="from `smartcam alerts export`, with verdicts")
    parser.add_argument(
        "--never-from",
        choices=[*map(str, Severity)],
        default=str(Severity.CRITICAL),
        help="events of this severity and above are never held back (critical)",
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="where the filter's bundle goes, if it is proven")
    _add_usual(parser, "events")
    options = parser.parse_args(argv)

    def run() -> int:
        if options.out is not None:
            check_replaceable(options.out)
        teach = dense_teacher(DenseSettings(seed=options.seed))
        lesson = learn_filter(_rows(options.csv), teach, Severity(options.never_from))
        effect = lesson.effect(lesson.made.silences)
        if lesson.made.limit is None:
            print("nothing    the verdicts of the earlier half do not tell what is false: nothing would be silenced")
        print(f"effect     on the later half {effect}")
        print(f"           never one of severity {options.never_from} or above")
        if options.out is not None and effect.is_proof:
            _write_filter(lesson, options)
        elif options.out is not None:
            print(f"bundle     none: that is no proof; {options.out} is as it was")
        return 0

    return guarded(run)


def _write_filter(lesson: FilterLesson[DenseAnswer], options: argparse.Namespace) -> None:
    """Writes the bundle. Raises TrainingError where its file, run as a device runs it, is no proof after all."""
    exported = exported_dense(lesson.made.answer.network)
    draft = _filter_draft(lesson, options)

    def write(made: Path) -> Effect:
        write_row_bundle(made, exported, draft)
        effect = lesson.effect(open_filter(made).holds_back)
        if not effect.is_proof:
            raise TrainingError(f"filter: its model file {effect}, which the network would not have; no bundle is made")
        return effect

    effect = _made(options.out, write)
    print(f"bundle     {options.out}: {draft.name} {draft.version}, {len(exported):,} bytes")
    print(f"           run as a device runs it, it {effect}")


def _made(folder: Path, write: Callable[[Path], T]) -> T:
    """Has a bundle made in place of the one that is there. Raises TrainingError or OSError."""
    try:
        return replaced(folder, write)
    except (ContractError, ModelIntegrityError) as error:
        raise TrainingError(f"{folder}: no bundle can be made ({error})") from error


def _table_draft(learned: LearnedTable, options: argparse.Namespace) -> RowDraft:
    return RowDraft(
        name=plain_name(options.name or options.csv.stem),
        version=options.version,
        kind=RowKind.TABLE,
        labels=learned.labels,
        threshold=_HALF,
        code=learned.code,
        rows=learned.held_out,
        licence=_LICENCE,
        provenance=_provenance("table", options),
    )


def _filter_draft(lesson: FilterLesson[DenseAnswer], options: argparse.Namespace) -> RowDraft:
    made = lesson.made
    return RowDraft(
        name=plain_name(options.name or "events"),
        version=options.version,
        kind=RowKind.FILTER,
        labels=(TRUE, FALSE),
        threshold=made.threshold,
        code=made.answer.code,
        rows=[features(row) for row in lesson.later],
        licence=_LICENCE,
        spans=made.rule.spans,
        never_from=made.rule.never_from,
        provenance=_provenance("filter", options),
    )


def _provenance(verb: str, options: argparse.Namespace) -> Provenance:
    return Provenance(
        source=f"rows of the user's own in {options.csv.name}", command=f"smartcam train {verb}", seed=options.seed
    )


def _add_usual(parser: argparse.ArgumentParser, name: str) -> None:
    parser.add_argument("--seed", type=whole(0, 2**31), default=1, help="the same seed gives the same model (1)")
    parser.add_argument("--version", type=version_word, default="1.0.0", help="the bundle's version (1.0.0)")
    parser.add_argument("--name", default="", help=f"the bundle's name ({name})")


def _read(path: Path) -> str:
    try:
        return read_text(path, MOST_BYTES).removeprefix("\ufeff")
    except UnreadableText as error:
        raise TrainingError(f"table {error.within(path)}") from error
    except OSError as error:
        raise TrainingError(f"table {path}: {error.strerror or error}") from error


def _rows(path: Path) -> list[dict[str, str]]:
    """The rows of a history. Raises TrainingError."""
    try:
        lines = [(line, cells) for line, cells in csv_of(_read(path)) if cells]
    except UnreadableText as error:
        raise TrainingError(f"history {error.within(path)}") from error
    names = lines[0][1] if lines else []
    if VERDICT not in names:
        raise TrainingError(f"history {path}: has no column {VERDICT!r}; `smartcam alerts export` makes one")
    for line, cells in lines:
        if len(cells) != len(names):  # whose verdict would it be?
            raise TrainingError(f"history {path}:{line}: has {len(cells)} cells, and the first line {len(names)}")
    return [dict(zip(names, cells, strict=True)) for _, cells in lines[1:]]


def _words(test: TableVerdict) -> str:
    return (
        f"AUC {test.auc:.4f}, {test.right} of {test.rows} rows right ({test.usual} by always saying what is usual); "
        f"the file differs from the network by at most {test.parity:.4f}"
    )
