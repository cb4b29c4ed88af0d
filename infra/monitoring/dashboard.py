"""One page that answers: do people get their alerts, and are the devices alive?"""

from collections.abc import Mapping, Sequence
from typing import Final

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.alerts.runtime.metrics import NAMESPACE, Metric

_HALF: Final = 12
_FIVE_MINUTES: Final = cdk.Duration.minutes(5)


class Dashboard(Construct):
    """Alerts, devices, functions, failures."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        functions: Mapping[str, lambda_.IFunction],
        queues: Mapping[str, sqs.IQueue],
    ) -> None:
        super().__init__(scope, construct_id)
        page = cloudwatch.Dashboard(self, "Page", default_interval=cdk.Duration.days(1))
        page.add_widgets(
            _graph(
                "Alerts",
                _own(Metric.ALERTS_SENT, Metric.ALERTS_SUPPRESSED, Metric.ALERTS_HELD, Metric.SMS_SENT),
            ),
            _graph(
                "What should not be",
                _own(Metric.ALERTS_DOUBTFUL, Metric.PUBLISH_FAILED, Metric.EVENTS_REFUSED),
            ),
        )
        page.add_widgets(
            _graph("Devices", _own(Metric.DEVICES_KNOWN, Metric.DEVICES_SILENT, statistic="Maximum")),
            _graph("Cameras", _own(Metric.CAMERAS_RUNNING, Metric.CAMERAS_LOST, statistic="Maximum")),
        )
        page.add_widgets(
            _graph("Events that wait on devices", _own(Metric.EVENTS_WAITING, statistic="Maximum")),
            _graph("Age of the oldest of them (s)", _own(Metric.OLDEST_EVENT_WAITING, statistic="Maximum")),
        )
        page.add_widgets(
            _graph("Functions: errors", [one.metric_errors(label=name) for name, one in functions.items()]),
            _graph("Functions: time (ms, p95)", [_slow(name, one) for name, one in functions.items()]),
        )
        page.add_widgets(_graph("Dead letters", [_letters(name, one) for name, one in queues.items()]))


def _graph(title: str, metrics: Sequence[cloudwatch.IMetric]) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(title=title, left=list(metrics), width=_HALF, period=_FIVE_MINUTES)


def _own(*names: Metric, statistic: str = "Sum") -> list[cloudwatch.IMetric]:
    return [own_metric(name, statistic=statistic, label=name) for name in names]


def own_metric(
    name: Metric, *, statistic: str = "Sum", period: cdk.Duration | None = None, label: str | None = None
) -> cloudwatch.Metric:
    """A metric that our functions write into their logs."""
    return cloudwatch.Metric(namespace=NAMESPACE, metric_name=name, statistic=statistic, period=period, label=label)


def _slow(name: str, function: lambda_.IFunction) -> cloudwatch.Metric:
    return function.metric_duration(statistic="p95", label=name)


def _letters(name: str, queue: sqs.IQueue) -> cloudwatch.Metric:
    return queue.metric_approximate_number_of_messages_visible(statistic="Maximum", label=name)
