"""The constructs between the broker and the people, one capability each."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import aws_cdk as cdk
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_iot as iot
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.alerts.asset import HANDLER
from infra.alerts.runtime.agreed import (
    ARRIVALS_INDEX,
    ARRIVED_AT,
    ARRIVED_DAY,
    CAMERA_KEY,
    DISPLAY_NAME,
    ITEM_KEY,
    TIMEOUT_S,
    TTL_ATTRIBUTE,
)
from infra.settings import AlertSettings
from smartcam.contract.ids import ThingName
from smartcam.contract.topics import EVENT_FILTER, ack_topic

HISTORY_DAYS: Final = 90
"""Longer than an outbox keeps an event (a week by default), because the history is what tells a repetition."""
FAILURES_KEPT: Final = cdk.Duration.days(14)
MEMORY_MB: Final = 256
KEY_ACTIONS: Final = ("Decrypt", "DescribeKey", "Encrypt", "GenerateDataKey", "ReEncryptFrom", "ReEncryptTo")
ANY_ACK: Final = ack_topic(ThingName("*"))

EVENT_SQL: Final = (
    "SELECT encode(*, 'base64') AS payload, topic(3) AS topic_thing, topic(4) AS topic_camera,"  # noqa: S608 - rule SQL
    f" timestamp() AS arrived_ms FROM '{EVENT_FILTER}'"
)
"""The payload travels as published and no field of it can stand in for what the topic says."""


def acknowledge(scope: Construct, rule: str, reason: str) -> None:
    """Accept one finding of cdk-nag's AwsSolutions on a construct, with the reason."""
    cdk.Validations.of(scope).acknowledge(cdk.Acknowledgment(id=f"AwsSolutions::AwsSolutions-{rule}", reason=reason))


class Encryption(Construct):
    """One customer-managed key for everything that holds events."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        self.key = kms.Key(
            self,
            "Key",
            description="Smartcam: history, alerts and failures",
            enable_key_rotation=True,
            removal_policy=cdk.RemovalPolicy.RETAIN,
        )


class History(Construct):
    """Every camera's events and cooldowns."""

    def __init__(self, scope: Construct, construct_id: str, *, key: kms.IKey) -> None:
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
            encryption=dynamodb.TableEncryption.CUSTOMER_MANAGED,
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


class Recipients(Construct):
    """The topic, and the people behind it."""

    def __init__(
        self, scope: Construct, construct_id: str, *, key: kms.IKey, emails: Sequence[str], phones: Sequence[str]
    ) -> None:
        super().__init__(scope, construct_id)
        self.topic = sns.Topic(self, "Topic", display_name=DISPLAY_NAME, master_key=key, enforce_ssl=True)
        for email in emails:
            self.topic.add_subscription(subscriptions.EmailSubscription(email))
        for phone in phones:
            self.topic.add_subscription(subscriptions.SmsSubscription(phone))


class Failures(Construct):
    """Where messages go that could not be handed to the function, or that it could not or would not take."""

    def __init__(self, scope: Construct, construct_id: str, *, key: kms.IKey) -> None:
        super().__init__(scope, construct_id)
        self.undelivered = self._queue("Undelivered", key)
        self.unhandled = self._queue("Unhandled", key)

    def _queue(self, name: str, key: kms.IKey) -> sqs.Queue:
        queue = sqs.Queue(
            self,
            name,
            encryption=sqs.QueueEncryption.KMS,
            encryption_master_key=key,
            enforce_ssl=True,
            retention_period=FAILURES_KEPT,
        )
        acknowledge(queue, "SQS3", "It is a dead-letter queue itself: a person empties it.")
        return queue


