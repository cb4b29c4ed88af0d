"""The limits in DynamoDB: SMS counted by the day, of the site and of each thing."""

from dataclasses import dataclass
from typing import Final

from infra.alerts.runtime.aws.dynamo import Table, Values, number, seconds
from infra.alerts.runtime.guarding import day_of
from infra.alerts.runtime.ports import Text, TextAnswer
from infra.alerts.runtime.texting import nearly, room_for
from infra.alerts.runtime.troubles import PARTITION
from smartcam.contract.times import UtcNs

KEPT_S: Final = 40 * 86_400


@dataclass(frozen=True, slots=True)
class DynamoLimits:
    """`Limits`. The day is UTC's."""

    table: Table
    texts_per_day: int
    texts_per_thing: int

    def may_text(self, text: Text, now: UtcNs) -> TextAnswer:
        """See Limits."""
        site, thing = _items(text, now)
        if self._count(thing, text, self.texts_per_thing, now) is None:
            return TextAnswer(allowed=False)
        used = self._count(site, text, self.texts_per_day, now)
        if used is None:
            self._take_back(thing, text.phones)
            return TextAnswer(allowed=False)
        return TextAnswer(allowed=True, nearly_used_up=nearly(used, self.texts_per_day))

    def give_back(self, text: Text, now: UtcNs) -> None:
        """See Limits."""
        for item in _items(text, now):
            self._take_back(item, text.phones)

    def _count(self, item: str, text: Text, limit: int, now: UtcNs) -> int | None:
        room = room_for(text, limit)
        if room < 0:
            return None
        values: Values = {":n": number(text.phones), ":room": number(room), ":forget": seconds(now, KEPT_S)}
        fits, there = self.table.update(
            (PARTITION, item),
            "SET forget_at = :forget ADD used :n",
            values,
            "attribute_not_exists(used) OR used <= :room",
        )
        return int(there["used"]["N"]) if fits else None

    def _take_back(self, item: str, phones: int) -> None:
        self.table.update((PARTITION, item), "ADD used :n", {":n": number(-phones)}, "attribute_exists(used)")


def _items(text: Text, now: UtcNs) -> tuple[str, str]:
    """The site's count of the day, and the thing's."""
    site = f"sms#{day_of(now)}"
    return site, f"{site}#{text.thing}"
