"""`smartcam cameras find` asks a whole network, which is made for the test and holds nothing else."""

import os
import shutil
import subprocess
import sys

import pytest

from tests.waiting import PATIENCE_S
from tools.command_line import ROOT

NETWORK = (
    "ip link set lo up && ip link add yard0 type veth peer name yard1 && ip link set yard1 up"
    " && ip address add 192.168.77.5/24 dev yard0 && ip link set yard0 up"
)
PROGRAM = """
import sys
from front.main import main
from tests.fakes.onvif_camera import Offer, OnvifCamera, switched_on
camera = OnvifCamera((Offer("a", "rtsp://192.168.77.5/s1"),), host="192.168.77.5")
with switched_on(camera, in_network=True):
    sys.exit(main(["cameras", "find", "--wait", "5"]))
"""


@pytest.fixture(scope="module")
def network() -> list[str]:
    """What runs a command in a network of its own."""
    unshare = shutil.which("unshare")
    if unshare is None or shutil.which("ip") is None:
        pytest.skip("a network of its own needs unshare (util-linux) and ip (iproute2)")
    command = [unshare, "--net", "sh", "-c", f'{NETWORK} && exec "$@"', "sh"]
    tried = subprocess.run([*command, "true"], capture_output=True, text=True, check=False)
    if tried.returncode != 0:
        pytest.skip(f"a network of its own cannot be made here: {tried.stderr.strip()}")
    return command


def test_a_camera_of_the_network_hears_the_question_and_is_found(network: list[str]) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "components"), str(ROOT)])}
    ran = subprocess.run(
        [*network, sys.executable, "-c", PROGRAM],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert "192.168.77.5 answers: Front Door" in ran.stderr
    assert "url: rtsp://192.168.77.5/s1" in ran.stdout
    assert ran.returncode == 0
