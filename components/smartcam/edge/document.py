"""A component's configuration document for `--check`: from a file, or else from the nucleus."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

from smartcam.contract.errors import BusError
from smartcam.edge.bus import Bus


class DocumentError(Exception):
    """A configuration document that cannot be had: why, in words."""


def document_from(file: Path | None, bus: Callable[[], Bus]) -> Mapping[str, object]:
    """The configuration document in a file of JSON, or else the nucleus's.

    Raises:
        DocumentError: it cannot be had.
    """
    if file is None:
        try:
            connected = bus()
            try:
                return connected.configuration()
            finally:
                connected.close()
        except BusError as error:
            raise DocumentError(f"{error}; outside a nucleus name a document with --configuration") from error
    try:
        document = json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise DocumentError(f"{file}: {error}") from error
    if not isinstance(document, dict):
        raise DocumentError(f"{file}: must hold a JSON object, as {{'cameras': {{...}}}}")
    return document
