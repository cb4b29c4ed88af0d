"""The function that looks at the fleet every minute: the dead-man switch."""

import logging
import os
import sys
import time
from collections.abc import Mapping
from functools import cache

import boto3

from infra.alerts.runtime.metrics import emf_line
from infra.fleet.runtime.aws_fleet import DynamoRegistry, FunctionAlerts
from infra.fleet.runtime.judging import Policy
from infra.fleet.runtime.signs import PATIENT
from infra.fleet.runtime.watching import Watching
from smartcam.contract.times import NS_PER_MS, UtcNs

logging.getLogger("infra").setLevel(logging.INFO)


def now() -> UtcNs:
    """The cloud's clock."""
    return UtcNs(time.time_ns())


@cache
def _watching() -> Watching:
    registry = DynamoRegistry(boto3.client("dynamodb", config=PATIENT), os.environ["TABLE_NAME"])
    alerts = FunctionAlerts(boto3.client("lambda", config=PATIENT), os.environ["ALERTER"], now)
    return Watching(registry, alerts, policy_from(os.environ))


def policy_from(environment: Mapping[str, str]) -> Policy:
    """The patience that the stack asks for; the defaults where it says nothing."""
    given = {name: int(environment[name.upper()]) for name in PATIENCE if environment.get(name.upper())}
    return Policy(**given)


PATIENCE = ("slack_s", "offline_grace_s", "planned_grace_s", "flap_grace_s", "flap_memory_s", "fleet_settle_s")


def handle(_document: Mapping[str, object], _context: object) -> dict[str, float]:
    """Take one look, and write the fleet's measures into the log."""
    at = now()
    measured = _watching().look(at)
    sys.stdout.write(emf_line(measured, at // NS_PER_MS) + "\n")
    sys.stdout.flush()
    return measured
