"""Metrics as log lines (CloudWatch's embedded metric format): no calls, no rights, no waiting."""

import json
import sys
from collections.abc import Mapping
from typing import Final

from smartcam.contract.times import NS_PER_MS, UtcNs

NAMESPACE: Final = "Smartcam"
_SECONDS: Final = frozenset({"OldestEventWaiting"})


def emit(measures: Mapping[str, float], at: UtcNs) -> None:
    """Write one line with all measures, without dimensions: each would be a metric of its own for each device."""
    sys.stdout.write(line(measures, at) + "\n")
    sys.stdout.flush()


def line(measures: Mapping[str, float], at: UtcNs) -> str:
    """The measures as one JSON object that CloudWatch Logs takes for metrics."""
    metrics = [{"Name": name, "Unit": "Seconds" if name in _SECONDS else "Count"} for name in measures]
    directive = {"Namespace": NAMESPACE, "Dimensions": [[]], "Metrics": metrics}
    head: dict[str, object] = {"_aws": {"Timestamp": at // NS_PER_MS, "CloudWatchMetrics": [directive]}}
    return json.dumps(head | dict(measures), separators=(",", ":"))
