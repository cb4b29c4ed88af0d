"""A device from a build alone, network off: the Runtime installs its packages from the wheels that it carries."""

import json
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.system.footage import first_visitor
from tools.build.command import fetch_wheels
from tools.build.suite import DEMO_BUNDLE, Built, build_suite
from tools.build.wheels import PLATFORMS, Platform
from tools.command_line import ROOT
from tools.setup import setup_cloud

pytestmark = pytest.mark.slow
LOOPBACK_UP = """
import fcntl, os, socket, struct, sys
with socket.socket() as anything:
    fcntl.ioctl(anything, 0x8914, struct.pack("16sh14x", b"lo", 1))  # SIOCSIFFLAGS, IFF_UP
os.execvp(sys.argv[1], sys.argv[1:])
"""
OFFLINE = ["unshare", "--map-root-user", "--net", sys.executable, "-c", LOOPBACK_UP]


def here() -> Platform:
    """The platform of the python3 that a nucleus on this machine would find."""
    own = Path(sys.prefix, "bin")
    path = os.pathsep.join(part for part in os.environ["PATH"].split(os.pathsep) if Path(part) != own)
    found = shutil.which("python3", path=path)
    if found is None:
        pytest.skip("there is no python3 outside the environment")
    version = [found, "-c", "import sys; print('py%d%d' % sys.version_info[:2])"]
    python = subprocess.run(version, capture_output=True, text=True, check=True).stdout.strip()
    platform_here = Platform(platform.machine(), python)
    if platform_here not in PLATFORMS:
        pytest.skip(f"the suite carries no packages for {platform_here}")
    return platform_here


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    if subprocess.run([*OFFLINE, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine lets nobody make a network namespace")
    # Packed loosely, which is quicker; what a release weighs is the emulation's question.
    wheels = fetch_wheels((here(),), ROOT, density=0)
    return build_suite(tmp_path_factory.mktemp("suite") / "build", DEMO_BUNDLE, wheels=wheels)


def test_nothing_outside_can_be_reached() -> None:
    reach = "import socket; socket.create_connection(('192.0.2.1', 443), timeout=3)"
    tried = subprocess.run([*OFFLINE, sys.executable, "-c", reach], capture_output=True, text=True, check=False)
    if "unshare" in tried.stderr:
        pytest.skip("this machine lets nobody make a network namespace")
    assert "Network is unreachable" in tried.stderr


# What is installed from the wheels does not know which nucleus it is; test_matrix runs devices on both.
def test_a_device_that_has_nothing_but_the_build_installs_it_and_tells_its_cloud_whom_it_has_seen(
    built: Built, tmp_path: Path
) -> None:
    clip = first_visitor(tmp_path / "visitor.mp4")
    command = [*OFFLINE, sys.executable, "-m", "tests.system.offline_device", str(tmp_path), str(built.folder)]
    run = subprocess.run([*command, str(clip)], cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, (run.stdout, run.stderr)
    assert_is_installed(tmp_path / "lite" / "device")


def assert_is_installed(device: Path) -> None:
    packages = list((device / "work" / "smartcam.Runtime").glob("packages-*"))
    assert [(each / "ready").is_file() for each in packages] == [True]
    assert not list(packages[0].glob("interpreter"))
    assert list(packages[0].glob("lib/python3.*/site-packages/cv2/__init__.py"))


@pytest.mark.cloud
@pytest.mark.soak
@pytest.mark.parametrize("profile", ["lite", "classic"])
def test_a_nucleus_runs_the_demo_from_the_build_alone_without_a_network(
    built: Built, tmp_path: Path, profile: str
) -> None:
    setup_cloud()
    clip, folder = first_visitor(tmp_path / "visitor.mp4"), tmp_path / profile
    command = [*OFFLINE, sys.executable, "-m", "front", "demo", "--built", str(built.folder), "--profile", profile]
    command += ["--video", str(clip), "--folder", str(folder), "--camera", f"{profile}{os.getpid()}"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, (run.stdout, run.stderr)
    report = json.loads((folder / "report.json").read_text())
    assert [each["kind"] for each in report["events"]] == ["anomaly"]
    assert sorted(alert["channel"] for alert in report["alerts"]) == ["email", "sms"]
    assert (report["lost"], report["duplicates"], report["refused"], report["faults"]) == (0, 0, 0, [])
    assert_is_installed(folder / "device")
