"""The constructs between the broker and the people, one capability each."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import aws_cdk as cdk
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.alerts.asset import HANDLER, carry_zones
from infra.alerts.runtime.agreed import (
    ARRIVALS_INDEX,
    ARRIVED_AT,
    ARRIVED_DAY,
    CAMERA_KEY,
    HISTORY_DAYS,
    ITEM_KEY,
    TIMEOUT_S,
    TTL_ATTRIBUTE,
)
from infra.functions import SmallFunction, Workload, acknowledge, allow, key_rights
from infra.keys import table_encryption
from infra.settings import AlertSettings
from infra.site import SiteSettings
from infra.snapshots.infrastructure import SnapshotBucket
from infra.snapshots.runtime.links import BUCKET_VARIABLE
from infra.subscribers import audience_text
from smartcam.contract.errors import SettingsError
from smartcam.contract.ids import ThingName
from smartcam.contract.topics import EVENT_FILTER, ack_topic

TABLE_ACTIONS: Final = ("DeleteItem", "GetItem", "PutItem", "Query", "UpdateItem")
MOST_AT_ONCE: Final = 5
"""Processes that read the queue: a new account runs ten at once, and a flood must leave some for the devices' health
and the dead-man switch."""
A_BATCH: Final = 10
LONGEST_TOPIC_ARN: Final = 120
ROOM_FOR_AUDIENCE: Final = 3400
"""Of the 4 kB that Lambda gives to a function's environment."""
ANY_ACK: Final = ack_topic(ThingName("*"))

EVENT_SQL: Final = (
    "SELECT encode(*, 'base64') AS payload, topic(3) AS topic_thing, topic(4) AS topic_camera,"  # noqa: S608 - rule SQL
    f" timestamp() AS arrived_ms FROM '{EVENT_FILTER}'"
)
"""The payload travels as published and no field of it can stand in for what the topic says."""


class HistoryTable(Construct):
    """Every camera's events and cooldowns."""

    def __init__(self, scope: Construct, construct_id: str, *, key: kms.IKey | None) -> None:
        super().__init__(scope, construct_id)
        self.table = dynamodb.Table(
            self,
            "Table",
            partition_key=dynamodb.Attribute(name=CAMERA_KEY, type=dynamodb.AttributeType.STRING),
            sort_key=dynamodb.Attribute(name=ITEM_KEY, type=dynamodb.AttributeType.STRING),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            time_to_live_attribute=TTL_ATTRIBUTE,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True
            ),
            encryption=table_encryption(key),
            encryption_key=key,
            removal_policy=cdk.RemovalPolicy.RETAIN,
        )
        self.table.add_global_secondary_index(
            index_name=ARRIVALS_INDEX,
            partition_key=dynamodb.Attribute(name=ARRIVED_DAY, type=dynamodb.AttributeType.STRING),
            sort_key=dynamodb.Attribute(name=ARRIVED_AT, type=dynamodb.AttributeType.STRING),
            # The keys alone: an event's item changes with each step of its alert, and the index must not follow.
            projection_type=dynamodb.ProjectionType.KEYS_ONLY,
        )


@dataclass(frozen=True, slots=True)
class Means:
    """What the function works with; `pictures` where there are any."""

    table: dynamodb.ITable
    topics: Sequence[sns.ITopic]
    refused: sqs.IQueue
    timers: sqs.IQueue
    key: kms.IKey | None
    pictures: SnapshotBucket | None = None


class Alerter(SmallFunction):
    """The function that records events, decides, alerts, answers, and does what timers bring."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        code: Path,
        means: Means,
        settings: AlertSettings,
        site: SiteSettings,
    ) -> None:
        carry_zones(code, settings.zone_names())
        topic_arns = cdk.Stack.of(scope).to_json_string([topic.topic_arn for topic in means.topics])
        workload = Workload(
            description="Smartcam: records events, alerts people, answers devices",
            handler=HANDLER,
            code=code,
            timeout_s=TIMEOUT_S,
            environment={
                "TABLE_NAME": means.table.table_name,
                "TOPIC_ARNS": topic_arns,
                "AUDIENCE": audience_of(settings),
                "REFUSED_QUEUE_URL": means.refused.queue_url,
                "TIMER_QUEUE_URL": means.timers.queue_url,
                "COOLDOWN_SECONDS": str(settings.cooldown_s),
                "HISTORY_DAYS": str(HISTORY_DAYS),
                "SMS_PER_DAY": str(site.sms_a_day),
                "SMS_PER_THING": str(site.sms_a_day_per_thing),
                BUCKET_VARIABLE: "" if means.pictures is None else means.pictures.bucket.bucket_name,
            },
            failures=means.refused,
            sets_timers=True,
        )
        super().__init__(scope, construct_id, workload=workload, rights=_rights(scope, means))
        acknowledge(
            self.rights,
            f"IAM5[Resource::arn:<AWS::Partition>:iot:<AWS::Region>:<AWS::AccountId>:topic/{ANY_ACK}]",
            "It answers every device, each on its own topic, and can say nothing else.",
        )
        if means.pictures is not None:
            means.pictures.acknowledge_links(self.rights)
        ticking = lambda_.CfnEventSourceMapping(
            self,
            "Ticking",
            function_name=self.function.function_name,
            event_source_arn=means.timers.queue_arn,
            batch_size=A_BATCH,
            # A message that fails must not bring back the others of its batch.
            function_response_types=["ReportBatchItemFailures"],
            scaling_config=lambda_.CfnEventSourceMapping.ScalingConfigProperty(maximum_concurrency=MOST_AT_ONCE),
        )
        ticking.node.add_dependency(self.rights)


def _rights(scope: Construct, means: Means) -> list[iam.PolicyStatement]:
    """All that the function may do besides writing its log and its failures."""
    acks = cdk.Stack.of(scope).format_arn(service="iot", resource="topic", resource_name=ANY_ACK)
    timer_actions = ("DeleteMessage", "GetQueueAttributes", "ReceiveMessage", "SendMessage")
    return [
        allow([f"dynamodb:{action}" for action in TABLE_ACTIONS], means.table.table_arn),
        *(allow(["sns:Publish"], topic.topic_arn) for topic in means.topics),
        allow([f"sqs:{action}" for action in timer_actions], means.timers.queue_arn),
        allow(["iot:Publish"], acks),
        *key_rights(means.key),
        *(means.pictures.link_rights() if means.pictures is not None else []),
    ]


def audience_of(settings: AlertSettings) -> str:
    """Who gets which alerts, for the function's environment.

    Raises:
        SettingsError: when that is more than an environment holds.
    """
    text = audience_text(settings.groups, settings.time_zone, settings.camera_zones)
    size = len(text) + len(settings.groups) * LONGEST_TOPIC_ARN
    if size > ROOM_FOR_AUDIENCE:
        remedy = (
            f"merge groups or shorten filters: {size} bytes, and {ROOM_FOR_AUDIENCE} fit into a function's settings"
        )
        raise SettingsError("subscribers", f"{len(settings.groups)} groups", remedy)
    return text
