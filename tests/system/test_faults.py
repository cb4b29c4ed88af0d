"""The quickest faults of `make faults`, once each, on two devices; docs/reliability.md has the others."""

import subprocess
import sys
from pathlib import Path

import pytest

from measure.faults.catalogue import FAULTS
from measure.faults.kept import kept
from tools.command_line import ROOT

pytestmark = pytest.mark.slow
QUICK = (
    "cloud-flapping",
    "rings-removed",
    "rings-damaged",
    "outbox-damaged",
    "outbox-removed",
    "history-damaged",
    "disk-full",
    "clock-a-day-back",
)
NO_MOUNTS = "nothing can be mounted here"


def test_the_quickest_faults_cost_no_event_and_raise_none_twice(tmp_path: Path) -> None:
    assert set(QUICK) <= set(FAULTS)
    command = [sys.executable, "-m", "measure.faults", "--times", "1", "--devices", "2", "--folder", str(tmp_path)]
    command += [part for name in QUICK for part in ("--fault", name)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=900, check=False)
    if NO_MOUNTS in ended.stderr:
        pytest.skip(ended.stderr)
    assert ended.returncode == 0, (ended.stdout, ended.stderr)
    assert all(one.is_good for name in QUICK for one in kept(tmp_path, name))
    assert not list(tmp_path.glob("device-*"))
