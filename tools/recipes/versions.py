"""Semantic versions and the ranges that both nuclei understand. Pure."""

import re
from dataclasses import dataclass
from typing import Final

_VERSION: Final = re.compile(
    r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+[0-9A-Za-z.-]+)?",
    re.ASCII,
)
_NOT_ON_LITE: Final = re.compile(r"[\^~|*,]|\.x")
_BOUND: Final = re.compile(r"(>=|<=|>|<|=|)([^<>=].*)")


class VersionError(ValueError):
    """Text that is not a version, or a range that nucleus lite does not understand."""


_Identifier = tuple[int, int, str]


@dataclass(frozen=True, slots=True, order=True)
class Version:
    """A version, ordered by precedence: a pre-release comes before its release."""

    numbers: tuple[int, int, int]
    release: bool
    pre: tuple[_Identifier, ...]


def parse_version(text: str) -> Version:
    """Raises VersionError unless the text is `major.minor.patch` with or without a pre-release."""
    found = _VERSION.fullmatch(text)
    if found is None:
        raise VersionError(f"{text!r} is not a version such as 1.2.3")
    major, minor, patch, pre = found.groups()
    identifiers = tuple(_identifier(part) for part in pre.split(".")) if pre else ()
    return Version((int(major), int(minor), int(patch)), not pre, identifiers)


@dataclass(frozen=True, slots=True)
class VersionRange:
    """Bounds that all have to hold."""

    text: str
    bounds: tuple[tuple[str, Version], ...]

    def takes(self, version: Version) -> bool:
        """Whether the version is within all bounds."""
        return all(_holds(version, operator, bound) for operator, bound in self.bounds)


def parse_range(text: str) -> VersionRange:
    """A range such as `>=1.0.0 <2.0.0`. Raises VersionError."""
    if _NOT_ON_LITE.search(text):
        raise VersionError(f"{text!r}: nucleus lite knows bounds only; write '>=1.0.0 <2.0.0'")
    if not text.split():
        raise VersionError("a version requirement must not be empty")
    return VersionRange(text, tuple(_bound(part) for part in text.split()))


def _bound(part: str) -> tuple[str, Version]:
    found = _BOUND.fullmatch(part)
    if found is None:
        raise VersionError(f"{part!r} is not a bound such as >=1.0.0 (without a space)")
    return found[1], parse_version(found[2])


def _holds(version: Version, operator: str, bound: Version) -> bool:
    match operator:
        case ">=":
            return version >= bound
        case "<=":
            return version <= bound
        case ">":
            return version > bound
        case "<":
            return version < bound
        case _:
            return version == bound


def _identifier(part: str) -> _Identifier:
    return (0, int(part), "") if part.isdigit() else (1, 0, part)
