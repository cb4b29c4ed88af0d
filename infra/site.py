"""What the CDK context may say besides who is alerted: pictures, the operators, and the watch's patience."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from infra.context import several, switch, whole_number
from infra.subscribers import email

KEYS: Final = ("operations_email", "snapshots", "snapshot_days", "sms_a_day", "offline_grace_seconds")


@dataclass(frozen=True, slots=True)
class SiteSettings:
    """`sms_a_day` is the day's limit of SMS; `offline_grace_s` is how long a lost connection may last."""

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
            operations_emails=several(context, "operations_email", email),
            snapshots=switch(context, "snapshots"),
            snapshot_days=whole_number(context, "snapshot_days", 30, 1, 365),
            sms_a_day=whole_number(context, "sms_a_day", 50, 0, 10_000),
            offline_grace_s=whole_number(context, "offline_grace_seconds", 180, 0, 3600),
        )
