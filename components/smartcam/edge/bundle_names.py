"""The names of a device's bundles: which the configuration knows, and in which folder each lies."""

import re
from pathlib import Path
from typing import Final

from smartcam.edge.settings import Settings

DEFAULT_BUNDLE: Final = "default"
"""The bundle of every camera that names no other."""
BUNDLES: Final = "bundles"
"""The key of the table in which a component's configuration names the others."""
MOST_BUNDLES: Final = 8
"""Besides the default one: each that is in use takes the memory of a model."""
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", re.ASCII)
_NAME_REMEDY: Final = "as a bundle's name must be 1 to 64 letters, digits, '-' and '_'"


def is_bundle_name(word: str) -> bool:
    """Whether a bundle may be called so; it is also the name of a folder."""
    return _NAME.fullmatch(word) is not None


def read_bundles(settings: Settings) -> dict[str, Path | None]:
    """The table `bundles`: each bundle's folder by its name; None for the one of that name in smartcam.Model.

    Raises:
        SettingsError: naming the first wrong key, unless `settings` notes its errors.
    """
    table = settings.table(BUNDLES)
    names = table.keys()
    for name in names:
        if name == DEFAULT_BUNDLE:
            table.refuse(table.error(name, "is the bundle of `bundle`, which has a key of its own"))
        elif not is_bundle_name(name):
            table.refuse(table.error(name, _NAME_REMEDY))
    if len(names) > MOST_BUNDLES:
        settings.refuse(settings.error(BUNDLES, f"must be at most {MOST_BUNDLES}"))
    said = {name: table.text(name, "") for name in names}
    return {name: Path(folder) if folder else None for name, folder in said.items()}


def bundle_folder(name: str, said: Path | None, released: Path | None) -> Path | None:
    """Where a bundle lies: in the folder that was `said`, else in the one with the bundles of smartcam.Model, if any.

    The default one fills that folder itself, as it did when it was the only one; each other has a folder in it.
    """
    if said is not None or released is None:
        return said
    return released if name == DEFAULT_BUNDLE else released / name
