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

_MOST_VALUES: Final = 10_000
_NO_TEXT: Final = (":int", ":float", ":bool", ":null", ":timestamp")
"""How the tags of keys end that YAML takes for something else, such as a camera `17` or `no`."""


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
    faults = FaultList(str(file))
    try:
        text = file.read_text(encoding="utf-8")
        tree = yaml.compose(text, Loader=yaml.SafeLoader)
        _check_tree(tree)
        Node(faults, tree)
        document = yaml.safe_load(text)
    except OSError as error:
        raise ReleaseError(f"{file}: cannot be read ({error.strerror})") from error
    except (ValueError, yaml.YAMLError) as error:
        mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
        place = f"{file}:{mark.line + 1}" if mark else str(file)
        raise ReleaseError(f"{place}: is not YAML ({problem or ' '.join(str(error).split())})") from error
    except RecursionError as error:
        raise ReleaseError(f"{file}: cannot be read (its objects lie too deep in each other)") from error
    if faults.found:
        raise ReleaseError(str(faults.found[0]))
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise ReleaseError(f"{file}: must be an object: component name -> its configuration")
    return document


def _check_tree(tree: yaml.Node | None) -> None:
    """Raises ValueError for a key that is no text, and where aliases make a few lines larger than any device takes."""
    found, left = 0, [tree]
    while left:
        node = left.pop()
        found += 1
        if found > _MOST_VALUES:
            raise ValueError(f"more than {_MOST_VALUES} values, each alias counted as what it stands for")
        if isinstance(node, yaml.MappingNode):
            wrong = next((key for key, _ in node.value if key.tag.endswith(_NO_TEXT)), None)
            if wrong is not None:
                raise ValueError(
                    f"line {wrong.start_mark.line + 1}: the key {wrong.value!r} is no text: put it in quotes"
                )
            left += [each for pair in node.value for each in pair]
        elif isinstance(node, yaml.SequenceNode):
            left += node.value


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
            json.dumps(merge, allow_nan=False)
        except SettingsError as error:
            raise ReleaseError(f"{place}: {name}: {error}") from error
        except TypeError as error:
            raise ReleaseError(f"{place}: {name}: {error}; put dates in quotes") from error
        except ValueError as error:
            raise ReleaseError(f"{place}: {name}: {error}") from error
