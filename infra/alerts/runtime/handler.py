"""The Lambda function's door: reads the environment, makes the clients once, hands deliveries on."""

import logging
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, tzinfo
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import boto3
from botocore.config import Config

from infra.alerts.runtime.agreed import LEASE_S
from infra.alerts.runtime.alerting import Alerting
from infra.alerts.runtime.aws_cooldown import DynamoCooldown, NoCooldown
from infra.alerts.runtime.aws_history import DynamoHistory
from infra.alerts.runtime.aws_outward import IotReplies, SnsNotifier, SqsRefusals
from infra.alerts.runtime.delivery import Delivery
from infra.alerts.runtime.ports import Cooldown
from smartcam.contract.times import UtcNs

_DAY_S: Final = 86_400

logger = logging.getLogger(__name__)
logging.getLogger("infra").setLevel(logging.INFO)

_PATIENT: Final = Config(connect_timeout=2, read_timeout=3, retries={"mode": "standard", "total_max_attempts": 3})
_ONCE: Final = Config(connect_timeout=3, read_timeout=8, retries={"mode": "standard", "total_max_attempts": 1})


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the stack tells the function through its environment."""

    table: str
    topic_arn: str
    refused_queue_url: str
    cooldown_s: int
    keep_s: int
    zone: tzinfo

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Surroundings":
        """Raises KeyError or ValueError: then the stack and its function do not belong together."""
        return cls(
            table=environment["TABLE_NAME"],
            topic_arn=environment["TOPIC_ARN"],
            refused_queue_url=environment["REFUSED_QUEUE_URL"],
            cooldown_s=int(environment["COOLDOWN_SECONDS"]),
            keep_s=int(environment["HISTORY_DAYS"]) * _DAY_S,
            zone=_zone(environment.get("TIME_ZONE", "UTC")),
        )


def _zone(name: str) -> tzinfo:
    """A wrong or unknown name must not cost an alert: then times are told in UTC."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        logger.warning("time_zone_unknown name=%s used=UTC", name)
        return UTC


def wire(here: Surroundings) -> Alerting:
    """The alerting on AWS."""
    dynamodb = boto3.client("dynamodb", config=_PATIENT)
    cooldown: Cooldown = NoCooldown()
    if here.cooldown_s:
        cooldown = DynamoCooldown(dynamodb, here.table, here.cooldown_s, LEASE_S, here.keep_s)
    return Alerting(
        history=DynamoHistory(dynamodb, here.table, LEASE_S, here.keep_s),
        cooldown=cooldown,
        notifier=SnsNotifier(boto3.client("sns", config=_ONCE), here.topic_arn),
        replies=IotReplies(boto3.client("iot-data", config=_PATIENT)),
        refusals=SqsRefusals(boto3.client("sqs", config=_PATIENT), here.refused_queue_url),
        now=lambda: UtcNs(time.time_ns()),
        zone=here.zone,
    )


@cache
def _alerting() -> Alerting:
    return wire(Surroundings.from_environment(os.environ))


def handle(document: Mapping[str, object], _context: object) -> str:
    """Take what the IoT rule selected; the answer is for the log only, because the rule does not wait for one."""
    return _alerting().take(Delivery.from_rule(document))
