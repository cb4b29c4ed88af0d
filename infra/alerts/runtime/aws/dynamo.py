"""The calls of DynamoDB that we make, each in one shape; an update says what became of its item."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from infra.alerts.runtime.agreed import CAMERA_KEY, ITEM_KEY
from smartcam.contract.times import NS_PER_S, UtcNs

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

CONDITION_FAILED: Final = "ConditionalCheckFailedException"
Item = Mapping[str, Mapping[str, Any]]
Values = Mapping[str, Mapping[str, object]]


@dataclass(frozen=True, slots=True)
class Table:
    """The one table. An item's key is (camera, item)."""

    client: "DynamoDBClient"
    name: str

    def get(self, key: tuple[str, str], *, consistent: bool = False) -> Item | None:
        """The item; None where there is none."""
        return self.client.get_item(TableName=self.name, Key=key_of(*key), ConsistentRead=consistent).get("Item")

    def query(self, partition: str, begins: str, *, consistent: bool = False) -> Iterator[Item]:
        """The items of a partition whose name begins so."""
        pages = self.client.get_paginator("query").paginate(
            TableName=self.name,
            ConsistentRead=consistent,
            KeyConditionExpression="#partition = :partition AND begins_with(#item, :begins)",
            ExpressionAttributeNames={"#partition": CAMERA_KEY, "#item": ITEM_KEY},  # `item` is a reserved word
            ExpressionAttributeValues={":partition": text(partition), ":begins": text(begins)},
        )
        return (item for page in pages for item in page["Items"])

    def update(
        self,
        key: tuple[str, str],
        update: str,
        values: Values,
        condition: str = "",
        *,
        before: bool = False,
        names: Mapping[str, str] | None = None,
    ) -> tuple[bool, Item]:
        """Update an item; `names` stand for attributes whose names DynamoDB reserves.

        Returns:
            Whether the condition held; and the item: after the update (or before it, where asked), as it is where
            the condition did not hold.
        """
        request: dict[str, Any] = {
            "TableName": self.name,
            "Key": key_of(*key),
            "UpdateExpression": update,
            "ReturnValues": "ALL_OLD" if before else "ALL_NEW",
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
        if condition:
            request["ConditionExpression"] = condition
        if names:
            request["ExpressionAttributeNames"] = names
        if values:
            request["ExpressionAttributeValues"] = values
        try:
            answer = self.client.update_item(**request)
        except ClientError as error:
            if error.response["Error"]["Code"] != CONDITION_FAILED:
                raise
            item = error.response.get("Item")  # what the condition met; boto3's types do not know it
            return False, item if isinstance(item, dict) else {}
        return True, answer.get("Attributes", {})

    def delete(self, key: tuple[str, str], condition: str = "") -> None:
        """Delete an item, if the condition holds."""
        request: dict[str, Any] = {"TableName": self.name, "Key": key_of(*key)}
        if condition:
            request["ConditionExpression"] = condition
        try:
            self.client.delete_item(**request)
        except ClientError as error:
            if error.response["Error"]["Code"] != CONDITION_FAILED:
                raise


def key_of(camera: str, item: str) -> dict[str, dict[str, str]]:
    """The key of an item."""
    return {CAMERA_KEY: text(camera), ITEM_KEY: text(item)}


def text(value: str) -> dict[str, str]:
    """A DynamoDB string."""
    return {"S": str(value)}


def number(value: int) -> dict[str, str]:
    """A DynamoDB number."""
    return {"N": str(value)}


def seconds(at: UtcNs, more_s: int = 0) -> dict[str, str]:
    """A time as DynamoDB's expiry wants it: in whole seconds."""
    return number(at // NS_PER_S + more_s)
