import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from smartcam.contract.ids import ThingName
from tools.provision import package
from tools.provision.identity import Certificate, Endpoints

# Programs that would change this machine only write down that they were called.
RECORDED = ("useradd", "usermod", "apt-get", "systemctl", "java", "chown")
ANSWERS = {
    "getent": '[ "$2" = video ] || grep -qx "useradd .* $2" "$CALLS"',
    "id": 'case $1 in -u) echo 0 ;; *) grep -q "^usermod" "$CALLS" && echo "x video" || echo x ;; esac',
    "timedatectl": "echo yes",
    "uname": 'case $1 in -s) echo Linux ;; -m) echo "${MACHINE:-aarch64}" ;; *) echo 6.12 ;; esac',
    "getconf": 'echo "glibc ${GLIBC:-2.36}"',
    "python3": 'case $1 in -c) echo "${PYTHON:-3.11}" ;; *) exit 0 ;; esac',
    "dpkg": 'case $1 in --compare-versions) [ "$2" = 2.3.2 ] ;; esac',
    "dpkg-deb": 'echo "${NUCLEUS_VERSION:-2.6.0}"',
    "dpkg-query": 'echo "${NUCLEUS_VERSION:-2.6.0}"',
    "df": 'printf "Filesystem\\n/ 0 0 %s 0 /\\n" "${FREE_KB:-9999999}"',
}


