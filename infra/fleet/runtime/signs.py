"""The function that hears the devices: their own health, and the broker's word on their connections."""

import base64
import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final, Protocol

import boto3
from botocore.config import Config

from infra.alerts.runtime.handover import refusal
from infra.fleet.runtime.aws_fleet import DynamoRegistry
from infra.fleet.runtime.hearing import Hearing, Outcome, Sign, is_of_a_stranger
from smartcam.contract.times import NS_PER_MS

logging.getLogger("infra").setLevel(logging.INFO)

PATIENT: Final = Config(connect_timeout=2, read_timeout=3, retries={"mode": "standard", "total_max_attempts": 3})


class QueueClient(Protocol):
    """The one call we make to SQS."""

    def send_message(self, *, QueueUrl: str, MessageBody: str) -> object:  # noqa: N803 - the names are AWS's
        """Put one message into a queue."""


@dataclass(frozen=True, slots=True)
class SqsRefusals:
    """`Refusals` in the on-failure queue."""

    client: QueueClient
    queue_url: str

    def keep(self, sign: Sign, reason: str) -> None:
        """See Refusals."""
        request: dict[str, object] = {
            "topic_thing": sign.thing,
            "arrived_ms": sign.arrived_at // NS_PER_MS,
            "payload": base64.b64encode(sign.payload).decode(),
        }
        if sign.presence is not None:
            request["presence"] = sign.presence
        self.client.send_message(QueueUrl=self.queue_url, MessageBody=refusal(request, reason))


@cache
def _hearing() -> Hearing:
    registry = DynamoRegistry(boto3.client("dynamodb", config=PATIENT), os.environ["TABLE_NAME"])
    return Hearing(registry, SqsRefusals(boto3.client("sqs", config=PATIENT), os.environ["REFUSED_QUEUE_URL"]))


def handle(document: Mapping[str, object], _context: object) -> str:
    """Take what the rules selected; the answer is for the log only."""
    if is_of_a_stranger(document):
        return Outcome.UNKNOWN
    return _hearing().take(Sign.from_rule(document))
