from pathlib import Path

import pytest

from tests.debian.machine import Machine
from tests.debian.nucleus_lite import build_package
from tests.debian.test_install import give_component, install

pytestmark = [pytest.mark.debian, pytest.mark.slow]
LEFT = r"""
find /etc/systemd/system \( -name 'ggl.*' -o -name 'greengrass-lite*' \)
find / -xdev \( -nouser -o -nogroup \) ! -path '/proc/*'
systemctl list-units --all --plain --no-legend 'ggl.*' 'greengrass-lite*'
ls -d /etc/greengrass /var/lib/greengrass /home/* 2> /dev/null || true
getent passwd ggcore gg_component || true
getent group ggcore gg_component || true
"""


def uninstall(machine: Machine, *arguments: str) -> str:
    return machine.must("sh", "/media/yard-1/uninstall.sh", *arguments)


def test_a_purge_leaves_nothing_and_again_changes_nothing(machine: Machine, media: Path) -> None:
    build_package(media)
    install(machine, "/media/aws-greengrass-lite-2.6.0-amd64.deb")
    give_component(machine, "gg_component")
    # As while a new version is tried: the process runs on, its unit is gone.
    machine.shell("rm /etc/systemd/system/ggl.smartcam.Capture.service; systemctl daemon-reload")
    assert machine.must("systemctl", "show", "-p", "LoadState,ActiveState", "--value", "ggl.smartcam.Capture") == (
        "not-found\nactive"
    )
    uninstall(machine, "--purge")
    assert machine.shell(LEFT) == ""
    assert machine.run("dpkg-query", "-W", "aws-greengrass-lite").returncode == 1
    assert "did" not in uninstall(machine, "--purge")


def test_without_a_purge_what_waits_for_the_cloud_is_kept_for_the_next_nucleus(machine: Machine, media: Path) -> None:
    build_package(media)
    install(machine, "/media/aws-greengrass-lite-2.6.0-amd64.deb")
    give_component(machine, "gg_component")
    machine.shell("install -d -o gg_component /var/lib/greengrass/work/smartcam.Inference")
    assert "kept  /var/lib/greengrass/work" in uninstall(machine)
    assert machine.exists("/var/lib/greengrass/work/smartcam.Inference")
    for gone in ("device.key", "device.pem"):
        assert not machine.exists(f"/var/lib/greengrass/{gone}")
    assert not machine.exists("/etc/greengrass/config.yaml")
    assert "did" not in uninstall(machine)
    install(machine, "/media/aws-greengrass-lite-2.6.0-amd64.deb")
    uninstall(machine)
    uninstall(machine, "--purge")
    assert machine.shell(LEFT) == ""


def test_a_half_configured_package_and_the_users_of_a_failed_installation_are_purged_too(
    machine: Machine, media: Path
) -> None:
    build_package(media)
    machine.must("useradd", "--system", "--user-group", "ggcore")
    assert machine.run("dpkg", "-i", "/media/aws-greengrass-lite-2.6.0-amd64.deb").returncode != 0
    uninstall(machine, "--purge")
    assert machine.shell(LEFT) == ""
