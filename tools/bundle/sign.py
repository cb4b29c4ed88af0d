"""`smartcam sign`: make a key, and sign model bundles with it, so that cameras run no others."""

import argparse
import base64
import os
from collections.abc import Sequence
from pathlib import Path

from smartcam.contract.errors import ModelIntegrityError
from smartcam.model.bundle import SIGNATURE_FILE
from smartcam.model.manifest import MANIFEST_FILE
from smartcam.model.opening import open_bundle
from smartcam.model.signature import new_private_key, public_key, sign
from tools.command_line import complain, new_parser


def main(argv: Sequence[str]) -> int:
    """Make a key or sign a bundle, and print smartcam.Inference's `trusted_key`; 1 with one line when it fails."""
    options = _parser().parse_args(argv)
    try:
        if options.new:
            _write_key(options.key)
        private_key = _read_key(options.key)
        trusted_key = public_key(private_key)
        if options.bundle is not None:
            _sign(options.bundle, private_key, trusted_key)
            print(f"{options.bundle}: signed")
    except FileExistsError:
        return complain("sign", f"{options.key}: exists and is kept; leave out --new to sign with it")
    except ModelIntegrityError as error:
        return complain("sign", error)
    except OSError as error:
        return complain("sign", f"{error.filename or options.bundle or options.key}: {error.strerror or error}")
    print(f"trusted_key: {base64.b64encode(trusted_key).decode()}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = new_parser("sign", __doc__)
    parser.add_argument(
        "bundle", type=Path, nargs="?", help="folder of the bundle to sign; leave out to handle the key only"
    )
    parser.add_argument("--key", type=Path, required=True, help="Ed25519 private key: PEM, or 32 raw bytes")
    parser.add_argument("--new", action="store_true", help="create the key file, which must not exist")
    return parser


def _write_key(path: Path) -> None:
    _write_new(path, new_private_key(), 0o600)


def _write_new(path: Path, content: bytes, mode: int) -> None:
    """Write a file that is not there, whole or not at all. Raises OSError."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
    except OSError:
        path.unlink()
        raise


def _read_key(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise ModelIntegrityError(f"{path}: there is no such key; create it with --new") from error


def _sign(bundle: Path, private_key: bytes, trusted_key: bytes) -> None:
    """A bundle is opened before it is signed, so that none is signed that a camera would refuse."""
    open_bundle(bundle)
    unfinished = bundle / f"{SIGNATURE_FILE}.new"
    unfinished.unlink(missing_ok=True)  # whoever made the bundle may have left a link there
    _write_new(unfinished, sign((bundle / MANIFEST_FILE).read_bytes(), private_key), 0o644)
    unfinished.replace(bundle / SIGNATURE_FILE)
    open_bundle(bundle, trusted_key)
