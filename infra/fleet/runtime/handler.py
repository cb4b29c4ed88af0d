"""Two entry points: `hear` takes the devices' signs of life, `watch` is the dead-man switch that runs every minute."""

import logging
import os
from collections.abc import Mapping
from functools import cache

import boto3

from infra.alerts.runtime.aws.clients import PATIENT, now
from infra.alerts.runtime.aws.dynamo import Table
from infra.alerts.runtime.aws.queues import SqsRefusals
from infra.alerts.runtime.metrics import emf_line, metric_writer
from infra.fleet.runtime.aws import DynamoRegistry, FunctionAlerts, IotAnswers
from infra.fleet.runtime.desk import Desk
from infra.fleet.runtime.hearing import Hearing, Sign, SignOutcome, is_of_a_stranger
from infra.fleet.runtime.judging import Policy
from infra.fleet.runtime.premises import AwsPremises, queues_from
from infra.fleet.runtime.watching import Watching
from smartcam.contract.times import NS_PER_MS

PATIENCE = ("slack_s", "offline_grace_s", "planned_grace_s", "flap_grace_s", "flap_memory_s", "fleet_settle_s")

logging.getLogger("infra").setLevel(logging.INFO)


def _registry() -> DynamoRegistry:
    return DynamoRegistry(Table(boto3.client("dynamodb", config=PATIENT), os.environ["TABLE_NAME"]))


@cache
def _hearing() -> Hearing:
    queue = SqsRefusals(boto3.client("sqs", config=PATIENT), os.environ["REFUSED_QUEUE_URL"])
    return Hearing(_registry(), queue, IotAnswers(boto3.client("iot-data", config=PATIENT)))


@cache
def _watching() -> Watching:
    alerts = FunctionAlerts(boto3.client("lambda", config=PATIENT), os.environ["ALERTER"], now)
    registry = _registry()
    premises = AwsPremises(
        registry.table,
        boto3.client("sqs", config=PATIENT),
        boto3.client("sns", config=PATIENT),
        queues_from(os.environ["QUEUES"]),
        os.environ["OPERATIONS_TOPIC_ARN"],
    )
    return Watching(registry, alerts, policy_from(os.environ), Desk(premises))


def policy_from(environment: Mapping[str, str]) -> Policy:
    """The patience that the stack sets; the defaults where it sets none."""
    return Policy(**{name: int(environment[name.upper()]) for name in PATIENCE if environment.get(name.upper())})


def hear(document: Mapping[str, object], _context: object) -> str:
    """Take what the rules selected; the answer is for the log only."""
    if is_of_a_stranger(document):
        return SignOutcome.UNKNOWN
    return _hearing().take(Sign.from_rule(document))


def watch(_document: Mapping[str, object], _context: object) -> dict[str, float]:
    """Check the fleet once, and write its measures into the log where they are to become metrics."""
    at = now()
    measured = _watching().check(at)
    metric_writer(os.environ)(emf_line(measured, at // NS_PER_MS))
    return measured
