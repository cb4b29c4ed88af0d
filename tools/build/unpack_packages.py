"""Unpacks a part of the archive that contains this file: `python3 PACKAGES_ZIP requirements|doctor|wheels FOLDER`.

Of the wheels, only those for the Python that runs this. It runs on a device, with nothing but Python itself.
"""

import lzma
import shutil
import sys
import zipfile
from pathlib import Path

CHUNK_BYTES = 1 << 20


def unpack(archive: zipfile.ZipFile, part: str, folder: Path) -> None:
    """Write `<folder>/<part>/...`; of the wheels only `<python>.txt` and those that it names."""
    names = archive.namelist()
    if part != "wheels":
        archive.extractall(folder, [name for name in names if name.startswith(f"{part}/")])
        return
    own = "wheels/py{}{}.txt".format(*sys.version_info)
    if own not in names:
        return
    archive.extract(own, folder)
    for line in archive.read(own).decode().splitlines():
        name = line.rpartition("# ")[2]
        target = folder / "wheels" / name
        with archive.open(f"wheels/{name}.xz") as packed, lzma.open(packed) as source, target.open("wb") as sink:
            shutil.copyfileobj(source, sink, CHUNK_BYTES)


if __name__ == "__main__":
    with zipfile.ZipFile(sys.argv[0]) as itself:
        unpack(itself, sys.argv[1], Path(sys.argv[2]))
