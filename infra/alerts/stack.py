"""The stack `SmartcamAlerts`, as a list of its constructs."""

from pathlib import Path

import aws_cdk as cdk
from constructs import Construct

from infra.alerts.infrastructure import Alerter, Encryption, EventRule, Failures, History, Recipients
from infra.devices import DevicePolicies
from infra.settings import AlertSettings

STACK_NAME = "SmartcamAlerts"


class AlertsStack(cdk.Stack):
    """Everything between a device's event and a person; `code` is the function's assembled asset."""

    def __init__(self, scope: Construct, construct_id: str, *, settings: AlertSettings, code: Path) -> None:
        super().__init__(
            scope, construct_id, description="Smartcam: from an event to an alert", analytics_reporting=False
        )
        key = Encryption(self, "Encryption").key
        table = History(self, "History", key=key).table
        topic = Recipients(self, "Recipients", key=key, emails=settings.emails, phones=settings.phones).topic
        failures = Failures(self, "Failures", key=key)
        function = Alerter(
            self,
            "Alerter",
            code=code,
            table=table,
            topic=topic,
            failures=failures.unhandled,
            key=key,
            settings=settings,
        ).function
        EventRule(self, "Events", function=function, errors=failures.undelivered, key=key)
        DevicePolicies(self, "Devices", things=settings.things)

        cdk.CfnOutput(self, "TopicArn", value=topic.topic_arn)
        cdk.CfnOutput(self, "TableName", value=table.table_name)
        cdk.CfnOutput(self, "FunctionName", value=function.function_name)
        cdk.CfnOutput(self, "ErrorQueueUrl", value=failures.undelivered.queue_url)
        cdk.CfnOutput(self, "FailureQueueUrl", value=failures.unhandled.queue_url)
