"""All targets, by name."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from measure.fuzz import archives, brought, console, device, memories, messages, rings, settings
from measure.fuzz.target import FuzzTarget

_FAMILIES: Final = (messages, settings, device, rings, memories, brought, archives, console)
TARGETS: Final[Mapping[str, FuzzTarget]] = MappingProxyType(
    {name: target for family in _FAMILIES for name, target in family.TARGETS.items()}
)


def module_of(name: str) -> str:
    """Where a target is: whoever fuzzes it need not import the others."""
    return next(family.__name__ for family in _FAMILIES if name in family.TARGETS)
