"""What the function weighs, as it is deployed: its code, and the time until it can take its first event."""

import subprocess
import sys
from pathlib import Path

import boto3
import pytest

from tests.infra.test_app import BOTO

COLD_IMPORT_MS = 400
ASSET_BYTES = 15_000_000
PROBE = """
import sys, time
sys.path[:0] = sys.argv[1:3]
begun, cpu = time.perf_counter(), time.process_time()
from infra.alerts.runtime import handler
print((time.perf_counter() - begun) * 1000, (time.process_time() - cpu) * 1000)
"""


@pytest.fixture
def asset(assembly: Path) -> Path:
    [folder] = [path for path in assembly.glob("asset.*") if path.is_dir()]
    return folder


def cold_import_ms(asset: Path, boto: Path) -> float:
    """The least CPU time of several cold processes: what the code costs, not what else the machine is doing."""
    times = []
    for _ in range(3):
        command = [sys.executable, "-I", "-S", "-B", "-c", PROBE, str(asset), str(boto)]
        finished = subprocess.run(command, capture_output=True, text=True, check=True)
        times.append(float(finished.stdout.split()[1]))
    return min(times)


def test_the_asset_is_small(asset: Path) -> None:
    assert sum(path.stat().st_size for path in asset.rglob("*") if path.is_file()) < ASSET_BYTES


def test_a_cold_import_with_boto3_and_all_takes_less_than_it_may(asset: Path, tmp_path: Path) -> None:
    site = Path(boto3.__file__).parents[1]
    for name in BOTO:
        (tmp_path / name).symlink_to(site / name)
    assert cold_import_ms(asset, tmp_path) < COLD_IMPORT_MS
