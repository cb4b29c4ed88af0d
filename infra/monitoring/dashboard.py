"""One page that answers: do people get their alerts, and are the devices alive?"""

from collections.abc import Mapping, Sequence
from typing import Final

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.alerts.runtime.metrics import NAMESPACE

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
            _graph("Alerts", [_own(name) for name in ("AlertsSent", "AlertsSuppressed", "AlertsHeld", "SmsSent")]),
            _graph("What should not be", [_own(name) for name in ("AlertsDoubtful", "PublishFailed", "EventsRefused")]),
        )
        page.add_widgets(
            _graph("Devices", [_own(name, "Maximum") for name in ("DevicesKnown", "DevicesSilent")]),
            _graph("Cameras", [_own(name, "Maximum") for name in ("CamerasRunning", "CamerasLost")]),
        )
        page.add_widgets(
            _graph("Events that wait on devices", [_own("EventsWaiting", "Maximum")]),
            _graph("Age of the oldest of them (s)", [_own("OldestEventWaiting", "Maximum")]),
        )
        page.add_widgets(
            _graph("Functions: errors", [one.metric_errors(label=name) for name, one in functions.items()]),
            _graph("Functions: time (ms, p95)", [_slow(name, one) for name, one in functions.items()]),
        )
        page.add_widgets(_graph("Dead letters", [_letters(name, one) for name, one in queues.items()]))


def _graph(title: str, metrics: Sequence[cloudwatch.IMetric]) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(title=title, left=list(metrics), width=_HALF, period=_FIVE_MINUTES)


def _own(name: str, statistic: str = "Sum") -> cloudwatch.Metric:
    return cloudwatch.Metric(namespace=NAMESPACE, metric_name=name, statistic=statistic, label=name)


def _slow(name: str, function: lambda_.IFunction) -> cloudwatch.Metric:
    return function.metric_duration(statistic="p95", label=name)


def _letters(name: str, queue: sqs.IQueue) -> cloudwatch.Metric:
    return queue.metric_approximate_number_of_messages_visible(statistic="Maximum", label=name)
