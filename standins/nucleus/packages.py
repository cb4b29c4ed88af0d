"""Artifacts: from the folder that a build leaves to where the nucleus keeps them."""

import os
import shutil
import stat
import zipfile
from collections.abc import Sequence
from pathlib import Path

from standins.nucleus.deployment import DeploymentError
from standins.nucleus.interpolation import artifacts_folder, unpacked_folder
from standins.nucleus.recipe import Recipe
from tools.recipes.recipe import Artifact


def fetch_artifacts(recipe: Recipe, source: Path, root: Path, *, unpack: bool = True) -> None:
    """Bring a component's artifacts below the root, zip files unpacked if wanted; what is there and unchanged stays.

    Raises:
        DeploymentError: when an artifact is missing or cannot be unpacked.
    """
    for artifact in recipe.artifacts:
        wanted = source / recipe.name / recipe.version / artifact.file
        try:
            target = artifacts_folder(root, recipe.name, recipe.version) / artifact.file
            _copy(wanted, target, executable=artifact.executable)
            if artifact.unpacked and unpack:
                _unpack(target, unpacked_folder(root, recipe.name, recipe.version) / target.stem, artifact)
        except FileNotFoundError as error:
            raise DeploymentError(f"{recipe.file.name}: the artifact {wanted} is missing") from error
        except (OSError, zipfile.BadZipFile, NotImplementedError) as error:
            raise DeploymentError(f"{recipe.file.name}: the artifact {wanted} cannot be unpacked ({error})") from error


def remove_others(root: Path, recipes: Sequence[Recipe]) -> None:
    """Remove the artifacts of every version that is not among these."""
    for folder_of in (artifacts_folder, unpacked_folder):
        wanted = {folder_of(root, recipe.name, recipe.version) for recipe in recipes}
        for found in folder_of(root, "*", "*").parent.parent.glob("*/*"):
            if found.is_dir() and found not in wanted:
                shutil.rmtree(found)


def _copy(source: Path, target: Path, *, executable: bool) -> None:
    if target.exists() and _stamp(target) == _stamp(source):
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = target.with_name(target.name + ".new")
    shutil.copyfile(source, fresh)
    shutil.copystat(source, fresh)
    fresh.chmod(0o755 if executable else 0o644)
    fresh.replace(target)


def _stamp(file: Path) -> str:
    facts = file.stat()
    return f"{facts.st_size} {facts.st_mtime_ns}"


def _unpack(archive: Path, folder: Path, artifact: Artifact) -> None:
    stamp_file = folder.with_name(folder.name + ".stamp")
    stamp = _stamp(archive)
    if folder.is_dir() and stamp_file.exists() and stamp_file.read_text(encoding="utf-8") == stamp:
        return
    fresh = folder.with_name(folder.name + ".new")
    for leftover in (fresh, folder):
        if leftover.exists():
            shutil.rmtree(leftover)
    stamp_file.unlink(missing_ok=True)
    fresh.mkdir(parents=True)
    with zipfile.ZipFile(archive) as opened:
        for entry in opened.infolist():
            _extract(opened, entry, fresh, executable=artifact.executable)
    fresh.rename(folder)
    stamp_file.write_text(stamp, encoding="utf-8")


def _extract(opened: zipfile.ZipFile, entry: zipfile.ZipInfo, folder: Path, *, executable: bool) -> None:
    place = (folder / entry.filename).resolve()
    if not place.is_relative_to(folder.resolve()) or stat.S_ISLNK(entry.external_attr >> 16):
        raise zipfile.BadZipFile(f"{entry.filename} leads out of the archive")
    opened.extract(entry, folder)
    if not entry.is_dir():
        runs = executable or bool(entry.external_attr >> 16 & stat.S_IXUSR)
        os.chmod(place, 0o755 if runs else 0o644)  # noqa: PTH101  resolved above
