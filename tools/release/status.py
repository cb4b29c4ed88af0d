"""How far a deployment has come on each device."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from tools.release.aws import Aws

ENDED_WELL: Final = frozenset({"SUCCEEDED", "COMPLETED"})
ENDED_BADLY: Final = frozenset({"FAILED", "TIMED_OUT", "CANCELED", "REJECTED"})
NOT_HEARD: Final = "NOT HEARD OF"


@dataclass(frozen=True, slots=True, order=True)
class DeviceOutcome:
    """How a deployment went on one device."""

    thing: str
    status: str
    reason: str

    @property
    def ended_well(self) -> bool:
        """Whether the device has it, by its nucleus's word."""
        return self.status in ENDED_WELL

    @property
    def ended_badly(self) -> bool:
        """Whether the device will not have it."""
        return self.status in ENDED_BADLY

    @property
    def ended(self) -> bool:
        """Whether the state is final."""
        return self.ended_well or self.ended_badly


def outcomes_of(sent: Mapping[str, str], group_arn: str, aws: Aws) -> dict[str, DeviceOutcome]:
    """How far things of a group are with their deployments (thing -> deployment)."""
    core = set(aws.core_devices(group_arn)) if sent else set()
    return {thing: _of(thing, deployment, aws, known=thing in core) for thing, deployment in sorted(sent.items())}


def _of(thing: str, deployment: str, aws: Aws, *, known: bool) -> DeviceOutcome:
    if not known:
        return DeviceOutcome(thing, NOT_HEARD, "has never reported as a core device; is its nucleus running?")
    for each in aws.effective(thing):
        if each["deploymentId"] == deployment:
            details = each.get("statusDetails", {}).get("errorStack", ())
            reason = " ".join(filter(None, (each.get("reason", ""), ", ".join(details))))
            return DeviceOutcome(thing, each["coreDeviceExecutionStatus"], reason)
    return DeviceOutcome(thing, NOT_HEARD, "has not seen this deployment yet")
