"""Gets a model of the catalogue: its file, from its publisher or from where the user says, and a bundle of it."""

import errno
import fcntl
import hashlib
import os
import stat
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from smartcam.contract.errors import ModelIntegrityError
from smartcam.model.bundle import ModelBundle
from smartcam.model.manifest import MANIFEST_FILE, ModelManifest
from tools.bundle.making import BundleError, make_bundle
from tools.command_line import ROOT, Say
from tools.model.address import is_address, shown
from tools.model.catalogue import CatalogueEntry, catalogue_file, entry_of, read_catalogue
from tools.model.download import ExactFile, Fetching, download
from tools.model.errors import CatalogueError, FetchError, WrongBytes
from tools.model.partial import PartialFile
from tools.model.progress import ProgressLine, amount
from tools.model.wishes import bundle_wishes

BUNDLES: Final = ROOT / "build" / "bundles"
_PRIVATE: Final = 0o700


@dataclass(frozen=True, slots=True)
class Shelf:
    """Where downloaded files and the bundles made of them lie."""

    downloads: Path
    bundles: Path

    def file(self, entry: CatalogueEntry) -> Path:
        """Where a model's file lies."""
        return self.downloads / entry.file_name

    def bundle(self, entry: CatalogueEntry) -> Path:
        """Where its bundle lies, unless the user says otherwise."""
        return self.bundles / entry.name


def usual_shelf(environment: Mapping[str, str] = os.environ) -> Shelf:
    """Files in the user's cache, bundles beside the others of this folder. Raises CatalogueError without a home."""
    said = environment.get("XDG_CACHE_HOME", "")
    try:
        cache = Path(said) if Path(said).is_absolute() else Path.home() / ".cache"
    except RuntimeError as error:
        raise CatalogueError("there is no home folder for downloads; set XDG_CACHE_HOME to one") from error
    return Shelf(cache / "smartcam" / "models", BUNDLES)


@dataclass(frozen=True, slots=True)
class ModelOrder:
    """What is to be got, and where its bundle goes.

    `origin` is a file or an address instead of the publisher's, `golden` a picture with something that the model knows.
    """

    entry: CatalogueEntry
    out: Path
    origin: str | None = None
    golden: Path | None = None


def bundle_named(name: str, say: Say) -> Path:
    """The bundle of a model, got if it is not here yet: for commands that take a model's name.

    Raises:
        CatalogueError: there is no such model, or it cannot be had; the remedy says how to bring it.
        OSError: its file or bundle cannot be written.
    """
    shelf = usual_shelf()
    entry = entry_of(read_catalogue(catalogue_file()), name)
    return get(ModelOrder(entry, shelf.bundle(entry)), shelf, say)


def get(order: ModelOrder, shelf: Shelf, say: Say) -> Path:
    """The bundle that was ordered; nothing is fetched or made twice.

    Raises:
        CatalogueError: naming what is wrong, and what to do.
        OSError: its file or bundle cannot be written.
    """
    if not _is_here(order, say):
        _make_folder(shelf.downloads)
        with _alone(shelf.downloads, say):
            if not _is_here(order, say):  # another command may have got it meanwhile
                _make(order, _bring(order, shelf.file(order.entry), say), say)
    return order.out


def _make_folder(downloads: Path) -> None:
    try:
        downloads.mkdir(mode=_PRIVATE, parents=True, exist_ok=True)
    except OSError as error:
        remedy = "set XDG_CACHE_HOME to a folder that can be written"
        raise CatalogueError(f"{downloads}: cannot be made ({error.strerror or error}); {remedy}") from error


def _is_here(order: ModelOrder, say: Say) -> bool:
    here = order.out.is_symlink() or order.out.exists()
    if here:
        check_bundle_of(order.entry, order.out)
        say(f"{order.entry.name} is here already: {order.out}")
    return here


def _make(order: ModelOrder, model: Path, say: Say) -> None:
    with tempfile.TemporaryDirectory() as folder:
        try:
            made = make_bundle(bundle_wishes(order.entry, model, order.golden, Path(folder)), order.out)
        except BundleError as error:
            raise CatalogueError(f"{order.entry.name}: no bundle can be made of it: {error}") from error
    for sentence in made.said:
        say(f"  {sentence}")
    for line in worth(order.entry):
        say(line)
    say(f"bundle:    {order.out}")


def worth(entry: CatalogueEntry) -> Iterator[str]:
    """What a model is worth: as published, and as measured here."""
    if entry.map is not None:
        yield f"published: mAP {entry.map.percent:g} on COCO ({entry.map.said_by})"
    if entry.score is None:
        yield "here:      not run by us; measure it on clips of your own with `smartcam score`"
        return
    score = entry.score
    seconds = f"median {score.median_s:g} s, worst {score.worst_s:g} s"
    yield f"here:      {score.found} of {score.expected} events found, {score.false} false, {seconds}"
    yield f"           on {score.clips}"
    yield f"           by {score.command}"


