"""`install.sh` on a freshly installed Debian: dpkg, apt and systemd are real, the nucleus in the package is not."""

import zipfile
from pathlib import Path

import pytest

from tests.debian.machine import Machine
from tests.debian.nucleus_lite import PACKAGE, build_package

pytestmark = [pytest.mark.debian, pytest.mark.slow]
OURS = "gg_component:gg_component gg_component:gg_component"  # in whatever order the nucleus reads its files
DROP_INS = "/etc/greengrass/config.d"


def install(machine: Machine, *arguments: str) -> list[str]:
    """What `install.sh` says when all is well."""
    said = machine.must("sh", "/media/yard-1/install.sh", *arguments).splitlines()
    assert not [line for line in said if line.startswith("FAIL")]
    assert said[-1].startswith("yard-1 is ready")
    return said


def refused(machine: Machine, *arguments: str) -> str:
    """What it says when something is wrong."""
    done = machine.run("sh", "/media/yard-1/install.sh", *arguments)
    assert done.returncode == 1, done.stdout
    assert "is ready" not in done.stdout
    return done.stdout


def status(machine: Machine) -> str:
    return machine.must("dpkg-query", "-W", "-f", "${db:Status-Status} ${Version}", PACKAGE)


def component_user(machine: Machine) -> str:
    """Whom the nucleus would give its next component, by the files that it reads at its start."""
    return machine.shell("""
        rm -f /var/lib/greengrass/posix-users
        systemctl restart ggl.core.ggconfigd.service 2> /dev/null
        until [ -s /var/lib/greengrass/posix-users ]; do sleep 0.1; done
        cat /var/lib/greengrass/posix-users
    """)


def give_component(machine: Machine, user: str) -> None:
    """A component as the nucleus installs one: a unit in its own folder, linked and enabled."""
    unit = "/var/lib/greengrass/ggl.smartcam.Capture.service"
    lines = ["[Unit]", "PartOf=greengrass-lite.target", "[Service]", "ExecStart=/usr/bin/sleep infinity"]
    lines += [f"User={user}", "[Install]", "WantedBy=greengrass-lite.target"]
    machine.shell(f"""
        printf '%s\\n' {" ".join(f"'{line}'" for line in lines)} > {unit}
        systemctl link --quiet {unit}
        systemctl enable --quiet --now ggl.smartcam.Capture.service
    """)


def test_a_fresh_debian_gets_a_nucleus_that_runs_and_components_that_cannot_read_its_key(
    machine: Machine, media: Path
) -> None:
    build_package(media)
    said = install(machine, "/media/aws-greengrass-lite-2.6.0-amd64.deb")
    assert status(machine) == "installed 2.6.0"
    assert "did   started the nucleus" in said
    assert machine.must("systemctl", "is-enabled", "greengrass-lite.target") == "enabled"
    assert machine.must("systemctl", "is-active", "greengrass-lite.target", "ggl.core.iotcored.service")
    assert component_user(machine) == OURS
    assert "video" in machine.must("id", "-nG", "gg_component").split()
    assert machine.run("runuser", "-u", "gg_component", "--", "cat", "/var/lib/greengrass/device.key").returncode == 1
    assert machine.must("runuser", "-u", "ggcore", "--", "cat", "/var/lib/greengrass/device.key") == "key"
    doctor = "/usr/local/bin/smartcam-doctor"
    assert machine.must("stat", "-c", "%a %U", doctor) == "755 root"
    assert machine.must("head", "-2", doctor) == "#!/bin/sh\nroot='/var/lib/greengrass' user=gg_component"


def test_a_second_time_changes_nothing_and_says_so(machine: Machine, media: Path) -> None:
    build_package(media)
    install(machine, "/media/aws-greengrass-lite-2.6.0-amd64.deb")
    since = machine.must("systemctl", "show", "-p", "ActiveEnterTimestampMonotonic", "ggl.core.ggipcd.service")
    for arguments in ([], ["/media/aws-greengrass-lite-2.6.0-amd64.deb"]):
        assert not [line for line in install(machine, *arguments) if line.startswith("did")]
    assert machine.must("systemctl", "show", "-p", "ActiveEnterTimestampMonotonic", "ggl.core.ggipcd.service") == since


def test_a_nucleus_that_was_stopped_and_disabled_runs_again(machine: Machine, media: Path) -> None:
    build_package(media)
    install(machine, "/media/aws-greengrass-lite-2.6.0-amd64.deb")
    machine.must("systemctl", "disable", "--now", "greengrass-lite.target")
    said = install(machine)
    assert "did   enabled greengrass-lite.target" in said
    assert "did   started the nucleus" in said


def test_nothing_is_called_ready_that_does_not_run(machine: Machine, media: Path) -> None:
    build_package(media)
    install(machine, "/media/aws-greengrass-lite-2.6.0-amd64.deb")
    machine.shell("printf '#!/bin/sh\\nsleep 0.5; exit 1\\n' > /usr/bin/ggipcd; systemctl restart ggl.core.ggipcd")
    said = refused(machine)
    assert "FAIL  ggl.core.ggipcd.service does not run: journalctl -u ggl.core.ggipcd.service" in said
    assert "ok    ggl.core.iotcored.service runs" in said


