"""Makes a bundle of a model that takes rows."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np

from smartcam.contract.event import Severity
from smartcam.model.golden import dump_answer
from smartcam.model.interpreter import open_interpreter
from smartcam.model.manifest import MANIFEST_FILE, MODEL_FILE, ONNX_FILE, Golden, Provenance, RowKind
from smartcam.model.packing import GOLDEN_OUTPUT, write_files
from smartcam.model.rows.bundle import RowBundle, RowHead, dump_golden_rows, dump_row_columns
from smartcam.model.rows.columns import LONGEST_CELL, Row, RowCode
from smartcam.model.rows.holding import SpanOfFalse
from smartcam.model.rows.manifest import COLUMNS_FILE, RowManifest

GOLDEN_ROWS: Final = "golden_rows.json"
TOLERANCE: Final = 0.05
"""Of a golden answer: runtimes round the weights of 8 bits in ways of their own."""
_GOLDEN: Final = 8


@dataclass(frozen=True, slots=True)
class RowDraft:
    """What the maker of a bundle states. `rows`, some of them, become the golden ones."""

    name: str
    version: str
    kind: RowKind
    labels: tuple[str, str]
    threshold: float
    code: RowCode
    rows: Sequence[Row]
    licence: str
    spans: Sequence[SpanOfFalse] = ()
    never_from: Severity | None = None
    provenance: Provenance = field(default_factory=Provenance)


def write_row_bundle(folder: Path, model: bytes, draft: RowDraft, onnx: bytes | None = None) -> RowManifest:
    """Writes a bundle into a new folder; `onnx` is the same network as an ONNX model, for devices and for comparing.

    Raises:
        ModelIntegrityError: if the model does not fit the draft.
        ContractError: naming the wrong field of the draft.
        FileExistsError: if there is something at `folder`.
        OSError: if it cannot be written.
    """
    head = RowHead(open_interpreter(model), draft.code)
    names = [code.name for code in draft.code.columns]
    golden = [{name: row.get(name, "")[:LONGEST_CELL] for name in names} for row in draft.rows[:_GOLDEN]]
    answer = np.array([head.probability(row) for row in golden], np.float32)
    contents = {
        MODEL_FILE: model,
        COLUMNS_FILE: dump_row_columns(draft.code, draft.spans),
        GOLDEN_ROWS: dump_golden_rows(golden),
        GOLDEN_OUTPUT: dump_answer(answer),
    }
    if onnx is not None:
        contents[ONNX_FILE] = onnx
    manifest = RowManifest(
        name=draft.name,
        version=draft.version,
        kind=draft.kind,
        files={name: hashlib.sha256(content).hexdigest() for name, content in contents.items()},
        labels=draft.labels,
        threshold=draft.threshold,
        golden=Golden(GOLDEN_ROWS, GOLDEN_OUTPUT, TOLERANCE),
        provenance=draft.provenance,
        licence=draft.licence,
        never_from=draft.never_from,
    )
    contents[MANIFEST_FILE] = manifest.to_json()
    return write_files(folder, contents, lambda made: RowBundle.open(made).manifest)
