"""A device of the emulation: its operating system's Python, run by qemu, without root and without a container."""

import os
import shlex
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from measure.emulation.debian import DebianRelease, unpack
from standins.programs import output_of
from tools.command_line import Say
from tools.setup import ToolsError, alone

# LiteRT ends with a segmentation fault under the qemu 7.2 of Debian 12.
_QEMU_RELEASE: Final = "trixie"
_WRAPPER_MODE: Final = 0o755
_DPKG_LIMIT_S: Final = 20.0


@dataclass(frozen=True, slots=True)
class System:
    """An operating system that the suite supports."""

    name: str
    codename: str
    python: str
    extra: tuple[str, ...]
    """Debian's packages that Raspberry Pi's picamera2 needs."""
    stand_ins: tuple[str, ...]
    """Modules of Raspberry Pi's archive that are imported with it, and that Debian does not have."""

    @property
    def lock(self) -> str:
        """The Python as the lock files name it: `py311`."""
        return "py" + self.python.replace(".", "")


_PICAMERA: Final = ("python3-numpy", "python3-pil", "python3-piexif", "python3-prctl")
_ARCHIVE_ONLY: Final = ("pykms", "pidng", "pidng.core", "pidng.camdefs")
DEBIAN_12: Final = System("debian12", "bookworm", "3.11", _PICAMERA, ("libcamera", *_ARCHIVE_ONLY))
DEBIAN_13: Final = System("debian13", "trixie", "3.13", ("python3-libcamera", *_PICAMERA), _ARCHIVE_ONLY)
SYSTEMS: Final = (DEBIAN_12, DEBIAN_13)


@dataclass(frozen=True, slots=True)
class EmulatedMachine:
    """A system that is unpacked, and a folder whose `python3` runs its Python."""

    system: System
    root: Path
    qemu: Path
    bin: Path

    def environment(self, **more: str) -> Mapping[str, str]:
        """What programs get: the machine's `python3` first, and no network for pip."""
        inherited = {key: value for key, value in os.environ.items() if not key.startswith(("PIP_", "PYTHON"))}
        path = f"{self.bin}{os.pathsep}{inherited.get('PATH', os.defpath)}"
        closed = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9")
        return {**inherited, **closed, "PATH": path, "PIP_CONFIG_FILE": os.devnull, "PYTHONNOUSERSITE": "1", **more}

    def run(self, command: Sequence[str], limit_s: float, **more: str) -> str:
        """What a program of the machine prints. Raises ToolsError with its last line."""
        try:
            return output_of(command, limit_s, environment=self.environment(**more))
        except ToolsError as error:
            raise ToolsError(f"{self.system.name}: {' '.join(command[:3])}: {error}") from error


def set_up(system: System, tree: Path, say: Say) -> EmulatedMachine:
    """The machine in a work tree's tools, unpacked once; a second caller waits for the first. Raises ToolsError."""
    folder = tree / ".tools" / "emulation"
    with alone(tree):
        folder.mkdir(parents=True, exist_ok=True)
        qemu = _qemu(folder, say)
        packages = (f"python{system.python}", "libstdc++6", *system.extra)
        root = unpack(DebianRelease(system.codename, "arm64"), packages, folder / system.name, say)
        programs = folder / system.name / "bin"
        programs.mkdir(exist_ok=True)
        wrapper = programs / "python3"
        wrapper.write_text(_wrapper(qemu, root, root / "usr" / "bin" / f"python{system.python}"))
        wrapper.chmod(_WRAPPER_MODE)
    return EmulatedMachine(system, root, qemu, programs)


def _qemu(folder: Path, say: Say) -> Path:
    """The emulator alone: the package holds one for each of fifty processors."""
    qemu = folder / "qemu-aarch64"
    if not qemu.is_file():
        architecture = output_of(("dpkg", "--print-architecture"), _DPKG_LIMIT_S).strip()
        unpacked = unpack(DebianRelease(_QEMU_RELEASE, architecture), ("qemu-user",), folder / "qemu", say)
        kept = qemu.with_suffix(".new")
        shutil.copy2(unpacked / "usr" / "bin" / "qemu-aarch64", kept)
        kept.replace(qemu)
        shutil.rmtree(folder / "qemu")
    return qemu


def _wrapper(qemu: Path, root: Path, python: Path) -> str:
    """A script that is the machine's `python3`.

    The kernel cannot start the interpreter of a virtual environment, a link to the machine's Python: it is replaced
    by a script that gives Python the path that it would have been started from.
    """
    emulator, real = shlex.quote(f"{qemu}"), shlex.quote(f"{python}")
    start = f"{emulator} -L {shlex.quote(str(root))} -0"
    return f"""#!/bin/sh
[ "${{1-}} ${{2-}}" = "-m venv" ] || exec {start} {real} {real} "$@"
{start} {real} {real} "$@" || exit $?
for folder; do :; done
rm -f "$folder"/bin/python*
printf '%s\\n' '#!/bin/sh' 'exec {start} "$0" {real} "$@"' > "$folder/bin/python"
chmod 755 "$folder/bin/python"
"""
