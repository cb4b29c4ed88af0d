"""The seal of a clip: what it was when it was finished, and by which device, signed with a key of that device's own.

It is the last box of the file, which players pass over (ISO/IEC 14496-12, `uuid`): 16 bytes of our own name, the public
key, the signature, and what is signed as JSON.
"""

import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from smartcam.capture.recording.fragments import boxes
from smartcam.contract.errors import ContractError
from smartcam.contract.reading import Fields, dump_object, parse_object
from smartcam.edge.logs import log
from smartcam.edge.memory_file import MemoryFile

logger = logging.getLogger(__name__)

LARGEST_SEAL_BYTES: Final = 1024
_NAME: Final = bytes.fromhex("5d1c0b7e83f24a0f9a6e2f4b7c91d038")
_PURPOSE: Final = b"smartcam clip 1\n"
"""Signed too, so that a signature made for something else is none of a clip."""
_HEAD_BYTES: Final = 8
_KEY_BYTES: Final = 32
_SIGNATURE_BYTES: Final = 64
_BEFORE_STATEMENT: Final = _HEAD_BYTES + len(_NAME) + _KEY_BYTES + _SIGNATURE_BYTES


class SealError(Exception):
    """The clip is not what a device has sealed: why."""


@dataclass(frozen=True, slots=True)
class ClipStatement:
    """What a device says of a clip: the name of its file, the device, and the bytes before the seal with their hash.

    `thing` is None on a device without a name, `finished_at` (UTC, ISO 8601) where it did not trust its clock.
    """

    clip: str
    thing: str | None
    size: int
    sha256: str
    finished_at: str | None = None


@dataclass(frozen=True, slots=True)
class Seal:
    """A statement that was signed. `key` is the public one, in hexadecimal; whose it is, only the cloud knows."""

    statement: ClipStatement
    key: str


class Sealer:
    """Makes seals."""

    def __init__(self, private_key: bytes) -> None:
        """The key has 32 raw bytes. Raises ValueError where it has not."""
        self._key = Ed25519PrivateKey.from_private_bytes(private_key)
        self._public = self._key.public_key().public_bytes_raw()

    @property
    def key(self) -> str:
        """The public key, in hexadecimal."""
        return self._public.hex()

    def seal(self, statement: ClipStatement) -> bytes:
        """The box that goes to the end of the clip."""
        said = dump_object(
            {
                "clip": statement.clip,
                "thing": statement.thing,
                "bytes": statement.size,
                "sha256": statement.sha256,
                "finished_at": statement.finished_at,
            }
        )
        content = _NAME + self._public + self._key.sign(_PURPOSE + said) + said
        return (_HEAD_BYTES + len(content)).to_bytes(4) + b"uuid" + content


def sealer_of(memory: MemoryFile, random: Callable[[int], bytes]) -> Sealer | None:
    """The device's sealer, with the key in `memory`, or a new one; None where a new one cannot be stored.

    A key that is lost with the process would make seals that nobody can tell from anybody else's.
    """
    stored = memory.load()
    if len(stored) == _KEY_BYTES:
        return Sealer(stored)
    key = random(_KEY_BYTES)
    try:
        memory.store(key, durable=True)
    except OSError as error:
        log(logger, logging.WARNING, "clips_not_sealed", error=error)
        return None
    sealer = Sealer(key)
    log(logger, logging.INFO, "clip_key_made", key=sealer.key)
    return sealer


def check_seal(file: BinaryIO) -> Seal:
    """The seal of a clip, which is as it was when it was sealed.

    Raises:
        SealError: there is none, or the clip or the seal was changed.
        OSError: the file cannot be read.
    """
    begin, content = _last_box(file)
    key, rest = content[len(_NAME) :][:_KEY_BYTES], content[len(_NAME) + _KEY_BYTES :]
    signature, said = rest[:_SIGNATURE_BYTES], rest[_SIGNATURE_BYTES:]
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, _PURPOSE + said)
        fields = Fields(parse_object(said, "seal"))
        statement = ClipStatement(
            clip=fields.text("clip"),
            thing=fields.optional_text("thing"),
            size=fields.integer("bytes"),
            sha256=fields.text("sha256"),
            finished_at=fields.optional_text("finished_at"),
        )
    except InvalidSignature as error:
        raise SealError("its seal was changed after it was made") from error
    except (ValueError, ContractError) as error:
        raise SealError(f"its seal cannot be read: {error}") from error
    if (statement.size, statement.sha256) != (begin, _sha256(file, begin)):
        raise SealError("it was changed after it was sealed")
    return Seal(statement, key.hex())


def _last_box(file: BinaryIO) -> tuple[int, bytes]:
    """Where the seal begins, and its content. Raises SealError."""
    begin = end = 0
    name = b""
    for found, after in boxes(file):
        begin, end, name = end, after, found
    size = file.seek(0, 2)
    if name == b"uuid" and end == size and _BEFORE_STATEMENT < end - begin <= LARGEST_SEAL_BYTES:
        file.seek(begin + _HEAD_BYTES)
        content = file.read(end - begin - _HEAD_BYTES)
        if content.startswith(_NAME):
            return begin, content
    raise SealError(
        "it has no seal at its end: it was not made by a Smartcam, is not finished, or something was cut off or added"
    )


def _sha256(file: BinaryIO, size: int) -> str:
    digest = hashlib.sha256()
    file.seek(0)
    while size > 0 and (piece := file.read(min(size, 1 << 20))):
        digest.update(piece)
        size -= len(piece)
    return digest.hexdigest()
