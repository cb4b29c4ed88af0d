"""All targets, by name."""

from collections.abc import Mapping
from typing import Final

from measure.fuzz import brought, console, device, messages, settings
from measure.fuzz.target import FuzzTarget

TARGETS: Final[Mapping[str, FuzzTarget]] = {
    **messages.TARGETS,
    **settings.TARGETS,
    **device.TARGETS,
    **brought.TARGETS,
    **console.TARGETS,
}
