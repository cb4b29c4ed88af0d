"""What the CDK context may say, checked before anything is synthesised."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from smartcam.contract.errors import ContractError, SettingsError
from smartcam.contract.ids import ThingName, thing_name

KEYS: Final = ("email", "phone", "things", "cooldown_seconds", "time_zone")
DEFAULT_COOLDOWN_S: Final = 300
LONGEST_COOLDOWN_S: Final = 86_400

_EMAIL = re.compile(r"[^@\s,]+@[^@\s,]+", re.ASCII)
_PHONE = re.compile(r"\+[1-9]\d{6,14}", re.ASCII)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class AlertSettings:
    """Who is told, which devices may speak, and how often at most."""

    emails: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    things: tuple[ThingName, ...] = ()
    cooldown_s: int = DEFAULT_COOLDOWN_S
    time_zone: str = "UTC"

    @classmethod
    def from_context(cls, context: Mapping[str, object]) -> "AlertSettings":
        """The settings in the context; a key that is missing or empty has its default.

        Raises:
            SettingsError: naming key, value and remedy.
        """
        return cls(
            emails=_several(context, "email", _email),
            phones=_several(context, "phone", _phone),
            things=_several(context, "things", _thing),
            cooldown_s=_cooldown(context.get("cooldown_seconds")),
            time_zone=_time_zone(context.get("time_zone")),
        )


def _several(context: Mapping[str, object], key: str, read: Callable[[str, str], T]) -> tuple[T, ...]:
    value = context.get(key)
    if value is None or value == "":
        return ()
    if not isinstance(value, str):
        raise SettingsError(key, value, "give text, several values separated by commas")
    values = tuple(read(key, part.strip()) for part in value.split(","))
    if len(set(values)) != len(values):
        raise SettingsError(key, value, "name each value once")
    return values


def _email(key: str, value: str) -> str:
    if not _EMAIL.fullmatch(value):
        raise SettingsError(key, value, "give an address such as anna@example.org")
    return value


def _phone(key: str, value: str) -> str:
    if not _PHONE.fullmatch(value):
        raise SettingsError(key, value, "give a number in the form of E.164, such as +4915112345678")
    return value


def _thing(key: str, value: str) -> ThingName:
    try:
        return thing_name(value)
    except ContractError as error:
        raise SettingsError(key, value, f"a thing's name {error.reason}") from error


def _cooldown(value: object) -> int:
    if value is None or value == "":
        return DEFAULT_COOLDOWN_S
    text = str(value)
    if isinstance(value, bool) or not re.fullmatch(r"\d{1,6}", text, re.ASCII) or int(text) > LONGEST_COOLDOWN_S:
        raise SettingsError("cooldown_seconds", value, f"give whole seconds from 0 (off) to {LONGEST_COOLDOWN_S}")
    return int(text)


def _time_zone(value: object) -> str:
    if value is None or value == "":
        return "UTC"
    remedy = "give an IANA name such as Europe/Berlin"
    if not isinstance(value, str):
        raise SettingsError("time_zone", value, remedy)
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        if available_timezones():  # a machine without a time zone database cannot judge
            raise SettingsError("time_zone", value, remedy) from error
    return value
