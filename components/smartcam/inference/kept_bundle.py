"""The last bundles that could be opened, kept where no release of smartcam.Model can remove them."""

import logging
import os
import shutil
from collections.abc import Collection
from pathlib import Path
from typing import Final

from smartcam.edge.bundle_names import DEFAULT_BUNDLE
from smartcam.edge.logs import log
from smartcam.model.bundle import SIGNATURE_FILE, ManifestOfFiles
from smartcam.model.manifest import MANIFEST_FILE

logger = logging.getLogger(__name__)

_FOLDER: Final = "last-good-bundle"


def kept_folder(work: Path, name: str) -> Path:
    """Where in a work folder the last good one of the bundles of a name is kept."""
    return work / (_FOLDER if name == DEFAULT_BUNDLE else f"{_FOLDER}-{name}")


def forget_others(work: Path, names: Collection[str]) -> None:
    """Delete what is kept of bundles that nobody wants any more; what the disk refuses is left for the next time."""
    wanted = {kept_folder(work, name).name for name in names}
    for folder in work.glob(f"{_FOLDER}-*"):
        if folder.name.partition(".")[0] not in wanted:
            shutil.rmtree(folder, ignore_errors=True)


class KeptBundle:
    """A copy of a bundle in `folder`, complete or absent. It is checked like any other bundle when it is opened."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._new = folder.with_name(f"{folder.name}.new")
        self._old = folder.with_name(f"{folder.name}.old")

    def keep(self, bundle: Path, manifest: ManifestOfFiles) -> None:
        """Keep a copy of this bundle; what the disk refuses is logged, because the analysis works without the copy."""
        names = (MANIFEST_FILE, *manifest.files)
        try:
            if self._is_same(bundle):
                return
            shutil.rmtree(self._new, ignore_errors=True)
            self._new.mkdir(parents=True)
            for name in names if not (bundle / SIGNATURE_FILE).is_file() else (*names, SIGNATURE_FILE):
                self._copy(bundle / name)
            shutil.rmtree(self._old, ignore_errors=True)
            if self.folder.exists():
                self.folder.rename(self._old)
            self._new.rename(self.folder)
            shutil.rmtree(self._old, ignore_errors=True)
        except OSError as error:
            shutil.rmtree(self._new, ignore_errors=True)  # a partial copy would keep a full disk full
            log(logger, logging.WARNING, "bundle_not_kept", path=bundle, error=error)

    def folders(self) -> list[Path]:
        """The folders in which it may be; the second one exists after a power cut between two renames."""
        return [folder for folder in (self.folder, self._old) if (folder / MANIFEST_FILE).is_file()]

    def _is_same(self, bundle: Path) -> bool:
        """By its manifest, which holds the hashes of everything else, and its signature."""
        return all(_bytes(self.folder / name) == _bytes(bundle / name) for name in (MANIFEST_FILE, SIGNATURE_FILE))

    def _copy(self, file: Path) -> None:
        with file.open("rb") as source, (self._new / file.name).open("xb") as target:
            shutil.copyfileobj(source, target)
            target.flush()
            os.fsync(target.fileno())


def _bytes(file: Path) -> bytes | None:
    return file.read_bytes() if file.is_file() else None
