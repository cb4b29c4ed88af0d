"""Last stage: the model and its manifest as a bundle, which replaces the previous one."""

import tempfile
from pathlib import Path
from typing import Final

from smartcam.contract.event import EventKind
from smartcam.model.manifest import ModelKind, ModelManifest, Provenance, Thresholds
from smartcam.model.packing import Draft, write_bundle
from training.network import LABELS

NAME: Final = "yard-intruder"
VERSION: Final = "1.0.0"
MIN_FRAMES: Final = 3
LICENCE: Final = "the licence of the repository that holds it; made from made-up pictures only"


def bundle(exported: bytes, thresholds: Thresholds, provenance: Provenance, folder: Path) -> ModelManifest:
    """Writes the bundle to `folder`; an existing one is replaced only by a complete one."""
    draft = Draft(
        name=NAME,
        version=VERSION,
        kind=ModelKind.CLASSIFIER,
        labels=LABELS,
        events={"intruder": EventKind.ANOMALY},
        thresholds=thresholds,
        min_frames=MIN_FRAMES,
        licence=LICENCE,
        provenance=provenance,
    )
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.parent) as scratch:
        made = Path(scratch) / "new"
        manifest = write_bundle(made, exported, draft)
        if folder.exists():
            folder.rename(Path(scratch) / "old")
        made.rename(folder)
    return manifest
