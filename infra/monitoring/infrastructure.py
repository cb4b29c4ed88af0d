"""Alarms, and a topic of their own for them: faults of the alerting must not depend on the alerting to be reported."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.alerts.runtime.agreed import LONGEST_DELAY_S
from infra.alerts.runtime.metrics import Metric
from infra.monitoring.dashboard import Dashboard, own_metric

FIVE_MINUTES: Final = cdk.Duration.minutes(5)
DAY: Final = cdk.Duration.days(1)
UNDELIVERED_S: Final = 300
DEAD_LETTER_AGE_S: Final = 7 * 86_400
"""Half of the time that a dead letter is kept: a person has a week left."""
_MS: Final = 1000
_MORE: Final = cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD
_LESS: Final = cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD
_QUIET: Final = cloudwatch.TreatMissingData.NOT_BREACHING
_SILENCE: Final = cloudwatch.TreatMissingData.BREACHING


@dataclass(frozen=True, slots=True)
class Watched:
    """What to watch, by name.

    `switch` is the function that must run every minute, `alerter` the one that alerts people, `timers` its queue.
    """

    functions: Mapping[str, lambda_.IFunction]
    queues: Mapping[str, sqs.IQueue]
    topics: Mapping[str, sns.ITopic]
    alerter: lambda_.IFunction
    timers: sqs.IQueue
    switch: lambda_.IFunction
    sms_a_day: int


class Operations(Construct):
    """The operators' topic; of AWS's services only CloudWatch may publish to it.

    It is encrypted with a key of the site's own alone: CloudWatch cannot use SNS's.
    """

    def __init__(self, scope: Construct, construct_id: str, *, key: kms.IKey | None, emails: Sequence[str]) -> None:
        super().__init__(scope, construct_id)
        self.topic = sns.Topic(self, "Topic", display_name="Smartcam operations", master_key=key, enforce_ssl=True)
        for email in emails:
            self.topic.add_subscription(subscriptions.EmailSubscription(email))
        stack = cdk.Stack.of(self)
        alarms = stack.format_arn(
            service="cloudwatch", resource="alarm", resource_name="*", arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME
        )
        only_ours = {"StringEquals": {"aws:SourceAccount": stack.account}, "ArnLike": {"aws:SourceArn": alarms}}
        cloudwatch_itself = iam.ServicePrincipal("cloudwatch.amazonaws.com")
        self.topic.add_to_resource_policy(
            iam.PolicyStatement(
                sid="AlarmsOfThisAccount",
                principals=[cloudwatch_itself],
                actions=["sns:Publish"],
                resources=[self.topic.topic_arn],
                conditions=only_ours,
            )
        )
        if key is not None:
            key.add_to_resource_policy(
                iam.PolicyStatement(
                    sid="AlarmsOfThisAccountToAnEncryptedTopic",
                    principals=[cloudwatch_itself],
                    actions=["kms:Decrypt", "kms:GenerateDataKey"],
                    resources=["*"],  # in a key's own policy this is the key itself
                    conditions={"StringEquals": {"aws:SourceAccount": stack.account}},
                )
            )


class Monitoring(Construct):
    """Alarms of what the dead-man switch cannot see: that it stands still or fails, or that events are not taken.

    `full`: an alarm of everything, from metrics that cost money, and the dashboard.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, topic: sns.ITopic, watched: Watched, is_full: bool
    ) -> None:
        super().__init__(scope, construct_id)
        self._action = actions.SnsAction(topic)
        looks = watched.switch.metric_invocations(period=FIVE_MINUTES, statistic="Sum")
        self._alarm("SwitchStopped", looks, 1, "the dead-man switch does not check the fleet", is_silence=True)
        # What fails in the alerting comes again and again, so the age of what waits tells of everything that can fail.
        due = watched.timers.metric_approximate_age_of_oldest_message(period=FIVE_MINUTES, statistic="Maximum")
        late = LONGEST_DELAY_S + UNDELIVERED_S
        self._alarm("TimersWait", due, late, "events or timers wait for the alerting, or it fails on them: see its log")
        for name, function in watched.functions.items():
            if is_full or function is watched.switch:
                self._errors_alarm(name, function)
        if is_full:
            self._all_else(watched)

    def _all_else(self, watched: Watched) -> None:
        for name, function in watched.functions.items():
            self._throttles_alarm(name, function)
        for name, queue in watched.queues.items():
            self._queue_alarms(name, queue)
        for name, topic_of_people in watched.topics.items():
            failed = topic_of_people.metric_number_of_notifications_failed(period=FIVE_MINUTES, statistic="Sum")
            self._alarm(f"{name}Unreached", failed, 0, "messages to people could not be delivered")
        self._alerting_alarms(watched)
        Dashboard(self, "Dashboard", functions=watched.functions, queues=watched.queues)

    def _errors_alarm(self, name: str, function: lambda_.IFunction) -> None:
        errors = function.metric_errors(period=FIVE_MINUTES, statistic="Sum")
        self._alarm(f"{name}Errors", errors, 0, f"{name} fails: its log says why")

    def _throttles_alarm(self, name: str, function: lambda_.IFunction) -> None:
        throttles = function.metric_throttles(period=FIVE_MINUTES, statistic="Sum")
        self._alarm(f"{name}Throttles", throttles, 0, f"{name} is not started as often as it should: raise the limit")

    def _queue_alarms(self, name: str, queue: sqs.IQueue) -> None:
        waiting = queue.metric_approximate_number_of_messages_visible(period=FIVE_MINUTES, statistic="Maximum")
        self._alarm(f"{name}Letters", waiting, 0, f"dead letters in {name}: look at them, then `alerts redrive`")
        age = queue.metric_approximate_age_of_oldest_message(period=FIVE_MINUTES, statistic="Maximum")
        self._alarm(f"{name}Age", age, DEAD_LETTER_AGE_S, f"dead letters in {name} are deleted in a week")

    def _alerting_alarms(self, watched: Watched) -> None:
        waiting = watched.alerter.metric("AsyncEventAge", period=FIVE_MINUTES, statistic="Maximum")
        self._alarm("EventsWait", waiting, UNDELIVERED_S * _MS, "events wait for the alerting for over five minutes")
        own: tuple[tuple[str, Metric, str, int, str], ...] = (
            (
                "AlertsWait",
                Metric.UNDELIVERED_AGE,
                "Maximum",
                UNDELIVERED_S,
                "an alert is not delivered for over five minutes",
            ),
            ("PublishFailed", Metric.PUBLISH_FAILED, "Sum", 0, "SNS did not take an alert; it is tried again"),
            ("SchemaUnknown", Metric.SCHEMA_UNKNOWN, "Sum", 0, "a device is newer than the cloud: update it"),
            ("SmsWithheld", Metric.SMS_WITHHELD, "Sum", 0, "the guard of the SMS count held messages back"),
        )
        for name, metric, statistic, most, meaning in own:
            self._alarm(name, own_metric(metric, statistic=statistic, period=FIVE_MINUTES), most, meaning)
        sms = own_metric(Metric.SMS_SENT, period=DAY)
        nearly = watched.sms_a_day * 4 // 5
        self._alarm("SmsCount", sms, nearly, f"more than {nearly} SMS in a day; {watched.sms_a_day} is the limit")

    def _alarm(
        self, name: str, metric: cloudwatch.IMetric, threshold: float, meaning: str, *, is_silence: bool = False
    ) -> None:
        alarm = cloudwatch.Alarm(
            self,
            name,
            metric=metric,
            threshold=threshold,
            comparison_operator=_LESS if is_silence else _MORE,
            evaluation_periods=1,
            treat_missing_data=_SILENCE if is_silence else _QUIET,
            alarm_description=f"Smartcam: {meaning}",
        )
        alarm.add_alarm_action(self._action)
        alarm.add_ok_action(self._action)
