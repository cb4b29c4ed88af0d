"""Two clones in different folders, under other umasks, time zones and languages: the same bytes."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tools.build.suite import hashes
from tools.command_line import ROOT

PARTS = ("components", "front", "tools", "recipes", "requirements", "gdk-config.json", "recipe.yaml")


def clone(target: Path) -> Path:
    """The files that git tracks, as they are now; not every clone has a git that allows to be cloned from."""
    git = shutil.which("git")
    listed = subprocess.run([str(git), "ls-files", "-z", *PARTS], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode:
        pytest.skip("this is no git checkout")
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (ROOT / name).exists():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, target / name)
    bundle = target / "bundle"
    bundle.mkdir()
    (bundle / "manifest.json").write_text("{}")
    return target


def build(folder: Path, umask: int, environment: Mapping[str, str]) -> None:
    command = [sys.executable, "-m", "front", "build", "--bundle", "bundle", "--wheels", "none"]
    # The clone's own sources, wherever the environment's editable install points to.
    own = {"PYTHONPATH": f"{folder}:{folder / 'components'}", "PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run(command, cwd=folder, umask=umask, env={**os.environ, **own, **environment}, check=True)


def test_two_clones_give_the_same_bytes(tmp_path: Path) -> None:
    one, two = clone(tmp_path / "one"), clone(tmp_path / "a longer" / "path with spaces")
    build(one, 0o022, {"TZ": "UTC", "LC_ALL": "C", "PYTHONHASHSEED": "1"})
    build(two, 0o077, {"TZ": "Asia/Kathmandu", "LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "2"})
    first, second = hashes(one / "greengrass-build"), hashes(two / "greengrass-build")
    assert first == second
    assert len(first) > 10
    gdk = {path.relative_to(one): path.read_bytes() for path in (one / "build" / "gdk").rglob("*") if path.is_file()}
    assert gdk == {
        path.relative_to(two): path.read_bytes() for path in (two / "build" / "gdk").rglob("*") if path.is_file()
    }