def _bring(order: ModelOrder, target: Path, say: Say) -> Path:
    """The model's file, which is the one that the catalogue means."""
    entry = order.entry
    if target.exists():
        fault = fault_of(target, entry.file)
        if fault is None:
            say(f"{entry.name}: its file is here already: {target}")
            return target
        say(f"{target}: {fault}; it is fetched again")
        target.unlink()
    _introduce(entry, say)
    _fetch(order, target, say)
    return target


def _introduce(entry: CatalogueEntry, say: Say) -> None:
    """What comes, and under which licence: before the first byte of it."""
    size = "of a size that its publisher does not say" if entry.file.size is None else amount(entry.file.size)
    say(f"{entry.name}: {entry.about}")
    say(f"licence:   {entry.licence.name} ({entry.licence.address}), as said by {entry.licence.said_by}")
    say(f"file:      {size}, SHA-256 {entry.file.sha256}")


def _fetch(order: ModelOrder, target: Path, say: Say) -> None:
    name, origin = order.entry.name, order.entry.address if order.origin is None else order.origin
    try:
        if not is_address(origin):
            _copy(Path(origin), order.entry.file, target)
            return
        line = ProgressLine(sys.stderr)
        say(f"from:      {shown(origin)}")
        try:
            download(origin, order.entry.file, target, Fetching(time.sleep, line))
        finally:
            line.end()
    except WrongBytes as error:
        other = "any other model becomes a bundle with `smartcam bundle --model FILE`"
        raise CatalogueError(f"{error}. Nothing of it is kept; {other}") from error
    except FetchError as error:
        later = "Try again later (what came is kept), or bring" if error.again else "Bring"
        way = f"{later} the file on another way: smartcam model get {name} --from FILE"
        raise CatalogueError(f"{error}. {way}") from error
    except OSError as error:
        reason = error.strerror or error
        raise CatalogueError(f"{target}: cannot be written ({reason}); make room, or set XDG_CACHE_HOME") from error


def _copy(source: Path, wanted: ExactFile, target: Path) -> None:
    """The bytes that are checked are the ones that are kept: the file may change meanwhile."""
    try:
        content = _read(source, wanted.most + 1)
    except OSError as error:
        raise CatalogueError(f"--from {source}: cannot be read ({error.strerror or error})") from error
    fault = _fault(content, wanted)
    if fault is not None:
        raise WrongBytes(f"--from {source}", f"is not the file that is meant: {fault}")
    with closing(PartialFile(target)) as part:
        part.begin("", "")
        part.add(content)
        part.finish()


def fault_of(file: Path, wanted: ExactFile) -> str | None:
    """What is wrong with a file that should be this one; None: nothing. Raises OSError where it cannot be read."""
    return _fault(_read(file, wanted.most + 1), wanted)


def _fault(content: bytes, wanted: ExactFile) -> str | None:
    if len(content) > wanted.most:
        return f"it has more than the expected {wanted.most} bytes"
    if wanted.size not in {None, len(content)}:
        return f"it has {len(content)} bytes, expected {wanted.size}"
    found = hashlib.sha256(content).hexdigest()
    return None if found == wanted.sha256 else f"its SHA-256 is {found}, expected {wanted.sha256}"


def check_bundle_of(entry: CatalogueEntry, folder: Path) -> ModelManifest:
    """The manifest of this model's bundle. Raises CatalogueError for a folder that is none, or another model's."""
    remedy = "remove the folder, or name another one with --out"
    if not (folder / MANIFEST_FILE).is_file():
        raise CatalogueError(f"{folder}: is there, and is no model bundle; {remedy}")
    try:
        manifest = ModelBundle.open(folder).manifest
    except ModelIntegrityError as error:
        raise CatalogueError(f"{folder}: is refused ({error}); {remedy}") from error
    if entry.file.sha256 not in manifest.files.values():
        raise CatalogueError(f"{folder}: holds another model ({manifest.name} {manifest.version}); {remedy}")
    return manifest


def _read(file: Path, most: int) -> bytes:
    """So much of a regular file: a pipe or a device would be waited for, or read for ever. Raises OSError."""
    descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "it is no regular file", str(file))
    with os.fdopen(descriptor, "rb") as opened:
        return opened.read(most)


@contextmanager
def _alone(folder: Path, say: Say) -> Iterator[None]:
    """One download at a time: a second one waits, then finds the file there."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another command is fetching a model; waiting for it ...")
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
