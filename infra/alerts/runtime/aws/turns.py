"""Turns in DynamoDB: an item for each group, and one for each thing of which something waits for the group's turn."""

from dataclasses import dataclass
from typing import Final

from infra.alerts.runtime.agreed import ITEM_KEY
from infra.alerts.runtime.aws.dynamo import Item, Table, Values, number, seconds
from infra.alerts.runtime.aws.limits import KEPT_S
from infra.alerts.runtime.troubles import PARTITION
from infra.alerts.runtime.turns import (
    OVERDUE_S,
    SPARE_NS,
    STEP_NS,
    ThingQueue,
    Waiting,
    free_after_round,
    from_text,
    held_from,
    most_of,
    to_text,
)
from smartcam.contract.ids import ThingName
from smartcam.contract.times import NS_PER_S, UtcNs

_THING: Final = "thing#"
_IDLE: Final = "attribute_not_exists(round_at)"
_CALM: Final = "(attribute_not_exists(free_at) OR free_at <= :now)"
_NO_TIMER: Final = "attribute_not_exists(round_at) OR round_at <= :overdue"
_PLACE: Final = "attribute_not_exists(waiting) OR size(waiting) < :most OR contains(waiting, :text)"


@dataclass(frozen=True, slots=True)
class DynamoTurns:
    """`Turns`. `round_at` is when the next round is due, or since when one is being held."""

    table: Table

    def take(self, group: str, now: UtcNs) -> bool:
        """See Turns."""
        calm = {":now": number(now), ":next": number(now + STEP_NS), ":forget": seconds(now, KEPT_S)}
        taken, there = self._update(group, "SET free_at = :next, forget_at = :forget", f"{_CALM} AND {_IDLE}", calm)
        if taken or "round_at" in there:
            return taken
        busy = {":spare": number(now + SPARE_NS), ":step": number(STEP_NS)}
        return self._update(group, "SET free_at = free_at + :step", f"free_at <= :spare AND {_IDLE}", busy)[0]

    def join(self, group: str, thing: ThingName, waiting: Waiting, now: UtcNs) -> bool:
        """See Turns."""
        text = to_text(waiting)
        values: Values = {
            ":now": number(now),
            ":forget": seconds(now, KEPT_S),
            ":me": {"SS": [text]},
            ":text": {"S": text},
            ":most": number(most_of(waiting)),
        }
        update = "SET since = if_not_exists(since, :now), forget_at = :forget ADD waiting :me"
        return self.table.update(_key(group, thing), update, values, _PLACE)[0]

    def is_armed(self, group: str, now: UtcNs) -> bool:
        """See Turns."""
        there = (self.table.get((PARTITION, f"turn#{group}"), consistent=True) or {}).get("round_at")
        return there is not None and int(there["N"]) > now - OVERDUE_S * NS_PER_S

    def arm(self, group: str, due: UtcNs, now: UtcNs) -> None:
        """See Turns."""
        values = {":due": number(due), ":overdue": _overdue(now), ":forget": seconds(now, KEPT_S)}
        self._update(group, "SET round_at = :due, forget_at = :forget", _NO_TIMER, values)

    def open(self, group: str, due: UtcNs, now: UtcNs) -> bool:
        """See Turns."""
        values = {":due": number(due), ":held": number(held_from(now)), ":overdue": _overdue(now)}
        return self._update(group, "SET round_at = :held", f"{_NO_TIMER} OR round_at = :due", values)[0]

    def queues(self, group: str) -> list[ThingQueue]:
        """See Turns."""
        return [
            _queue(item) for item in self.table.query(f"waiting#{group}", _THING, consistent=True) if "waiting" in item
        ]

    def leave(self, group: str, thing: ThingName, waiting: Waiting, now: UtcNs) -> None:
        """See Turns."""
        key = _key(group, thing)
        values: Values = {":me": {"SS": [to_text(waiting)]}, ":now": number(now)}
        _, item = self.table.update(key, "SET since = :now DELETE waiting :me", values)
        if "waiting" not in item:
            self.table.delete(key, "attribute_not_exists(waiting)")

    def rotate(self, group: str, thing: ThingName, now: UtcNs) -> None:
        """See Turns."""
        key = _key(group, thing)
        self.table.update(key, "SET since = :now", {":now": number(now)}, "attribute_exists(waiting)")

    def drop(self, group: str, thing: ThingName) -> None:
        """See Turns."""
        self.table.delete(_key(group, thing))

    def set_next(self, group: str, due: UtcNs) -> None:
        """See Turns."""
        self._update(group, "SET round_at = :due", "", {":due": number(due)})

    def close(self, group: str, now: UtcNs) -> None:
        """See Turns."""
        self._update(group, "SET free_at = :next REMOVE round_at", "", {":next": number(free_after_round(now))})

    def _update(self, group: str, update: str, condition: str, values: Values) -> tuple[bool, Item]:
        return self.table.update((PARTITION, f"turn#{group}"), update, values, condition)


def _key(group: str, thing: ThingName) -> tuple[str, str]:
    return f"waiting#{group}", f"{_THING}{thing}"


def _overdue(now: UtcNs) -> dict[str, str]:
    return number(now - OVERDUE_S * NS_PER_S)


def _queue(item: Item) -> ThingQueue:
    waiting = tuple(from_text(text) for text in sorted(item["waiting"]["SS"]))
    return ThingQueue(ThingName(item[ITEM_KEY]["S"].removeprefix(_THING)), UtcNs(int(item["since"]["N"])), waiting)
