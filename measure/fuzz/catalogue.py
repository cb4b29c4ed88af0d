"""All targets, by name."""

from collections.abc import Mapping
from typing import Final

from measure.fuzz import archives, brought, console, device, memories, messages, rings, settings
from measure.fuzz.target import FuzzTarget

TARGETS: Final[Mapping[str, FuzzTarget]] = {
    **messages.TARGETS,
    **settings.TARGETS,
    **device.TARGETS,
    **rings.TARGETS,
    **memories.TARGETS,
    **brought.TARGETS,
    **archives.TARGETS,
    **console.TARGETS,
}
