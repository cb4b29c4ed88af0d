"""Bundles of tiny models in a temporary folder."""

from collections.abc import Callable
from pathlib import Path

import pytest

from smartcam.contract.event import EventKind
from smartcam.model.manifest import ModelKind, ModelManifest, Provenance, Thresholds
from smartcam.model.packing import Draft, write_bundle
from tests.fakes import models

DETECTOR = Draft(
    name="tiny-detector",
    version="1.2.0",
    kind=ModelKind.DETECTOR,
    labels=("person", "car"),
    events={"person": EventKind.PERSON},
    thresholds=Thresholds(raise_at=0.6, clear_at=0.4),
    min_frames=3,
    licence="none",
    provenance=Provenance(source="tests", seed=7),
)
CLASSIFIER = Draft(
    name="tiny-classifier",
    version="1.2.0",
    kind=ModelKind.CLASSIFIER,
    labels=("normal", "intruder"),
    events={"intruder": EventKind.ANOMALY},
    thresholds=Thresholds(raise_at=0.6, clear_at=0.4),
    min_frames=3,
    licence="none",
)

Written = tuple[Path, ModelManifest]


@pytest.fixture
def detector_bundle(tmp_path: Path) -> Written:
    folder = tmp_path / "detector"
    return folder, write_bundle(folder, models.detector(), DETECTOR)


@pytest.fixture
def classifier_bundle(tmp_path: Path) -> Written:
    folder = tmp_path / "classifier"
    return folder, write_bundle(folder, models.classifier(), CLASSIFIER)


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, bytes, Draft], Path]:
    def into(name: str, model: bytes, draft: Draft) -> Path:
        write_bundle(tmp_path / name, model, draft)
        return tmp_path / name

    return into
