"""The registry in the history's table, and the way to the function that alerts people."""

import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from infra.alerts.runtime.agreed import ITEM_KEY
from infra.alerts.runtime.aws.dynamo import Item, Table, Values, number, text
from infra.alerts.runtime.delivery import Delivery
from infra.fleet.runtime.codec import dump_device, dump_fleet, load_device, load_fleet
from infra.fleet.runtime.device import Device, Fleet
from infra.fleet.runtime.ports import ChangedMeanwhile, NotAnswered
from smartcam.contract.errors import ContractError
from smartcam.contract.event import Event
from smartcam.contract.ids import ThingName
from smartcam.contract.times import UtcNs, format_utc
from smartcam.contract.topics import ack_topic
from smartcam.contract.wanted import Wanted

if TYPE_CHECKING:
    from mypy_boto3_iot_data import IoTDataPlaneClient

logger = logging.getLogger(__name__)

FLEET_PARTITION: Final = "fleet"
"""No camera's partition: those hold a '/'."""
DEVICE_ITEM: Final = "device#"
FLEET_ITEM: Final = "fleet"
_SAVE: Final = "SET document = :document, revision = :next, heard_at = :heard, thing = :thing"
_SAVE_FLEET: Final = "SET document = :document, revision = :next"
_UNCHANGED: Final = "revision = :known"
_NEW: Final = "attribute_not_exists(revision)"


@dataclass(frozen=True, slots=True)
class DynamoRegistry:
    """A `Registry`: one item a device, all in one partition, so that one query reads the fleet."""

    table: Table

    def device(self, thing: ThingName) -> Device | None:
        """See Registry."""
        item = self._item(DEVICE_ITEM + thing)
        return None if item is None else load_device(*_stored(item))

    def devices(self) -> Sequence[Device]:
        """See Registry."""
        items = self.table.query(FLEET_PARTITION, DEVICE_ITEM)
        return [device for item in items if (device := _readable(item)) is not None]

    def fleet(self) -> Fleet:
        """See Registry."""
        item = self._item(FLEET_ITEM)
        return Fleet() if item is None else load_fleet(*_stored(item))

    def save(self, device: Device) -> Device:
        """See Registry."""
        values = {
            ":document": text(dump_device(device)),
            ":heard": text(format_utc(device.heard_at)),
            ":thing": text(device.thing),
        }
        self._update(DEVICE_ITEM + device.thing, _SAVE, values, device.revision)
        return replace(device, revision=device.revision + 1)

    def save_fleet(self, fleet: Fleet) -> Fleet:
        """See Registry."""
        self._update(FLEET_ITEM, _SAVE_FLEET, {":document": text(dump_fleet(fleet))}, fleet.revision)
        return replace(fleet, revision=fleet.revision + 1)

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


def _readable(item: Item) -> Device | None:
    """One unreadable item must not blind the watch over all others."""
    try:
        return load_device(*_stored(item))
    except (KeyError, ValueError, ContractError) as error:
        logger.error("device_unreadable item=%s error=%r", item.get(ITEM_KEY), error)  # noqa: TRY400 - the text says it
        return None


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
