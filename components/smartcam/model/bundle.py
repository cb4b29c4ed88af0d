"""A bundle: a folder with a model, its manifest and the proof that both are what their maker released.

A bundle is data: nothing in it is executed, unpacked or unpickled, and nothing outside it is read.
"""

import hashlib
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from smartcam.contract.errors import ContractError, ModelIntegrityError
from smartcam.model.golden import check_answer, parse_answer
from smartcam.model.heads.classifier import ClassifierHead
from smartcam.model.heads.head import DetectorHead, head_of
from smartcam.model.interpreter import open_interpreter
from smartcam.model.manifest import CHANNELS, MAKE_ONE, MANIFEST_FILE, NO_MANIFEST, InputSpec, ModelManifest

SIGNATURE_FILE: Final = "manifest.sig"
_LARGEST_MANIFEST: Final = 1 << 20
LARGEST_BUNDLE: Final = 1 << 28
"""Bytes of all files that a manifest names: they are in memory together while a bundle is opened."""
_ODDITIES: Final = (ArithmeticError, AssertionError, LookupError, MemoryError, RuntimeError, SystemError, TypeError)
"""What numpy, OpenCV and the interpreter raise, besides ValueError, over a bundle that was made to break them."""


@dataclass(frozen=True, slots=True, eq=False)
class ModelBundle:
    """An opened bundle: every file matches its hash, and the golden picture gives the expected answer.

    `signed`: whether the signature was checked against a trusted key. `head` runs the model; only one thread may use it
    at a time.
    """

    path: Path
    manifest: ModelManifest
    head: DetectorHead | ClassifierHead
    signed: bool

    @classmethod
    def open(cls, path: Path, trusted_key: bytes | None = None) -> "ModelBundle":
        """Opens the bundle in a folder. The folder may be a symbolic link; its files may not.

        With `trusted_key`, an Ed25519 public key (32 raw bytes, or PEM), the bundle must be signed by it.

        Raises:
            ModelIntegrityError: naming the file and, in the manifest, the field.
        """
        with opening(path):
            sealed = open_sealed(path, trusted_key, ModelManifest.from_json)
            manifest, contents = sealed.manifest, sealed.contents
            with naming(sealed.folder / manifest.model_file):
                size = manifest.input.width, manifest.input.height
                head = head_of(open_interpreter(contents[manifest.model_file], size=size), manifest)
            bundle = cls(sealed.folder, manifest, head, trusted_key is not None)
            bundle._check_golden(contents[manifest.golden.input], contents[manifest.golden.output])
            return bundle

    def _check_golden(self, picture: bytes, answer: bytes) -> None:
        golden = self.manifest.golden
        rgb = _golden_picture(self.path / golden.input, picture, self.manifest.input)
        with naming(self.path / golden.output):
            check_answer(parse_answer(answer), self.head.infer(rgb), golden.tolerance)


class ManifestOfFiles(Protocol):
    """What every manifest says."""

    @property
    def files(self) -> Mapping[str, str]:
        """The SHA-256 of every other file of the bundle."""
        ...


M = TypeVar("M", bound=ManifestOfFiles)


@dataclass(frozen=True, slots=True, eq=False)
class SealedFolder(Generic[M]):
    """A bundle's folder, its manifest, and every file that it names, as its hash says."""

    folder: Path
    manifest: M
    contents: Mapping[str, bytes]


def open_sealed(path: Path, trusted_key: bytes | None, read: Callable[[bytes], M]) -> SealedFolder[M]:
    """Reads a bundle's files, its manifest by `read`, without a look at what the model is.

    Raises:
        ModelIntegrityError: naming the file, for a wrong hash, signature or manifest.
    """
    try:
        folder = path.resolve(strict=True)
    except (OSError, RuntimeError) as error:  # RuntimeError: a loop of links, before Python 3.13
        why = error.strerror if isinstance(error, OSError) else error
        raise ModelIntegrityError(f"{path}: no bundle found ({why}); {MAKE_ONE}") from error
    document = manifest_bytes(folder)
    if trusted_key is not None:
        _check_signature(folder / SIGNATURE_FILE, document, trusted_key)
    with naming(folder / MANIFEST_FILE):
        manifest = read(document)
    contents: dict[str, bytes] = {}
    for name in manifest.files:
        contents[name] = _read(folder / name, LARGEST_BUNDLE - sum(map(len, contents.values())))
    for name, digest in manifest.files.items():
        actual = hashlib.sha256(contents[name]).hexdigest()
        if actual != digest:
            raise ModelIntegrityError(f"{folder / name}: SHA-256 is {actual}, but the manifest says {digest}")
    return SealedFolder(folder, manifest, contents)


@contextmanager
def opening(path: Path) -> Iterator[None]:
    """Turns whatever a bundle that was made to break them makes libraries raise into a ModelIntegrityError."""
    try:
        yield
    except (ValueError, OSError, *_ODDITIES) as error:
        raise ModelIntegrityError(f"{path}: cannot be opened ({type(error).__name__}: {error})") from error


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Puts the file's path in front of the error."""
    try:
        yield
    except (ContractError, ModelIntegrityError) as error:
        raise ModelIntegrityError(f"{path}: {error}") from error


def manifest_bytes(folder: Path) -> bytes:
    """The bytes of a folder's manifest. Raises ModelIntegrityError."""
    try:
        return _read(folder / MANIFEST_FILE, _LARGEST_MANIFEST)
    except ModelIntegrityError as error:
        if isinstance(error.__cause__, FileNotFoundError | NotADirectoryError):
            raise ModelIntegrityError(f"{folder}: {NO_MANIFEST}") from error
        raise


def _check_signature(path: Path, document: bytes, trusted_key: bytes) -> None:
    if not os.path.lexists(path):
        raise ModelIntegrityError(f"{path}: is missing, but this device only trusts signed bundles")
    # Takes six megabytes, which only a device with a trusted key needs.
    from smartcam.model.signature import SIGNATURE_BYTES, check_signature  # noqa: PLC0415

    with naming(path):
        check_signature(document, _read(path, SIGNATURE_BYTES), trusted_key)


def _golden_picture(path: Path, raw: bytes, spec: InputSpec) -> NDArray[np.uint8]:
    shape = (spec.height, spec.width, CHANNELS)
    if len(raw) != np.prod(shape):
        raise ModelIntegrityError(f"{path}: has {len(raw)} bytes, but a picture of {shape} takes {np.prod(shape)}")
    return np.frombuffer(raw, np.uint8).reshape(shape)


def _read(path: Path, largest: int) -> bytes:
    """The bytes of a regular file; a link, a pipe or a file over `largest` bytes is refused before it is read."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(descriptor, "rb") as file:  # noqa: PTH123  a descriptor, so that nothing is swapped in between
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode) or status.st_size > largest:
                raise ModelIntegrityError(f"{path}: must be a regular file of at most {largest} bytes")
            return file.read(status.st_size)
    except OSError as error:
        raise ModelIntegrityError(f"{path}: cannot be read ({error.strerror}); links are not followed") from error
