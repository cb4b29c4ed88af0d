"""The cooldowns in DynamoDB: one item per camera, group and family, beside the camera's events."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from infra.alerts.runtime.audience import RANK
from infra.alerts.runtime.aws.dynamo import Item, Table, Values, number, seconds, text
from infra.alerts.runtime.facts import MOST_COUNTED, HeldEvent
from infra.alerts.runtime.ports import Claim, Closing, NotYet, Spot
from infra.alerts.runtime.words.render import alert_number
from smartcam.contract.event import Event, EventKind, Severity
from smartcam.contract.ids import EventId
from smartcam.contract.times import NS_PER_S, UtcNs

_CLOSING: Final = "closing"
_CLOSING_RANK: Final = -1
"""Below every event's: what happens while a closing message is sent is not held up by it."""
_CLAIM: Final = "SET held_by = :me, held_until = :until, held_rank = :rank, forget_at = :forget"
_CLAIMABLE: Final = (
    "(attribute_not_exists(sent_at) OR sent_at <= :horizon OR sent_rank < :rank) AND"
    " (attribute_not_exists(held_by) OR held_by = :me OR held_until <= :now OR held_rank < :rank)"
)
_SENT: Final = (
    "SET sent_at = :now, sent_rank = :rank, sent_number = :number, forget_at = :forget"
    " REMOVE held_by, held_until, held_rank"
)
_FREE: Final = "REMOVE held_by, held_until, held_rank"
_MINE: Final = "held_by = :me"
_ROOM: Final = "attribute_not_exists(held_back) OR size(held_back) < :most"
_CLOSABLE: Final = (
    "attribute_exists(held_back) AND (attribute_not_exists(sent_at) OR sent_at <= :horizon) AND"
    " (attribute_not_exists(held_by) OR held_until <= :now)"
)


@dataclass(frozen=True, slots=True)
class DynamoWindows:
    """`Windows`. What is held back is a set, so that counting one twice counts it once."""

    table: Table
    lease_s: int
    keep_s: int
    most: int = MOST_COUNTED

    def claim(self, spot: Spot, event: Event, now: UtcNs) -> Claim | None:
        """See Windows."""
        values = self._claim(spot, event.event_id, RANK[event.severity], now)
        claimed, before = self._update(spot, _CLAIM, _CLAIMABLE, values, before=True)
        if not claimed:
            return None
        closing = before.get("held_by", {}).get("S") == _CLOSING and (_time(before, "held_until") or 0) > now
        return Claim(() if closing else _held_back(spot, before))

    def keep(self, spot: Spot, event: Event, until: UtcNs) -> None:
        """See Windows."""
        self._update(spot, "SET held_until = :until", _MINE, {":me": text(event.event_id), ":until": number(until)})

    def release(self, spot: Spot, event: Event) -> None:
        """See Windows."""
        self._update(spot, _FREE, _MINE, {":me": text(event.event_id)})

    def sent(self, spot: Spot, event: Event, claim: Claim, now: UtcNs) -> None:
        """See Windows."""
        values: Values = {
            ":me": text(event.event_id),
            ":rank": number(RANK[event.severity]),
            ":number": text(alert_number(event.event_id)),
            ":now": number(now),
            ":told": {"SS": entries([*claim.held_back, HeldEvent.of(event)])},
            ":forget": seconds(now, self.keep_s),
        }
        changed, item = self._update(spot, f"{_SENT} DELETE held_back :told", _MINE, values)
        if changed:
            self._drop_other_names(spot, event, item)

    def hold_back(self, spot: Spot, event: Event, now: UtcNs) -> UtcNs | None:
        """See Windows."""
        values: Values = {
            ":me": {"SS": entries([HeldEvent.of(event)])},
            ":most": number(self.most),
            ":forget": seconds(now, self.keep_s),
        }
        changed, item = self._update(spot, "SET forget_at = :forget ADD held_back :me", _ROOM, values)
        self._drop_other_names(spot, event, item)
        return timer_due(spot, _time(item, "sent_at"), _time(item, "timer_at"), now) if changed else None

    def timer_set(self, spot: Spot, due: UtcNs) -> None:
        """See Windows."""
        self._update(spot, "SET timer_at = :due", "", {":due": number(due)})

    def close(self, spot: Spot, now: UtcNs) -> Closing | NotYet | None:
        """See Windows."""
        values = self._claim(spot, _CLOSING, _CLOSING_RANK, now)
        changed, item = self._update(spot, _CLAIM, _CLOSABLE, values)
        sent_at, held_back = _time(item, "sent_at"), _held_back(spot, item)
        if changed:
            return Closing(held_back, item.get("sent_number", {}).get("S"), sent_at)
        if not held_back:
            return None
        ends = 0 if sent_at is None else sent_at + spot.cooldown_s * NS_PER_S
        return NotYet(UtcNs(max(ends, _time(item, "held_until") or 0, now + NS_PER_S)))

    def closed(self, spot: Spot, closing: Closing) -> None:
        """See Windows."""
        told = {":told": {"SS": entries(closing.held_back)}}
        changed, _ = self._update(spot, f"{_FREE} DELETE held_back :told", _MINE, {":me": text(_CLOSING), **told})
        if not changed:  # an event has taken the right meanwhile
            self._update(spot, "DELETE held_back :told", "", told)

    def reopen(self, spot: Spot) -> None:
        """See Windows."""
        self._update(spot, _FREE, _MINE, {":me": text(_CLOSING)})

    def _claim(self, spot: Spot, holder: str, rank: int, now: UtcNs) -> Values:
        return {
            ":me": text(holder),
            ":until": number(now + self.lease_s * NS_PER_S),
            ":rank": number(rank),
            ":horizon": number(now - spot.cooldown_s * NS_PER_S),
            ":now": number(now),
            ":forget": seconds(now, self.keep_s),
        }

    def _drop_other_names(self, spot: Spot, event: Event, item: Item) -> None:
        """Take out what is held back of an event under an earlier, less precise kind."""
        names = [one for one in _held_back(spot, item) if one.event_id == event.event_id and one != HeldEvent.of(event)]
        if names:
            self._update(spot, "DELETE held_back :told", "", {":told": {"SS": entries(names)}})

    def _update(
        self, spot: Spot, update: str, condition: str, values: Values, *, before: bool = False
    ) -> tuple[bool, Item]:
        key = f"{spot.thing}/{spot.camera}", f"window#{spot.group}#{spot.family}"
        return self.table.update(key, update, values, condition, before=before)


def timer_due(spot: Spot, sent_at: UtcNs | None, timer_at: UtcNs | None, now: UtcNs) -> UtcNs | None:
    """When a timer must ring for what was held back now; None where one is set."""
    if timer_at is not None and timer_at > now:
        return None
    over = UtcNs((now if sent_at is None else sent_at) + spot.cooldown_s * NS_PER_S)
    return over if over > now else UtcNs(now + spot.cooldown_s * NS_PER_S)


def entries(held: Sequence[HeldEvent]) -> list[str]:
    """What is held back, as the window's item keeps it."""
    return sorted({f"{one.event_id}/{one.kind}/{one.severity}" for one in held})


def _held_back(spot: Spot, item: Item) -> tuple[HeldEvent, ...]:
    entries = (entry.split("/") for entry in sorted(item.get("held_back", {}).get("SS", [])))
    return tuple(
        HeldEvent(spot.thing, spot.camera, EventId(event), EventKind(kind), Severity(severity))
        for event, kind, severity in entries
    )


def _time(item: Item, name: str) -> UtcNs | None:
    return UtcNs(int(item[name]["N"])) if name in item else None
