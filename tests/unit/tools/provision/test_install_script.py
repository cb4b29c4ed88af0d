"""What `install.sh --check` says of a machine; `tests/debian` tries what it does to one."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.debian.conftest import make_bundle
from tests.debian.nucleus_lite import build_package

DPKG = shutil.which("dpkg")
# Programs that answer as a Raspberry Pi's would; everything else is this machine's own.
ANSWERS = {
    "timedatectl": "echo yes",
    "getconf": 'echo "glibc ${GLIBC:-2.36}"',
    "python3": f'case $1 in -c) echo "${{PYTHON:-3.11}}" ;; *) exec {sys.executable} "$@" ;; esac',
    "dpkg": f'case $1 in --print-architecture) echo "${{MACHINE:-arm64}}" ;; *) exec {DPKG} "$@" ;; esac',
    "dpkg-query": 'case $3 in *Version*) echo "$HAS" ;; *) echo "${STATUS:-none}" ;; esac',
    "df": 'printf "Filesystem\\n/ 0 0 %s 0 /\\n" "${FREE_KB:-9999999}"',
    "java": "exit 0",
}


def run_script(script: Path, *arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    command = ["sh", str(script), *map(str, arguments)]
    environment = {"PATH": os.environ["PATH"], **environment}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)


class Pi:
    """A bundle on a machine that is only looked at."""

    def __init__(self, folder: Path, kind: str) -> None:
        self.bin = folder / "bin"
        self.bin.mkdir()
        for name, script in ANSWERS.items():
            (self.bin / name).write_text(f"#!/bin/sh\n{script}\n")
            (self.bin / name).chmod(0o755)
        self.bundle = folder / "smartcam-yard-1"
        make_bundle(self.bundle, kind)

    def check(self, *arguments: object, **more: str) -> subprocess.CompletedProcess[str]:
        path = f"{self.bin}{os.pathsep}{os.environ['PATH']}"
        return run_script(self.bundle / "install.sh", "--check", *arguments, PATH=path, **more)

    def refuses(self, *arguments: object, **more: str) -> str:
        checked = self.check(*arguments, **more)
        assert checked.returncode == 1, checked.stdout
        assert "nothing was installed" in checked.stderr
        return checked.stdout


@pytest.fixture
def pi(tmp_path: Path) -> Pi:
    return Pi(tmp_path, "lite")


@pytest.fixture
def nucleus(tmp_path: Path) -> Path:
    return build_package(tmp_path, machine="arm64")


def test_a_machine_that_fits_is_told_so(pi: Pi, nucleus: Path) -> None:
    checked = pi.check(nucleus)
    assert (checked.returncode, checked.stderr) == (0, "")
    assert f"ok    nucleus lite 2.6.0 in {nucleus}" in checked.stdout


@pytest.mark.parametrize(
    ("variables", "complaint"),
    [
        ({"MACHINE": "armhf"}, "architecture armhf: 64 bits are needed"),
        ({"GLIBC": "2.31"}, "glibc 2.31: 2.34 or newer"),
        ({"PYTHON": "3.9"}, "Python 3.9: the packages are for 3.11"),
        ({"FREE_KB": "10240"}, "only 10 MB free"),
    ],
)
def test_a_machine_that_does_not_fit_is_told_why(
    pi: Pi, nucleus: Path, variables: dict[str, str], complaint: str
) -> None:
    assert f"FAIL  {complaint}" in pi.refuses(nucleus, **variables)


def test_without_a_nucleus_it_says_what_to_download(pi: Pi) -> None:
    assert "FAIL  no nucleus: download it (nucleus lite, arm64)" in pi.refuses()


def test_a_bundle_without_its_key_is_refused(pi: Pi, nucleus: Path) -> None:
    (pi.bundle / "device.key").unlink()
    assert "device.key is missing: unpack the bundle again" in pi.refuses(nucleus)


def test_a_nucleus_that_installs_one_component_after_the_other_is_refused(pi: Pi, tmp_path: Path) -> None:
    complaint = "nucleus lite 2.3.2: 2.4.0 or newer is needed"
    assert complaint in pi.refuses(build_package(tmp_path, "2.3.2", "arm64"))
    assert complaint in pi.refuses(STATUS="installed", HAS="2.3.2")


def test_a_nucleus_that_is_there_needs_no_file(pi: Pi) -> None:
    assert "ok    nucleus lite 2.6.0 is installed" in pi.check(STATUS="installed", HAS="2.6.0").stdout


def test_a_nucleus_whose_installation_failed_is_named(pi: Pi) -> None:
    checked = pi.check(STATUS="half-configured", HAS="2.6.0")
    assert checked.returncode == 0
    assert "warn  nucleus lite 2.6.0 is half-installed" in checked.stdout


def pack(archive: Path, *packages: Path) -> Path:
    with zipfile.ZipFile(archive, "w") as held:
        held.writestr("readme.txt", "read me")
        for package in packages:
            held.write(package, package.name)
    return archive


def test_the_one_package_of_a_zip_that_fits_is_taken(pi: Pi, nucleus: Path, tmp_path: Path) -> None:
    other = build_package(tmp_path, "2.6.1", "amd64")
    checked = pi.check(pack(tmp_path / "nucleus.zip", nucleus, other))
    assert "ok    nucleus lite 2.6.0 in " in checked.stdout
    assert checked.returncode == 0


@pytest.mark.parametrize("machines", [(), ("amd64",)])
def test_a_zip_without_a_package_that_fits_is_refused(pi: Pi, tmp_path: Path, machines: tuple[str, ...]) -> None:
    archive = pack(tmp_path / "nucleus.zip", *(build_package(tmp_path, machine=each) for each in machines))
    assert f"FAIL  {archive} holds no nucleus lite for arm64: download" in pi.refuses(archive)


def test_a_zip_with_two_packages_that_fit_is_refused(pi: Pi, nucleus: Path, tmp_path: Path) -> None:
    archive = pack(tmp_path / "nucleus.zip", nucleus, build_package(tmp_path, "2.6.1", "arm64"))
    assert "holds more than one nucleus for arm64: unpack it and name one .deb" in pi.refuses(archive)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut short"])
def test_a_file_that_is_no_package_is_refused(pi: Pi, tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "nucleus.deb"
    file.write_bytes(content)
    assert "holds no nucleus lite for arm64" in pi.refuses(file)


def test_another_package_is_refused(pi: Pi, tmp_path: Path) -> None:
    assert "holds no nucleus lite for arm64" in pi.refuses(build_package(tmp_path, machine="arm64", name="hello"))


def test_a_file_that_is_not_there_is_named(pi: Pi) -> None:
    assert "FAIL  nowhere.deb: there is no such file" in pi.refuses("nowhere.deb")


def test_it_only_looks_wherever_the_option_stands(pi: Pi, nucleus: Path) -> None:
    looked = run_script(pi.bundle / "install.sh", nucleus, "--check", PATH=f"{pi.bin}{os.pathsep}{os.environ['PATH']}")
    assert (looked.returncode, looked.stderr) == (0, "")
    assert "did   " not in looked.stdout


@pytest.mark.parametrize(
    ("script", "arguments", "said"),
    [
        ("install.sh", ("--chekc", "a.deb"), "--chekc: there is no such option; sh install.sh [--check] [NUCLEUS]"),
        ("install.sh", ("a.deb", "b.deb"), "b.deb: give one NUCLEUS only"),
        ("uninstall.sh", ("--prune",), "--prune: sh uninstall.sh [--purge]; nothing was removed"),
    ],
)
def test_a_call_that_is_not_understood_changes_nothing(
    pi: Pi, script: str, arguments: tuple[str, ...], said: str
) -> None:
    called = run_script(pi.bundle / script, *arguments)
    assert (called.returncode, called.stdout, called.stderr) == (2, "", f"{script}: {said}\n")


def test_the_classic_nucleus_is_named_by_its_file(tmp_path: Path) -> None:
    archive = pack(tmp_path / "greengrass.zip")
    checked = Pi(tmp_path, "classic").check(archive)
    assert (checked.returncode, checked.stderr) == (0, "")
    assert f"ok    nucleus {archive}" in checked.stdout
