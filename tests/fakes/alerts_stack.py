"""What the verbs find of a deployed alerting: the table that holds the devices."""

from typing import Any, Final

from infra.alerts.runtime.agreed import CAMERA_KEY, ITEM_KEY
from infra.alerts.runtime.aws.dynamo import Table
from infra.fleet.runtime.aws import DynamoRegistry

TABLE: Final = "history-of-a-test"


def make_table(dynamodb: Any) -> DynamoRegistry:  # noqa: ANN401 - boto3's clients have no common type
    """The registry in a table with the keys of the real one."""
    dynamodb.create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in (CAMERA_KEY, ITEM_KEY)],
        KeySchema=[
            {"AttributeName": CAMERA_KEY, "KeyType": "HASH"},
            {"AttributeName": ITEM_KEY, "KeyType": "RANGE"},
        ],
    )
    return DynamoRegistry(Table(dynamodb, TABLE))
