"""What the CDK context may say beside who is alerted: pictures, those who run it, and the watch's patience."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from smartcam.contract.errors import SettingsError

KEYS: Final = ("operations_email", "snapshots", "snapshot_days", "sms_a_day", "offline_grace_seconds")
LONGEST_SNAPSHOT_DAYS: Final = 365
_EMAIL = re.compile(r"[^@\s,]+@[^@\s,]+", re.ASCII)
_WORDS: Final = {"on": True, "off": False, "true": True, "false": False}


@dataclass(frozen=True, slots=True)
class SiteSettings:
    """`sms_a_day` raises an alarm for those who run it; `offline_grace_s` is how long a lost connection may last."""

    operations_emails: tuple[str, ...] = ()
    snapshots: bool = False
    snapshot_days: int = 30
    sms_a_day: int = 50
    offline_grace_s: int = 180

    @classmethod
    def from_context(cls, context: Mapping[str, object]) -> "SiteSettings":
        """The settings in the context; a key that is missing or empty has its default.

        Raises:
            SettingsError: naming key, value and remedy.
        """
        return cls(
            operations_emails=_emails(context.get("operations_email")),
            snapshots=switch("snapshots", context.get("snapshots")),
            snapshot_days=_number(context, "snapshot_days", 30, 1, LONGEST_SNAPSHOT_DAYS),
            sms_a_day=_number(context, "sms_a_day", 50, 0, 10_000),
            offline_grace_s=_number(context, "offline_grace_seconds", 180, 0, 3600),
        )


def _emails(value: object) -> tuple[str, ...]:
    if value is None or value == "":
        return ()
    emails = tuple(part.strip() for part in value.split(",")) if isinstance(value, str) else ()
    if not emails or not all(_EMAIL.fullmatch(one) for one in emails) or len(set(emails)) != len(emails):
        raise SettingsError("operations_email", value, "give addresses such as anna@example.org, each once")
    return emails


def switch(key: str, value: object) -> bool:
    """On or off, off where nothing is said. Raises SettingsError."""
    word = "off" if value is None or value == "" else str(value).lower()
    if word not in _WORDS:
        raise SettingsError(key, value, "say on or off")
    return _WORDS[word]


def _number(context: Mapping[str, object], key: str, default: int, lowest: int, highest: int) -> int:
    value = context.get(key)
    if value is None or value == "":
        return default
    text = str(value)
    if isinstance(value, bool) or not re.fullmatch(r"\d{1,6}", text, re.ASCII) or not lowest <= int(text) <= highest:
        raise SettingsError(key, value, f"give a whole number from {lowest} to {highest}")
    return int(text)
