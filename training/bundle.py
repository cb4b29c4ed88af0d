"""Last stage: the model and its manifest as a bundle, which replaces the previous one."""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from smartcam.contract.event import EventKind
from smartcam.model.manifest import ModelKind, ModelManifest, Provenance
from smartcam.model.packing import Draft, write_bundle
from training.dataset import generator
from training.evaluate import Evaluation
from training.network import LABELS

NAME: Final = "yard-intruder"
VERSION: Final = "1.0.0"
MIN_FRAMES: Final = 3
LICENCE: Final = "the licence of the repository that holds it; made from made-up pictures only"


@dataclass(frozen=True, slots=True)
class Origin:
    """How the model was made: the command to make it again, its seed, and how much it was trained on."""

    command: str
    seed: int
    pictures: int
    yards: int


def bundle(exported: bytes, evaluation: Evaluation, origin: Origin, folder: Path) -> ModelManifest:
    """Writes the bundle to `folder`; an existing one is replaced only by a complete one."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.parent) as scratch:
        made = Path(scratch) / "new"
        manifest = write_bundle(made, exported, _draft(evaluation, origin))
        if folder.exists():
            folder.rename(Path(scratch) / "old")
        made.rename(folder)
    return manifest


def _draft(evaluation: Evaluation, origin: Origin) -> Draft:
    seen = f"{origin.pictures} pictures of {origin.yards} made-up yards; frame AUC {evaluation.test_auc:.4f} on others"
    return Draft(
        name=NAME,
        version=VERSION,
        kind=ModelKind.CLASSIFIER,
        labels=LABELS,
        events={"intruder": EventKind.ANOMALY},
        thresholds=evaluation.thresholds,
        min_frames=MIN_FRAMES,
        licence=LICENCE,
        provenance=Provenance(
            source=f"pictures made up by training.yard, sources {generator()}",
            command=origin.command,
            seed=origin.seed,
            training=seen,
        ),
    )
