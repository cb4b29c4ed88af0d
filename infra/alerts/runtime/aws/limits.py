"""The limits in DynamoDB: SMS counted by the day, and a limited number of turns a second."""

from dataclasses import dataclass
from typing import Final

from infra.alerts.runtime.agreed import EMAILS_PER_SECOND
from infra.alerts.runtime.aws.dynamo import Table, Values, number, seconds
from smartcam.contract.times import NS_PER_S, UtcNs, format_utc

PARTITION: Final = "guard"
_KEEP_S: Final = 40 * 86_400
_STEP_NS: Final = NS_PER_S // EMAILS_PER_SECOND


@dataclass(frozen=True, slots=True)
class DynamoLimits:
    """`Limits`. The day is UTC's."""

    table: Table
    texts_per_day: int

    def may_text(self, phones: int, now: UtcNs) -> bool:
        """See Limits."""
        room = self.texts_per_day - phones
        if room < 0:
            return False
        values = {":n": number(phones), ":room": number(room), ":forget": seconds(now, _KEEP_S)}
        used = self._update(
            _day(now), "SET forget_at = :forget ADD used :n", "attribute_not_exists(used) OR used <= :room", values
        )
        return used is not None

    def give_back(self, phones: int, now: UtcNs) -> None:
        """See Limits."""
        self._update(_day(now), "ADD used :n", "attribute_exists(used)", {":n": number(-phones)})

    def slot(self, group: str, now: UtcNs) -> UtcNs:
        """See Limits: a turn follows the one before, or is now where that is past; each of both is one atomic step."""
        item, step = f"turn#{group}", number(_STEP_NS)
        while True:
            values = {":step": step, ":now": number(now)}
            queued = self._update(item, "SET free_at = free_at + :step", "free_at >= :now", values)
            if queued is not None:
                return UtcNs(queued - _STEP_NS)
            values = {":next": number(now + _STEP_NS), ":now": number(now), ":forget": seconds(now, _KEEP_S)}
            first = self._update(
                item,
                "SET free_at = :next, forget_at = :forget",
                "attribute_not_exists(free_at) OR free_at < :now",
                values,
            )
            if first is not None:
                return now

    def _update(self, item: str, update: str, condition: str, values: Values) -> int | None:
        """The number that the update has left in the item; None where the condition does not hold."""
        changed, there = self.table.update((PARTITION, item), update, values, condition)
        return int((there.get("free_at") or there["used"])["N"]) if changed else None


def _day(now: UtcNs) -> str:
    return f"sms#{format_utc(now)[:10]}"
