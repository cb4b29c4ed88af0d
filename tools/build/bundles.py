"""Which model bundles a release carries, as a person names them."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from smartcam.edge.bundle_names import DEFAULT_BUNDLE, MOST_BUNDLES, is_bundle_name
from tools.build.suite import DEMO_BUNDLE, BuildError

BUNDLE_HELP: Final = "model bundle (the demo's); again, with a name, for another one that a camera can name"


def chosen_bundles(words: Sequence[str], model: Callable[[], Path] | None = None) -> tuple[Path, dict[str, Path]]:
    """The default bundle, and the others by name, of words like `FOLDER` for the one and `NAME=FOLDER` for another.

    `model` gets the default bundle where it is chosen otherwise. Without all of that it is the demo's.

    Raises:
        BuildError: a name that cannot be one or comes twice, too many, or no default bundle beside the others.
    """
    chosen: dict[str, Path] = {}
    for word in words:
        name, folder = _named(word)
        if name in chosen:
            raise BuildError(f"--bundle {word}: {chosen[name]} is the bundle {name} already; say NAME=FOLDER")
        chosen[name] = folder
    if model is not None and DEFAULT_BUNDLE in chosen:
        raise BuildError("--model is not allowed with --bundle FOLDER: each is the default bundle; say NAME=FOLDER")
    if chosen and model is None and DEFAULT_BUNDLE not in chosen:
        raise BuildError("name the bundle of the cameras that name none as well: --bundle FOLDER")
    default = chosen.pop(DEFAULT_BUNDLE, DEMO_BUNDLE)
    if len(chosen) > MOST_BUNDLES:
        raise BuildError(f"{len(chosen)} bundles have names, and a device knows {MOST_BUNDLES}; name fewer")
    return default if model is None else model(), chosen


def _named(word: str) -> tuple[str, Path]:
    """A folder may have the sign in its name: what comes before it is a bundle's name unless it has a slash."""
    name, equals, folder = word.partition("=")
    if not equals or "/" in name:
        return DEFAULT_BUNDLE, Path(word)
    if not is_bundle_name(name) or not folder:
        remedy = "must be NAME=FOLDER, with a name of letters, digits, '-' and '_'; or a folder, as ./FOLDER"
        raise BuildError(f"--bundle {word}: {remedy}")
    return name, Path(folder)
