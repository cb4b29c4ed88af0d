"""The registry in the history's table, and the way to the function that alerts people."""

import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from infra.alerts.runtime.agreed import DEVICE_ITEM, FLEET_PARTITION, ITEM_KEY
from infra.alerts.runtime.aws.dynamo import Item, Table, Values, number, seconds, text
from infra.alerts.runtime.clip_keys import dump_keys
from infra.alerts.runtime.delivery import Delivery
from infra.fleet.runtime.codec import dump_device, dump_fleet, load_device, load_fleet, salvage_device
from infra.fleet.runtime.device import NEVER, Device, Fleet
from infra.fleet.runtime.pace import REFUSAL_PACE
from infra.fleet.runtime.ports import ChangedMeanwhile, NotAnswered
from smartcam.contract.errors import ContractError
from smartcam.contract.event import Event
from smartcam.contract.ids import ThingName, thing_name
from smartcam.contract.reading import printable
from smartcam.contract.times import UtcNs, format_utc, parse_utc
from smartcam.contract.topics import ack_topic
from smartcam.contract.wanted import Wanted

if TYPE_CHECKING:
    from mypy_boto3_iot_data import IoTDataPlaneClient

logger = logging.getLogger(__name__)

FLEET_ITEM: Final = "fleet"
_SAVE: Final = "SET document = :document, revision = :next, heard_at = :heard, thing = :thing, clip_keys = :keys"
_SAVE_FLEET: Final = "SET document = :document, revision = :next"
_UNCHANGED: Final = "revision = :known"
_NEW: Final = "attribute_not_exists(revision)"
REFUSED_ITEM: Final = "refused#"
_REFUSE: Final = "SET due_at = :next, forget_at = :forget"
_STILL: Final = "due_at = :known"
_NO_REFUSAL: Final = "attribute_not_exists(due_at)"
_REFUSALS_KNOWN_S: Final = 86_400
_TRIES: Final = 5
_LONGEST_WHY: Final = 160
_UNREADABLE: Final = (KeyError, ValueError, TypeError, AttributeError)
"""What reading an item raises that holds something else than we write."""


@dataclass(frozen=True, slots=True)
class DynamoRegistry:
    """A `Registry`: one item a device, all in one partition, so that one query reads the fleet."""

    table: Table

    def device(self, thing: ThingName) -> Device | None:
        """See Registry."""
        item = self._item(DEVICE_ITEM + thing)
        return None if item is None else _device(item, thing)

    def devices(self) -> Sequence[Device]:
        """See Registry."""
        items = self.table.query(FLEET_PARTITION, DEVICE_ITEM)
        return [_device(item, thing) for item in items if (thing := _thing_of(item)) is not None]

    def fleet(self) -> Fleet:
        """See Registry."""
        item = self._item(FLEET_ITEM)
        if item is None:
            return Fleet()
        try:
            return load_fleet(*_stored(item))
        except (*_UNREADABLE, ContractError) as error:
            logger.error("fleet_unreadable error=%r", error)  # noqa: TRY400 - the text says it
            return Fleet(revision=_revision(item), damage=_why(error))

    def save(self, device: Device) -> Device:
        """See Registry."""
        document = dump_device(device)
        load_device(document, device.revision)  # nothing is written that cannot be read
        values = {
            ":document": text(document),
            ":heard": text(format_utc(device.heard_at)),
            ":thing": text(device.thing),
            ":keys": text(dump_keys(device.clip_keys)),
        }
        self._update(DEVICE_ITEM + device.thing, _SAVE, values, device.revision)
        return replace(device, revision=device.revision + 1, damage="")

    def save_fleet(self, fleet: Fleet) -> Fleet:
        """See Registry."""
        self._update(FLEET_ITEM, _SAVE_FLEET, {":document": text(dump_fleet(fleet))}, fleet.revision)
        return replace(fleet, revision=fleet.revision + 1, damage="")

    def may_refuse(self, thing: ThingName, now: UtcNs) -> bool:
        """See Registry."""
        for _ in range(_TRIES):
            name = REFUSED_ITEM + thing
            known = _until(self._item(name))
            until = REFUSAL_PACE.taken(known, now)
            if until is None:
                return False
            values = {":next": number(until), ":forget": seconds(until, _REFUSALS_KNOWN_S)}
            values |= {":known": number(known)} if known else {}
            saved, _ = self.table.update((FLEET_PARTITION, name), _REFUSE, values, _STILL if known else _NO_REFUSAL)
            if saved:
                return True
        return True  # rather one letter too many than one that nobody sees

    def _item(self, name: str) -> Item | None:
        return self.table.get((FLEET_PARTITION, name), consistent=True)

    def _update(self, name: str, update: str, values: Values, revision: int) -> None:
        known = {":known": number(revision)} if revision else {}
        values = {**values, **known, ":next": number(revision + 1)}
        saved, _ = self.table.update((FLEET_PARTITION, name), update, values, _UNCHANGED if revision else _NEW)
        if not saved:
            raise ChangedMeanwhile(f"{name} at revision {revision}")


