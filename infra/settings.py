"""What the CDK context may say, checked before anything is synthesised."""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

from infra.alerts.runtime.audience import Language
from infra.context import several, switch, value_of, whole_number
from infra.fleet.core_device import ANY_UUID
from infra.subscribers import (
    EVERYONE,
    SubscriberFile,
    SubscriberGroup,
    choice,
    email,
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


@dataclass(frozen=True, slots=True)
class AlertSettings:
    """Who gets alerts, which devices may publish, and how often at most."""

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
        path = value_of(context, "subscribers")
        file = SubscriberFile() if path is None else read_subscribers(Path(str(path)), zone)
        return cls(
            groups=_groups(_everyone(context, zone), file.groups),
            things=several(context, "things", _thing),
            cooldown_s=whole_number(context, "cooldown_seconds", DEFAULT_COOLDOWN_S, 0, LONGEST_COOLDOWN_S),
            time_zone=zone,
            camera_zones=file.camera_zones or {},
            nobody=switch(context, "nobody"),
        )

    def require_recipients(self) -> None:
        """Refuse to deploy without recipients unless that is meant: it removes every subscriber it does not name.

        Raises:
            SettingsError: naming the ways to name them.
        """
        if not self.nobody and not any(group.emails or group.phones or group.urls for group in self.groups):
            remedy = (
                "nobody would get alerts, and a deployment would remove every existing subscriber: give -c email=...,"
                " -c phone=... or -c subscribers=FILE with every deployment, or say -c nobody=on if that is meant"
            )
            raise SettingsError("email", "", remedy)

    def zone_names(self) -> frozenset[str]:
        """Every time zone that the function must know."""
        return frozenset({self.time_zone, *self.camera_zones.values(), *(group.time_zone for group in self.groups)})


def refuse_unknown(given: Mapping[str, object], known: Sequence[str]) -> None:
    """Refuse a key that is neither one of ours nor the CDK's, whose keys contain characters that ours do not.

    Raises:
        SettingsError: with the key that was probably meant.
    """
    for key, value in given.items():
        if key in known or key in _KEYS_OF_THE_CDK or not _MARKS_OF_THE_CDK.isdisjoint(key):
            continue
        meant = difflib.get_close_matches(key.lower().replace("-", "_"), known, n=1)
        question = f"did you mean {meant[0]}? " if meant else ""
        raise SettingsError(key, value, f"there is no such key; {question}The keys are {', '.join(known)}")


def _everyone(context: Mapping[str, object], zone: str) -> SubscriberGroup:
    """The group of the subscribers named in the context itself."""
    quiet = context.get("quiet")
    return SubscriberGroup(
        emails=several(context, "email", email),
        phones=several(context, "phone", phone),
        language=choice("language", context.get("language") or Language.ENGLISH, Language),
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


def _thing(key: str, value: str) -> ThingName:
    try:
        name = thing_name(value)
    except ContractError as error:
        raise SettingsError(key, value, f"a thing's name {error.reason}") from error
    if fnmatchcase(name, ANY_UUID):
        raise SettingsError(key, value, "choose another name: claim certificates may connect under any UUID")
    return name
