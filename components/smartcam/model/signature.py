"""Ed25519 signatures of manifests: who may say what runs on a camera."""

from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from smartcam.contract.errors import ModelIntegrityError

SIGNATURE_BYTES: Final = 64
_PEM: Final = b"-----BEGIN"


def check_signature(content: bytes, signature: bytes, public_key: bytes) -> None:
    """Raises ModelIntegrityError unless `signature` is the key's (32 raw bytes, or PEM) signature of `content`."""
    key = _public(public_key)
    try:
        key.verify(signature, content)
    except InvalidSignature as error:
        raise ModelIntegrityError("signature was not made with the trusted key, or the manifest was changed") from error


def sign(content: bytes, private_key: bytes) -> bytes:
    """The signature of `content`, 64 bytes.

    Raises:
        ModelIntegrityError: if the key is not an Ed25519 private key (32 raw bytes, or PEM without a password).
    """
    return _private(private_key).sign(content)


def public_key(private_key: bytes) -> bytes:
    """The public key, 32 raw bytes, that belongs to a private key. Raises ModelIntegrityError like `sign`."""
    return _private(private_key).public_key().public_bytes_raw()


def new_private_key() -> bytes:
    """A new random key, as PEM."""
    return Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _private(raw: bytes) -> Ed25519PrivateKey:
    try:
        key = load_pem_private_key(raw, None) if raw.startswith(_PEM) else Ed25519PrivateKey.from_private_bytes(raw)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:  # TypeError: the PEM has a password
        raise ModelIntegrityError(f"private key cannot be used ({error})") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise ModelIntegrityError("private key is not an Ed25519 key")
    return key


def _public(raw: bytes) -> Ed25519PublicKey:
    try:
        key = load_pem_public_key(raw) if raw.startswith(_PEM) else Ed25519PublicKey.from_public_bytes(raw)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ModelIntegrityError(f"trusted key cannot be used ({error})") from error
    if not isinstance(key, Ed25519PublicKey):
        raise ModelIntegrityError("trusted key is not an Ed25519 key")
    return key
