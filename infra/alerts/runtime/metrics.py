"""Metrics for operations: each invocation writes one line in CloudWatch's embedded metric format."""

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

NAMESPACE: Final = "Smartcam"
METRICS_VARIABLE: Final = "METRICS"
METRICS_ON: Final = "on"


class Metric(StrEnum):
    """What is counted, by its name in CloudWatch."""

    ALERTS_SENT = "AlertsSent"
    ALERTS_SUPPRESSED = "AlertsSuppressed"
    ALERTS_HELD = "AlertsHeld"
    ALERTS_DOUBTFUL = "AlertsDoubtful"
    """May have been sent twice: the one exception to one alert per event."""
    EVENTS_STALE = "EventsStale"
    EVENTS_REFUSED = "EventsRefused"
    SCHEMA_UNKNOWN = "SchemaUnknown"
    SMS_SENT = "SmsSent"
    SMS_WITHHELD = "SmsWithheld"
    PUBLISH_FAILED = "PublishFailed"
    UNDELIVERED_AGE = "UndeliveredAge"
    """Seconds since its event arrived, of an alert that cannot be delivered."""
    DEVICES_KNOWN = "DevicesKnown"
    DEVICES_SILENT = "DevicesSilent"
    CAMERAS_RUNNING = "CamerasRunning"
    CAMERAS_LOST = "CamerasLost"
    EVENTS_WAITING = "EventsWaiting"
    OLDEST_EVENT_WAITING = "OldestEventWaiting"
    """Seconds that an event has waited on its device, which cannot send it to the cloud."""


_SECONDS: Final = frozenset({Metric.UNDELIVERED_AGE, Metric.OLDEST_EVENT_WAITING})


@dataclass
class EmfMeter:
    """A `Meter` that is written out at the end of an invocation."""

    write: Callable[[str], object]
    now_ms: Callable[[], int]
    values: dict[str, float] = field(default_factory=dict)

    def add(self, name: str, value: float = 1) -> None:
        """See Meter."""
        self.values[name] = self.values.get(name, 0) + value

    def flush(self) -> None:
        """Write what was counted, and start from zero."""
        values, self.values = self.values, {}
        if values:
            self.write(emf_line(values, self.now_ms()))


def metric_writer(environment: Mapping[str, str]) -> Callable[[str], object]:
    """Where metrics go: the log, from which CloudWatch makes and bills them, or nowhere."""
    return _into_the_log if environment.get(METRICS_VARIABLE) == METRICS_ON else _nowhere


def _into_the_log(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _nowhere(line: str) -> None:
    del line


def emf_line(values: Mapping[str, float], at_ms: int) -> str:
    """The line; it must be the whole of a log event."""
    metrics = [{"Name": name, "Unit": "Seconds" if name in _SECONDS else "Count"} for name in values]
    described = {"Namespace": NAMESPACE, "Dimensions": [[]], "Metrics": metrics}
    return json.dumps({"_aws": {"Timestamp": at_ms, "CloudWatchMetrics": [described]}, **values})
