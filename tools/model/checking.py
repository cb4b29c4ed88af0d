"""Whether the files and bundles that are here are the catalogue's."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tools.model.catalogue import CatalogueEntry
from tools.model.errors import CatalogueError
from tools.model.getting import check_bundle_of, fault_of
from tools.model.partial import part_of
from tools.model.progress import amount


@dataclass(frozen=True, slots=True)
class OnShelf:
    """Something of a model that is here, or is not."""

    name: str
    what: str
    right: bool = True

    def __str__(self) -> str:
        """For people."""
        return f"{self.name:18}  {'' if self.right else 'WRONG: '}{self.what}"


def found(entry: CatalogueEntry, downloads: Path, bundles: Path) -> Iterator[OnShelf]:
    """What is here of a model. At least one line; none of them changes anything."""
    here = [*_file(entry, downloads / entry.file_name), *_bundle(entry, bundles / entry.name)]
    yield from here or [OnShelf(entry.name, f"not here; smartcam model get {entry.name}")]


def _file(entry: CatalogueEntry, file: Path) -> Iterator[OnShelf]:
    part = part_of(file)
    if part.is_file():
        whole = "unknown size" if entry.file.size is None else amount(entry.file.size)
        yield OnShelf(entry.name, f"half a file, {amount(part.stat().st_size)} of {whole}; `get` goes on with it")
    if not file.exists():
        return
    try:
        fault = fault_of(file, entry.file)
    except OSError as error:
        fault = f"cannot be read ({error.strerror or error})"
    yield OnShelf(entry.name, f"file    {file}{f': {fault}' if fault else ''}", right=fault is None)


def _bundle(entry: CatalogueEntry, folder: Path) -> Iterator[OnShelf]:
    if not folder.exists():
        return
    try:
        manifest = check_bundle_of(entry, folder)
    except CatalogueError as error:
        yield OnShelf(entry.name, f"bundle  {error}", right=False)
        return
    yield OnShelf(entry.name, f"bundle  {folder}: {len(manifest.labels)} labels, {manifest.licence}")
