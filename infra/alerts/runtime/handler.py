"""The Lambda function's entry point: reads the environment, makes the clients once, passes deliveries and jobs on."""

import json
import logging
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

import boto3

from infra.alerts.runtime.agreed import LEASE_S
from infra.alerts.runtime.alerting import Alerting
from infra.alerts.runtime.audience import Audience
from infra.alerts.runtime.aws.clients import ONCE, PATIENT, now
from infra.alerts.runtime.aws.digests import DynamoDigests
from infra.alerts.runtime.aws.dynamo import Table
from infra.alerts.runtime.aws.history import DynamoHistory
from infra.alerts.runtime.aws.limits import DynamoLimits
from infra.alerts.runtime.aws.outward import IotReplies, SnsNotifier
from infra.alerts.runtime.aws.queues import SqsRefusals, SqsTimers
from infra.alerts.runtime.aws.windows import DynamoWindows
from infra.alerts.runtime.closing import Timekeeping
from infra.alerts.runtime.deciding import GroupAlerting
from infra.alerts.runtime.delivery import Delivery
from infra.alerts.runtime.jobs import job_from_json
from infra.alerts.runtime.metrics import EmfMeter, metric_writer
from infra.alerts.runtime.ports import Pictures
from infra.alerts.runtime.sending import GroupSender
from infra.snapshots.runtime.links import pictures_from
from smartcam.contract.times import NS_PER_MS

_DAY_S: Final = 86_400

logger = logging.getLogger(__name__)
logging.getLogger("infra").setLevel(logging.INFO)


@dataclass(frozen=True, slots=True)
class FunctionSettings:
    """What the stack tells the function through its environment."""

    table: str
    audience: Audience
    refused_queue_url: str
    timer_queue_url: str
    cooldown_s: int
    keep_s: int
    texts_per_day: int

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "FunctionSettings":
        """Raises KeyError, ValueError or ContractError: then the stack and its function do not belong together."""
        return cls(
            table=environment["TABLE_NAME"],
            audience=Audience.from_json(environment["AUDIENCE"], json.loads(environment["TOPIC_ARNS"])),
            refused_queue_url=environment["REFUSED_QUEUE_URL"],
            timer_queue_url=environment["TIMER_QUEUE_URL"],
            cooldown_s=int(environment["COOLDOWN_SECONDS"]),
            keep_s=int(environment["HISTORY_DAYS"]) * _DAY_S,
            texts_per_day=int(environment["SMS_PER_DAY"]),
        )


def wire(here: FunctionSettings, pictures: Pictures | None) -> tuple[Timekeeping, EmfMeter]:
    """The alerting on AWS, and what it counts with."""
    table = Table(boto3.client("dynamodb", config=PATIENT), here.table)
    sqs = boto3.client("sqs", config=PATIENT)
    meter = EmfMeter(metric_writer(os.environ), lambda: now() // NS_PER_MS)
    timers = SqsTimers(sqs, here.timer_queue_url, now)
    windows, digests = DynamoWindows(table, LEASE_S, here.keep_s), DynamoDigests(table, LEASE_S, here.keep_s)
    notifier = SnsNotifier(boto3.client("sns", config=ONCE))
    sender = GroupSender(DynamoLimits(table, here.texts_per_day), notifier, meter, now, time.sleep)
    groups = GroupAlerting(here.audience, here.cooldown_s, windows, digests, timers, sender, pictures, meter, now)
    alerting = Alerting(
        history=DynamoHistory(table, LEASE_S, here.keep_s),
        groups=groups,
        timers=timers,
        replies=IotReplies(boto3.client("iot-data", config=PATIENT)),
        refusals=SqsRefusals(sqs, here.refused_queue_url),
        meter=meter,
        now=now,
    )
    return Timekeeping(alerting, here.audience, here.cooldown_s, windows, digests, timers, sender, now), meter


@cache
def _works() -> tuple[Timekeeping, EmfMeter]:
    return wire(FunctionSettings.from_environment(os.environ), pictures_from(os.environ))


def handle(document: Mapping[str, object], _context: object) -> str:
    """Take what the IoT rule selected, or the queue's one message; the answer is for the log only."""
    timekeeping, meter = _works()
    try:
        records = document.get("Records")
        if isinstance(records, list):
            return _do(timekeeping, records)
        return timekeeping.alerting.take(Delivery.from_rule(document))
    finally:
        meter.flush()


def _do(timekeeping: Timekeeping, records: Sequence[Mapping[str, str]]) -> str:
    """Do the jobs; the queue's batch is one, so that an error brings back no job that is done."""
    words = []
    for record in records:
        due, job = job_from_json(record["body"])
        words.append(timekeeping.do(due, job))
        logger.info("job_done job=%s outcome=%s", type(job).__name__, words[-1])
    return " ".join(words)
