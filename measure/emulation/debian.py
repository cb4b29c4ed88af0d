"""Debian's packages of any release and architecture, unpacked into a folder and not installed.

apt works on lists, a status and a cache of our own, so that it needs no root and changes nothing on the machine.
Where packages come from (a mirror, a proxy) is the machine's own configuration of apt; on a machine that is not Debian,
the variable `SMARTCAM_DEBIAN` names it.
"""

import hashlib
import os
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from standins.programs import output_of, require
from tools.command_line import Say
from tools.setup import ToolsError

SITE_VARIABLE: Final = "SMARTCAM_DEBIAN"
_DEBIAN: Final = re.compile(r"^Debian main (\S+)$", re.MULTILINE)
_KEYS: Final = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_STAMP: Final = ".unpacked"
_LIMIT_S: Final = 600.0
_FETCHED: Final = re.compile(r"^'([^']+)' (\S+\.deb) ", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class DebianRelease:
    """A release of Debian for one architecture."""

    codename: str
    architecture: str


def unpack(release: DebianRelease, packages: Sequence[str], folder: Path, say: Say) -> Path:
    """The packages and all that they depend on, unpacked below the folder once; returns their root.

    A name ending in `-` is left out. Raises ToolsError.
    """
    root = folder / "root"
    stamp = folder / _STAMP
    wanted = hashlib.sha256(repr((release, tuple(packages))).encode()).hexdigest()
    if stamp.is_file() and stamp.read_text() == wanted:
        return root
    require(("apt-get", "dpkg-deb"), "the emulation is put together from Debian's packages")
    if not _KEYS.is_file():
        raise ToolsError(f"{_KEYS} is missing; remedy: apt-get install debian-archive-keyring")
    shutil.rmtree(folder, ignore_errors=True)
    say(f"unpacking {', '.join(packages)} of Debian {release.codename} for {release.architecture}")
    options = _private_state(release, folder)
    _run(("apt-get", *options, "--quiet", "update"))
    names = _download(options, packages, folder)
    for name in names:
        _run(("dpkg-deb", "--extract", str(folder / "cache" / "archives" / name), str(root)))
    _join_lib(root)
    for leftover in ("state", "cache"):
        shutil.rmtree(folder / leftover)
    stamp.write_text(wanted)
    return root


def _private_state(release: DebianRelease, folder: Path) -> tuple[str, ...]:
    for place in ("state/lists/partial", "cache/archives/partial"):
        (folder / place).mkdir(parents=True)
    status, sources = folder / "state" / "status", folder / "state" / "sources.list"
    status.write_text("")
    sources.write_text(f"deb [signed-by={_KEYS}] {package_site()} {release.codename} main\n")
    settings = {
        "APT::Architecture": release.architecture,
        "APT::Architectures": release.architecture,
        "APT::Install-Recommends": "false",
        "Acquire::Retries": "3",
        "Acquire::Languages": "none",
        "Dir::State": f"{folder}/state",
        "Dir::State::status": str(status),
        "Dir::State::lists": f"{folder}/state/lists",
        "Dir::Cache": f"{folder}/cache",
        "Dir::Etc::sourcelist": str(sources),
        "Dir::Etc::sourceparts": "-",
        "Debug::NoLocking": "true",
    }
    if os.geteuid() == 0:
        settings["APT::Sandbox::User"] = "root"
    return tuple(part for key, value in settings.items() for part in ("-o", f"{key}={value}"))


def package_site() -> str:
    """Where this machine gets Debian's packages from."""
    chosen = os.environ.get(SITE_VARIABLE)
    if chosen:
        return chosen
    found = _listed_site()
    if found is None and os.geteuid() == 0:
        _run(("apt-get", "--quiet", "update"))  # a new machine has no lists yet
        found = _listed_site()
    if found is None:
        remedy = f"remedy: apt-get update, or the address of a mirror in {SITE_VARIABLE}"
        raise ToolsError(f"apt has no list of Debian's packages; {remedy}")
    return found


def _listed_site() -> str | None:
    form = "$(ORIGIN) $(COMPONENT) $(SITE)"
    found = _DEBIAN.search(_run(("apt-get", "indextargets", "--format", form, "Created-By: Packages")))
    return found[1] if found else None


def _download(options: Sequence[str], packages: Sequence[str], folder: Path) -> list[str]:
    """Fetch what apt would install on an empty system; apt checks every hash against the signed lists."""
    listed = _run(("apt-get", *options, "-qq", "--print-uris", "install", *packages))
    names = [name for _, name in _FETCHED.findall(listed)]
    if not names:
        raise ToolsError(f"Debian has nothing to fetch for {', '.join(packages)}")
    _run(("apt-get", *options, "-qq", "--yes", "--download-only", "install", *packages))
    missing = [name for name in names if not (folder / "cache" / "archives" / name).is_file()]
    if missing:
        raise ToolsError(f"apt did not fetch {missing[0]}")
    return names


def _join_lib(root: Path) -> None:
    """Debian's `/lib` is a link to `/usr/lib`, which a separate package creates at installation."""
    for name in ("lib", "lib64", "bin", "sbin"):
        place, real = root / name, root / "usr" / name
        if place.is_dir() and not place.is_symlink():
            shutil.copytree(place, real, symlinks=True, dirs_exist_ok=True)
            shutil.rmtree(place)
        if real.is_dir() and not place.exists():
            place.symlink_to(f"usr/{name}")


def _run(command: Sequence[str]) -> str:
    environment = {**os.environ, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}
    return output_of(command, _LIMIT_S, "connect to the network once and try again", environment=environment)
