"""Files for decoders that read one: a folder of this process, gone when it ends."""

import tempfile
from functools import cache
from pathlib import Path


@cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="smartcam-fuzz-")


def file_with(name: str, content: bytes) -> Path:
    """The file of this name, which holds the content now; its owner alone may read it."""
    path = Path(_folder().name) / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    path.chmod(0o600)
    return path
