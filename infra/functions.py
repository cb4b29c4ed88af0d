"""A small function with rights of its own, and the broker's way to it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_iot as iot
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sqs as sqs
from constructs import Construct

MEMORY_MB: Final = 256
_KEY_ACTIONS: Final = ("Decrypt", "DescribeKey", "Encrypt", "GenerateDataKey", "ReEncryptFrom", "ReEncryptTo")


def acknowledge(scope: Construct, rule: str, reason: str) -> None:
    """Accept one finding of cdk-nag's AwsSolutions on a construct, with the reason."""
    cdk.Validations.of(scope).acknowledge(cdk.Acknowledgment(id=f"AwsSolutions::AwsSolutions-{rule}", reason=reason))


@dataclass(frozen=True, slots=True)
class Workload:
    """What a function runs, and for how long at most. After that many `retries`, `failures` keeps what it was given.

    `sets_timers`: it sends itself messages through a queue, which Lambda would stop at the sixteenth as a loop.
    """

    description: str
    handler: str
    code: Path
    timeout_s: int
    environment: Mapping[str, str]
    retries: int = 2
    failures: sqs.IQueue | None = None
    sets_timers: bool = False


class SmallFunction(Construct):
    """A Python function with exactly these `rights`, plus the one to write its log."""

    def __init__(
        self, scope: Construct, construct_id: str, *, workload: Workload, rights: Sequence[iam.PolicyStatement]
    ) -> None:
        super().__init__(scope, construct_id)
        log_group = logs.LogGroup(
            self, "Log", retention=logs.RetentionDays.THREE_MONTHS, removal_policy=cdk.RemovalPolicy.DESTROY
        )
        role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        log_right = allow(["logs:CreateLogStream", "logs:PutLogEvents"], log_group.log_group_arn)
        failure_right = [] if workload.failures is None else [allow(["sqs:SendMessage"], workload.failures.queue_arn)]
        self.rights = iam.Policy(self, "Rights", statements=[log_right, *failure_right, *rights])
        self.rights.attach_to_role(role)
        self.function = lambda_.Function(
            self,
            "Function",
            description=workload.description,
            runtime=lambda_.Runtime.PYTHON_3_13,
            architecture=lambda_.Architecture.ARM_64,
            handler=workload.handler,
            code=lambda_.Code.from_asset(str(workload.code)),
            memory_size=MEMORY_MB,
            timeout=cdk.Duration.seconds(workload.timeout_s),
            log_group=log_group,
            # What Lambda itself says of each start is in its metrics, which are free; in the log it would be the most
            # of it, and a flood of messages would pay for three lines each. Only JSON logs can leave it out.
            logging_format=lambda_.LoggingFormat.JSON,
            system_log_level_v2=lambda_.SystemLogLevel.WARN,
            application_log_level_v2=lambda_.ApplicationLogLevel.INFO,
            role=role.without_policy_updates(),
            environment=dict(workload.environment),
            recursive_loop=lambda_.RecursiveLoop.ALLOW if workload.sets_timers else None,
        )
        self.function.node.add_dependency(self.rights)
        acknowledge(self.function, "L1", "Python 3.13 is the newest that the suite is tested on, as on the device.")
        lambda_.CfnEventInvokeConfig(
            self,
            "OnFailure",
            function_name=self.function.function_name,
            qualifier="$LATEST",
            maximum_retry_attempts=workload.retries,
            destination_config=None if workload.failures is None else _destination(workload.failures),
        )


def _destination(queue: sqs.IQueue) -> lambda_.CfnEventInvokeConfig.DestinationConfigProperty:
    return lambda_.CfnEventInvokeConfig.DestinationConfigProperty(
        on_failure=lambda_.CfnEventInvokeConfig.OnFailureProperty(destination=queue.queue_arn)
    )


def allow(
    actions: Sequence[str], resource: str, conditions: Mapping[str, Mapping[str, object]] | None = None
) -> iam.PolicyStatement:
    """One right on one resource."""
    return iam.PolicyStatement(actions=list(actions), resources=[resource], conditions=conditions)


def key_rights(key: kms.IKey | None) -> list[iam.PolicyStatement]:
    """What DynamoDB, SNS, SQS and S3 need to use the key on a function's behalf; AWS's own keys need nothing."""
    return [] if key is None else [allow([f"kms:{action}" for action in _KEY_ACTIONS], key.key_arn)]


