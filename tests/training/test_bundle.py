"""A bundle replaces a bundle, and nothing else."""

from dataclasses import replace
from pathlib import Path

import pytest

from smartcam.contract.event import EventKind
from smartcam.model.bundle import ModelBundle
from smartcam.model.manifest import ModelKind, Provenance, Thresholds
from smartcam.model.packing import Draft
from tests.fakes import models
from training.bundle import bundle
from training.classifier.learning import plain_name

DRAFT = Draft(
    name="gate",
    version="1.0.0",
    kind=ModelKind.CLASSIFIER,
    labels=("normal", "intruder"),
    events={"intruder": EventKind.ANOMALY},
    thresholds=Thresholds(0.6, 0.4),
    min_frames=3,
    licence="none",
    provenance=Provenance(),
)


def test_a_bundle_is_replaced_by_the_next_one(tmp_path: Path) -> None:
    for version in ("1.0.0", "1.0.1"):
        assert bundle(models.classifier(), replace(DRAFT, version=version), tmp_path / "b").version == version
    assert [path.name for path in tmp_path.iterdir()] == ["b"]


@pytest.mark.parametrize("name", ["_person", "..", "-x-", "Tür", ".hidden"])
def test_whatever_a_bundle_is_to_be_called_it_opens(name: str, tmp_path: Path) -> None:
    bundle(models.classifier(), replace(DRAFT, name=plain_name(name)), tmp_path / "b")
    assert ModelBundle.open(tmp_path / "b").manifest.name == plain_name(name)


def test_an_empty_folder_is_taken(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    made = bundle(models.classifier(), DRAFT, tmp_path / "b")
    assert set(made.files) < {path.name for path in (tmp_path / "b").iterdir()}


@pytest.mark.parametrize("beside_a_bundle", [False, True])
def test_a_folder_with_anything_else_in_it_is_left_as_it_is(beside_a_bundle: bool, tmp_path: Path) -> None:  # noqa: FBT001
    if beside_a_bundle:
        bundle(models.classifier(), DRAFT, tmp_path)
    footage = tmp_path / "holiday.mp4"
    footage.write_bytes(b"footage")
    with pytest.raises(FileExistsError, match=r"is there, and is no bundle \(holds holiday\.mp4\)"):
        bundle(models.classifier(), DRAFT, tmp_path)
    assert footage.read_bytes() == b"footage"


def test_a_file_in_the_way_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "b").write_text("notes")
    with pytest.raises(FileExistsError, match="is no bundle"):
        bundle(models.classifier(), DRAFT, tmp_path / "b")
    assert (tmp_path / "b").read_text() == "notes"
