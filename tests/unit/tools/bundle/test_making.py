"""A bundle from wishes: whole and reported, or one sentence and nothing on disk."""

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from smartcam.contract.event import EventKind
from smartcam.model.bundle import LARGEST_BUNDLE, ModelBundle
from smartcam.model.manifest import ModelKind
from tests.fakes import models
from tools.bundle.making import BundleError, BundleWishes, make_bundle


@pytest.fixture
def wishes(tmp_path: Path) -> BundleWishes:
    (tmp_path / "yard.tflite").write_bytes(models.detector())
    (tmp_path / "labels.txt").write_text("person\ncar\n")
    return BundleWishes(model=tmp_path / "yard.tflite", labels=tmp_path / "labels.txt", kind=ModelKind.DETECTOR)


def test_what_was_made_is_what_opens(wishes: BundleWishes, tmp_path: Path) -> None:
    made = make_bundle(wishes, tmp_path / "out")
    assert ModelBundle.open(tmp_path / "out").manifest == made.manifest
    assert made.manifest.events == {"person": EventKind.PERSON, "car": EventKind.VEHICLE}


def test_whatever_is_wrong_ends_in_one_kind_of_error_that_names_the_file(wishes: BundleWishes, tmp_path: Path) -> None:
    wishes.model.write_bytes(b"<html>404</html>" * 100)
    with pytest.raises(BundleError, match=r"yard\.tflite: is not a"):
        make_bundle(wishes, tmp_path / "out")
    (tmp_path / "labels.txt").write_bytes(b"")
    with pytest.raises(BundleError, match=r"labels\.txt: has no labels"):
        make_bundle(wishes, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("endless", [True, False])
def test_a_file_that_no_bundle_can_hold_is_not_read_to_its_end(
    *, endless: bool, wishes: BundleWishes, tmp_path: Path
) -> None:
    large = Path("/dev/zero") if endless else tmp_path / "large.tflite"
    if not endless:
        with large.open("wb") as file:
            file.truncate(LARGEST_BUNDLE + 1)
    with pytest.raises(BundleError, match="has more than the 256 MiB that a bundle may have"):
        make_bundle(replace(wishes, model=large), tmp_path / "bundle")


def test_the_bytes_that_are_used_are_those_whose_hash_is_wanted(wishes: BundleWishes, tmp_path: Path) -> None:
    """A file of the cache may be exchanged between the check and the making of the bundle."""
    digest = hashlib.sha256(wishes.model.read_bytes()).hexdigest()
    make_bundle(replace(wishes, sha256=digest), tmp_path / "bundle")
    wishes.model.write_bytes(models.detector(kind="int8"))
    with pytest.raises(BundleError, match="is not the file that is meant: its SHA-256 is"):
        make_bundle(replace(wishes, sha256=digest), tmp_path / "other")
    assert not (tmp_path / "other").exists()
