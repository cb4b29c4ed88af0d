"""The classic nucleus, whose own installer, a Java program, is a stand-in here."""

import zipfile
from pathlib import Path

import pytest

from tests.debian.conftest import make_bundle
from tests.debian.machine import Machine
from tests.debian.test_install import install

pytestmark = [pytest.mark.debian, pytest.mark.slow]
JAVA = """#!/bin/sh
echo "$@" > /root/java-arguments
mkdir -p /greengrass/v2/alts/current/distro/lib
touch /greengrass/v2/alts/current/distro/lib/Greengrass.jar
printf '[Service]\\nExecStart=/usr/bin/sleep infinity\\n[Install]\\nWantedBy=multi-user.target\\n' \\
    > /etc/systemd/system/greengrass.service
systemctl enable --now greengrass.service
"""


def test_the_classic_nucleus_is_installed_by_its_own_program_and_checked(machine: Machine, media: Path) -> None:
    make_bundle(media / "yard-1", "classic")
    with zipfile.ZipFile(media / "greengrass.zip", "w") as archive:
        archive.writestr("lib/Greengrass.jar", "")
    (media / "java").write_text(JAVA)
    machine.must("install", "/media/java", "/usr/local/bin/java")
    said = install(machine, "/media/greengrass.zip")
    arguments = machine.must("cat", "/root/java-arguments")
    assert "--component-default-user ggc_user:ggc_user" in arguments
    assert "--init-config /greengrass/v2/config/smartcam-initial.yaml" in arguments
    assert "ok    greengrass.service runs" in said
    assert "ok    ggc_user cannot read the device's key" in said
    assert not [line for line in install(machine) if line.startswith("did")]
    machine.must("systemctl", "stop", "greengrass.service")
    assert "did   started the nucleus" in install(machine)
    machine.must("sh", "/media/yard-1/uninstall.sh", "--purge")
    assert not machine.exists("/greengrass/v2")
    assert not machine.exists("/etc/systemd/system/greengrass.service")
