"""The manifest of a model that takes a row: of a table, or of an event that may be false."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Final

from smartcam.contract.errors import ContractError
from smartcam.contract.event import Severity
from smartcam.contract.reading import Fields, parse_object
from smartcam.model.manifest import (
    MANIFEST_SCHEMA,
    MODEL_FILE,
    Golden,
    Provenance,
    RowKind,
    check_kind,
    name_in,
    read_files,
    read_golden,
    read_provenance,
)
from smartcam.model.rows.columns import LONGEST_CELL

COLUMNS_FILE: Final = "columns.json"
LABELS: Final = 2


@dataclass(frozen=True, slots=True)
class RowManifest:
    """What a bundle says about a model that gives the probability of the second of its two `labels`.

    From `threshold` on the second label is said; a filter holds back above it, and nothing as severe as `never_from`,
    which only a filter has.
    """

    name: str
    version: str
    kind: RowKind
    files: Mapping[str, str]
    labels: tuple[str, str]
    threshold: float
    golden: Golden
    provenance: Provenance
    licence: str
    never_from: Severity | None = None

    def __post_init__(self) -> None:
        """Raises ContractError if the fields contradict each other."""
        if self.labels[0] == self.labels[1]:
            raise ContractError("labels", "must be two different ones")
        if (self.kind is RowKind.FILTER) != (self.never_from is not None):
            raise ContractError("never_from", "must be there for a filter, and only then")
        for name in (MODEL_FILE, COLUMNS_FILE, self.golden.input, self.golden.output):
            if name not in self.files:
                raise ContractError(f"files.{name}", "is missing")

    @property
    def model_file(self) -> str:
        """The name of the model's file; one of ONNX may be beside it."""
        return MODEL_FILE

    def to_json(self) -> bytes:
        """The manifest as JSON in UTF-8, one field per line so that people can read it."""
        document: dict[str, object] = {
            "schema": MANIFEST_SCHEMA,
            "name": self.name,
            "version": self.version,
            "kind": self.kind,
            "files": dict(self.files),
            "labels": list(self.labels),
            "threshold": self.threshold,
            "never_from": self.never_from,
            "golden": asdict(self.golden),
            "provenance": {key: value for key, value in asdict(self.provenance).items() if value not in ("", None)},
            "licence": self.licence,
        }
        present = {key: value for key, value in document.items() if value is not None}
        return json.dumps(present, indent=1, ensure_ascii=False, allow_nan=False).encode() + b"\n"

    @classmethod
    def from_json(cls, payload: bytes) -> "RowManifest":
        """The manifest in a payload. Raises ContractError naming the first wrong field."""
        fields = Fields(parse_object(payload, "manifest"))
        check_kind(fields, RowKind)
        if fields.integer("schema") != MANIFEST_SCHEMA:
            raise ContractError("schema", f"must be {MANIFEST_SCHEMA}; update the side that does not know it")
        labels = fields.words("labels", LABELS, LONGEST_CELL)
        if len(labels) != LABELS:
            raise ContractError("labels", "must be two")
        return cls(
            name=name_in(fields, "name"),
            version=name_in(fields, "version"),
            kind=fields.choice("kind", RowKind),
            files=read_files(fields.inner("files")),
            labels=(labels[0], labels[1]),
            threshold=fields.number("threshold", 0, 1),
            golden=read_golden(fields.inner("golden")),
            provenance=read_provenance(fields.inner("provenance")),
            licence=fields.text("licence"),
            never_from=fields.choice("never_from", Severity) if fields.has("never_from") else None,
        )
