"""The packages of a device, as wheels with their hashes checked: fetched once, kept, and offered to the Runtime."""

import re
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from smartcam.contract.errors import SmartcamError
from tools.build.archive import file_digest
from tools.command_line import Say

# The machine's own name for its architecture -> Greengrass's.
ARCHITECTURES: Final[Mapping[str, str]] = {"aarch64": "aarch64", "x86_64": "amd64"}
PYTHONS: Final = ("py311", "py313")
# Debian 12 has glibc 2.36, and what runs there runs on Debian 13.
_GLIBC: Final = (5, 12, 17, 24, 26, 27, 28, 31, 34, 35, 36)
_LOCKED: Final = re.compile(r"^([A-Za-z0-9._-]+)==([^\s\\]+)")
_HASH: Final = re.compile(r"--hash=sha256:([0-9a-f]{64})")
_DOWNLOAD_LIMIT_S: Final = 900.0


class WheelError(SmartcamError):
    """Packages that cannot be fetched, or are not what the lock file says."""


@dataclass(frozen=True, slots=True, order=True)
class Platform:
    """A kind of device: `linux-aarch64-py311`."""

    architecture: str
    python: str

    def __str__(self) -> str:
        return f"linux-{self.architecture}-{self.python}"

    def pip_options(self) -> list[str]:
        """What makes pip choose for this platform instead of for its own."""
        tags = [f"manylinux_2_{minor}_{self.architecture}" for minor in _GLIBC]
        tags += [f"{name}_{self.architecture}" for name in ("manylinux1", "manylinux2010", "manylinux2014", "linux")]
        version = self.python.removeprefix("py")
        options = ["--implementation", "cp", "--python-version", f"{version[0]}.{version[1:]}"]
        options += [part for abi in (f"cp{version}", "abi3", "none") for part in ("--abi", abi)]
        return options + [part for tag in tags for part in ("--platform", tag)]


PLATFORMS: Final = tuple(Platform(architecture, python) for architecture in ARCHITECTURES for python in PYTHONS)


def parse_platform(text: str) -> Platform:
    """Raises WheelError for a platform without locked packages."""
    for platform in PLATFORMS:
        if str(platform) == text:
            return platform
    raise WheelError(f"{text}: is not a platform of the suite; choose from {', '.join(map(str, PLATFORMS))}")


@dataclass(frozen=True, slots=True)
class Locked:
    """One package of a lock file."""

    name: str
    version: str
    hashes: frozenset[str]


def read_lock(file: Path) -> tuple[Locked, ...]:
    """The packages that a lock file names. Raises WheelError for a line without hashes, OSError."""
    logical = file.read_text().replace("\\\n", " ").splitlines()
    found = []
    for line in logical:
        named = _LOCKED.match(line)
        if named is None:
            continue
        hashes = frozenset(_HASH.findall(line))
        if not hashes:
            raise WheelError(f"{file}: {named[1]} has no hash; write it with requirements/lock")
        found.append(Locked(_plain(named[1]), named[2], hashes))
    return tuple(found)


def fetch(platform: Platform, locks: Sequence[Path], folder: Path, say: Say) -> tuple[Path, ...]:
    """The wheels of the lock files for a platform, from the folder if they are there, else through pip.

    Raises:
        WheelError: when pip cannot get them, or one is not what the lock file says.
        OSError: when the folder cannot be used.
    """
    target = folder / str(platform)
    wanted = [package for lock in locks for package in read_lock(lock)]
    try:
        return _checked(wanted, target)
    except WheelError:
        say(f"{platform}: fetching {len(wanted)} packages, once")
    target.mkdir(parents=True, exist_ok=True)
    for lock in locks:
        _download(platform, lock, target)
    return _checked(wanted, target)


def _download(platform: Platform, lock: Path, target: Path) -> None:
    command = [sys.executable, "-m", "pip", "download", "--disable-pip-version-check", "--quiet", "--no-deps"]
    command += ["--require-hashes", "--only-binary", ":all:", *platform.pip_options()]
    command += ["--dest", str(target), "--requirement", str(lock)]
    try:
        ran = subprocess.run(  # noqa: S603
            command, capture_output=True, text=True, timeout=_DOWNLOAD_LIMIT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise WheelError(f"{platform}: pip could not fetch {lock.name} ({error})") from error
    if ran.returncode:
        said = [line for line in ran.stderr.splitlines() if line.startswith("ERROR")] or ran.stderr.splitlines()
        raise WheelError(f"{platform}: pip could not fetch {lock.name}: {said[-1] if said else 'it gave no reason'}")


def _checked(wanted: Iterable[Locked], folder: Path) -> tuple[Path, ...]:
    """One wheel for each package, its hash as locked. Raises WheelError."""
    there = {identity(path): path for path in sorted(folder.glob("*.whl"))}
    found = []
    for package in wanted:
        path = there.get((package.name, package.version))
        if path is None:
            raise WheelError(f"{folder}: there is no wheel of {package.name} {package.version}")
        if file_digest(path) not in package.hashes:
            raise WheelError(f"{path}: has a SHA-256 that is not in the lock file; remove it and build again")
        found.append(path)
    return tuple(sorted(found))


def identity(wheel: Path) -> tuple[str, str]:
    """A wheel's package, as lock files name it, and version."""
    name, version, *_ = wheel.name.split("-")
    return _plain(name), version


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
