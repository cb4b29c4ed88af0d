import stat
from pathlib import Path
from zipfile import ZipFile, ZipInfo

import pytest

from standins.nucleus.deployment import DeploymentError
from standins.nucleus.interpolation import artifacts_folder, unpacked_folder
from standins.nucleus.packages import fetch_artifacts
from standins.nucleus.profile import LITE
from standins.nucleus.recipe import read_recipe
from tests.unit.standins.nucleus.workshop import Workshop


def fetch(workshop: Workshop) -> Path:
    recipe = read_recipe(workshop.recipe("t.A", zips=["bundle.zip"]), LITE)
    fetch_artifacts(recipe, workshop.artifacts, workshop.root)
    return unpacked_folder(workshop.root, "t.A", "1.0.0") / "bundle"


def test_a_zip_is_unpacked_into_a_folder_of_its_name(workshop: Workshop) -> None:
    workshop.zip("t.A", "bundle.zip", {"a.txt": "x", "in/b.txt": "y"})
    folder = fetch(workshop)
    assert (folder / "a.txt").read_text() == "x"
    assert (folder / "in" / "b.txt").read_text() == "y"
    assert (artifacts_folder(workshop.root, "t.A", "1.0.0") / "bundle.zip").is_file()


def test_what_has_not_changed_is_not_unpacked_again(workshop: Workshop) -> None:
    workshop.zip("t.A", "bundle.zip", {"a.txt": "x"})
    before = fetch(workshop).stat().st_ino
    assert fetch(workshop).stat().st_ino == before


def test_a_rebuilt_artifact_replaces_the_old_one_wholly(workshop: Workshop) -> None:
    workshop.zip("t.A", "bundle.zip", {"old.txt": "x"})
    fetch(workshop)
    workshop.zip("t.A", "bundle.zip", {"new.txt": "longer than before"})
    assert [file.name for file in fetch(workshop).iterdir()] == ["new.txt"]


def test_a_program_stays_executable(workshop: Workshop) -> None:
    target = workshop.zip("t.A", "bundle.zip", {"plain": "x"})
    entry = ZipInfo("program")
    entry.external_attr = (stat.S_IFREG | 0o755) << 16
    with ZipFile(target, "a") as opened:
        opened.writestr(entry, "#!/bin/sh\n")
    folder = fetch(workshop)
    assert (folder / "program").stat().st_mode & 0o777 == 0o755
    assert (folder / "plain").stat().st_mode & 0o777 == 0o644


def test_a_missing_artifact_is_named(workshop: Workshop) -> None:
    with pytest.raises(
        DeploymentError, match=r"t\.A-1\.0\.0\.yaml: the artifact .*t\.A/1\.0\.0/bundle\.zip is missing"
    ):
        fetch(workshop)


def test_a_broken_zip_is_named_and_leaves_no_half_folder(workshop: Workshop) -> None:
    target = workshop.zip("t.A", "bundle.zip", {"a.txt": "x" * 100})
    target.write_bytes(target.read_bytes()[:50])
    with pytest.raises(DeploymentError, match="cannot be unpacked"):
        fetch(workshop)
    assert not (unpacked_folder(workshop.root, "t.A", "1.0.0") / "bundle").exists()


@pytest.mark.parametrize("name", ["../escaped.txt", "/escaped.txt", "in/../../escaped.txt"])
def test_an_entry_that_leads_out_of_the_archive_is_refused(workshop: Workshop, name: str) -> None:
    workshop.zip("t.A", "bundle.zip", {name: "x"})
    with pytest.raises(DeploymentError, match="leads out of the archive"):
        fetch(workshop)
    assert not list(workshop.folder.rglob("escaped.txt"))


def test_a_link_inside_an_archive_is_refused(workshop: Workshop) -> None:
    target = workshop.zip("t.A", "bundle.zip", {"a": "x"})
    entry = ZipInfo("link")
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    with ZipFile(target, "a") as opened:
        opened.writestr(entry, "/etc/passwd")
    with pytest.raises(DeploymentError, match="leads out"):
        fetch(workshop)
