"""The configuration that a user writes for a deployment: component -> keys, checked as the components will check it."""

import json
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, Final

from smartcam.capture.settings import read_settings as read_capture
from smartcam.console.settings import read_settings as read_console
from smartcam.contract.errors import SettingsError
from smartcam.contract.written import UnreadableText, json_of, read_text
from smartcam.homeassistant.settings import read_settings as read_homeassistant
from smartcam.inference.settings import read_settings as read_inference
from tools.recipes.keys import nearest
from tools.release.aws import ReleaseError
from tools.release.deployment import Merge
from tools.strict_yaml import MOST_BYTES, yaml_of

_READERS: Final[Mapping[str, Callable[[Mapping[str, object]], object]]] = {
    "smartcam.Capture": read_capture,
    "smartcam.Console": read_console,
    "smartcam.HomeAssistant": read_homeassistant,
    "smartcam.Inference": read_inference,
}


def read_merges(file: Path, components: Collection[str]) -> Mapping[str, Merge]:
    """The configuration by component in a YAML or JSON file, checked.

    Raises:
        ReleaseError: naming the file, the component and the key.
    """
    document = _read(file)
    if document is None:
        raise ReleaseError(f"{file}: holds nothing; write {{}} if every component is to have its defaults")
    check_merges(str(file), document, components)
    return document


def read_document(file: Path) -> dict[str, Any]:
    """What a file holds; an empty file holds nothing. Raises ReleaseError, naming the file and the line."""
    return _read(file) or {}


def _read(file: Path) -> dict[str, Any] | None:
    try:
        text = read_text(file, MOST_BYTES)
        document = json_of(text) if file.suffix == ".json" else yaml_of(text)
    except OSError as error:
        raise ReleaseError(f"{file}: cannot be read ({error.strerror})") from error
    except UnreadableText as error:
        raise ReleaseError(error.within(file)) from error
    if document is not None and not isinstance(document, dict):
        raise ReleaseError(f"{file}: must be an object: component name -> its configuration")
    return document


def check_merges(place: str, document: Mapping[str, object], components: Collection[str]) -> None:
    """Raises ReleaseError, beginning with the place, for what a component will not understand."""
    for name, merge in document.items():
        if name not in components:
            raise ReleaseError(f"{place}: there is no component {name!r}{nearest(str(name), components)}")
        if not isinstance(merge, dict):
            raise ReleaseError(f"{place}: {name}: must be an object of keys")
        try:
            if name in _READERS:
                _READERS[name](merge)
            json.dumps(merge, allow_nan=False)
        except SettingsError as error:
            raise ReleaseError(f"{place}: {name}: {error}") from error
        except ValueError as error:
            raise ReleaseError(f"{place}: {name}: {error}") from error
