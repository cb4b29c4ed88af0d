"""Debian's packages, unpacked into a folder of the project: it needs no root and changes nothing on the machine.

Standard library only.
"""

import os
import platform
import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from standins.programs import output_of, require
from tools.setup import ToolsError

_STAMP: Final = ".installed"
_LIMIT_S: Final = 300.0
_PLANNED: Final = re.compile(r"^Inst (\S+) (?:\[\S+\] )?\((\S+)", re.MULTILINE)
"""As in `Inst libflac12 [the version before] (1.4.2+ds-2 Debian:12.15/oldstable [amd64])`."""


@dataclass(frozen=True, slots=True)
class Apt:
    """Runs apt's programs in `folder`. What is wanted is `purpose`, by which errors call it."""

    folder: Path
    purpose: str
    options: tuple[str, ...] = ()

    def __call__(self, program: str, *arguments: str) -> str:
        """What apt-get or apt-cache prints. Raises ToolsError."""
        return self.run((program, *self.options, *arguments))

    def run(self, command: Sequence[str]) -> str:
        """What any program prints. Raises ToolsError."""
        remedy = f"connect to the network once and try again ({self.purpose} comes from Debian's packages)"
        return output_of(command, _LIMIT_S, remedy, self.folder)


Choose = Callable[[Apt], Sequence[str]]
"""The packages to unpack, as `apt-get download` takes them."""


def unpack_once(folder: Path, purpose: str, wanted: str, choose: Choose, finish: Callable[[], object]) -> None:
    """Unpack the packages into `folder`/root, then `finish`; nothing is done where that was done before.

    `wanted` says all that the result depends on. Half an installation is begun anew. Raises ToolsError.
    """
    wanted = f"{_release()} {platform.machine()} {wanted}\n"
    stamp = folder / _STAMP
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted:
        return
    if folder.exists():
        shutil.rmtree(folder)
    require(("apt-get", "apt-cache", "dpkg-deb"), f"{purpose} is unpacked from Debian's packages")
    _unpack(folder, purpose, choose)
    finish()
    stamp.write_text(wanted, encoding="utf-8")


def first_known(packages: Sequence[Sequence[str]]) -> Choose:
    """Of each package the first of its names that there is."""

    def choose(apt: Apt) -> list[str]:
        known = set(apt("apt-cache", "pkgnames").split())
        return [next((name for name in names if name in known), names[-1]) for names in packages]

    return choose


def with_what_it_needs(package: str) -> Choose:
    """The package, and all that it needs and the machine has not, in the versions that fit each other."""

    def choose(apt: Apt) -> list[str]:
        plan = apt("apt-get", "--simulate", "--no-install-recommends", "install", package)
        return [f"{name}={version}" for name, version in _PLANNED.findall(plan)]

    return choose


def _unpack(folder: Path, purpose: str, choose: Choose) -> None:
    archives = folder / "archives"
    archives.mkdir(parents=True)
    apt = Apt(archives, purpose, ("-o", "APT::Sandbox::User=root") if os.geteuid() == 0 else ())
    try:
        _download(apt, choose)
    except ToolsError:
        # No lists of packages, or old ones: fresh ones, in our own folder.
        ours = ("-o", f"Dir::State::lists={folder}/lists", "-o", f"Dir::Cache={folder}/cache")
        apt = replace(apt, options=(*apt.options, *ours))
        (folder / "lists" / "partial").mkdir(parents=True)
        (folder / "cache" / "archives" / "partial").mkdir(parents=True)
        apt("apt-get", "update")
        _download(apt, choose)
    for archive in sorted(archives.glob("*.deb")):
        apt.run(("dpkg-deb", "--extract", str(archive), str(folder / "root")))
    for leftover in ("archives", "lists", "cache"):
        shutil.rmtree(folder / leftover, ignore_errors=True)


def _download(apt: Apt, choose: Choose) -> None:
    apt("apt-get", "--quiet", "download", *choose(apt))


def _release() -> str:
    try:
        return platform.freedesktop_os_release().get("VERSION_CODENAME", "")
    except OSError:
        return ""