class Pi:
    """A machine below a folder: `PREFIX`, and programs that answer as a Raspberry Pi's would."""

    def __init__(self, folder: Path, kind: str) -> None:
        self.prefix = folder / "root"
        self.bin = folder / "bin"
        self.calls = folder / "calls"
        self.bundle = folder / "smartcam-yard-1"
        for place in (self.prefix / "dev", self.bin):
            place.mkdir(parents=True)
        self.calls.write_text("")
        (self.prefix / "dev" / "video0").write_text("")
        for name, script in {**ANSWERS, **{name: f'echo "{name} $*" >> "$CALLS"' for name in RECORDED}}.items():
            self._program(name, script)
        package.keep_certificate(self.bundle, Certificate("arn:aws:iot:eu-west-1:1:cert/c", b"cert\n", b"key\n"))
        authority = folder / "ca.pem"
        authority.write_text("authority\n")
        device = package.DeviceSettings(
            ThingName("yard-1"), kind, "eu-west-1", Endpoints("data.example", "cred.example")
        )
        package.write_package(self.bundle, device, authority)
        self.nucleus = folder / "nucleus.deb"
        self.nucleus.write_text("")

    def _program(self, name: str, script: str) -> None:
        (self.bin / name).write_text(f"#!/bin/sh\n{script}\n")
        (self.bin / name).chmod(0o755)

    def has_nucleus(self) -> None:
        self._program("ggl-cli", "exit 0")

    def run(self, script: str, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        # The fakes come first; of the machine's own only what changes nothing beyond the folder.
        environment = {"PATH": f"{self.bin}{os.pathsep}{os.environ['PATH']}", "PREFIX": str(self.prefix), **more}
        environment["CALLS"] = str(self.calls)
        command = [str(shutil.which("sh")), str(self.bundle / script), *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)

    def called(self) -> list[str]:
        return [line.split()[0] for line in self.calls.read_text().splitlines() if not line.startswith("chown")]


@pytest.fixture
def pi(tmp_path: Path) -> Pi:
    return Pi(tmp_path, "lite")


def test_a_fresh_pi_gets_users_keys_configuration_and_nucleus(pi: Pi) -> None:
    ran = pi.run("install.sh", str(pi.nucleus))
    assert (ran.returncode, ran.stderr) == (0, "")
    assert pi.called() == ["useradd", "useradd", "usermod", "apt-get"]
    root = pi.prefix / "var/lib/greengrass"
    assert (root / "device.key").read_text() == "key\n"
    assert stat.S_IMODE((root / "device.key").stat().st_mode) == 0o600
    assert (root / "root-ca.pem").read_text() == "authority\n"
    assert (pi.prefix / "etc/greengrass/config.yaml").read_bytes() == (pi.bundle / "config.yaml").read_bytes()
    assert "did   nucleus lite" in ran.stdout
    doctor = pi.prefix / "usr/local/bin/smartcam-doctor"
    assert stat.S_IMODE(doctor.stat().st_mode) == 0o755
    assert doctor.read_text().startswith(f"#!/bin/sh\nroot='{root}' user=gg_component\n")
    assert ran.stdout.splitlines()[-1].startswith("yard-1 is ready")


def test_a_second_time_changes_nothing_and_says_so(pi: Pi) -> None:
    assert pi.run("install.sh", str(pi.nucleus)).returncode == 0
    pi.has_nucleus()
    before = pi.called()
    ran = pi.run("install.sh")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert not [line for line in ran.stdout.splitlines() if line.startswith("did")]
    assert pi.called() == before


def test_a_new_key_restarts_the_nucleus(pi: Pi) -> None:
    assert pi.run("install.sh", str(pi.nucleus)).returncode == 0
    pi.has_nucleus()
    (pi.bundle / "device.key").write_text("another\n")
    ran = pi.run("install.sh")
    assert "did   restarted the nucleus" in ran.stdout
    assert pi.called()[-1] == "systemctl"


@pytest.mark.parametrize(
    ("variables", "complaint"),
    [
        ({"MACHINE": "armv7l"}, "architecture armv7l: 64 bits are needed"),
        ({"GLIBC": "2.31"}, "glibc 2.31: 2.34 or newer"),
        ({"PYTHON": "3.9"}, "Python 3.9: the packages are for 3.11"),
        ({"FREE_KB": "10240"}, "only 10 MB free"),
    ],
)
def test_a_machine_that_does_not_fit_is_left_as_it_is(pi: Pi, variables: dict[str, str], complaint: str) -> None:
    ran = pi.run("install.sh", str(pi.nucleus), **variables)
    assert ran.returncode == 1
    assert f"FAIL  {complaint}" in ran.stdout
    assert pi.called() == []
    assert not (pi.prefix / "var").exists()


def test_without_a_nucleus_it_says_what_to_download(pi: Pi) -> None:
    ran = pi.run("install.sh")
    assert ran.returncode == 1
    assert "FAIL  no nucleus: download it (nucleus lite" in ran.stdout


def test_a_check_changes_nothing(pi: Pi) -> None:
    ran = pi.run("install.sh", "--check", str(pi.nucleus))
    assert ran.returncode == 0
    assert pi.called() == []
    assert not (pi.prefix / "var").exists()


def test_a_pi_without_a_camera_is_warned_only(pi: Pi) -> None:
    (pi.prefix / "dev" / "video0").unlink()
    ran = pi.run("install.sh", "--check", str(pi.nucleus))
    assert ran.returncode == 0
    assert "warn  there is no /dev/video*" in ran.stdout


def test_the_classic_nucleus_is_installed_by_its_own_program(tmp_path: Path) -> None:
    pi = Pi(tmp_path, "classic")
    ran = pi.run("install.sh", str(pi.nucleus))
    assert (ran.returncode, ran.stderr) == (0, "")
    [java] = [line for line in pi.calls.read_text().splitlines() if line.startswith("java")]
    assert "--init-config" in java
    assert "--component-default-user ggc_user:ggc_user" in java


def test_uninstalling_takes_the_keys_and_leaves_what_waits_for_the_cloud(pi: Pi) -> None:
    assert pi.run("install.sh", str(pi.nucleus)).returncode == 0
    pi.has_nucleus()
    work = pi.prefix / "var/lib/greengrass/work"
    work.mkdir()
    ran = pi.run("uninstall.sh")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert pi.called()[-2:] == ["systemctl", "apt-get"]
    assert not (pi.prefix / "var/lib/greengrass/device.key").exists()
    assert not (pi.prefix / "etc/greengrass/config.yaml").exists()
    assert not (pi.prefix / "usr/local/bin/smartcam-doctor").exists()
    assert work.exists()
    assert pi.run("uninstall.sh", "--purge").returncode == 0
    assert not work.exists()


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize(("kind", "folders"), [("lite", ("etc/greengrass",)), ("classic", ("greengrass",))])
def test_the_nucleus_and_its_components_get_to_what_is_theirs_and_nobody_reads_a_key(
    tmp_path: Path, kind: str, folders: tuple[str, ...]
) -> None:
    pi = Pi(tmp_path, kind)
    installed = pi.run("install.sh", str(pi.nucleus))
    assert installed.returncode == 0, installed.stdout + installed.stderr
    root = pi.prefix / package.ROOTS[kind].removeprefix("/")
    for folder in (root, *(pi.prefix / name for name in folders)):
        assert mode(folder) == 0o755, folder
    assert mode(root / "device.key") == 0o600


def test_a_nucleus_that_installs_one_component_after_the_other_is_refused(pi: Pi) -> None:
    refused = pi.run("install.sh", str(pi.nucleus), NUCLEUS_VERSION="2.3.2")
    assert refused.returncode == 1
    assert "nucleus lite 2.3.2: 2.4.0 or newer is needed" in refused.stdout
    assert pi.called() == []
