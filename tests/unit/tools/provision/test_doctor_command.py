"""`smartcam-doctor` as install.sh leaves it, run by a real shell: by root, by the components' user, by others."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from tools.command_line import ROOT

USER = "gg_component"


@dataclass
class Device:
    folder: Path

    def program(self, name: str, script: str) -> None:
        (self.folder / "bin" / name).write_text(f"#!/bin/sh\n{script}\n")
        (self.folder / "bin" / name).chmod(0o755)

    def run(self, uid: int, name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        self.program("id", f"case $1 in -u) echo {uid} ;; *) echo {name} ;; esac")
        environment = {"PATH": f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}"}
        command = ["/bin/sh", str(self.folder / "smartcam-doctor"), *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def device(tmp_path: Path) -> Device:
    made = Device(tmp_path / "a device")
    (made.folder / "bin").mkdir(parents=True)
    made.program("runuser", 'echo "as $2"; shift 3; exec "$@"')
    head = f"#!/bin/sh\nroot='{made.folder}' user={USER}\n"
    (made.folder / "smartcam-doctor").write_text(head + (ROOT / "tools/provision/doctor.sh").read_text())
    there = made.folder / "work" / "smartcam.Runtime" / "doctor" / "smartcam-doctor"
    there.parent.mkdir(parents=True)
    there.write_text('IFS="|"; echo "doctor|$*"\n')
    return made


def test_root_examines_the_device_as_the_components_user(device: Device) -> None:
    ran = device.run(0, "root", "--cameras", "my cameras.json")
    assert (ran.returncode, ran.stdout) == (0, f"as {USER}\ndoctor|--cameras|my cameras.json\n"), ran


@pytest.mark.parametrize("option", [["--nucleus-config", "/etc/x"], ["--nucleus-config=/etc/x"]])
def test_the_devices_key_is_read_as_the_nucleuss_user_and_not_as_root(device: Device, option: list[str]) -> None:
    device.program("stat", '[ "$*" = "-L -c %U ${0%/bin/stat}" ] && echo ggcore')
    assert device.run(0, "root", *option).stdout == f"as ggcore\ndoctor|{'|'.join(option)}\n"


def test_the_components_user_examines_it_directly(device: Device) -> None:
    assert device.run(991, USER, "--json").stdout == "doctor|--json\n"


def test_others_are_told_who_may(device: Device) -> None:
    ran = device.run(1000, "pi")
    assert (ran.returncode, ran.stderr) == (2, "smartcam-doctor: run it as root: sudo smartcam-doctor\n")


def test_before_the_first_deployment_it_says_what_is_missing(device: Device) -> None:
    (device.folder / "work" / "smartcam.Runtime" / "doctor" / "smartcam-doctor").unlink()
    ran = device.run(0, "root")
    assert ran.returncode == 2
    assert "smartcam.Runtime is not installed yet" in ran.stderr
    assert ran.stderr.endswith("deploy the suite\n")
