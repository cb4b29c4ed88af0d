"""A disk and a shared memory that are really full, mounted for the test alone."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tools.command_line import ROOT

UNSHARE = shutil.which("unshare") or ""
MOUNT = 'mount -t tmpfs -o size=600k none "$1/disk" && mount -t tmpfs -o size=600k none "$1/memory"'
RUN = 'shift; exec "$@"'


def in_small_mounts(folder: Path, *command: str) -> "subprocess.CompletedProcess[str]":
    """Run a command that sees small mounts below the folder; they end with it."""
    script = f"{MOUNT} || exit 77; {RUN}"
    return subprocess.run(
        [UNSHARE, "--mount", "--map-root-user", "sh", "-c", script, "sh", str(folder), *command],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("disk", "memory"):
        (tmp_path / name).mkdir()
    if not UNSHARE:
        pytest.skip("util-linux's unshare is not installed")
    tried = in_small_mounts(tmp_path, "true")
    if tried.returncode:
        pytest.skip(f"nothing can be mounted here: {tried.stderr.strip()}")
    return tmp_path


@pytest.mark.parametrize("what", ["disk", "start", "memory"])
def test_what_has_no_room_costs_no_event(folder: Path, what: str) -> None:
    ended = in_small_mounts(folder, sys.executable, "-m", "tests.system.full_disk", str(folder), what)
    assert ended.returncode == 0, ended.stderr[-8000:]
    said = {"disk": "outbox_on_disk_again", "start": "outbox_on_disk_again", "memory": "transport_changed"}[what]
    assert said in ended.stderr
