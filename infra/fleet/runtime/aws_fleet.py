"""The registry in the history's table, and the way to the function that alerts people."""

import base64
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Protocol

from botocore.exceptions import ClientError

from infra.alerts.runtime.agreed import CAMERA_KEY, ITEM_KEY
from infra.alerts.runtime.aws.dynamo import CONDITION_FAILED, number, text
from infra.fleet.runtime.codec import dump_device, dump_fleet, load_device, load_fleet
from infra.fleet.runtime.device import Device, Fleet
from infra.fleet.runtime.ports import ChangedMeanwhile
from smartcam.contract.errors import ContractError
from smartcam.contract.event import Event
from smartcam.contract.ids import ThingName
from smartcam.contract.times import NS_PER_MS, UtcNs, format_utc

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

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

    client: "DynamoDBClient"
    table: str

    def device(self, thing: ThingName) -> Device | None:
        """See Registry."""
        item = self._item(DEVICE_ITEM + thing)
        return None if item is None else load_device(item["document"]["S"], int(item["revision"]["N"]))

    def devices(self) -> Sequence[Device]:
        """See Registry."""
        pages = self.client.get_paginator("query").paginate(
            TableName=self.table,
            KeyConditionExpression="#camera = :fleet AND begins_with(#item, :device)",
            ExpressionAttributeNames={"#camera": CAMERA_KEY, "#item": ITEM_KEY},  # `item` is a reserved word
            ExpressionAttributeValues={":fleet": text(FLEET_PARTITION), ":device": text(DEVICE_ITEM)},
        )
        return [device for page in pages for item in page["Items"] if (device := _readable(item)) is not None]

    def fleet(self) -> Fleet:
        """See Registry."""
        item = self._item(FLEET_ITEM)
        return Fleet() if item is None else load_fleet(item["document"]["S"], int(item["revision"]["N"]))

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

    def _item(self, name: str) -> Mapping[str, Mapping[str, str]] | None:
        answer = self.client.get_item(TableName=self.table, Key=_key(name), ConsistentRead=True)
        return answer.get("Item")  # type: ignore[return-value]  # our items hold texts and numbers only

    def _update(self, name: str, update: str, values: Mapping[str, dict[str, str]], revision: int) -> None:
        known = {":known": number(revision)} if revision else {}
        try:
            self.client.update_item(
                TableName=self.table,
                Key=_key(name),
                UpdateExpression=update,
                ConditionExpression=_UNCHANGED if revision else _NEW,
                ExpressionAttributeValues={**values, **known, ":next": number(revision + 1)},
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != CONDITION_FAILED:
                raise
            raise ChangedMeanwhile(f"{name} at revision {revision}") from error


def _readable(item: Mapping[str, Mapping[str, Any]]) -> Device | None:
    """One item that nobody can read must not blind the watch over all others."""
    try:
        return load_device(item["document"]["S"], int(item["revision"]["N"]))
    except (KeyError, ValueError, ContractError) as error:
        logger.error("device_unreadable item=%s error=%r", item.get(ITEM_KEY), error)  # noqa: TRY400 - the text says it
        return None


def _key(name: str) -> dict[str, dict[str, str]]:
    return {CAMERA_KEY: text(FLEET_PARTITION), ITEM_KEY: text(name)}


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
        document = {
            "payload": base64.b64encode(event.to_json()).decode(),
            "topic_thing": event.thing,
            "topic_camera": event.camera_id,
            "arrived_ms": self.now() // NS_PER_MS,
        }
        self.client.invoke(FunctionName=self.function, InvocationType="Event", Payload=json.dumps(document).encode())
