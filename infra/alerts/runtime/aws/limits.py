"""The limits in DynamoDB: SMS counted by the day, of the site and of each thing."""

from dataclasses import dataclass
from typing import Final

from infra.alerts.runtime.aws.dynamo import Table, Values, number, seconds
from infra.alerts.runtime.guarding import day_of
from infra.alerts.runtime.ports import SmsAnswer, SmsRequest
from infra.alerts.runtime.texting import nearly, room_for
from infra.alerts.runtime.troubles import PARTITION
from smartcam.contract.times import UtcNs

KEPT_S: Final = 40 * 86_400
_FITS: Final = (
    "(attribute_not_exists(used) OR used <= :room) AND (attribute_not_exists(ordinary) OR ordinary <= :ordinary_room)"
)


@dataclass(frozen=True, slots=True)
class DynamoLimits:
    """`Limits`. The day is UTC's."""

    table: Table
    texts_per_day: int
    texts_per_thing: int

    def may_text(self, text: SmsRequest, now: UtcNs) -> SmsAnswer:
        """See Limits."""
        counted, used = list[str](), 0
        for item, limit in self._items(text, now).items():
            there = self._count(item, text, limit, now)
            if there is None:
                for one in counted:
                    self._take_back(one, text)
                return SmsAnswer(allowed=False)
            counted, used = [*counted, item], there
        return SmsAnswer(allowed=True, nearly_used_up=nearly(used, self.texts_per_day))

    def give_back(self, text: SmsRequest, now: UtcNs) -> None:
        """See Limits."""
        for item in self._items(text, now):
            self._take_back(item, text)

    def _items(self, text: SmsRequest, now: UtcNs) -> dict[str, int]:
        """The thing's count of the day, where it is about one, and then the site's; each with its limit."""
        site = f"sms#{day_of(now)}"
        of_thing = {f"{site}#{text.thing}": self.texts_per_thing} if text.thing else {}
        return {**of_thing, site: self.texts_per_day}

    def _count(self, item: str, text: SmsRequest, limit: int, now: UtcNs) -> int | None:
        room = room_for(text, limit)
        if room is None or room.ordinary < 0:
            return None
        values: Values = {
            **_counts(text, 1),
            ":room": number(room.all),
            ":ordinary_room": number(room.ordinary),
            ":forget": seconds(now, KEPT_S),
        }
        key, update = (PARTITION, item), "SET forget_at = :forget ADD used :n, ordinary :ordinary"
        fits, there = self.table.update(key, update, values, _FITS)
        return int(there["used"]["N"]) if fits else None

    def _take_back(self, item: str, text: SmsRequest) -> None:
        update = "ADD used :n, ordinary :ordinary"
        self.table.update((PARTITION, item), update, _counts(text, -1), "attribute_exists(used)")


def _counts(text: SmsRequest, sign: int) -> dict[str, dict[str, str]]:
    ordinary = 0 if text.critical else text.phones
    return {":n": number(sign * text.phones), ":ordinary": number(sign * ordinary)}
