"""What the CDK context may say besides who is alerted: pictures, the operators, and the watch's patience."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import count
from typing import Final

from infra.alerts.runtime.texting import fits_ordinary
from infra.context import SWITCH, several, switch, value_of, whole_number
from infra.subscribers import SubscriberGroup, choice, email
from smartcam.contract.errors import SettingsError

KEYS: Final = (
    "operations_email", "snapshots", "snapshot_days", "sms_a_day", "sms_a_day_per_thing", "offline_grace_seconds",
    "monitoring", "key", "reserved_concurrency",
)  # fmt: skip
RESERVED: Final = 10
LEAST_RESERVED: Final = 5
"""As many messages as are taken from the queue of events at a time: with fewer, some would be turned away."""


class MonitoringKind(StrEnum):
    """`plain`: three alarms, the dead-man switch watches the rest. `full`: metrics, dashboard and all alarms too."""

    PLAIN = "plain"
    FULL = "full"


class KeyKind(StrEnum):
    """`aws`: the keys that AWS's services have themselves. `own`: a customer-managed key, for a dollar a month."""

    AWS = "aws"
    OWN = "own"


@dataclass(frozen=True, slots=True)
class SiteSettings:
    """`sms_a_day` is the day's limit of SMS; `offline_grace_s` is how long a lost connection may last.

    `reserved_concurrency` of functions that devices start; None where the account's is shared.
    """

    operations_emails: tuple[str, ...] = ()
    snapshots: bool = False
    snapshot_days: int = 30
    sms_a_day: int = 50
    sms_a_day_per_thing: int = 20
    offline_grace_s: int = 180
    monitoring: MonitoringKind = MonitoringKind.PLAIN
    key: KeyKind = KeyKind.AWS
    reserved_concurrency: int | None = None

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
            sms_a_day_per_thing=whole_number(context, "sms_a_day_per_thing", 20, 0, 10_000),
            offline_grace_s=whole_number(context, "offline_grace_seconds", 180, 0, 3600),
            monitoring=choice("monitoring", value_of(context, "monitoring") or MonitoringKind.PLAIN, MonitoringKind),
            key=choice("key", value_of(context, "key") or KeyKind.AWS, KeyKind),
            reserved_concurrency=_reserved(context),
        )

    def require_room_for(self, groups: Sequence[SubscriberGroup]) -> None:
        """Refuse a group with more phones than a day's SMS allow for one ordinary alert: they would never get one.

        A limit of 0 says that nobody is to get any.

        Raises:
            SettingsError: naming the limit, and the least that would do.
        """
        limits = {"sms_a_day_per_thing": self.sms_a_day_per_thing, "sms_a_day": self.sms_a_day}
        if 0 in limits.values():
            return
        for group in groups:
            for key, limit in limits.items():
                if not fits_ordinary(len(group.phones), limit):
                    least = next(one for one in count(limit) if fits_ordinary(len(group.phones), one))
                    remedy = (
                        f"group {group.name} has {len(group.phones)} phones, and no ordinary alert would reach them by"
                        f" SMS, because the last fifth is for critical ones: give at least {least}, or 0 for no SMS"
                    )
                    raise SettingsError(key, limit, remedy)


def _reserved(context: Mapping[str, object]) -> int | None:
    key = "reserved_concurrency"
    word = str(value_of(context, key) or "off").lower()
    if word in SWITCH:
        return RESERVED if SWITCH[word] else None
    try:
        return whole_number(context, key, RESERVED, LEAST_RESERVED, 1000)
    except SettingsError as error:
        raise SettingsError(key, context.get(key), f"say on, off or a number from {LEAST_RESERVED} to 1000") from error
