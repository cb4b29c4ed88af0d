"""What travels: our training code to the service, and what it made back, of which nothing is believed."""

import gzip
import io
import tarfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from smartcam.edge.files import replace_file
from smartcam.model.bundle import ModelBundle
from tools.command_line import ROOT
from tools.train.job import BUNDLE, MADE, PROGRAM, REPORT
from training.errors import TrainingError

_CODE: Final = ("components/smartcam", "training", "tools")
_ENCODER: Final = "training/bundles"
_REQUIREMENTS: Final = ROOT / "requirements/training.in"
_INSTALLED: Final = ("ai-edge-litert", "av", "cryptography", "opencv-python-headless")
"""What the image does not have."""
_NUMPY: Final = "numpy>=2.0,<2.2"
"""What the image's TensorFlow and OpenCV both take."""
_LARGEST_FILE: Final = 64 << 20
MOST_BYTES: Final = 128 << 20
_MOST_BESIDES: Final = 1 << 20
"""Bytes of an archive that are no file's."""
_MOST_MEMBERS: Final = 100


def source_archive() -> bytes:
    """Our code as script mode takes it: the entry point and requirements.txt on top. The same code, the same bytes."""
    into = io.BytesIO()
    with tarfile.open(fileobj=into, mode="w:gz", compresslevel=6) as archive:
        for name, content in _sources():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return into.getvalue()


def _sources() -> Iterator[tuple[str, bytes]]:
    yield PROGRAM, (ROOT / "tools/train/in_service.py").read_bytes()
    pins = [line for line in _REQUIREMENTS.read_text().splitlines() if line.partition("==")[0] in _INSTALLED]
    yield "requirements.txt", "\n".join([*pins, _NUMPY, ""]).encode()
    files = [path for folder in _CODE for path in (ROOT / folder).rglob("*.py")]
    files += [path for path in (ROOT / _ENCODER).rglob("*") if path.is_file() and path.suffix != ".keras"]
    for path in sorted(files):
        yield str(path.relative_to(ROOT)), path.read_bytes()


def unpack(archive: Path, bundle: Path, report: Path) -> ModelBundle:
    """Takes the bundle and the report out of what a job made.

    Only the names that a job has are taken, into folders that we name: no path of the archive is followed.

    Raises:
        TrainingError: it is no such archive, or larger than any model of ours.
        ModelIntegrityError: what it holds is no bundle.
        OSError: it cannot be written.
    """
    try:
        with tarfile.open(fileobj=io.BytesIO(_unzipped(archive)), mode="r:") as opened:
            taken = dict(_taken(opened))
    except (tarfile.TarError, EOFError, ValueError, zlib.error, gzip.BadGzipFile) as error:
        raise TrainingError(f"what the job made cannot be unpacked ({error}); nothing was kept") from error
    _write(taken, BUNDLE, bundle)
    opens = ModelBundle.open(bundle)
    _write(taken, REPORT, report)
    return opens


def _unzipped(archive: Path) -> bytes:
    """All of it before anything is believed: the header of a member may be as long as it likes."""
    with gzip.open(archive) as packed:
        content = packed.read(MOST_BYTES + _MOST_BESIDES + 1)
    if len(content) > MOST_BYTES + _MOST_BESIDES:
        raise TrainingError("what the job made is larger than any model of ours; nothing was kept")
    return content


def _write(taken: Mapping[str, bytes], kind: str, folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name, content in taken.items():
        if name.startswith(f"{kind}/"):
            replace_file(folder / name.removeprefix(f"{kind}/"), content)


def _taken(opened: tarfile.TarFile) -> Iterator[tuple[str, bytes]]:
    total = 0
    for number, member in enumerate(opened):
        total += member.size
        if number >= _MOST_MEMBERS or not 0 <= member.size <= _LARGEST_FILE or total > MOST_BYTES:
            raise TrainingError(
                f"what the job made is larger than any model of ours ({member.name!r}); nothing was kept"
            )
        name = member.name.removeprefix("./")
        file = opened.extractfile(member) if name in MADE and member.isreg() else None
        if file is not None:
            yield name, file.read()
