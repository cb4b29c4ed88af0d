"""The constructs that hear the devices and watch over them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import aws_cdk as cdk
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.alerts.runtime.agreed import FLEET_PARTITION
from infra.alerts.runtime.metrics import METRICS_ON, METRICS_VARIABLE
from infra.alerts.runtime.troubles import PARTITION
from infra.functions import FunctionRule, SmallFunction, Workload, acknowledge, allow, key_rights
from smartcam.contract.ids import ThingName
from smartcam.contract.topics import HEALTH_FILTER, ack_topic

SIGNS_HANDLER: Final = "infra.fleet.runtime.handler.hear"
WATCH_HANDLER: Final = "infra.fleet.runtime.handler.watch"
WATCH_EVERY: Final = cdk.Duration.minutes(1)
_TIMEOUT_S: Final = 30
ANY_ACK: Final = ack_topic(ThingName("*"))

HEALTH_SQL: Final = (
    "SELECT encode(*, 'base64') AS payload, topic(3) AS topic_thing, timestamp() AS arrived_ms"  # noqa: S608 - rule SQL
    f" FROM '{HEALTH_FILTER}'"
)
PRESENCE_SQL: Final = (
    "SELECT encode(*, 'base64') AS payload, topic(4) AS presence, topic(5) AS topic_thing,"
    " timestamp() AS arrived_ms FROM '$aws/events/presence/+/+'"
)
"""Only the broker itself can publish there; the client's id is the thing's name, as the devices' policies demand."""


class Signs(Construct):
    """Keeps the devices' own health and the broker's connection events in the table, and answers the former."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        code: Path,
        table: dynamodb.ITable,
        undelivered: sqs.IQueue,
        unhandled: sqs.IQueue,
        key: kms.IKey | None,
    ) -> None:
        super().__init__(scope, construct_id)
        workload = Workload(
            description="Smartcam: keeps what the devices say of themselves",
            handler=SIGNS_HANDLER,
            code=code,
            timeout_s=_TIMEOUT_S,
            environment={"TABLE_NAME": table.table_name, "REFUSED_QUEUE_URL": unhandled.queue_url},
            failures=unhandled,
        )
        answers = cdk.Stack.of(self).format_arn(service="iot", resource="topic", resource_name=ANY_ACK)
        rights = [
            _fleet_right(table, ["dynamodb:GetItem", "dynamodb:UpdateItem"]),
            allow(["iot:Publish"], answers),
            *key_rights(key),
        ]
        keeper = SmallFunction(self, "Keeper", workload=workload, rights=rights)
        acknowledge(
            keeper.rights,
            f"IAM5[Resource::arn:<AWS::Partition>:iot:<AWS::Region>:<AWS::AccountId>:topic/{ANY_ACK}]",
            "It answers every device, each on its own topic, and can say nothing else.",
        )
        self.function = keeper.function
        for name, sql in (("health", HEALTH_SQL), ("presence", PRESENCE_SQL)):
            FunctionRule(
                self,
                name.capitalize(),
                name=name,
                sql=sql,
                description=f"Smartcam: hands the devices' {name} to the function that keeps it",
                function=self.function,
                errors=undelivered,
                key=key,
            )


@dataclass(frozen=True, slots=True)
class Operators:
    """What the switch looks at for those who run the cloud side, their topic, and whether it writes metrics too."""

    queues: Mapping[str, sqs.IQueue]
    topic: sns.ITopic
    metrics: bool


class Watch(Construct):
    """The dead-man switch: a check of the whole fleet every minute, and of the cloud side itself every five."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        code: Path,
        table: dynamodb.ITable,
        alerter: lambda_.IFunction,
        operators: Operators,
        key: kms.IKey | None,
        patience: Mapping[str, int],
    ) -> None:
        super().__init__(scope, construct_id)
        workload = Workload(
            description="Smartcam: notices silent devices",
            handler=WATCH_HANDLER,
            code=code,
            timeout_s=_TIMEOUT_S,
            environment={
                "TABLE_NAME": table.table_name,
                "ALERTER": alerter.function_name,
                "QUEUES": cdk.Stack.of(self).to_json_string(
                    {name: queue.queue_url for name, queue in operators.queues.items()}
                ),
                "OPERATIONS_TOPIC_ARN": operators.topic.topic_arn,
                **({METRICS_VARIABLE: METRICS_ON} if operators.metrics else {}),
                **{name.upper(): str(seconds) for name, seconds in patience.items()},
            },
            retries=0,  # the next check, a minute later, does what this one left undone
        )
        rights = [
            _fleet_right(table, ["dynamodb:GetItem", "dynamodb:Query", "dynamodb:UpdateItem"]),
            _right_in(table, PARTITION, ["dynamodb:Query"]),
            allow(["lambda:InvokeFunction"], alerter.function_arn),
            *(allow(["sqs:GetQueueAttributes"], queue.queue_arn) for queue in operators.queues.values()),
            allow(["sns:Publish"], operators.topic.topic_arn),
            *key_rights(key),
        ]
        self.function = SmallFunction(self, "Looker", workload=workload, rights=rights).function
        events.Rule(
            self,
            "Schedule",
            description="Smartcam: checks the fleet",
            schedule=events.Schedule.rate(WATCH_EVERY),
            targets=[targets.LambdaFunction(self.function, retry_attempts=0, max_event_age=WATCH_EVERY)],
        )


def _fleet_right(table: dynamodb.ITable, actions: list[str]) -> iam.PolicyStatement:
    """Only the items of devices, not the history of what their cameras saw."""
    return _right_in(table, FLEET_PARTITION, actions)


def _right_in(table: dynamodb.ITable, partition: str, actions: list[str]) -> iam.PolicyStatement:
    return allow(actions, table.table_arn, {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": [partition]}})
