"""What is packed: models of PyTorch, what a training job made, and detections of earlier runs."""

import gzip
import hashlib
import io
import shutil
import zipfile
from typing import Final

from measure.fuzz.places import file_with
from measure.fuzz.target import FuzzTarget, decoding
from smartcam.contract.errors import ModelIntegrityError
from tools.bundle.torch_file import members_of
from tools.score.detections import read_store
from tools.train.packed import unpack
from training.errors import TrainingError

_BLOCK: Final = 512
_MARK, _SUM = slice(257, 262), slice(148, 156)
"""Where a header of tar says that it is one, and the sum of its bytes."""
_ARRAYS: Final = ("numbers", "region_counts", "regions", "counts", "boxes", "scores", "labels")
_BETWEEN: Final = b"\n|\n"


def _summed(archive: bytes) -> bytes:
    """The archive with the right sums in its headers, without which nothing in it is looked at."""
    content = bytearray(archive)
    for at in range(0, len(content) - _BLOCK + 1, _BLOCK):
        header = content[at : at + _BLOCK]
        if header[_MARK] == b"ustar":
            header[_SUM] = b" " * 8
            header[_SUM] = b"%06o\0 " % sum(header)
            content[at : at + _BLOCK] = header
    return bytes(content)


def _trained(data: bytes) -> object:
    """Zipped here; what begins with ! is taken as it is."""
    content = data[1:] if data.startswith(b"!") else gzip.compress(_summed(data), 1, mtime=0)
    archive = file_with("job/model.tar.gz", content)
    try:
        return unpack(archive, archive.with_name("bundle"), archive.with_name("report"))
    finally:
        for made in ("bundle", "report"):
            shutil.rmtree(archive.with_name(made), ignore_errors=True)


def _detections(data: bytes) -> object:
    """The bytes of each array's file, one behind the other; what begins with ! is the archive, with ? the file."""
    if data.startswith(b"?"):
        return read_store(file_with("clip.detections", data[1:]), ())
    if data.startswith(b"!"):
        content = data[1:]
    else:
        held = io.BytesIO()
        with zipfile.ZipFile(held, "w") as archive:
            for name, array in zip(_ARRAYS, data.split(_BETWEEN), strict=False):
                archive.writestr(f"{name}.npy", array)
        content = held.getvalue()
    return read_store(file_with("clip.detections", hashlib.sha256(content).digest() + content), ("person", "car"))


TARGETS: Final = {
    "torch-file": FuzzTarget(decoding(members_of, ()), ("tools.bundle.torch_file:members_of",)),
    "trained": FuzzTarget(
        decoding(_trained, (TrainingError, ModelIntegrityError)),
        ("tools.train.packed:unpack", "tools.train.packed:_unzipped", "tools.train.packed:_taken",
         "tools.train.packed:_write"),
    ),
    "detections": FuzzTarget(
        decoding(_detections, ()), ("tools.score.detections:read_store", "tools.score.detections:_unpacked")
    ),
}  # fmt: skip
