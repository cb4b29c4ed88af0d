"""The history in DynamoDB: one item per event and camera, moved from state to state by conditional writes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from infra.alerts.runtime.agreed import CAMERA_KEY, ITEM_KEY
from infra.alerts.runtime.ports import AlertState, Lease
from smartcam.contract.event import Event
from smartcam.contract.times import NS_PER_S, UtcNs, format_utc

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

CONDITION_FAILED: Final = "ConditionalCheckFailedException"

_RECORD: Final = (
    "SET alert_state = :state, raised = :raised, thing = :thing, kind = :kind, severity = :severity,"
    " started_at = :started, recorded_at = :recorded, arrived_day = :day, forget_at = :forget"
)
_COMPLETE: Final = (
    "SET cleared = :cleared, ended_at = :ended, thing = :thing, kind = :kind, started_at = :started,"
    " forget_at = :forget"
)
_FREE: Final = "alert_state = :recorded OR (alert_state = :sending AND lease_until <= :now)"
_MINE: Final = "alert_state = :sending AND lease_until = :lease"


@dataclass(frozen=True, slots=True)
class DynamoHistory:
    """A `History`. `keep_s` is how long items stay: longer than any outbox keeps an event."""

    client: "DynamoDBClient"
    table: str
    lease_s: int
    keep_s: int

    def record(self, event: Event, arrived_at: UtcNs) -> AlertState:
        """See History."""
        values = {
            ":state": text(AlertState.RECORDED),
            ":raised": text(event.to_json().decode()),
            ":severity": text(event.severity),
            ":recorded": text(format_utc(arrived_at)),
            ":day": text(format_utc(arrived_at)[: len("2026-03-01")]),
            **self._common(event, arrived_at),
        }
        try:
            self.client.update_item(
                TableName=self.table,
                Key=event_key(event),
                UpdateExpression=_RECORD,
                ConditionExpression="attribute_not_exists(alert_state)",
                ExpressionAttributeValues=values,
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ClientError as error:
            return AlertState(item_behind(error)["alert_state"]["S"])
        return AlertState.RECORDED

    def complete(self, event: Event, arrived_at: UtcNs) -> None:
        """See History."""
        ended_at = event.started_at if event.ended_at is None else event.ended_at
        self.client.update_item(
            TableName=self.table,
            Key=event_key(event),
            UpdateExpression=_COMPLETE,
            ExpressionAttributeValues={
                ":cleared": text(event.to_json().decode()),
                ":ended": text(format_utc(ended_at)),
                **self._common(event, arrived_at),
            },
        )

    def lease(self, event: Event, now: UtcNs) -> Lease | None:
        """See History."""
        lease = Lease(now + self.lease_s * NS_PER_S)
        values = {
            ":recorded": text(AlertState.RECORDED),
            ":sending": text(AlertState.SENDING),
            ":now": number(now),
            ":lease": number(lease),
        }
        taken = self._move(event, "SET alert_state = :sending, lease_until = :lease", _FREE, values)
        return lease if taken else None

    def release(self, event: Event, lease: Lease) -> None:
        """See History."""
        values = {
            ":recorded": text(AlertState.RECORDED),
            ":sending": text(AlertState.SENDING),
            ":lease": number(lease),
        }
        self._move(event, "SET alert_state = :recorded REMOVE lease_until", _MINE, values)

    def settle(self, event: Event, lease: Lease, state: AlertState, now: UtcNs) -> None:
        """See History."""
        values = {
            ":state": text(state),
            ":sending": text(AlertState.SENDING),
            ":lease": number(lease),
            ":at": text(format_utc(now)),
        }
        self._move(event, "SET alert_state = :state, settled_at = :at REMOVE lease_until", _MINE, values)

    def _common(self, event: Event, arrived_at: UtcNs) -> dict[str, dict[str, str]]:
        return {
            ":thing": text(event.thing),
            ":kind": text(event.kind),
            ":started": text(format_utc(event.started_at)),
            ":forget": number(arrived_at // NS_PER_S + self.keep_s),
        }

    def _move(self, event: Event, update: str, condition: str, values: Mapping[str, dict[str, str]]) -> bool:
        """Whether the item was as the condition says, and is as the update says now."""
        try:
            self.client.update_item(
                TableName=self.table,
                Key=event_key(event),
                UpdateExpression=update,
                ConditionExpression=condition,
                ExpressionAttributeValues=values,
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != CONDITION_FAILED:
                raise
            return False
        return True


def text(value: str) -> dict[str, str]:
    """A DynamoDB string."""
    return {"S": str(value)}


def number(value: int) -> dict[str, str]:
    """A DynamoDB number."""
    return {"N": str(value)}


def partition(event: Event) -> str:
    """All items of one camera stand together; the thing's name keeps two yards' cameras apart."""
    return f"{event.thing}/{event.camera_id}"


def event_key(event: Event) -> dict[str, dict[str, str]]:
    """Where the event's item is; event ids sort by time."""
    return {CAMERA_KEY: text(partition(event)), ITEM_KEY: text(f"event#{event.event_id}")}


def item_behind(error: ClientError) -> Mapping[str, Mapping[str, str]]:
    """The item that a failed condition met. Raises the error itself when it is another one."""
    item = error.response.get("Item")
    if error.response["Error"]["Code"] != CONDITION_FAILED or not isinstance(item, dict):
        raise error
    return item
