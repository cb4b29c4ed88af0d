"""A device of the emulation: its operating system's Python, run by qemu, without root and without a container."""

import os
import shlex
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from measure.emulation.debian import Release, unpack
from tools.command_line import Say
from tools.setup import ToolsError, alone

TOOLS: Final = ("qemu-aarch64", "python3")
# LiteRT ends with a segmentation fault under the qemu 7.2 of Debian 12.
_QEMU_RELEASE: Final = "trixie"
_WRAPPER_MODE: Final = 0o755


@dataclass(frozen=True, slots=True)
class System:
    """An operating system that the suite supports."""

    name: str
    codename: str
    python: str
    extra: tuple[str, ...]
    """Debian's packages that Raspberry Pi's picamera2 stands on."""
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
class Machine:
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
        """What a program of the machine prints. Raises ToolsError with its last words."""
        try:
            done = subprocess.run(  # noqa: S603
                command, env=self.environment(**more), capture_output=True, text=True, timeout=limit_s, check=False
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise ToolsError(f"{self.system.name}: {command[0]} failed ({error})") from error
        if done.returncode != 0:
            said = (done.stderr.strip() or done.stdout.strip() or "no output").splitlines()[-1]
            raise ToolsError(f"{self.system.name}: {' '.join(command[:3])} ended with {done.returncode}: {said}")
        return done.stdout


def set_up(system: System, folder: Path, say: Say) -> Machine:
    """The machine below a folder, unpacked once. Raises ToolsError."""
    folder.mkdir(parents=True, exist_ok=True)
    qemu = _qemu(folder, say)
    packages = (f"python{system.python}", "libstdc++6", *system.extra)
    root = unpack(Release(system.codename, "arm64"), packages, folder / system.name, say)
    programs = folder / system.name / "bin"
    programs.mkdir(exist_ok=True)
    wrapper = programs / "python3"
    wrapper.write_text(_wrapper(qemu, root, root / "usr" / "bin" / f"python{system.python}"))
    wrapper.chmod(_WRAPPER_MODE)
    return Machine(system, root, qemu, programs)


def set_up_alone(system: System, tree: Path, say: Say) -> Machine:
    """The machine in a work tree's tools; a second caller waits for the first. Raises ToolsError."""
    with alone(tree):
        return set_up(system, tree / ".tools" / "emulation", say)


def _qemu(folder: Path, say: Say) -> Path:
    """The emulator alone: the package holds one for each of fifty processors."""
    qemu = folder / "qemu-aarch64"
    if not qemu.is_file():
        unpacked = unpack(Release(_QEMU_RELEASE, _own_architecture()), ("qemu-user",), folder / "qemu", say)
        kept = qemu.with_suffix(".new")
        shutil.copy2(unpacked / "usr" / "bin" / "qemu-aarch64", kept)
        kept.replace(qemu)
        shutil.rmtree(folder / "qemu")
    return qemu


def _own_architecture() -> str:
    try:
        named = subprocess.run(
            ("dpkg", "--print-architecture"),  # noqa: S607
            capture_output=True, text=True, timeout=20, check=True,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError) as error:
        raise ToolsError(f"the emulation is put together from Debian's packages: dpkg failed ({error})") from error
    return named.stdout.strip()


def _wrapper(qemu: Path, root: Path, python: Path) -> str:
    """A script that is the machine's `python3`.

    The kernel cannot start the interpreter of a virtual environment, a link to the machine's Python: it is replaced
    by a script that tells Python where it would have been started from.
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
