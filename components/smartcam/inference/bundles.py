"""The bundle in use: opened, tried again while it is wrong, and reopened when it changes."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from smartcam.contract.errors import ModelIntegrityError
from smartcam.contract.times import NS_PER_S, MonotonicNs
from smartcam.edge.backoff import Backoff
from smartcam.edge.clock import Clock
from smartcam.edge.logs import log
from smartcam.inference.analysis.analysis import Model, ObjectModel, SceneModel
from smartcam.inference.kept_bundle import KeptBundle
from smartcam.model.analyser import analyser_of
from smartcam.model.bundle import ModelBundle
from smartcam.model.detector import RegionDetector
from smartcam.model.interpreter import runtime_of
from smartcam.model.manifest import MANIFEST_FILE

logger = logging.getLogger(__name__)

LOOK_EVERY_S: Final = 10.0
"""How often to check whether the bundle's folder holds another one."""
KEPT: Final = "bundle-"
"""The prefix of the folders that smartcam.Model's install script keeps."""


Opener = Callable[[Path, bytes | None], Model]
"""Opens a bundle's folder; the key, if any, is the one that must have signed it."""


def named(bundle: Path | None) -> Path:
    """The bundle's folder. Raises ModelIntegrityError where there is none."""
    if bundle is None:
        raise ModelIntegrityError("no bundle is named: give --bundle or set `bundle` in the configuration")
    return bundle


def open_model(path: Path, trusted_key: bytes | None = None) -> Model:
    """The model of a bundle, ready to use.

    Raises:
        ModelIntegrityError: the bundle is not what its manifest says, or not signed by the trusted key if there is one.
    """
    analyser = analyser_of(ModelBundle.open(path, trusted_key))
    if isinstance(analyser, RegionDetector):
        return ObjectModel(analyser.manifest, analyser)
    return SceneModel(analyser.manifest, analyser)


@dataclass(frozen=True, slots=True)
class _Stamp:
    """What tells one bundle from another: the folder behind any link, and its manifest's file."""

    folder: Path
    inode: int
    changed_ns: int
    size: int


class BundleKeeper:
    """Opens a bundle and keeps it open. A wrong bundle is logged and tried again; the previous one stays in use.

    Ending the process over a bundle would use up the starts that the nucleus allows. A process that starts with a
    wrong one takes the last good one, which `kept` holds. For one thread.
    """

    def __init__(
        self,
        path: Path | None,
        clock: Clock,
        random: Callable[[], float],
        opener: Opener = open_model,
        kept: KeptBundle | None = None,
    ) -> None:
        self._path = path
        self._trusted_key: bytes | None = None
        self._clock = clock
        self._open = opener
        self._kept = kept
        self._backoff = Backoff(2.0, 60.0, random)
        self._next_at = MonotonicNs(0)
        self._stamp: _Stamp | None = None
        self.model: Model | None = None
        """The model in use; None until a bundle has been opened."""
        self.refused = ""
        """Why the configured bundle is not in use; empty if it is."""

    def use(self, path: Path | None, trusted_key: bytes | None = None) -> None:
        """Take the bundle from this folder from now on; if a key is given, only if it has signed the bundle."""
        if (path, trusted_key) != (self._path, self._trusted_key):
            self._path, self._trusted_key = path, trusted_key
            self._stamp, self._next_at = None, MonotonicNs(0)
            self._backoff.reset()

    def refresh(self) -> bool:
        """Check the folder if it is time to; True if `model` has changed."""
        now = self._clock.monotonic()
        if now < self._next_at:
            return False
        try:
            wait_s, is_new = LOOK_EVERY_S, self._look()
            self._backoff.reset()
            self.refused = ""
        except Exception as error:  # noqa: BLE001  the edge of the loop: no bundle may end inference
            wait_s = self._backoff.next()
            self.refused = _why(error)
            is_new = self.model is None and self._fall_back()
            in_use = "none" if self.model is None else self.model.manifest.name
            log(
                logger,
                logging.ERROR,
                "bundle_refused",
                path=self._path,
                error=self.refused,
                in_use=in_use,
                again_s=wait_s,
            )
        self._next_at = MonotonicNs(now + round(wait_s * NS_PER_S))
        return is_new

    def _look(self) -> bool:
        path = named(self._path)
        stamp = _stamp(path)
        if stamp == self._stamp:
            return False
        model = self._open(path, self._trusted_key)
        self.model, self._stamp = model, stamp
        manifest = model.manifest
        runtime = runtime_of(manifest.model_file)
        facts = {"name": manifest.name, "version": manifest.version, "kind": manifest.kind, "runtime": runtime}
        log(logger, logging.INFO, "bundle_opened", **facts, signed=self._trusted_key is not None)
        if self._kept is not None:
            self._kept.keep(stamp.folder, manifest)
        return True

    def _fall_back(self) -> bool:
        """Take the last good bundle, or the newest that can be opened: a bad release must not blind the camera."""
        kept = [] if self._kept is None else self._kept.folders()
        for folder in (*kept, *_earlier(self._path)):
            try:
                self.model = self._open(folder, self._trusted_key)
            except Exception as error:  # noqa: BLE001  the next one may be better
                log(logger, logging.WARNING, "earlier_bundle_refused", path=folder, error=_why(error))
                continue
            log(logger, logging.WARNING, "earlier_bundle_in_use", path=folder, version=self.model.manifest.version)
            return True
        return False


def _earlier(current: Path | None) -> list[Path]:
    """The bundles that smartcam.Model keeps beside the one its link points to, newest first."""
    if current is None or not current.is_symlink():
        return []
    try:
        beside = [folder for folder in current.parent.glob(f"{KEPT}*") if (folder / MANIFEST_FILE).is_file()]
        others = [folder for folder in beside if folder.resolve() != current.resolve()]
        return sorted(others, key=lambda folder: folder.stat().st_mtime_ns, reverse=True)
    except OSError:
        return []


def _why(error: Exception) -> str:
    """A refusal says what is wrong by itself; anything else says little without its type."""
    return str(error) if isinstance(error, ModelIntegrityError) else f"{type(error).__name__}: {error}"


def _stamp(path: Path) -> _Stamp:
    try:
        folder = path.resolve(strict=True)
        facts = (folder / MANIFEST_FILE).stat()
    except (OSError, RuntimeError) as error:  # RuntimeError: a loop of links, before Python 3.13
        raise ModelIntegrityError(f"{path} is no bundle: {error}") from error
    return _Stamp(folder, facts.st_ino, facts.st_mtime_ns, facts.st_size)
