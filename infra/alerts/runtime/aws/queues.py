"""Queues: for timers, and for what was refused."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from infra.alerts.runtime.agreed import LONGEST_DELAY_S
from infra.alerts.runtime.handover import refusal
from infra.alerts.runtime.jobs import Job, job_to_json
from smartcam.contract.times import NS_PER_S, UtcNs


class QueueClient(Protocol):
    """The one call we make to SQS."""

    def send_message(self, *, QueueUrl: str, MessageBody: str, DelaySeconds: int = 0) -> object:  # noqa: N803 - AWS's
        """Put one message into a queue, to be seen after the delay."""


@dataclass(frozen=True, slots=True)
class SqsTimers:
    """`Timers` as delayed messages. A queue delays a quarter of an hour at most: a later timer is set again."""

    client: QueueClient
    queue_url: str
    now: Callable[[], UtcNs]

    def ring(self, due: UtcNs, job: Job) -> None:
        """See Timers."""
        delay = min(max(math.ceil((due - self.now()) / NS_PER_S), 0), LONGEST_DELAY_S)
        self.client.send_message(QueueUrl=self.queue_url, MessageBody=job_to_json(due, job), DelaySeconds=delay)


@dataclass(frozen=True, slots=True)
class SqsRefusals:
    """`Refusals` in the on-failure queue."""

    client: QueueClient
    queue_url: str

    def keep(self, document: Mapping[str, object], reason: str) -> None:
        """See Refusals."""
        self.client.send_message(QueueUrl=self.queue_url, MessageBody=refusal(document, reason))
