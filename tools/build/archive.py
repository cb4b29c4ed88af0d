"""Archives whose bytes depend on their content alone."""

import hashlib
import os
import shutil
import zipfile
from collections.abc import Mapping
from pathlib import Path

# The first moment that a zip can name: the same in every time zone and every clone.
_NO_TIME = (1980, 1, 1, 0, 0, 0)
_FILE_MODE = 0o100644
_CHUNK_BYTES = 1 << 20
_PACKED_ALREADY = frozenset({".whl", ".xz"})


def write_archive(target: Path, members: Mapping[str, Path | bytes]) -> None:
    """Write a zip with each member's name and its bytes or the file they come from, in the order of the names.

    Raises:
        OSError: when a file cannot be read or the archive not written.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in sorted(members):
            entry = zipfile.ZipInfo(name, _NO_TIME)
            member = members[name]
            packed = isinstance(member, Path) and member.suffix in _PACKED_ALREADY
            entry.compress_type = zipfile.ZIP_STORED if packed else zipfile.ZIP_DEFLATED
            entry.external_attr = _FILE_MODE << 16
            entry.create_system = 3  # Unix, wherever it is built
            if isinstance(member, bytes):
                archive.writestr(entry, member)
                continue
            entry.file_size = member.stat().st_size
            with member.open("rb") as source, archive.open(entry, "w") as packing:
                shutil.copyfileobj(source, packing, _CHUNK_BYTES)


def tree(folder: Path, prefix: str, *, suffixes: frozenset[str] | None = None) -> dict[str, Path]:
    """Every file below a folder as an archive member below `prefix`; caches are left out."""
    return {
        f"{prefix}/{path.relative_to(folder).as_posix()}": path
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts and (suffixes is None or path.suffix in suffixes)
    }


def file_digest(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def link_or_copy(source: Path | str, target: Path | str) -> Path | str:
    """The same file under another name, which costs nothing where links are possible; a copy elsewhere."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
    return target
