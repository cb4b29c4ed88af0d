"""What the CDK context may say, checked before anything is synthesised."""

import difflib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeVar

from infra.alerts.runtime.audience import Language
from infra.site import switch
from infra.subscribers import (
    EVERYONE,
    SubscriberFile,
    SubscriberGroup,
    email,
    language,
    phone,
    quiet_hours,
    read_subscribers,
    time_zone,
)
from smartcam.contract.errors import ContractError, SettingsError
from smartcam.contract.ids import ThingName, thing_name

KEYS: Final = (
    "email", "phone", "things", "cooldown_seconds", "time_zone", "language", "quiet", "subscribers", "nobody"
)  # fmt: skip
DEFAULT_COOLDOWN_S: Final = 300
LONGEST_COOLDOWN_S: Final = 86_400
_MARKS_OF_THE_CDK: Final = frozenset(":/@")
_KEYS_OF_THE_CDK: Final = frozenset({"acknowledged-issue-numbers", "cdk-migrate"})

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class AlertSettings:
    """Who is told, which devices may speak, and how often at most."""

    groups: tuple[SubscriberGroup, ...] = (SubscriberGroup(),)
    things: tuple[ThingName, ...] = ()
    cooldown_s: int = DEFAULT_COOLDOWN_S
    time_zone: str = "UTC"
    camera_zones: Mapping[str, str] = field(default_factory=dict)
    nobody: bool = False

    @classmethod
    def from_context(cls, context: Mapping[str, object]) -> "AlertSettings":
        """The settings in the context; a key that is missing or empty has its default.

        Raises:
            SettingsError: naming key, value and remedy.
        """
        zone = time_zone("time_zone", context.get("time_zone") or "UTC")
        file = _file(context.get("subscribers"), zone)
        return cls(
            groups=_groups(_everyone(context, zone), file.groups),
            things=_several(context, "things", _thing),
            cooldown_s=_cooldown(context.get("cooldown_seconds")),
            time_zone=zone,
            camera_zones=file.camera_zones or {},
            nobody=switch("nobody", context.get("nobody")),
        )

    def require_recipients(self) -> None:
        """Refuse to tell nobody, unless that is meant: a deployment takes every subscriber away that it does not name.

        Raises:
            SettingsError: naming the ways to name them.
        """
        if not self.nobody and not any(group.emails or group.phones or group.urls for group in self.groups):
            remedy = (
                "nobody would be told, and a deployment would remove every subscriber who is there: give -c email=...,"
                " -c phone=... or -c subscribers=FILE with every deployment, or say -c nobody=on if that is meant"
            )
            raise SettingsError("email", "", remedy)

    def zone_names(self) -> frozenset[str]:
        """Every time zone that the function must know."""
        return frozenset({self.time_zone, *self.camera_zones.values(), *(group.time_zone for group in self.groups)})


def refuse_unknown(given: Mapping[str, object], known: Sequence[str]) -> None:
    """Refuse a key that is neither one of ours nor the CDK's, whose keys have marks that ours do not have.

    Raises:
        SettingsError: with the key that was probably meant.
    """
    for key, value in given.items():
        if key in known or key in _KEYS_OF_THE_CDK or not _MARKS_OF_THE_CDK.isdisjoint(key):
            continue
        meant = difflib.get_close_matches(key.lower().replace("-", "_"), known, n=1)
        question = f"did you mean {meant[0]}? " if meant else ""
        raise SettingsError(key, value, f"there is no such key; {question}The keys are {', '.join(known)}")


def _file(value: object, zone: str) -> SubscriberFile:
    return SubscriberFile() if value is None or value == "" else read_subscribers(Path(str(value)), zone)


def _everyone(context: Mapping[str, object], zone: str) -> SubscriberGroup:
    """The group of those who stand in the context itself."""
    quiet = context.get("quiet")
    return SubscriberGroup(
        emails=_several(context, "email", email),
        phones=_several(context, "phone", phone),
        language=language("language", context.get("language") or Language.ENGLISH),
        time_zone=zone,
        quiet=quiet_hours("quiet", quiet) if quiet else None,
    )


def _groups(everyone: SubscriberGroup, others: tuple[SubscriberGroup, ...]) -> tuple[SubscriberGroup, ...]:
    if not others:
        return (everyone,)
    if not (everyone.emails or everyone.phones):
        return others
    if any(group.name == EVERYONE for group in others):
        raise SettingsError("group.name", EVERYONE, "choose another: that is the group of the context's own")
    return (everyone, *others)


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
