"""What the function weighs, as it is deployed: its code, and what a cold start has to load."""

import subprocess
import sys
from pathlib import Path

import boto3
import pytest

from tests.infra.test_app import BOTO

ASSET_BYTES = 15_000_000
MODULES_BESIDE_BOTO = 20
SLOW = {"numpy", "cv2", "cryptography", "awscrt", "jsii", "aws_cdk", "constructs", "cdk_nag", "yaml", "jsonschema"}
PROBE = """
import sys
sys.path[:0] = sys.argv[1:3]
import boto3
from botocore import config, exceptions
before = set(sys.modules)
__import__(sys.argv[3])
print(*sorted(set(sys.modules) - before), sep="\\n")
"""


@pytest.fixture
def asset(assembly: Path) -> Path:
    [folder] = [path for path in assembly.glob("asset.*") if path.is_dir()]
    return folder


@pytest.fixture
def boto(tmp_path: Path) -> Path:
    """boto3 and what it needs, as Lambda's own runtime has it."""
    site = Path(boto3.__file__).parents[1]
    for name in BOTO:
        (tmp_path / name).symlink_to(site / name)
    return tmp_path


def loaded_beside_boto(asset: Path, boto: Path, door: str) -> set[str]:
    command = [sys.executable, "-I", "-S", "-B", "-c", PROBE, str(asset), str(boto), door]
    finished = subprocess.run(command, capture_output=True, text=True, check=True)
    return set(finished.stdout.split())


def test_the_asset_is_small(asset: Path) -> None:
    assert sum(path.stat().st_size for path in asset.rglob("*") if path.is_file()) < ASSET_BYTES


@pytest.mark.parametrize(("door", "most"), [("infra.alerts.runtime.handler", 63), ("infra.fleet.runtime.handler", 42)])
def test_a_cold_start_loads_little_beside_boto3_and_nothing_that_is_slow(
    asset: Path, boto: Path, door: str, most: int
) -> None:
    loaded = loaded_beside_boto(asset, boto, door)
    assert door in loaded
    assert not {name.split(".")[0] for name in loaded} & SLOW
    ours = {name for name in loaded if name.split(".")[0] in {"infra", "smartcam"}}
    assert len(ours) <= most
    assert len(loaded - ours) <= MODULES_BESIDE_BOTO
