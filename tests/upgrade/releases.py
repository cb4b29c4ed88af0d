"""Later releases of a build, as a mistake of ours would make them."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from zipfile import ZipFile

from tests.system.rig import INFERENCE
from tools.build.archive import write_archive
from tools.build.suite import Built

Changes = Mapping[tuple[str, str], tuple[str, str]]
"""By component and file of its code: what is written there, and what is written instead."""
SWAPS_ITS_ANSWERS = (INFERENCE, "smartcam/model/heads/classifier.py"), ("= raw.reshape(-1)", "= 1 - raw.reshape(-1)")
"""A mistake in how a classifier's answer is read: every picture of nothing would be an intruder."""


def next_release(built: Built, version: str, changes: Changes | None = None) -> None:
    """Add a later version of everything beside a build, its code the same but for the changes."""
    for recipe in sorted(built.recipes.glob(f"*-{built.version}.yaml")):
        name = recipe.stem.removesuffix(f"-{built.version}")
        (built.recipes / f"{name}-{version}.yaml").write_text(recipe.read_text().replace(built.version, version))
        target = built.artifacts / name / version
        for artifact in built.artifacts_of(name):
            if artifact.name == f"{name.lower().replace('.', '-')}.zip" and name != "smartcam.Model":
                _write_code(artifact, target / artifact.name, built.version, version, _of(changes or {}, name))
            else:
                target.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(artifact, target / artifact.name)


def _of(changes: Changes, component: str) -> dict[str, tuple[str, str]]:
    return {file: change for (name, file), change in changes.items() if name == component}


def _write_code(source: Path, target: Path, old: str, new: str, changes: Mapping[str, tuple[str, str]]) -> None:
    with ZipFile(source) as opened:
        members = {name: opened.read(name) for name in opened.namelist()}
    for file, (right, wrong) in {"smartcam/__init__.py": (old, new), **changes}.items():
        text = members[file].decode()
        assert right in text, f"{file} has changed: {right!r} is not in it"
        members[file] = text.replace(right, wrong, 1).encode()
    write_archive(target, members)
