"""The Lambda function's entry point: reads the environment, makes the clients once, passes deliveries and jobs on."""

import json
import logging
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

import boto3

from infra.alerts.runtime.agreed import LEASE_S
from infra.alerts.runtime.assembling import Outside, assembled
from infra.alerts.runtime.audience import Audience
from infra.alerts.runtime.aws.clients import ONCE, PATIENT, now
from infra.alerts.runtime.aws.digests import DynamoDigests
from infra.alerts.runtime.aws.dynamo import Table
from infra.alerts.runtime.aws.guards import DynamoGuards
from infra.alerts.runtime.aws.history import DynamoHistory
from infra.alerts.runtime.aws.limits import DynamoLimits
from infra.alerts.runtime.aws.outward import IotReplies, SnsNotifier
from infra.alerts.runtime.aws.queues import SqsRefusals, SqsTimers
from infra.alerts.runtime.aws.troubles import DynamoTroubles
from infra.alerts.runtime.aws.turns import DynamoTurns
from infra.alerts.runtime.aws.windows import DynamoWindows
from infra.alerts.runtime.batches import Batch, take
from infra.alerts.runtime.metrics import EmfMeter, metric_writer
from infra.alerts.runtime.ports import Pictures
from infra.alerts.runtime.timekeeping import Timekeeping
from infra.alerts.runtime.troubles import PacedTroubles
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
    texts_per_thing: int

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
            texts_per_thing=int(environment["SMS_PER_THING"]),
        )


def wire(here: FunctionSettings, pictures: Pictures | None) -> tuple[Timekeeping, EmfMeter]:
    """The alerting on AWS, and what it counts with."""
    table = Table(boto3.client("dynamodb", config=PATIENT), here.table)
    sqs = boto3.client("sqs", config=PATIENT)
    meter = EmfMeter(metric_writer(os.environ), lambda: now() // NS_PER_MS)
    outside = Outside(
        history=DynamoHistory(table, LEASE_S, here.keep_s),
        windows=DynamoWindows(table, LEASE_S, here.keep_s),
        digests=DynamoDigests(table, LEASE_S, here.keep_s),
        limits=DynamoLimits(table, here.texts_per_day, here.texts_per_thing),
        turns=DynamoTurns(table),
        guards=DynamoGuards(table),
        timers=SqsTimers(sqs, here.timer_queue_url, now),
        notifier=SnsNotifier(boto3.client("sns", config=ONCE)),
        replies=IotReplies(boto3.client("iot-data", config=PATIENT)),
        refusals=SqsRefusals(sqs, here.refused_queue_url),
        pictures=pictures,
        meter=meter,
        troubles=PacedTroubles(DynamoTroubles(table).write, now),
    )
    return assembled(outside, here.audience, here.cooldown_s, now), meter


@cache
def _works() -> tuple[Timekeeping, EmfMeter]:
    return wire(FunctionSettings.from_environment(os.environ), pictures_from(os.environ))


def handle(document: Mapping[str, object], _context: object) -> object:
    """Take the queue's messages, or one document that was handed over directly.

    Returns, for the queue, which of its messages must come again; else a word for the log.
    """
    timekeeping, meter = _works()
    try:
        records = document.get("Records")
        if isinstance(records, list):
            failed = Batch(timekeeping, time.monotonic).take(records)
            return {"batchItemFailures": [{"itemIdentifier": one} for one in failed]}
        return take(timekeeping, document)
    finally:
        meter.flush()
