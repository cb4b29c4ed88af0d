"""Wheels without the files that no component uses, and packed tightly: a device loads less and its card holds less.

What comes out is still a wheel under the same name, with its own list of files; pip checks its hash on the device.
"""

import csv
import hashlib
import io
import lzma
import os
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

from tools.build.archive import file_digest
from tools.build.wheels import identity
from tools.command_line import Say

UNUSED: Final = frozenset({"ml-dtypes"})
"""Packages that others name and that nothing on a device imports."""
INSTALLER: Final = "pip"
"""Runs from its wheel, and is not installed."""
LEFT_OUT: Final[Mapping[str, tuple[str, ...]]] = {
    # The model runs on the processor; the rest is for GPUs, and for preparing models for other chips.
    "ai-edge-litert": (
        "ai_edge_litert/libLiteRtWebGpuAccelerator.so",
        "ai_edge_litert/tools/*",
        "ai_edge_litert/vendors/*",
    ),
    "numpy": ("*/tests/*", "*.pyi", "*.h", "*.a"),
    # Its Python module has the whole runtime in it; the rest is for C, and for making models.
    "onnxruntime": (
        "onnxruntime/capi/libonnxruntime.so*",
        *(f"onnxruntime/{folder}/*" for folder in ("backend", "datasets", "quantization", "tools", "transformers")),
    ),
    "opencv-python-headless": ("cv2/data/*.xml", "*.pyi"),
}
"""Per package the files that are for developers, or for hardware that the suite does not use."""
DENSE: Final = 4
"""xz's preset for what is delivered: 6 takes half as long again for 3 % less."""
_RULES: Final = repr((sorted(UNUSED), sorted(LEFT_OUT.items()))).encode()
_STORED: Final = (1980, 1, 1, 0, 0, 0)
_CHUNK_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True, order=True)
class SlimWheel:
    """A package as the Runtime carries it: `<wheel>.xz`, and the SHA-256 of the wheel in it."""

    package: str
    version: str
    file: Path
    digest: str

    @property
    def requirement(self) -> str:
        """The line by which pip installs this wheel and no other, and the file's name; of pip itself only that."""
        line = "" if self.package == INSTALLER else f"{self.package}=={self.version} --hash=sha256:{self.digest} "
        return f"{line}# {self.file.stem}"


def packages_id(locks: Sequence[Path]) -> str:
    """Identifies a set of packages: components wait for exactly the set that they were built for."""
    return hashlib.sha256(b"".join(lock.read_bytes() for lock in locks) + _RULES).hexdigest()[:12]


def slim_all(wheels: Sequence[Path], folder: Path, say: Say, density: int = DENSE) -> tuple[SlimWheel, ...]:
    """Every wheel that is used, slim; what an earlier build left in the folder is reused.

    `density` is xz's preset. Raises OSError.
    """
    used = [wheel for wheel in wheels if identity(wheel)[0] not in UNUSED]
    if any(_kept(wheel, folder, density) is None for wheel in used):
        say(f"{wheels[0].parent.name}: packing {len(used)} packages (a minute or two, once)")
    with ThreadPoolExecutor(os.cpu_count()) as beside:
        return tuple(sorted(beside.map(lambda wheel: slim(wheel, folder, density), used)))


def slim(wheel: Path, folder: Path, density: int = DENSE) -> SlimWheel:
    """One wheel, slim. Raises OSError."""
    if kept := _kept(wheel, folder, density):
        return kept
    package, version = identity(wheel)
    target = _target(wheel, folder, density)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as beside:
        loose, packed = Path(beside, "loose"), Path(beside, "packed")
        _rewrite(wheel, loose, LEFT_OUT.get(package, ()))
        digest = file_digest(loose)
        with loose.open("rb") as source, lzma.open(packed, "wb", preset=density) as sink:
            while chunk := source.read(_CHUNK_BYTES):
                sink.write(chunk)
        packed.replace(target)
        Path(beside, "digest").write_text(digest)
        Path(beside, "digest").replace(_beside(target))
    return SlimWheel(package, version, target, digest)


def _kept(wheel: Path, folder: Path, density: int) -> SlimWheel | None:
    target = _target(wheel, folder, density)
    if not (target.is_file() and _beside(target).is_file()):
        return None
    return SlimWheel(*identity(wheel), target, _beside(target).read_text())


def _target(wheel: Path, folder: Path, density: int) -> Path:
    """Named by everything that it depends on."""
    key = hashlib.sha256(
        bytes.fromhex(file_digest(wheel)) + _RULES + Path(__file__).read_bytes() + bytes([density])
    ).hexdigest()[:16]
    return folder / key / f"{wheel.name}.xz"


def _beside(target: Path) -> Path:
    return target.with_name("digest")


def _rewrite(wheel: Path, target: Path, patterns: Sequence[str]) -> None:
    """The wheel without the files of these patterns, stored without compression; its list of files follows."""
    with zipfile.ZipFile(wheel) as source, zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as sink:
        for entry in sorted(source.infolist(), key=lambda each: each.filename):
            if _matches(entry.filename, patterns) or entry.is_dir():
                continue
            content = source.read(entry)
            if entry.filename.endswith(".dist-info/RECORD"):
                content = _shortened(content, patterns)
            made = zipfile.ZipInfo(entry.filename, _STORED)
            made.external_attr = entry.external_attr
            made.create_system = entry.create_system
            sink.writestr(made, content)


def _shortened(record: bytes, patterns: Sequence[str]) -> bytes:
    rows = [row for row in csv.reader(io.StringIO(record.decode())) if row and not _matches(row[0], patterns)]
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


def _matches(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
