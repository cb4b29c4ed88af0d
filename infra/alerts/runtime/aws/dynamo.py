"""One call of DynamoDB in one shape: an update under a condition, and what the item says then."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from infra.alerts.runtime.agreed import CAMERA_KEY, ITEM_KEY

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

CONDITION_FAILED: Final = "ConditionalCheckFailedException"
Item = Mapping[str, Mapping[str, Any]]
Values = Mapping[str, Mapping[str, object]]


@dataclass(frozen=True, slots=True)
class Table:
    """The one table."""

    client: "DynamoDBClient"
    name: str

    def update(
        self, key: tuple[str, str], update: str, values: Values, condition: str = "", *, before: bool = False
    ) -> tuple[bool, Item]:
        """Update the item at (camera, item).

        Returns:
            Whether the condition held; and the item: after the update (or before it, where asked), as it is where
            the condition did not hold.
        """
        request: dict[str, Any] = {
            "TableName": self.name,
            "Key": {CAMERA_KEY: text(key[0]), ITEM_KEY: text(key[1])},
            "UpdateExpression": update,
            "ReturnValues": "ALL_OLD" if before else "ALL_NEW",
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
        if condition:
            request["ConditionExpression"] = condition
        if values:
            request["ExpressionAttributeValues"] = values
        try:
            answer = self.client.update_item(**request)
        except ClientError as error:
            return False, item_behind(error)
        return True, answer.get("Attributes", {})


def text(value: str) -> dict[str, str]:
    """A DynamoDB string."""
    return {"S": str(value)}


def number(value: int) -> dict[str, str]:
    """A DynamoDB number."""
    return {"N": str(value)}


def item_behind(error: ClientError) -> Item:
    """The item that a failed condition met, empty where there is none. Raises any other error again."""
    if error.response["Error"]["Code"] != CONDITION_FAILED:
        raise error
    item = error.response.get("Item")
    return item if isinstance(item, dict) else {}
