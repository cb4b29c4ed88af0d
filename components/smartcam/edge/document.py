"""A component's configuration document for `--check` and the doctor: from a file, or else from the nucleus."""

from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Final

from smartcam.contract.errors import BusError
from smartcam.contract.written import UnreadableText, json_of, read_text
from smartcam.edge.bus.port import Bus

_EXPECTED: Final = (
    'must hold one component\'s configuration as a JSON object, such as {"cameras": {...}};'
    " `smartcam deploy --plan --config cameras.yaml` checks what a deployment holds"
)


class DocumentError(Exception):
    """A configuration document is not available; the text says why."""


def document_from(file: Path | None, bus: Callable[[], Bus]) -> Mapping[str, object]:
    """The configuration document in a JSON file; without a file, the nucleus's.

    Raises:
        DocumentError: it is not available.
    """
    if file is None:
        try:
            with closing(bus()) as connected:
                return connected.configuration()
        except BusError as error:
            raise DocumentError(f"{error}; outside a nucleus, name a document with --configuration") from error
    return read_document(file)


def read_document(file: Path) -> Mapping[str, object]:
    """The configuration document in a JSON file.

    Raises:
        DocumentError: naming the file: it cannot be read, is not a JSON object, or has a duplicate key.
    """
    try:
        text = read_text(file)
    except OSError as error:
        raise DocumentError(f"{file}: cannot be read ({error.strerror})") from error
    except UnreadableText as error:
        raise DocumentError(error.within(file)) from error
    try:
        document = json_of(text)
    except UnreadableText as error:
        is_object = text.lstrip().startswith("{")
        raise DocumentError(error.within(file) if is_object else f"{file}: {_EXPECTED} ({error})") from error
    if not isinstance(document, dict):
        raise DocumentError(f"{file}: {_EXPECTED}")
    return document
