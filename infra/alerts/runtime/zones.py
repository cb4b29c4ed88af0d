"""Time zones by their IANA names: from the asset, which carries those that the settings name, else from the machine."""

import logging
from datetime import UTC, tzinfo
from functools import cache
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

FOLDER: Final = "zones"
_CARRIED: Final = Path(__file__).resolve().parents[3] / FOLDER

logger = logging.getLogger(__name__)


@cache
def zone(name: str, carried: Path = _CARRIED) -> tzinfo:
    """The zone; UTC for a wrong or unknown name, because that must not cost an alert."""
    try:
        file = carried / name
        if name == "UTC":
            return UTC
        if ".." not in file.parts and file.is_file():
            with file.open("rb") as opened:
                return ZoneInfo.from_file(opened, key=name)
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        logger.warning("time_zone_unknown name=%s used=UTC", name)
        return UTC
