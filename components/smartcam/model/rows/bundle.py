"""A bundle whose model takes a row: opened, checked and run."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from smartcam.contract.errors import ContractError, ModelIntegrityError
from smartcam.contract.reading import Fields, parse_object
from smartcam.model.bundle import naming, open_sealed, opening
from smartcam.model.golden import check_answer, parse_answer
from smartcam.model.interpreter import Interpreter, open_interpreter
from smartcam.model.manifest import RowKind
from smartcam.model.rows.columns import Row, RowCode, cell, dump_columns, objects, read_columns
from smartcam.model.rows.holding import HoldingRule, SpanOfFalse, dump_spans, feature, read_spans
from smartcam.model.rows.known import features
from smartcam.model.rows.manifest import COLUMNS_FILE, RowManifest

MOST_GOLDEN: Final = 16
"""Rows of a golden answer."""


class RowHead:
    """A network that gives a probability for a row. Only one thread may use it at a time."""

    def __init__(self, interpreter: Interpreter, code: RowCode) -> None:
        """Raises ModelIntegrityError if the network takes other numbers than the columns give."""
        given, answers = interpreter.input, interpreter.outputs
        if given.shape != (1, code.width) or given.dtype != np.float32:
            raise ModelIntegrityError(
                f"takes {given.dtype} {given.shape}, but the columns of {COLUMNS_FILE} give float32 (1, {code.width})"
            )
        if len(answers) != 1 or int(np.prod(answers[0].shape)) != 1 or answers[0].dtype != np.float32:
            shapes = ", ".join(f"{answer.dtype} {answer.shape}" for answer in answers)
            raise ModelIntegrityError(f"gives {shapes}, not one probability as float32")
        self._interpreter = interpreter
        self._code = code

    def probability(self, row: Row) -> float:
        """The probability of the second label, 0 to 1. Raises ModelIntegrityError if the network gives none."""
        (answer,) = self._interpreter.invoke(self._code.encode([row]))
        share = float(answer.reshape(-1)[0])
        if not 0 <= share <= 1:
            raise ModelIntegrityError(f"gives {share}, which is no probability")
        return share


@dataclass(frozen=True, slots=True, eq=False)
class RowBundle:
    """An opened bundle: every file matches its hash, and the golden rows give the expected answers.

    `rule` is a filter's, None for a table. Only one thread may use `head` at a time.
    """

    path: Path
    manifest: RowManifest
    code: RowCode
    head: RowHead
    rule: HoldingRule | None
    signed: bool

    @classmethod
    def open(cls, path: Path, trusted_key: bytes | None = None, model_file: str | None = None) -> "RowBundle":
        """Opens the bundle in a folder, as `ModelBundle.open` does; `model_file` may name its ONNX model instead.

        Raises:
            ModelIntegrityError: naming the file and, in the manifest, the field.
        """
        with opening(path):
            sealed = open_sealed(path, trusted_key, RowManifest.from_json)
            manifest, contents = sealed.manifest, sealed.contents
            with naming(sealed.folder / COLUMNS_FILE):
                code, rule = read_row_columns(contents[COLUMNS_FILE], manifest)
            name = model_file or manifest.model_file
            if name not in contents:
                raise ModelIntegrityError(f"{sealed.folder}: has no {name}; `smartcam train table` writes one")
            with naming(sealed.folder / name):
                head = RowHead(open_interpreter(contents[name]), code)
            bundle = cls(sealed.folder, manifest, code, head, rule, trusted_key is not None)
            with naming(sealed.folder / manifest.golden.input):
                rows = read_golden_rows(contents[manifest.golden.input])
            with naming(sealed.folder / manifest.golden.output):
                expected, actual = parse_answer(contents[manifest.golden.output]), bundle.probabilities(rows)
                check_answer(expected, np.array(actual, np.float32), manifest.golden.tolerance)
            return bundle

    def probabilities(self, rows: Sequence[Row]) -> list[float]:
        """The probability of the second label of each row. Raises ModelIntegrityError if the network gives none."""
        return [self.head.probability(row) for row in rows]

    def label(self, probability: float) -> str:
        """What is said at a probability."""
        return self.manifest.labels[probability >= self.manifest.threshold]

    def holds_back(self, row: Row) -> bool:
        """Whether a filter holds an event back, given its `event_row`, or the history's.

        Raises:
            ModelIntegrityError: the network gives no probability.
        """
        known = features(row)
        if self.rule is None or not self.rule.may_hold_back(row, known):
            return False
        return self.head.probability(known) > self.manifest.threshold


def open_filter(path: Path, trusted_key: bytes | None = None) -> RowBundle:
    """A filter's bundle. Raises ModelIntegrityError as `RowBundle.open` does, and for one that is no filter's."""
    bundle = RowBundle.open(path, trusted_key)
    if bundle.manifest.kind is not RowKind.FILTER:
        raise ModelIntegrityError(f"{path}: is a {bundle.manifest.kind}, not a filter: run it with --table")
    return bundle


def open_table(path: Path, model_file: str | None = None) -> RowBundle:
    """A table's bundle. Raises ModelIntegrityError as `RowBundle.open` does, and for one that is no table's."""
    bundle = RowBundle.open(path, model_file=model_file)
    if bundle.manifest.kind is not RowKind.TABLE:
        raise ModelIntegrityError(f"{path}: is a {bundle.manifest.kind}, not a table: set it as `filter`")
    return bundle


def dump_row_columns(code: RowCode, spans: Sequence[SpanOfFalse]) -> bytes:
    """The file that says how a row becomes numbers and, for a filter, what false events were like."""
    document: dict[str, object] = {"columns": dump_columns(code.columns)}
    if spans:
        document["spans"] = dump_spans(spans)
    return json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False).encode() + b"\n"


def read_row_columns(payload: bytes, manifest: RowManifest) -> tuple[RowCode, HoldingRule | None]:
    """The inverse of `dump_row_columns`. Raises ContractError naming the first wrong field."""
    fields = Fields(parse_object(payload, "columns"))
    code = RowCode(read_columns(fields))
    if manifest.never_from is None:
        return code, None
    for each in objects(fields, "columns"):
        feature(each)
    return code, HoldingRule(manifest.never_from, read_spans(fields))


def dump_golden_rows(rows: Sequence[Row]) -> bytes:
    """Golden rows as JSON."""
    document = {"rows": [dict(row) for row in rows]}
    return json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False).encode() + b"\n"


def read_golden_rows(payload: bytes) -> list[Mapping[str, str]]:
    """The inverse of `dump_golden_rows`. Raises ContractError naming the first wrong field."""
    rows = objects(Fields(parse_object(payload, "golden rows")), "rows")
    if not 1 <= len(rows) <= MOST_GOLDEN:
        raise ContractError("rows", f"must be 1 to {MOST_GOLDEN}")
    return [{name: cell(row, name) for name in row.document} for row in rows]
