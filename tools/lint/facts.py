"""What recipes are checked against: the parts of the suite, and what its code does."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Use:
    """One thing that a component's code does on a bus: an operation on a topic, '+' for any level."""

    service: str
    operation: str
    resource: str


@dataclass(frozen=True, slots=True)
class SuiteFacts:
    """The suite around a recipe."""

    version: str
    packages: str
    """Identifies the set of packages that the Runtime installs."""
    artifacts: Mapping[str, frozenset[str]]
    """The files that a build makes, by component."""
    uses: Mapping[str, frozenset[Use]]
    """What the code does on the bus, by component."""
