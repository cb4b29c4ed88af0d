"""The functions' code, one asset for all, put together without docker: the same every time, byte for byte."""

import importlib.resources
import shutil
import zoneinfo
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from infra.alerts.runtime.zones import FOLDER

ROOT: Final = Path(__file__).resolve().parents[2]
HANDLER: Final = "infra.alerts.runtime.handler.handle"

_PACKAGES: Final = {
    "infra/alerts/runtime": ROOT / "infra/alerts/runtime",
    "infra/fleet/runtime": ROOT / "infra/fleet/runtime",
    "infra/snapshots/runtime": ROOT / "infra/snapshots/runtime",
    "smartcam/contract": ROOT / "components/smartcam/contract",
}


def assemble(folder: Path) -> None:
    """Write the asset into an empty folder; no caches, no other modules of the packages above."""
    for place, source in _PACKAGES.items():
        for module in sorted(source.rglob("*.py")):
            target = folder / place / module.relative_to(source)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(module, target)
    for package in ("infra", "infra/alerts", "infra/fleet", "infra/snapshots", "smartcam"):
        (folder / package / "__init__.py").write_text("")


def carry_zones(folder: Path, names: Iterable[str]) -> None:
    """Put time zones beside the code: Lambda does not promise that its machines have a database of them."""
    for name in sorted(set(names) - {"UTC"}):
        rules = _zone_rules(name)
        if rules is not None:
            target = folder / FOLDER / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(rules)


def _zone_rules(name: str) -> bytes | None:
    for place in zoneinfo.TZPATH:
        if (Path(place) / name).is_file():
            return (Path(place) / name).read_bytes()
    try:
        return importlib.resources.files("tzdata").joinpath("zoneinfo", *name.split("/")).read_bytes()
    except (ModuleNotFoundError, OSError):
        return None