def test_what_the_script_of_earlier_releases_left_half_done_is_mended(machine: Machine, media: Path) -> None:
    build_package(media)
    for name in ("gg_component", "ggcore"):
        machine.must("useradd", "--system", "--user-group", "--no-create-home", name)
    uids = machine.must("id", "-u", "gg_component"), machine.must("id", "-u", "ggcore")
    failed = machine.run("apt-get", "install", "--yes", "/media/aws-greengrass-lite-2.6.0-amd64.deb")
    assert "useradd: user 'ggcore' already exists" in failed.stdout
    assert status(machine) == "half-configured 2.6.0"
    checked = machine.must("sh", "/media/yard-1/install.sh", "--check")
    assert "warn  nucleus lite 2.6.0 is half-installed" in checked
    assert status(machine) == "half-configured 2.6.0"
    assert "did   nucleus lite 2.6.0" in install(machine)
    assert status(machine) == "installed 2.6.0"
    assert machine.must("dpkg", "--audit") == ""
    assert component_user(machine) == OURS
    assert (machine.must("id", "-u", "gg_component"), machine.must("id", "-u", "ggcore")) == uids


def test_an_upgrade_keeps_the_components_user(machine: Machine, media: Path) -> None:
    build_package(media)
    build_package(media, "2.6.1")
    install(machine, "/media/aws-greengrass-lite-2.6.0-amd64.deb")
    give_component(machine, "gg_component")
    said = install(machine, "/media/aws-greengrass-lite-2.6.1-amd64.deb")
    assert "did   restarted the nucleus" in said
    assert status(machine) == "installed 2.6.1"
    assert component_user(machine) == OURS
    assert machine.must("systemctl", "is-active", "ggl.smartcam.Capture.service") == "active"


def test_an_upgrade_by_hand_fails_keeps_the_components_user_and_is_mended(machine: Machine, media: Path) -> None:
    build_package(media)
    build_package(media, "2.6.1")
    install(machine, "/media/aws-greengrass-lite-2.6.0-amd64.deb")
    assert machine.run("apt-get", "install", "--yes", "/media/aws-greengrass-lite-2.6.1-amd64.deb").returncode != 0
    assert status(machine) == "half-configured 2.6.1"
    assert component_user(machine) == OURS
    install(machine)
    assert status(machine) == "installed 2.6.1"
    assert component_user(machine) == OURS


def test_an_upgrade_that_apt_refuses_is_not_called_ready_and_leaves_the_nucleus_running(
    machine: Machine, media: Path
) -> None:
    build_package(media)
    build_package(media, "2.6.1", needs="what-this-machine-cannot-get")
    install(machine, "/media/aws-greengrass-lite-2.6.0-amd64.deb")
    said = refused(machine, "/media/aws-greengrass-lite-2.6.1-amd64.deb")
    assert "FAIL  the package of nucleus lite 2.6.1 is not installed: the reason stands above" in said
    assert machine.must("systemctl", "is-active", "greengrass-lite.target") == "active"
    install(machine)


def test_the_zip_of_aws_is_taken_as_it_is(machine: Machine, media: Path) -> None:
    with zipfile.ZipFile(media / "aws-greengrass-lite.zip", "w") as archive:
        archive.write(build_package(media), "aws-greengrass-lite-2.6.0-Linux.deb")
        archive.writestr("readme.txt", "read me")
    install(machine, "/media/aws-greengrass-lite.zip")
    assert status(machine) == "installed 2.6.0"
    assert machine.shell("ls /tmp | grep -v systemd || true") == ""


def test_a_key_that_components_can_read_is_not_called_ready(machine: Machine, media: Path) -> None:
    build_package(media)
    install(machine, "/media/aws-greengrass-lite-2.6.0-amd64.deb")
    give_component(machine, "ggcore")
    machine.shell(f"cp {DROP_INS}/zz-smartcam.yaml {DROP_INS}/mine.yaml")
    machine.must("systemctl", "stop", "greengrass-lite.target")
    machine.shell('usermod --non-unique --uid "$(id -u ggcore)" gg_component')
    said = refused(machine)
    assert "FAIL  gg_component can read the device's key" in said
    assert f"FAIL  {DROP_INS}/mine.yaml names a posixUser too" in said
    assert "FAIL  ggl.smartcam.Capture runs as ggcore" in said


def test_a_package_for_another_machine_changes_nothing(machine: Machine, media: Path) -> None:
    build_package(media, machine="arm64")
    said = refused(machine, "/media/aws-greengrass-lite-2.6.0-arm64.deb")
    assert "holds no nucleus lite for amd64: download the one for this architecture" in said
    assert machine.run("id", "ggcore").returncode != 0
    assert not machine.exists("/var/lib/greengrass")
