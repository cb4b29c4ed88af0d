"""How far a deployment has come on each device of its group."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from tools.command_line import Say
from tools.release.aws import Aws

ENDED_WELL: Final = frozenset({"SUCCEEDED", "COMPLETED"})
ENDED_BADLY: Final = frozenset({"FAILED", "TIMED_OUT", "CANCELED", "REJECTED"})
NOT_HEARD: Final = "NOT HEARD OF"
_FIRST_POLL_S: Final = 1.0
_POLL_S: Final = 5.0

Sleep = Callable[[float], None]


@dataclass(frozen=True, slots=True, order=True)
class DeviceOutcome:
    """How a deployment went on one device."""

    thing: str
    status: str
    reason: str

    @property
    def ended(self) -> bool:
        """Whether the state is final."""
        return self.status in ENDED_WELL | ENDED_BADLY


@dataclass(frozen=True, slots=True)
class DeploymentStatus:
    """A deployment on all devices of its group."""

    deployment: str
    devices: tuple[DeviceOutcome, ...]

    @property
    def ended(self) -> bool:
        """Whether the state is final on every device."""
        return all(device.ended for device in self.devices)

    @property
    def succeeded(self) -> bool:
        """Whether every device runs it, and there is at least one."""
        return bool(self.devices) and all(device.status in ENDED_WELL for device in self.devices)

    @property
    def failed(self) -> bool:
        """Whether it failed on a device."""
        return any(device.status in ENDED_BADLY for device in self.devices)

    def lines(self) -> list[str]:
        """A table for people."""
        width = max((len(device.thing) for device in self.devices), default=0)
        return [f"{device.thing:{width}}  {device.status:12}  {device.reason}".rstrip() for device in self.devices]


def deployment_status(deployment: str, target: str, things: Sequence[str], aws: Aws) -> DeploymentStatus:
    """How far the deployment has come by now. `target` is the group's ARN, `things` are its members."""
    core = set(aws.core_devices(target))
    return DeploymentStatus(
        deployment, tuple(_of(thing, deployment, aws, known=thing in core) for thing in sorted(things))
    )


def _of(thing: str, deployment: str, aws: Aws, *, known: bool) -> DeviceOutcome:
    if not known:
        return DeviceOutcome(thing, NOT_HEARD, "has never reported as a core device; is its nucleus running?")
    for each in aws.effective(thing):
        if each["deploymentId"] == deployment:
            details = each.get("statusDetails", {}).get("errorStack", ())
            reason = " ".join(filter(None, (each.get("reason", ""), ", ".join(details))))
            return DeviceOutcome(thing, each["coreDeviceExecutionStatus"], reason)
    return DeviceOutcome(thing, NOT_HEARD, "has not seen this deployment yet")


def wait(again: Callable[[], DeploymentStatus], limit_s: float, say: Say, sleep: Sleep) -> DeploymentStatus:
    """Poll until the state is final on every device or the time is up; changes are reported."""
    status, waited = again(), 0.0
    said: set[DeviceOutcome] = set()
    while True:
        for device, line in zip(status.devices, status.lines(), strict=True):
            if device not in said:
                say(line)
        said = set(status.devices)
        if status.ended or waited >= limit_s:
            return status
        pause = min(_POLL_S, max(_FIRST_POLL_S, waited / 4))
        sleep(pause)
        waited += pause
        status = again()
