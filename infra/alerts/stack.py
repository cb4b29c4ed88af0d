"""The stack `SmartcamAlerts`, as a list of its constructs."""

from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.alerts.channels import Clockwork, Failures, Recipients
from infra.alerts.infrastructure import EVENT_SQL, Alerter, Encryption, HistoryTable, Means
from infra.devices import DevicePolicies
from infra.fleet.infrastructure import Signs, Watch
from infra.functions import QueueRule
from infra.monitoring.infrastructure import Monitoring, Operations, Watched
from infra.outputs import add_outputs
from infra.settings import AlertSettings
from infra.site import SiteSettings
from infra.snapshots.infrastructure import SnapshotBucket

STACK_NAME = "SmartcamAlerts"


class AlertsStack(cdk.Stack):
    """Everything between a device's event and a person; `code` is the function's assembled asset."""

    def __init__(
        self, scope: Construct, construct_id: str, *, settings: AlertSettings, site: SiteSettings, code: Path
    ) -> None:
        super().__init__(
            scope, construct_id, description="Smartcam: from an event to an alert", analytics_reporting=False
        )
        key = Encryption(self, "Encryption").key
        table = HistoryTable(self, "History", key=key).table
        failures = Failures(self, "Failures", key=key)
        recipients = Recipients(self, "Recipients", key=key, groups=settings.groups, unreached=failures.unreached)
        timers = Clockwork(self, "Clockwork", key=key, untimely=failures.untimely).queue
        self.snapshots = SnapshotBucket(self, "Snapshots", key=key, days=site.snapshot_days) if site.snapshots else None
        means = Means(table, recipients.topics, failures.unhandled, timers, key, self.snapshots)
        function = Alerter(
            self, "Alerter", code=code, means=means, settings=settings, texts_per_day=site.sms_a_day
        ).function
        self._route_events(timers, failures, key)
        DevicePolicies(self, "Devices", things=settings.things, may_exchange=site.snapshots)
        signs = Signs(
            self,
            "Signs",
            code=code,
            table=table,
            undelivered=failures.undelivered,
            unhandled=failures.unhandled,
            key=key,
        ).function
        patience = {"offline_grace_s": site.offline_grace_s}
        watch = Watch(self, "Watch", code=code, table=table, alerter=function, key=key, patience=patience).function
        operations = Operations(self, "Operations", key=key, emails=site.operations_emails).topic
        watched = Watched(
            functions={"Alerter": function, "Signs": signs, "Watch": watch},
            queues=failures.queues,
            topics={group.label("People"): topic for group, topic in recipients.by_group},
            alerter=function,
            switch=watch,
            sms_a_day=site.sms_a_day,
        )
        Monitoring(self, "Monitoring", topic=operations, watched=watched)

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

    def _route_events(self, queue: sqs.IQueue, failures: Failures, key: kms.IKey) -> None:
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
