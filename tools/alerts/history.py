"""Reading the history: which events have arrived, and what state their alerts are in."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Final

from infra.alerts.runtime.agreed import (
    ARRIVALS_INDEX,
    ARRIVED_AT,
    ARRIVED_DAY,
    CAMERA_KEY,
    CLIP_KEYS,
    DEVICE_ITEM,
    FLEET_PARTITION,
    HISTORY_DAYS,
    ITEM_KEY,
)
from infra.alerts.runtime.aws.history import told_in
from infra.alerts.runtime.clip_keys import ClipKeys, load_keys
from infra.alerts.runtime.ports import FINAL, AlertState
from smartcam.contract.errors import ContractError
from smartcam.contract.event import Event
from smartcam.contract.ids import RANDOM_BYTES_OF_AN_EVENT_ID, EventId, new_event_id
from smartcam.contract.times import NS_PER_MS, NS_PER_S, UtcNs, format_utc

_DAY: Final = len("2026-03-01")
_DAY_NS: Final = 86_400 * NS_PER_S
VERDICT_ATTRIBUTE: Final = "verdict"
"""Of an event's item: what a person has said of it."""
Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class HistoryRecord:
    """One event as the history has it; `event` is None where this program cannot read it.

    `filmed`: which clips of it its device has, and `filmed_at` when the cloud heard that; None where it has not.
    """

    key: Key
    arrived_at: str
    state: str
    event: Event | None
    told: tuple[str, ...] = ()
    ended_at: str | None = None
    filmed: Event | None = None
    filmed_at: str | None = None
    verdict: bool | None = None
    """What a person said: whether it was one; None: nobody has said."""
    clip_keys: ClipKeys = field(default_factory=dict)
    """With which keys its device had said that it seals clips when the cloud heard of them, and since when."""

    @property
    def outcome(self) -> str:
        """What has become of its alert, for people: nobody wants what a filter holds back."""
        if self.event is not None and self.event.is_held_back and self.state == AlertState.UNWANTED:
            return f"held back by {self.event.held_back}"
        return self.state

    @property
    def is_final(self) -> bool:
        """Whether its alert has reached its last state."""
        return self.state in FINAL


@dataclass(frozen=True, slots=True)
class HistoryReader:
    """The queries that people make of the table."""

    client: Any
    table: str

    def arrivals(self, since: UtcNs, now: UtcNs) -> Iterator[Key]:
        """The keys of what has arrived since, oldest first; the index lags slightly behind the table."""
        for day in days(since, now):
            values = {":day": day, ":since": format_utc(since)}
            names = {"#day": ARRIVED_DAY, "#at": ARRIVED_AT}
            for item in self._query("#day = :day AND #at >= :since", names, values, IndexName=ARRIVALS_INDEX):
                yield item[CAMERA_KEY]["S"], item[ITEM_KEY]["S"]

    def places(self, event: EventId, now: UtcNs) -> list[str]:
        """The cameras (`thing/camera`) of which an event with this id has arrived: one, or none that is known.

        An id is made by the device's clock, which may be wrong: the id's day is looked at first, then the days after
        it, then those before.
        """
        kept = days(UtcNs(now - HISTORY_DAYS * _DAY_NS), now)
        for day in sorted(kept, key=lambda day: (last_id_of(date.fromisoformat(day)) < event, day)):
            arrived = self._query("#day = :day", {"#day": ARRIVED_DAY}, {":day": day}, IndexName=ARRIVALS_INDEX)
            found = [item[CAMERA_KEY]["S"] for item in arrived if item[ITEM_KEY]["S"] == f"event#{event}"]
            if found:
                return found
        return []

    def of_day(self, camera: str, day: date) -> Iterator[HistoryRecord]:
        """A camera's (`thing/camera`) events of a day, oldest first."""
        values = {":camera": camera, ":first": f"event#{first_id_of(day)}", ":last": f"event#{last_id_of(day)}"}
        names = {"#camera": CAMERA_KEY, "#item": ITEM_KEY}
        for item in self._query("#camera = :camera AND #item BETWEEN :first AND :last", names, values):
            if ARRIVED_AT in item:
                yield read_record((camera, item[ITEM_KEY]["S"]), item)

    def _query(
        self, condition: str, names: Mapping[str, str], values: Mapping[str, str], **index: str
    ) -> Iterator[Mapping[str, Any]]:
        pages = self.client.get_paginator("query").paginate(
            TableName=self.table,
            KeyConditionExpression=condition,
            ExpressionAttributeNames=names,
            ExpressionAttributeValues={name: {"S": value} for name, value in values.items()},
            **index,
        )
        for page in pages:
            yield from page["Items"]

    def record(self, key: Key) -> HistoryRecord | None:
        """One event; None where it is not there (any more)."""
        item = self._item(key)
        return None if item is None or ARRIVED_AT not in item else read_record(key, item)

    def clip_keys(self, thing: str) -> ClipKeys:
        """With which keys a device has said until now that it seals clips, and since when."""
        return _keys(self._item((FLEET_PARTITION, DEVICE_ITEM + thing)) or {})

    def _item(self, key: Key) -> Mapping[str, Any] | None:
        name = {CAMERA_KEY: {"S": key[0]}, ITEM_KEY: {"S": key[1]}}
        item: Mapping[str, Any] | None = self.client.get_item(TableName=self.table, Key=name, ConsistentRead=True).get(
            "Item"
        )
        return item


