"""What quiet hours hold, in DynamoDB: a partition per group and night, an item per event, and one for the digest."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from infra.alerts.runtime.aws.dynamo import Item, Table, Values, key_of, number, seconds, text
from infra.alerts.runtime.facts import MOST_COUNTED, HeldEvent
from infra.alerts.runtime.ports import NotYet
from smartcam.contract.event import EventKind, Severity
from smartcam.contract.ids import CameraId, EventId, ThingName
from smartcam.contract.times import NS_PER_MS, NS_PER_S, UtcNs

_HEAD: Final = "digest"
_EVENT: Final = "held#"
_COUNT: Final = "thing#"
_OPEN: Final = "attribute_not_exists(digest_sent) AND (attribute_not_exists(held_until) OR held_until <= :now)"


@dataclass(frozen=True, slots=True)
class DynamoDigests:
    """`Digests`."""

    table: Table
    lease_s: int
    keep_s: int
    most: int = MOST_COUNTED

    def hold(self, group: str, ends: UtcNs, held: HeldEvent) -> None:
        """See Digests. What is held again is counted again: the bound need not be exact."""
        values: Values = {":one": number(1), ":most": number(self.most), ":forget": seconds(ends, self.keep_s)}
        room, update = "attribute_not_exists(held) OR held < :most", "SET forget_at = :forget ADD held :one"
        key = _partition(group, ends), f"{_COUNT}{held.thing}"
        if not self.table.update(key, update, values, room)[0]:
            return
        self.table.client.put_item(
            TableName=self.table.name,
            Item={
                **key_of(_partition(group, ends), f"{_EVENT}{held.thing}/{held.camera}#{held.event_id}"),
                "thing": text(held.thing),
                "camera_id": text(held.camera),
                "event_id": text(held.event_id),
                "kind": text(held.kind),
                "severity": text(held.severity),
                "forget_at": seconds(ends, self.keep_s),
            },
        )

    def needs_timer(self, group: str, ends: UtcNs) -> bool:
        """See Digests."""
        return "timer_set" not in (self.table.get((_partition(group, ends), _HEAD)) or {})

    def timer_set(self, group: str, ends: UtcNs) -> None:
        """See Digests."""
        values: Values = {":yes": {"BOOL": True}, ":forget": seconds(ends, self.keep_s)}
        self._update(group, ends, "SET timer_set = :yes, forget_at = :forget", values)

    def open(self, group: str, ends: UtcNs, now: UtcNs) -> Sequence[HeldEvent] | NotYet | None:
        """See Digests."""
        values = {
            ":now": number(now),
            ":until": number(now + self.lease_s * NS_PER_S),
            ":forget": seconds(ends, self.keep_s),
        }
        opened, there = self._update(group, ends, "SET held_until = :until, forget_at = :forget", values, _OPEN)
        if not opened:
            return None if "digest_sent" in there else NotYet(UtcNs(int(there["held_until"]["N"])))
        held = [_event(item) for item in self.table.query(_partition(group, ends), _EVENT, consistent=True)]
        if not held:
            self.release(group, ends)
        return held or None

    def sent(self, group: str, ends: UtcNs) -> None:
        """See Digests."""
        self._update(group, ends, "SET digest_sent = :yes REMOVE held_until", {":yes": {"BOOL": True}})

    def release(self, group: str, ends: UtcNs) -> None:
        """See Digests."""
        self._update(group, ends, "REMOVE held_until", {})

    def _update(self, group: str, ends: UtcNs, update: str, values: Values, condition: str = "") -> tuple[bool, Item]:
        return self.table.update((_partition(group, ends), _HEAD), update, values, condition)


def _partition(group: str, ends: UtcNs) -> str:
    return f"digest#{group}#{ends // NS_PER_MS}"


def _event(item: Item) -> HeldEvent:
    return HeldEvent(
        ThingName(item["thing"]["S"]),
        CameraId(item["camera_id"]["S"]),
        EventId(item["event_id"]["S"]),
        EventKind(item["kind"]["S"]),
        Severity(item["severity"]["S"]),
    )
