"""The functions' code, one asset for all, put together without docker: the same every time, byte for byte."""

import shutil
from pathlib import Path
from typing import Final

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
        target = folder / place
        target.mkdir(parents=True)
        for module in sorted(source.glob("*.py")):
            shutil.copyfile(module, target / module.name)
    for package in ("infra", "infra/alerts", "infra/fleet", "infra/snapshots", "smartcam"):
        (folder / package / "__init__.py").write_text("")
