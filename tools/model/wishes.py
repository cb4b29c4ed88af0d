"""What the catalogue knows of a model, as wishes for its bundle."""

import json
from pathlib import Path
from typing import Final

from smartcam.model.manifest import ModelKind
from tools.bundle.making import BundleWishes
from tools.model.address import shown
from tools.model.catalogue import CatalogueEntry

_VERSION: Final = "1.0.0"


def bundle_wishes(entry: CatalogueEntry, model: Path, golden: Path | None, folder: Path) -> BundleWishes:
    """The wishes; the labels are written into this folder, whatever lies where the command runs. Raises OSError."""
    labels = folder / "labels.json"  # a list that says itself where each label ends
    labels.write_text(json.dumps(entry.labels), encoding="utf-8")
    return BundleWishes(
        model=model,
        labels=labels,
        kind=ModelKind.DETECTOR,
        name=entry.name,
        version=_VERSION,
        licence=entry.licence.name,
        golden=golden,
        sha256=entry.file.sha256,
        source=f"{shown(entry.address)}, SHA-256 {entry.file.sha256}",
    )
