"""The stack `SmartcamAlerts`, as a list of its constructs."""

from dataclasses import dataclass
from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.alerts.channels import Clockwork, Failures, Recipients
from infra.alerts.infrastructure import EVENT_SQL, Alerter, HistoryTable, Means
from infra.alerts.runtime.metrics import METRICS_ON, METRICS_VARIABLE
from infra.devices import DevicePolicies
from infra.fleet.infrastructure import Operators, Signs, Watch
from infra.functions import QueueRule, reserve
from infra.keys import Encryption, read_under_a_former_key
from infra.monitoring.infrastructure import Monitoring, Operations, Watched
from infra.outputs import add_outputs
from infra.settings import AlertSettings
from infra.site import KeyKind, MonitoringKind, SiteSettings
from infra.snapshots.infrastructure import SnapshotBucket

STACK_NAME = "SmartcamAlerts"


@dataclass(frozen=True, slots=True)
class _Parts:
    """The alerting, as far as those have to do with it that watch over it."""

    table: dynamodb.ITable
    failures: Failures
    recipients: Recipients
    timers: sqs.IQueue
    alerter: lambda_.Function
    key: kms.IKey | None


class AlertsStack(cdk.Stack):
    """Everything between a device's event and a person; `code` is the function's assembled asset."""

    def __init__(
        self, scope: Construct, construct_id: str, *, settings: AlertSettings, site: SiteSettings, code: Path
    ) -> None:
        super().__init__(
            scope, construct_id, description="Smartcam: from an event to an alert", analytics_reporting=False
        )
        key = Encryption(self, "Encryption", is_own=site.key is KeyKind.OWN).key
        table = HistoryTable(self, "History", key=key).table
        failures = Failures(self, "Failures", key=key)
        recipients = Recipients(self, "Recipients", key=key, groups=settings.groups, unreached=failures.unreached)
        timers = Clockwork(self, "Clockwork", key=key, untimely=failures.untimely).queue
        self.snapshots = SnapshotBucket(self, "Snapshots", key=key, days=site.snapshot_days) if site.snapshots else None
        means = Means(table, recipients.topics, failures.unhandled, timers, key, self.snapshots)
        alerter = Alerter(self, "Alerter", code=code, means=means, settings=settings, site=site)
        function = alerter.function
        if site.monitoring is MonitoringKind.FULL:
            function.add_environment(METRICS_VARIABLE, METRICS_ON)
        if key is None:
            self._read_under_a_former_key(alerter, timers)
        self._route_events(timers, failures, key)
        DevicePolicies(self, "Devices", things=settings.things, may_exchange=site.snapshots)
        parts = _Parts(table, failures, recipients, timers, function, key)
        signs, watch, operations = self._watch_over(parts, site, code)
        add_outputs(
            self,
            {
                "OperationsTopicArn": operations.topic_arn,
                "SignsFunctionName": signs.function_name,
                "WatchFunctionName": watch.function_name,
                **({"SnapshotBucketName": self.snapshots.bucket.bucket_name} if self.snapshots is not None else {}),
                "TopicArn": recipients.topics[0].topic_arn,
                "TableName": table.table_name,
                "FunctionName": function.function_name,
                "ErrorQueueUrl": failures.undelivered.queue_url,
                "FailureQueueUrl": failures.unhandled.queue_url,
                "TimerQueueUrl": timers.queue_url,
                "UntimelyQueueUrl": failures.untimely.queue_url,
                "UnreachedQueueUrl": failures.unreached.queue_url,
            },
        )

    def _watch_over(
        self, parts: _Parts, site: SiteSettings, code: Path
    ) -> tuple[lambda_.Function, lambda_.Function, sns.Topic]:
        """Hear the devices, watch over them and over the alerting itself; and who is told of that."""
        failures, is_full = parts.failures, site.monitoring is MonitoringKind.FULL
        signs = Signs(
            self,
            "Signs",
            code=code,
            table=parts.table,
            undelivered=failures.undelivered,
            unhandled=failures.unhandled,
            key=parts.key,
        ).function
        operations = Operations(self, "Operations", key=parts.key, emails=site.operations_emails).topic
        watch = Watch(
            self,
            "Watch",
            code=code,
            table=parts.table,
            alerter=parts.alerter,
            operators=Operators({**failures.queues, "Timers": parts.timers}, operations, metrics=is_full),
            key=parts.key,
            patience={"offline_grace_s": site.offline_grace_s},
        ).function
        for started_by_devices in (parts.alerter, signs):
            reserve(started_by_devices, site.reserved_concurrency)
        watched = Watched(
            functions={"Alerter": parts.alerter, "Signs": signs, "Watch": watch},
            queues=failures.queues,
            topics={group.label("People"): topic for group, topic in parts.recipients.by_group},
            alerter=parts.alerter,
            timers=parts.timers,
            switch=watch,
            sms_a_day=site.sms_a_day,
        )
        Monitoring(self, "Monitoring", topic=operations, watched=watched, is_full=is_full)
        return signs, watch, operations

    def _read_under_a_former_key(self, alerter: Alerter, timers: sqs.IQueue) -> None:
        """What waited or was stored when a site gave up its own key."""
        read_under_a_former_key(alerter.rights, service="sqs", arn=timers.queue_arn)
        if self.snapshots is not None:
            read_under_a_former_key(alerter.rights, service="s3", arn=self.snapshots.bucket.bucket_arn)

    def _route_events(self, queue: sqs.IQueue, failures: Failures, key: kms.IKey | None) -> None:
        QueueRule(
            self,
            "Events",
            name="events",
            sql=EVENT_SQL,
            description="Smartcam: hands events to the queue of the function that alerts people",
            queue=queue,
            errors=failures.undelivered,
            key=key,
        )
