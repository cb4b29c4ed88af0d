"""Debian as it is, below a folder: debootstrap makes it once, systemd-nspawn boots it, and what a test does there is
gone with it."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from measure.emulation.debian import package_site
from standins.programs import output_of, require
from tools.command_line import ROOT, Say
from tools.setup import ToolsError, alone

RELEASES: Final = ("bookworm", "trixie")
INCLUDED: Final = "systemd,systemd-sysv,python3,ca-certificates"
FOLDER: Final = ROOT / "build" / "debian"
MOST_MB: Final = 2000
_PROGRAMS: Final = {"debootstrap": "debootstrap", "systemd-nspawn": "systemd-container"}
_BUILD_LIMIT_S: Final = 900.0
_BOOT_LIMIT_S: Final = 120.0
_RUN_LIMIT_S: Final = 180.0
_STOP_LIMIT_S: Final = 60.0


def why_not() -> str | None:
    """What this machine lacks for such tests, if anything."""
    if os.geteuid() != 0:
        return "not root: sudo make test-debian"
    mount = ["unshare", "--mount", "--", "mount", "-t", "tmpfs", "none", "/media"]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        return "root may not mount anything here, as in a container: run it on a machine of its own"
    free = shutil.disk_usage(ROOT).free // 1_000_000
    if free < MOST_MB:
        return f"only {free} MB are free: {MOST_MB} MB are needed"
    missing = [package for program, package in _PROGRAMS.items() if shutil.which(program) is None]
    if missing and shutil.which("apt-get") is None:
        return f"{', '.join(missing)}: not installed, and there is no apt-get to install it"
    return None


def make_bases(say: Say) -> None:
    """Every release in its folder, made once. Raises ToolsError."""
    with alone(ROOT):
        _install_programs(say)
        missing = [release for release in RELEASES if not (FOLDER / release).is_dir()]
        if missing:
            site = package_site()
            say(f"making Debian {' and '.join(missing)} below {FOLDER}: two minutes, once")
            with ThreadPoolExecutor(len(missing)) as beside:
                list(beside.map(lambda release: _bootstrap(release, site), missing))


def _install_programs(say: Say) -> None:
    packages = [package for program, package in _PROGRAMS.items() if shutil.which(program) is None]
    if packages:
        say(f"installing {', '.join(packages)}")
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for step in (["update"], ["install", "--yes", "--no-install-recommends", *packages]):
            output_of(["apt-get", "--quiet", *step], _BUILD_LIMIT_S, "is there a network?", environment=environment)
    require(tuple(_PROGRAMS), "the tests of the installation boot a Debian")


def _bootstrap(release: str, site: str) -> None:
    unfinished = FOLDER / f"{release}.new"
    # What a broken attempt has left mounted there is not its own.
    output_of(["rm", "-rf", "--one-file-system", str(unfinished)], _BUILD_LIMIT_S)
    unfinished.mkdir(parents=True)
    options = ["--variant=minbase", f"--include={INCLUDED}"]
    output_of(["debootstrap", *options, release, str(unfinished), site], _BUILD_LIMIT_S, "is there a network?")
    unfinished.rename(FOLDER / release)


class Machine:
    """A Debian that runs, with systemd as its first process."""

    def __init__(self, release: str, leader: int) -> None:
        self.release = release
        self._leader = leader

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """A command as root in it: what it said, whatever its exit code."""
        inside = ["nsenter", "--target", str(self._leader), "--all", "--", *command]
        environment = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"}
        return subprocess.run(
            inside,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_RUN_LIMIT_S,
            check=False,
        )

    def must(self, *command: str) -> str:
        """What a command says that has to succeed."""
        done = self.run(*command)
        assert done.returncode == 0, done.stdout
        return done.stdout.strip()

    def shell(self, line: str) -> str:
        """What a line of shell says that has to succeed."""
        return self.must("sh", "-euc", line)

    def exists(self, path: str) -> bool:
        """Whether there is such a file, folder or link, wherever it leads."""
        return self.run("sh", "-c", f'test -e "{path}" || test -L "{path}"').returncode == 0


@contextmanager
def booted(release: str, media: Path) -> Iterator[Machine]:
    """One that has just been installed, without a network; the folder is its /media. What it writes stays in memory."""
    command = [
        "setpriv",
        "--pdeathsig",
        "TERM",
        "systemd-nspawn",
        "--quiet",
        "--register=no",
        "--keep-unit",
        "--private-network",
        "--volatile=overlay",
    ]
    command += ["--console=pipe", f"--bind-ro={media}:/media", f"--directory={FOLDER / release}", "--boot"]
    # Debian 13's systemd refuses the older kind of control groups, which the host may have.
    environment = {**os.environ, "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"}
    said = media.with_name(f"{media.name}.console")
    with said.open("wb") as console:
        container = subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=console, stderr=subprocess.STDOUT
        )
        try:
            machine = Machine(release, _leader(container, said))
            machine.must("systemctl", "is-system-running", "--wait")
            yield machine
        finally:
            container.terminate()
            try:
                container.wait(_STOP_LIMIT_S)
            except subprocess.TimeoutExpired:
                container.kill()
                container.wait()


def _leader(container: "subprocess.Popen[bytes]", said: Path) -> int:
    """The first process of the machine, as soon as systemd answers there."""
    children = Path(f"/proc/{container.pid}/task/{container.pid}/children")
    deadline = time.monotonic() + _BOOT_LIMIT_S
    while time.monotonic() < deadline and container.poll() is None:
        leaders = [int(each) for each in children.read_text().split()]
        if leaders and _is_up(Path(f"/proc/{leaders[0]}/root")):
            return leaders[0]
        time.sleep(0.1)
    raise ToolsError(f"systemd-nspawn did not boot: {said.read_text(errors='replace').strip() or 'it said nothing'}")


def _is_up(root: Path) -> bool:
    try:
        return root.stat().st_dev != Path("/").stat().st_dev and (root / "run/systemd/private").exists()
    except OSError:  # it ends, or has not begun
        return False