def reserve(function: lambda_.Function, executions: int | None) -> None:
    """Keep so many executions at once for the function, and let it have no more."""
    element = function.node.default_child
    assert isinstance(element, lambda_.CfnFunction)  # noqa: S101  a function's only child is its CloudFormation resource
    element.reserved_concurrent_executions = executions


class FunctionRule(Construct):
    """A rule of the broker that starts a function, and keeps in a queue what it could not hand over."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        sql: str,
        description: str,
        function: lambda_.IFunction,
        errors: sqs.IQueue,
        key: kms.IKey | None,
    ) -> None:
        super().__init__(scope, construct_id)
        stack = cdk.Stack.of(self)
        rule_name, arn = _rule_of(stack, name)
        permission = lambda_.CfnPermission(
            self,
            "MayInvoke",
            action="lambda:InvokeFunction",
            function_name=function.function_arn,
            principal="iot.amazonaws.com",
            source_account=stack.account,
            source_arn=arn,
        )
        start = iot.CfnTopicRule.ActionProperty(
            lambda_=iot.CfnTopicRule.LambdaActionProperty(function_arn=function.function_arn)
        )
        error_action = _to_queue(errors, _filling_role(self, "ErrorRole", arn, errors, key))
        self.rule = _topic_rule(self, rule_name, sql, description, [start], error_action)
        self.rule.node.add_dependency(permission)


class QueueRule(Construct):
    """A rule of the broker that fills a queue, and keeps in another what it could not hand over."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        sql: str,
        description: str,
        queue: sqs.IQueue,
        errors: sqs.IQueue,
        key: kms.IKey | None,
    ) -> None:
        super().__init__(scope, construct_id)
        rule_name, arn = _rule_of(cdk.Stack.of(self), name)
        role = _filling_role(self, "Role", arn, queue, key)
        errors_action = _to_queue(errors, _filling_role(self, "ErrorRole", arn, errors, key))
        self.rule = _topic_rule(self, rule_name, sql, description, [_to_queue(queue, role)], errors_action)
        self.rule.node.add_dependency(role)  # with its rights: a rule without them keeps events from their alarms


def _rule_of(stack: cdk.Stack, name: str) -> tuple[str, str]:
    """The name of a stack's rule, and its ARN."""
    rule_name = f"{stack.stack_name.replace('-', '_')}_{name}"
    return rule_name, stack.format_arn(service="iot", resource="rule", resource_name=rule_name)


def _topic_rule(
    scope: Construct,
    rule_name: str,
    sql: str,
    description: str,
    actions: Sequence[iot.CfnTopicRule.ActionProperty],
    error_action: iot.CfnTopicRule.ActionProperty,
) -> iot.CfnTopicRule:
    payload = iot.CfnTopicRule.TopicRulePayloadProperty(
        description=description,
        sql=sql,
        aws_iot_sql_version="2016-03-23",
        rule_disabled=False,
        actions=list(actions),
        error_action=error_action,
    )
    return iot.CfnTopicRule(scope, "Rule", rule_name=rule_name, topic_rule_payload=payload)


def _to_queue(queue: sqs.IQueue, role: iam.Role) -> iot.CfnTopicRule.ActionProperty:
    return iot.CfnTopicRule.ActionProperty(
        sqs=iot.CfnTopicRule.SqsActionProperty(queue_url=queue.queue_url, role_arn=role.role_arn, use_base64=False)
    )


def _filling_role(
    scope: Construct, construct_id: str, rule_arn: str, queue: sqs.IQueue, key: kms.IKey | None
) -> iam.Role:
    """The broker's right to put messages into one queue, for this rule alone."""
    role = iam.Role(
        scope,
        construct_id,
        assumed_by=iam.ServicePrincipal(
            "iot.amazonaws.com",
            conditions={
                "StringEquals": {"aws:SourceAccount": cdk.Stack.of(scope).account},
                "ArnEquals": {"aws:SourceArn": rule_arn},
            },
        ),
    )
    role.add_to_policy(allow(["sqs:SendMessage"], queue.queue_arn))
    if key is not None:
        role.add_to_policy(allow(["kms:Decrypt", "kms:GenerateDataKey"], key.key_arn))
    return role