def _stored(item: Item) -> tuple[str, int]:
    """A document and its revision."""
    return item["document"]["S"], int(item["revision"]["N"])


def _revision(item: Item) -> int:
    """The revision of an item whose document may be unreadable; 0 where it has none, as of a new item."""
    try:
        return int(item["revision"]["N"])
    except _UNREADABLE:
        return 0


def _until(item: Item | None) -> UtcNs:
    try:
        return NEVER if item is None else UtcNs(int(item["due_at"]["N"]))
    except _UNREADABLE:
        return NEVER


def _thing_of(item: Item) -> ThingName | None:
    """Whose item it is, by its key; None where no thing can have that name."""
    key = item[ITEM_KEY]["S"]
    try:
        return thing_name(key.removeprefix(DEVICE_ITEM))
    except ContractError as error:
        logger.error("device_unreadable item=%s error=%r", key, error)  # noqa: TRY400 - the text says it
        return None


def _device(item: Item, thing: ThingName) -> Device:
    """One unreadable item must not blind the watch, neither over all others nor over this device."""
    try:
        device = load_device(*_stored(item))
        if device.thing != thing:
            raise ContractError("thing", f"must be {thing}, as in the key")
    except (*_UNREADABLE, ContractError) as error:
        logger.error("device_unreadable item=%s error=%r", thing, error)  # noqa: TRY400 - the text says it
        heard_at = _heard_at(item)
        bare = Device(thing, first_seen=heard_at, heard_at=heard_at, revision=_revision(item), damage=_why(error))
        return salvage_device(item.get("document", {}).get("S", ""), bare)
    return device


def _heard_at(item: Item) -> UtcNs:
    """What stands beside the document; NEVER where that cannot be read either: then its silence is told of."""
    try:
        return parse_utc(item["heard_at"]["S"], "heard_at")
    except (*_UNREADABLE, ContractError):
        return NEVER


def _why(error: Exception) -> str:
    return printable(str(error) or type(error).__name__)[:_LONGEST_WHY]


@dataclass(frozen=True, slots=True)
class IotAnswers:
    """`Answers` by the broker, at least once."""

    client: "IoTDataPlaneClient"

    def send(self, thing: ThingName, wanted: Wanted) -> None:
        """See Answers."""
        try:
            self.client.publish(topic=ack_topic(thing), qos=1, payload=wanted.to_json())
        except (BotoCoreError, ClientError) as error:
            raise NotAnswered(str(error)) from error


class FunctionClient(Protocol):
    """The one call we make to Lambda."""

    def invoke(self, *, FunctionName: str, InvocationType: str, Payload: bytes) -> object:  # noqa: N803 - AWS's names
        """Start a function."""


@dataclass(frozen=True, slots=True)
class FunctionAlerts:
    """`Alerts` by starting the alerting function as the broker's rule does, with what the rule selects."""

    client: FunctionClient
    function: str
    now: Callable[[], UtcNs]

    def hand_over(self, event: Event) -> None:
        """See Alerts."""
        document = Delivery(event.thing, event.camera_id, event.to_json(), self.now()).document()
        self.client.invoke(FunctionName=self.function, InvocationType="Event", Payload=json.dumps(document).encode())
