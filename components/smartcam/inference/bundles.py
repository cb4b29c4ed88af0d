"""The bundles in use: opened, tried again while they are wrong, and reopened when they change."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Generic, Protocol, TypeVar

from smartcam.contract.errors import ModelIntegrityError
from smartcam.contract.times import NS_PER_S, MonotonicNs
from smartcam.edge.backoff import Backoff
from smartcam.edge.bundle_names import DEFAULT_BUNDLE
from smartcam.edge.clock import Clock
from smartcam.edge.logs import log
from smartcam.inference.analysis.analysis import Model, ObjectModel, SceneModel
from smartcam.inference.kept_bundle import KeptBundle
from smartcam.model.analyser import analyser_of
from smartcam.model.bundle import ManifestOfFiles, ModelBundle
from smartcam.model.detector import RegionDetector
from smartcam.model.interpreter import runtime_of
from smartcam.model.manifest import MANIFEST_FILE

logger = logging.getLogger(__name__)

LOOK_EVERY_S: Final = 10.0
"""How often to check whether the bundle's folder holds another one."""
KEPT: Final = "bundle-"
"""The prefix of the folders that smartcam.Model's install script keeps."""


class _Manifest(ManifestOfFiles, Protocol):
    """What the keeper says of a bundle."""

    @property
    def name(self) -> str: ...

    @property
    def version(self) -> str: ...

    @property
    def kind(self) -> str: ...

    @property
    def model_file(self) -> str: ...


class OpenedBundle(Protocol):
    """What the opener of a bundle gives."""

    @property
    def manifest(self) -> _Manifest:
        """What the bundle says of its model."""
        ...


O_co = TypeVar("O_co", bound=OpenedBundle, covariant=True)
Opener = Callable[[Path, bytes | None], O_co]
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


class Keeper(Generic[O_co]):
    """Opens a bundle and keeps it open. A wrong bundle is logged and tried again; the previous one stays in use.

    Ending the process over a bundle would use up the starts that the nucleus allows. A process that starts with a
    wrong one takes the last good one, which `kept` holds. For one thread.
    """

    def __init__(
        self,
        path: Path | None,
        clock: Clock,
        random: Callable[[], float],
        opener: Opener[O_co],
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
        self.model: O_co | None = None
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
        manifest = model.manifest
        # A release may bring what is in use already: who is being watched with it goes on undisturbed.
        is_new = self.model is None or manifest != self.model.manifest
        if is_new:
            self.model = model
        self._stamp = stamp
        runtime = runtime_of(manifest.model_file)
        facts = {"name": manifest.name, "version": manifest.version, "kind": manifest.kind, "runtime": runtime}
        log(logger, logging.INFO, "bundle_opened", **facts, signed=self._trusted_key is not None)
        if self._kept is not None:
            self._kept.keep(stamp.folder, manifest)
        return is_new

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


class BundleKeeper(Keeper[Model]):
    """The keeper of a model that looks at pictures."""

    def __init__(
        self,
        path: Path | None,
        clock: Clock,
        random: Callable[[], float],
        opener: Opener[Model] = open_model,
        kept: KeptBundle | None = None,
    ) -> None:
        super().__init__(path, clock, random, opener, kept)


class BundlesInUse:
    """A keeper for each bundle in use, by name. It changes in one thread, and may be asked by any."""

    def __init__(self, keeper: Callable[[str], BundleKeeper]) -> None:
        """`keeper` makes one for the bundle of a name, without a folder yet."""
        self._make = keeper
        self._keepers: Mapping[str, BundleKeeper] = {}

    def use(self, folders: Mapping[str, Path | None], trusted_key: bytes | None = None) -> None:
        """Take these bundles by name from these folders from now on, as `BundleKeeper.use`; let go of all others."""
        keepers = {name: self._keepers.get(name) or self._make(name) for name in folders}
        for name, folder in folders.items():
            keepers[name].use(folder, trusted_key)
        self._keepers = keepers  # all at once: another thread may be reading it

    def refresh(self) -> bool:
        """Check the folders if it is time to; True if any of `models` has changed."""
        changed = [keeper.refresh() for keeper in self._keepers.values()]
        return any(changed)

    @property
    def models(self) -> dict[str, Model]:
        """The models in use by their bundles' names, without those of which no bundle could be opened yet."""
        return {name: keeper.model for name, keeper in self._keepers.items() if keeper.model is not None}

    @property
    def refused(self) -> str:
        """Why configured bundles are not in use; empty if all are. What cannot be told by the reason is named last."""
        refused = {name: keeper.refused for name, keeper in self._keepers.items() if keeper.refused}
        names = "" if not refused.keys() - {DEFAULT_BUNDLE} else f" (bundle {', '.join(refused)})"
        return "; ".join(refused.values()) + names


def _earlier(current: Path | None) -> list[Path]:
    """What smartcam.Model keeps of this bundle beside the folder its link points to, newest first.

    The link is the bundle's folder itself, or the one around it.
    """
    link = current and next((path for path in (current, current.parent) if path.is_symlink()), None)
    if current is None or link is None:
        return []
    try:
        kept = [folder / current.relative_to(link) for folder in link.parent.glob(f"{KEPT}*")]
        others = [bundle for bundle in kept if (bundle / MANIFEST_FILE).is_file() and not _is_same(bundle, current)]
        return sorted(others, key=lambda bundle: bundle.stat().st_mtime_ns, reverse=True)
    except OSError:
        return []


def _is_same(bundle: Path, current: Path) -> bool:
    return current.exists() and bundle.samefile(current)


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
