"""The history in DynamoDB: one item per event and camera, moved from state to state by conditional writes."""

from dataclasses import dataclass
from typing import Final

from infra.alerts.runtime.agreed import CLIP_KEYS, DEVICE_ITEM, FLEET_PARTITION
from infra.alerts.runtime.aws.dynamo import Item, Table, Values, number, seconds, text
from infra.alerts.runtime.clip_keys import CLIPS_NAMED, MOST_NAMED, named_clip
from infra.alerts.runtime.delivery import Delivery
from infra.alerts.runtime.ports import AlertState, Decision, Lease, Record
from smartcam.contract.event import MOST_CLIPS, Event
from smartcam.contract.ids import CameraId, EventId, ThingName
from smartcam.contract.times import NS_PER_S, UtcNs, format_utc, parse_utc

_RECORD: Final = (
    "SET alert_state = :state, raised = :raised, thing = :thing, kind = :kind, severity = :severity,"
    " started_at = :started, recorded_at = :recorded, arrived_day = :day, forget_at = :forget,"
    " event_revision = :revision"
)
_UPGRADE: Final = "SET raised = :raised, kind = :kind, severity = :severity, event_revision = :revision"
_COMPLETE: Final = (
    "SET cleared = :cleared, ended_at = :ended, thing = :thing, kind = :kind, started_at = :started,"
    " forget_at = :forget"
)
_FILM: Final = (
    "SET recorded = :recorded, recorded_revision = :revision, filmed_at = :filmed, thing = :thing, kind = :kind,"
    " started_at = :started, forget_at = :forget"
)
_KNOW_KEYS: Final = f"{_FILM}, {CLIP_KEYS} = if_not_exists({CLIP_KEYS}, :keys)"
_NEWER_FILM: Final = "(attribute_not_exists(recorded_revision) OR recorded_revision < :revision)"
_NAME: Final = f"ADD {CLIPS_NAMED} :named"
_FULL_FROM: Final = MOST_NAMED - MOST_CLIPS
_ROOM: Final = f"(attribute_not_exists({CLIPS_NAMED}) OR size({CLIPS_NAMED}) <= :full_from)"
_FREE: Final = "alert_state = :recorded OR (alert_state = :sending AND lease_until <= :now)"
_AGAIN: Final = "alert_state IN (:sent, :held, :suppressed, :unwanted)"
_MINE: Final = "alert_state = :sending AND lease_until = :lease"
_SETTLE: Final = "SET alert_state = :state, settled_at = :at REMOVE lease_until"