def read_record(key: Key, item: Mapping[str, Mapping[str, Any]]) -> HistoryRecord:
    """An item of the table as a record."""
    return HistoryRecord(
        key=key,
        arrived_at=item[ARRIVED_AT]["S"],
        state=item.get("alert_state", {}).get("S", AlertState.RECORDED),
        event=_event(item, "raised"),
        told=tuple(f"{group}={told.state}" for group, told in sorted(told_in(item).items())),
        ended_at=item.get("ended_at", {}).get("S"),
        filmed=_event(item, "recorded"),
        filmed_at=item.get("filmed_at", {}).get("S"),
        verdict=item.get(VERDICT_ATTRIBUTE, {}).get("BOOL"),
        clip_keys=_keys(item),
    )


def _keys(item: Mapping[str, Mapping[str, Any]]) -> ClipKeys:
    try:
        return load_keys(item[CLIP_KEYS]["S"])
    except (KeyError, ContractError):
        return {}


def _event(item: Mapping[str, Mapping[str, Any]], phase: str) -> Event | None:
    try:
        return Event.from_json(item[phase]["S"])
    except (KeyError, ContractError):
        return None


def days(since: UtcNs, until: UtcNs) -> Iterator[str]:
    """The UTC days from one time to another, both included."""
    at = since - since % _DAY_NS
    while at <= until:
        yield format_utc(UtcNs(at))[:_DAY]
        at += _DAY_NS


def first_id_of(day: date) -> str:
    """The least event id of a UTC day: with `last_id_of` the two ends of a query for a camera's events of that day."""
    return new_event_id(_midnight(day), bytes(RANDOM_BYTES_OF_AN_EVENT_ID))


def last_id_of(day: date) -> str:
    """The greatest event id of a UTC day."""
    last_ms = UtcNs(_midnight(day + timedelta(days=1)) - NS_PER_MS)
    return new_event_id(last_ms, b"\xff" * RANDOM_BYTES_OF_AN_EVENT_ID)


def _midnight(day: date) -> UtcNs:
    return UtcNs((day - date(1970, 1, 1)).days * _DAY_NS)


def verdict_word(true: bool) -> str:  # noqa: FBT001 - the verdict itself
    """`true` or `false`, as it is said and exported."""
    return str(true).lower()


def line(record: HistoryRecord) -> str:
    """A record for people, in one line."""
    if record.event is None:
        return f"{record.arrived_at} {record.key[0]} unreadable {record.state}"
    event = record.event
    facts = [record.arrived_at, f"{event.thing}/{event.camera_id}", str(event.kind), str(event.severity)]
    facts += [f"zone={event.zone}"] if event.zone else []
    facts += [f"label={json.dumps(event.label, ensure_ascii=False)}"] if event.label else []
    facts += [f"ended={record.ended_at}"] if record.ended_at else []
    facts += [f"verdict={verdict_word(record.verdict)}"] if record.verdict is not None else []
    return " ".join([*facts, record.outcome, *record.told, event.event_id])
