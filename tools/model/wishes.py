"""What the catalogue knows of a model, as wishes for its bundle."""

from pathlib import Path
from typing import Final

from smartcam.model.manifest import ModelKind
from tools.bundle.making import BundleWishes
from tools.model.address import shown
from tools.model.catalogue import CatalogueEntry

_VERSION: Final = "1.0.0"


def bundle_wishes(entry: CatalogueEntry, model: Path, golden: Path | None, folder: Path) -> BundleWishes:
    """The wishes; labels that the catalogue lists are written into this folder. Raises OSError."""
    labels = folder / "labels.txt"
    labels.write_text("".join(f"{label}\n" for label in entry.labels), encoding="utf-8")
    return BundleWishes(
        model=model,
        labels=labels,
        kind=ModelKind.DETECTOR,
        name=entry.name,
        version=_VERSION,
        licence=entry.licence.name,
        source=f"{shown(entry.address)}, SHA-256 {entry.file.sha256}",
    )