@dataclass(frozen=True, slots=True)
class DynamoHistory:
    """A `History`. `keep_s` is how long items stay: longer than any outbox keeps an event."""

    table: Table
    lease_s: int
    keep_s: int

    def record(self, event: Event, arrived_at: UtcNs) -> Record:
        """See History."""
        values = {
            ":state": text(AlertState.RECORDED),
            ":raised": text(event.to_json().decode()),
            ":severity": text(event.severity),
            ":recorded": text(format_utc(arrived_at)),
            ":day": text(format_utc(arrived_at)[: len("2026-03-01")]),
            ":revision": number(event.revision),
            **self._common(event, arrived_at),
        }
        new, item = self._update(event, _RECORD, values, "attribute_not_exists(alert_state)")
        if new:
            return Record(AlertState.RECORDED, revision=event.revision)
        if event.revision > _revision(item):
            better = {name: values[name] for name in (":raised", ":kind", ":severity", ":revision")}
            _, item = self._update(
                event, _UPGRADE, better, "attribute_not_exists(event_revision) OR event_revision < :revision"
            )
        return Record(AlertState(item["alert_state"]["S"]), told_in(item), max(_revision(item), event.revision))

    def complete(self, event: Event, arrived_at: UtcNs) -> None:
        """See History."""
        ended_at = event.started_at if event.ended_at is None else event.ended_at
        values = {":cleared": text(event.to_json().decode()), ":ended": text(format_utc(ended_at))}
        self._update(event, _COMPLETE, {**values, **self._common(event, arrived_at)})

    def film(self, event: Event, arrived_at: UtcNs) -> None:
        """See History."""
        values = {
            ":recorded": text(event.to_json().decode()),
            ":revision": number(event.revision),
            ":filmed": text(format_utc(arrived_at)),
        }
        device = self.table.get((FLEET_PARTITION, DEVICE_ITEM + event.thing), consistent=True) or {}
        keys = {":keys": device[CLIP_KEYS]} if CLIP_KEYS in device else {}
        film = _KNOW_KEYS if keys else _FILM
        # What was named once stays named: whoever has stolen a certificate cannot take an old clip's proof away.
        names = [named_clip(part, event.clip_key) for part in event.clips]
        named: Values = {":named": {"SS": names}, ":full_from": number(_FULL_FROM)}
        filmed = {**values, **keys, **self._common(event, arrived_at)}
        taken, item = self._update(event, f"{film} {_NAME}", {**filmed, **named}, f"{_NEWER_FILM} AND {_ROOM}")
        if taken:
            return
        if len(item.get(CLIPS_NAMED, {}).get("SS", ())) > _FULL_FROM:
            self._update(event, film, filmed, _NEWER_FILM)
        else:
            self._update(event, _NAME, named, _ROOM)

    def lease(self, event: Event, now: UtcNs, *, again: bool = False) -> Lease | None:
        """See History."""
        until = now + self.lease_s * NS_PER_S
        values = {
            ":recorded": text(AlertState.RECORDED),
            ":sending": text(AlertState.SENDING),
            ":now": number(now),
            ":lease": number(until),
        }
        update, free = "SET alert_state = :sending, lease_until = :lease", _FREE
        if again:
            decided = [AlertState.SENT, AlertState.HELD, AlertState.SUPPRESSED, AlertState.UNWANTED]
            values |= {f":{state.lower()}": text(state) for state in decided}
            free = f"{_FREE} OR {_AGAIN}"
        taken, before = self._update(event, update, values, free)
        if not taken:
            return None
        return Lease(until, told_in(before), doubtful=before["alert_state"]["S"] == AlertState.SENDING)

    def release(self, event: Event, lease: Lease) -> None:
        """See History."""
        values = {":recorded": text(AlertState.RECORDED), **_holder(lease)}
        self._update(event, "SET alert_state = :recorded REMOVE lease_until", values, _MINE)

    def mark(self, event: Event, lease: Lease, group: str, state: AlertState) -> None:
        """See History."""
        self._update(event, "ADD told :told", {":told": _entry(event, group, state), **_holder(lease)}, _MINE)

    def settle(
        self, event: Event, lease: Lease, state: AlertState, now: UtcNs, last: tuple[str, AlertState] | None = None
    ) -> None:
        """See History."""
        values: Values = {":state": text(state), ":at": text(format_utc(now)), **_holder(lease)}
        if last is None:
            self._update(event, _SETTLE, values, _MINE)
        else:
            self._update(event, f"{_SETTLE} ADD told :told", {**values, ":told": _entry(event, *last)}, _MINE)

    def delivery(self, thing: ThingName, camera: CameraId, event_id: EventId) -> Delivery | None:
        """See History."""
        item = self.table.get((f"{thing}/{camera}", f"event#{event_id}"), consistent=True) or {}
        if "raised" not in item:
            return None
        return Delivery(thing, camera, item["raised"]["S"].encode(), parse_utc(item["recorded_at"]["S"], "recorded_at"))

    def _common(self, event: Event, arrived_at: UtcNs) -> dict[str, dict[str, str]]:
        return {
            ":thing": text(event.thing),
            ":kind": text(event.kind),
            ":started": text(format_utc(event.started_at)),
            ":forget": seconds(arrived_at, self.keep_s),
        }

    def _update(self, event: Event, update: str, values: Values, condition: str = "") -> tuple[bool, Item]:
        """Whether the condition held, and the item as it was before."""
        key = partition(event), f"event#{event.event_id}"
        return self.table.update(key, update, values, condition, before=True)


def _holder(lease: Lease) -> dict[str, dict[str, str]]:
    return {":sending": text(AlertState.SENDING), ":lease": number(lease.until)}


def _entry(event: Event, group: str, state: AlertState) -> dict[str, list[str]]:
    return {"SS": [f"{group}={state}@{event.revision}" if event.revision else f"{group}={state}"]}


def told_in(item: Item) -> dict[str, Decision]:
    """The decision on the latest revision of each group."""
    told = dict[str, Decision]()
    for entry in item.get("told", {}).get("SS", []):
        group, decision = entry.rsplit("=", 1)
        state, _, revision = decision.partition("@")
        found = Decision(AlertState(state), int(revision or 0))
        told[group] = max(told.get(group, found), found, key=lambda one: one.revision)
    return told


def _revision(item: Item) -> int:
    return int(item.get("event_revision", {}).get("N", 0))


def partition(event: Event) -> str:
    """All items of one camera stand together; the thing's name keeps two yards' cameras apart."""
    return f"{event.thing}/{event.camera_id}"
