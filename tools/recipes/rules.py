"""How each kind of nucleus reads a recipe."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class ReadingRules:
    """Limits and habits of a nucleus as a reader. Sizes in bytes."""

    nucleus: str
    recipe_bytes: int
    script_bytes: int | None
    text_scalars: bool
    """Whether every scalar of a YAML recipe is delivered as text."""
    phases: tuple[str, ...]
    """The lifecycle phases that are run."""
    braces_are_variables: bool
    """Whether every opening brace begins a variable; else what is no known variable stays as it is."""


LITE: Final = ReadingRules(
    nucleus="lite",
    recipe_bytes=8_196,
    script_bytes=10_000,
    text_scalars=True,
    phases=("bootstrap", "install", "startup", "run"),
    braces_are_variables=True,
)
CLASSIC: Final = ReadingRules(
    nucleus="classic",
    recipe_bytes=16_000,
    script_bytes=None,
    text_scalars=False,
    phases=("bootstrap", "install", "startup", "run", "shutdown", "recover"),
    braces_are_variables=False,
)
