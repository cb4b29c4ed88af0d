"""Recipe variables: `{work:path}` and its kin, in scripts and environment values. Pure."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from standins.nucleus.configuration import KeyPath, NoSuchKey, parse_pointer
from standins.nucleus.profile import LITE, RecipeRules
from tools.recipes.keys import nearest
from tools.recipes.variables import KNOWN, braces

_VARIABLE: Final = re.compile(r"\{([^{}\n]*)\}")

ReadConfiguration = Callable[[KeyPath], object]
"""Raises NoSuchKey."""


class VariableError(ValueError):
    """A variable that the nucleus does not know, or that has no value."""


# Classic takes only what looks like a variable, and leaves what it does not know as it is.
_LOOKS_LIKE_A_VARIABLE: Final = re.compile(r"\{([.\w-]+:[^:}]*)\}")


@dataclass(frozen=True, slots=True)
class Variables:
    """The values of one component's variables, and how its nucleus puts them in."""

    plain: Mapping[str, str]
    configuration: ReadConfiguration
    rules: RecipeRules = LITE.recipes

    def value(self, name: str) -> str:
        """Raises VariableError for a configuration key that is not there."""
        if name in self.plain:
            return self.plain[name]
        if not name.startswith("configuration:"):
            raise VariableError(f"{{{name}}} is not a variable{nearest(name, KNOWN)}")
        pointer = name.removeprefix("configuration:")
        try:
            found = self.configuration(parse_pointer(pointer))
        except (NoSuchKey, ValueError) as error:
            raise VariableError(f"{{{name}}}: there is no configuration key {pointer!r}") from error
        return found if isinstance(found, str) else json.dumps(found)


def variables_of(
    root: Path,
    name: str,
    version: str,
    thing: str,
    configuration: ReadConfiguration,
    rules: RecipeRules = LITE.recipes,
) -> Variables:
    """The variables of a component; lite's paths have a slash at the end."""
    end = "/" if rules.paths_end_in_slash else ""
    return Variables(
        {
            "kernel:rootPath": str(root),
            "iot:thingName": thing,
            "work:path": f"{work_folder(root, name)}{end}",
            "artifacts:path": f"{artifacts_folder(root, name, version)}{end}",
            "artifacts:decompressedPath": f"{unpacked_folder(root, name, version)}{end}",
        },
        configuration,
        rules,
    )


def work_folder(root: Path, name: str) -> Path:
    """Where a component runs."""
    return root / "work" / name


def artifacts_folder(root: Path, name: str, version: str) -> Path:
    """Where a component's files lie."""
    return root / "packages" / "artifacts" / name / version


def unpacked_folder(root: Path, name: str, version: str) -> Path:
    """Where a component's zip files are unpacked, each in a folder of its own."""
    return root / "packages" / "artifacts-unarchived" / name / version


def check_variables(text: str) -> None:
    """Raises VariableError for the first brace that begins no known variable."""
    for line in text.splitlines():
        for _, fault in braces(line):
            if fault:
                raise VariableError(fault)


def interpolate_script(text: str, variables: Variables) -> str:
    """A shell script with its variables replaced; on lite in a way that is safe inside double quotes."""
    if not variables.rules.escapes_values:
        return interpolate_value(text, variables)
    return _replace(text, variables, lambda name: re.sub(r'(["\\$`])', r"\\\1", variables.value(name)))


def interpolate_value(text: str, variables: Variables) -> str:
    """A plain value with its variables replaced."""
    return _replace(text, variables, variables.value)


def _replace(text: str, variables: Variables, value: Callable[[str], str]) -> str:
    if variables.rules.reading.braces_are_variables:
        check_variables(text)
        return _VARIABLE.sub(lambda found: value(found[1]), text)

    def known_or_literal(found: re.Match[str]) -> str:
        try:
            return value(found[1])
        except VariableError:
            return found[0]

    return _LOOKS_LIKE_A_VARIABLE.sub(known_or_literal, text)
