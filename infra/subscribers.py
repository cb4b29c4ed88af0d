"""Who gets alerts: groups of subscribers, from the context or from a small file in TOML, checked before synthesis."""

import json
import re
import tomllib
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import time
from enum import StrEnum
from pathlib import Path
from typing import Final, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from infra.alerts.runtime.audience import ANY, Language
from infra.context import distinct
from smartcam.contract.errors import ContractError, SettingsError
from smartcam.contract.event import EventKind, Severity
from smartcam.contract.ids import camera_id, thing_name
from smartcam.contract.written import UnreadableText, read_text

EVERYONE: Final = "everyone"
MOST_GROUPS: Final = 20
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,31}", re.ASCII)
_CLOCK: Final = re.compile(r"(?:[01]\d|2[0-3]):[0-5]\d", re.ASCII)
_GROUP_KEYS: Final = (
    "name", "emails", "phones", "urls", "language", "time_zone", "quiet", "cameras", "kinds", "severity"
)  # fmt: skip
_MAILBOX: Final = re.compile(r"[!-~]{1,64}")
_LABEL: Final = r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)"
_DOMAIN: Final = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*")
_HTTPS: Final = re.compile(r"https://([^\s/?#]+?)((?::\d{1,5})?)((?:[/?#]\S*)?)", re.ASCII)
E = TypeVar("E", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class SubscriberGroup:
    """Subscribers of one topic: one language, one clock, one filter."""

    name: str = EVERYONE
    emails: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    urls: tuple[str, ...] = ()
    language: Language = Language.ENGLISH
    time_zone: str = "UTC"
    quiet: tuple[str, str] | None = None
    cameras: tuple[str, ...] = ()
    kinds: tuple[EventKind, ...] = ()
    severity: Severity = Severity.INFO

    def label(self, word: str) -> str:
        """The name of something that each group has; the context's own group needs no addition."""
        return word if self.name == EVERYONE else f"{word}-{self.name}"

    def document(self) -> dict[str, object]:
        """What the function needs to know; addresses are SNS's business alone."""
        return {
            "name": self.name,
            "language": self.language,
            "zone": self.time_zone,
            "quiet": list(self.quiet or ()),
            "emails": len(self.emails),
            "phones": len(self.phones),
            "cameras": list(self.cameras),
            "kinds": list(self.kinds),
            "severity": self.severity,
        }


@dataclass(frozen=True, slots=True)
class SubscriberFile:
    """What the file says: groups, and where cameras stand (`thing` or `thing/camera` to IANA zone)."""

    groups: tuple[SubscriberGroup, ...] = ()
    camera_zones: Mapping[str, str] | None = None


def audience_text(groups: Sequence[SubscriberGroup], own_zone: str, zones: Mapping[str, str]) -> str:
    """What the function's `Audience.from_json` reads, as short as it can be: an environment holds 4 kB."""
    document = {"groups": [group.document() for group in groups], "zone": own_zone, "zones": dict(zones)}
    return json.dumps(document, separators=(",", ":"))


def read_subscribers(path: Path, default_zone: str) -> SubscriberFile:
    """The file.

    Raises:
        SettingsError: naming key, value and remedy.
    """
    try:
        document = tomllib.loads(read_text(path))
    except (OSError, UnreadableText, tomllib.TOMLDecodeError, RecursionError) as error:
        raise SettingsError("subscribers", str(path), f"name a file in TOML that can be read ({error})") from error
    _only(document, "subscribers", ("group", "camera_zones"))
    tables = document.get("group", [])
    if not isinstance(tables, list) or len(tables) > MOST_GROUPS:
        raise SettingsError("group", tables, f"write at most {MOST_GROUPS} tables [[group]]")
    groups = tuple(_group(table, default_zone) for table in tables)
    names = [group.name.lower() for group in groups]
    if len(set(names)) != len(names):
        raise SettingsError("group.name", ", ".join(names), "give each group a name of its own")
    return SubscriberFile(groups, _camera_zones(document.get("camera_zones", {})))


def _matching(pattern: str, remedy: str) -> Callable[[str, str], str]:
    """A reader of a key's text that raises SettingsError with the remedy where the pattern does not match."""
    compiled = re.compile(pattern, re.ASCII)

    def read(key: str, value: str) -> str:
        if not compiled.fullmatch(value):
            raise SettingsError(key, value, remedy)
        return value

    return read


def email(key: str, value: str) -> str:
    """An address as SNS takes it: a domain beyond ASCII in the form that the name system knows. Raises SettingsError.

    SNS's mails go out without SMTPUTF8 (RFC 6531), so that what stands before the @ must be ASCII. The standard
    library's codec follows RFC 3490, which makes another domain of a few letters (`straße` becomes `strasse`): what
    does not come back the same is refused.
    """
    name, at, domain = value.rpartition("@")
    if not (at and name and domain) or re.search(r"[@\s,]", name + domain):
        raise SettingsError(key, value, "give an address such as anna@example.org")
    if not _MAILBOX.fullmatch(name):
        raise SettingsError(key, value, "SNS takes only ASCII before the @: give another address of this person")
    if not domain.isascii():
        domain = _registered(domain)
    if not _DOMAIN.fullmatch(domain):
        raise SettingsError(key, value, "give the domain as it is registered, such as xn--bcher-kva.example for bücher")
    return f"{name}@{domain}"


def _registered(domain: str) -> str:
    """The domain in ASCII; empty where it has no such form, or not surely the same."""
    meant = unicodedata.normalize("NFKC", domain).lower().replace("。", ".")
    try:
        ascii_form = meant.encode("idna")
        return ascii_form.decode("ascii") if ascii_form.decode("idna") == meant else ""
    except UnicodeError:
        return ""


phone = _matching(r"\+[1-9]\d{6,14}", "give a number in the form of E.164, such as +4915112345678")


def _url(key: str, value: str) -> str:
    """An address of a machine, its host in ASCII as `email` has it. Raises SettingsError."""
    found = _HTTPS.fullmatch(value)
    if found is None:
        raise SettingsError(key, value, "give an address that begins with https://")
    host, port, rest = found.groups()
    host = host if host.isascii() else _registered(host)
    if not host or not rest.isascii():
        raise SettingsError(key, value, "give it in ASCII: the host as xn--..., and what follows in percent-encoding")
    return f"https://{host}{port}{rest}"


def time_zone(key: str, value: object) -> str:
    """An IANA name. Raises SettingsError."""
    remedy = "give an IANA name such as Europe/Berlin"
    if not isinstance(value, str):
        raise SettingsError(key, value, remedy)
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        if available_timezones():  # a machine without a time zone database cannot judge
            raise SettingsError(key, value, remedy) from error
    return value


def quiet_hours(key: str, value: object) -> tuple[str, str]:
    """From when to when, as `22:00-07:00`. Raises SettingsError."""
    begins, _, ends = str(value).partition("-")
    if not (_CLOCK.fullmatch(begins) and _CLOCK.fullmatch(ends)) or begins == ends:
        raise SettingsError(key, value, "give two different times of the day, such as 22:00-07:00")
    return time.fromisoformat(begins).isoformat("minutes"), time.fromisoformat(ends).isoformat("minutes")


def _group(table: object, default_zone: str) -> SubscriberGroup:
    if not isinstance(table, dict):
        raise SettingsError("group", table, "write tables [[group]]")
    _only(table, "group", _GROUP_KEYS)
    name = table.get("name")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise SettingsError("group.name", name, "give 1 to 32 letters, digits or '-', a letter first")
    key = f"group.{name}"
    quiet = table.get("quiet")
    return SubscriberGroup(
        name=name,
        emails=_several(table, key, "emails", email),
        phones=_several(table, key, "phones", phone),
        urls=_several(table, key, "urls", _url),
        language=choice(f"{key}.language", table.get("language", Language.ENGLISH), Language),
        time_zone=time_zone(f"{key}.time_zone", table.get("time_zone", default_zone)),
        quiet=None if quiet is None else quiet_hours(f"{key}.quiet", quiet),
        cameras=_several(table, key, "cameras", _camera),
        kinds=_several(table, key, "kinds", lambda at, value: choice(at, value, EventKind)),
        severity=choice(f"{key}.severity", table.get("severity", Severity.INFO), Severity),
    )


T = TypeVar("T")


def _several(table: Mapping[str, object], path: str, key: str, read: Callable[[str, str], T]) -> tuple[T, ...]:
    given = table.get(key, [])
    if not isinstance(given, list) or not all(isinstance(one, str) for one in given):
        raise SettingsError(f"{path}.{key}", given, "give a list of texts")
    return distinct(f"{path}.{key}", given, [read(f"{path}.{key}", one) for one in given])


def _only(table: Mapping[str, object], path: str, known: tuple[str, ...]) -> None:
    unknown = sorted(set(table) - set(known))
    if unknown:
        raise SettingsError(f"{path}.{unknown[0]}", table[unknown[0]], f"use the keys {', '.join(known)}")


def choice(key: str, value: object, words: type[E]) -> E:
    """One of the words. Raises SettingsError."""
    try:
        return words(str(value))
    except ValueError as error:
        raise SettingsError(key, value, f"give one of {', '.join(words)}") from error


def _camera(key: str, value: str) -> str:
    """`camera`, `thing/camera` or `thing/*`."""
    thing, slash, camera = value.rpartition("/")
    try:
        if slash:
            thing_name(thing)
        if not (slash and camera == ANY):
            camera_id(camera)
    except ContractError as error:
        raise SettingsError(key, value, "give a camera, thing/camera or thing/*") from error
    return value


def _camera_zones(table: object) -> dict[str, str]:
    if not isinstance(table, dict):
        raise SettingsError("camera_zones", table, "write a table of thing or thing/camera = zone")
    zones = {}
    for place, name in table.items():
        thing, slash, camera = place.partition("/")
        try:
            thing_name(thing)
            if slash:
                camera_id(camera)
        except ContractError as error:
            raise SettingsError("camera_zones", place, "name a thing or thing/camera") from error
        zones[place] = time_zone(f"camera_zones.{place}", name)
    return zones
