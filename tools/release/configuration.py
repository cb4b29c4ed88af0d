"""The configuration that a user writes for a deployment: component -> keys, checked as the components will check it."""

import json
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from smartcam.capture.settings import read_settings as read_capture
from smartcam.contract.errors import SettingsError
from smartcam.inference.settings import read_settings as read_inference
from tools.recipes.document import FaultList, Node
from tools.recipes.keys import nearest
from tools.release.aws import ReleaseError
from tools.release.deployment import Merge

_READERS: Final[Mapping[str, Callable[[Mapping[str, object]], object]]] = {
    "smartcam.Capture": read_capture,
    "smartcam.Inference": read_inference,
}


def read_merges(file: Path, components: Collection[str]) -> Mapping[str, Merge]:
    """The configuration by component in a YAML or JSON file, checked.

    Raises:
        ReleaseError: naming the file, the component and the key.
    """
    document = read_document(file)
    check_merges(str(file), document, components)
    return document


def read_document(file: Path) -> dict[str, Any]:
    """What a file holds; an empty file holds nothing. Raises ReleaseError, for a key that is given twice as well."""
    try:
        text = file.read_text(encoding="utf-8")
        tree, document = yaml.compose(text, Loader=yaml.SafeLoader), yaml.safe_load(text)
    except OSError as error:
        raise ReleaseError(f"{file}: cannot be read ({error.strerror})") from error
    except (ValueError, yaml.YAMLError) as error:
        mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
        place = f"{file}:{mark.line + 1}" if mark else str(file)
        raise ReleaseError(f"{place}: is not YAML ({problem or ' '.join(str(error).split())})") from error
    faults = FaultList(str(file))
    Node(faults, tree)
    if faults.found:
        raise ReleaseError(str(faults.found[0]))
    if document is None:
        return {}
    if not isinstance(document, dict):
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
            json.dumps(merge)
            if name in _READERS:
                _READERS[name](merge)
        except SettingsError as error:
            raise ReleaseError(f"{place}: {name}: {error}") from error
        except TypeError as error:
            raise ReleaseError(f"{place}: {name}: {error}; put dates in quotes") from error