class Alerter(Construct):
    """The function that records events, decides, alerts and answers."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        code: Path,
        table: dynamodb.ITable,
        topic: sns.ITopic,
        failures: sqs.IQueue,
        key: kms.IKey,
        settings: AlertSettings,
    ) -> None:
        super().__init__(scope, construct_id)
        log_group = logs.LogGroup(
            self, "Log", retention=logs.RetentionDays.THREE_MONTHS, removal_policy=cdk.RemovalPolicy.DESTROY
        )
        role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        rights = iam.Policy(self, "Rights", statements=_rights(self, log_group, table, topic, failures, key))
        rights.attach_to_role(role)
        acknowledge(
            rights,
            f"IAM5[Resource::arn:<AWS::Partition>:iot:<AWS::Region>:<AWS::AccountId>:topic/{ANY_ACK}]",
            "It answers every device, each on its own topic, and can say nothing else.",
        )
        self.function = lambda_.Function(
            self,
            "Function",
            description="Smartcam: records events, alerts people, answers devices",
            runtime=lambda_.Runtime.PYTHON_3_13,
            architecture=lambda_.Architecture.ARM_64,
            handler=HANDLER,
            code=lambda_.Code.from_asset(str(code)),
            memory_size=MEMORY_MB,
            timeout=cdk.Duration.seconds(TIMEOUT_S),
            log_group=log_group,
            role=role.without_policy_updates(),  # every right stands in `_rights`, none is added by a construct
            environment={
                "TABLE_NAME": table.table_name,
                "TOPIC_ARN": topic.topic_arn,
                "REFUSED_QUEUE_URL": failures.queue_url,
                "COOLDOWN_SECONDS": str(settings.cooldown_s),
                "HISTORY_DAYS": str(HISTORY_DAYS),
                "TIME_ZONE": settings.time_zone,
            },
        )
        self.function.node.add_dependency(rights)
        acknowledge(self.function, "L1", "Python 3.13 is the newest that the suite is tested on, as on the device.")
        lambda_.CfnEventInvokeConfig(
            self,
            "OnFailure",
            function_name=self.function.function_name,
            qualifier="$LATEST",
            maximum_retry_attempts=2,
            destination_config=lambda_.CfnEventInvokeConfig.DestinationConfigProperty(
                on_failure=lambda_.CfnEventInvokeConfig.OnFailureProperty(destination=failures.queue_arn)
            ),
        )


def _rights(
    scope: Construct,
    log_group: logs.ILogGroup,
    table: dynamodb.ITable,
    topic: sns.ITopic,
    failures: sqs.IQueue,
    key: kms.IKey,
) -> list[iam.PolicyStatement]:
    """All that the function may do."""
    allowed = {
        log_group.log_group_arn: ["logs:CreateLogStream", "logs:PutLogEvents"],
        table.table_arn: ["dynamodb:UpdateItem"],
        topic.topic_arn: ["sns:Publish"],
        failures.queue_arn: ["sqs:SendMessage"],
        cdk.Stack.of(scope).format_arn(service="iot", resource="topic", resource_name=ANY_ACK): ["iot:Publish"],
        # What DynamoDB, SNS and SQS need to use the key on the function's behalf.
        key.key_arn: [f"kms:{action}" for action in KEY_ACTIONS],
    }
    return [iam.PolicyStatement(actions=actions, resources=[resource]) for resource, actions in allowed.items()]


class EventRule(Construct):
    """The way from the broker to the function."""

    def __init__(
        self, scope: Construct, construct_id: str, *, function: lambda_.IFunction, errors: sqs.IQueue, key: kms.IKey
    ) -> None:
        super().__init__(scope, construct_id)
        stack = cdk.Stack.of(self)
        name = f"{stack.stack_name.replace('-', '_')}_events"
        arn = stack.format_arn(service="iot", resource="rule", resource_name=name)
        role = _rule_role(self, arn, errors, key)
        permission = lambda_.CfnPermission(
            self,
            "MayInvoke",
            action="lambda:InvokeFunction",
            function_name=function.function_arn,
            principal="iot.amazonaws.com",
            source_account=stack.account,
            source_arn=arn,
        )
        self.rule = iot.CfnTopicRule(
            self,
            "Rule",
            rule_name=name,
            topic_rule_payload=iot.CfnTopicRule.TopicRulePayloadProperty(
                description="Smartcam: hands events to the function that alerts people",
                sql=EVENT_SQL,
                aws_iot_sql_version="2016-03-23",
                rule_disabled=False,
                actions=[
                    iot.CfnTopicRule.ActionProperty(
                        lambda_=iot.CfnTopicRule.LambdaActionProperty(function_arn=function.function_arn)
                    )
                ],
                error_action=iot.CfnTopicRule.ActionProperty(
                    sqs=iot.CfnTopicRule.SqsActionProperty(
                        queue_url=errors.queue_url, role_arn=role.role_arn, use_base64=False
                    )
                ),
            ),
        )
        self.rule.node.add_dependency(permission)


def _rule_role(scope: Construct, rule_arn: str, errors: sqs.IQueue, key: kms.IKey) -> iam.Role:
    """The broker's right to keep what it could not hand over, for this rule alone."""
    role = iam.Role(
        scope,
        "ErrorRole",
        assumed_by=iam.ServicePrincipal(
            "iot.amazonaws.com",
            conditions={
                "StringEquals": {"aws:SourceAccount": cdk.Stack.of(scope).account},
                "ArnEquals": {"aws:SourceArn": rule_arn},
            },
        ),
    )
    role.add_to_policy(iam.PolicyStatement(actions=["sqs:SendMessage"], resources=[errors.queue_arn]))
    role.add_to_policy(iam.PolicyStatement(actions=["kms:Decrypt", "kms:GenerateDataKey"], resources=[key.key_arn]))
    return role
