"""How a deployment fares on each device of its group."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from tools.release.aws import Aws

ENDED_WELL: Final = frozenset({"SUCCEEDED", "COMPLETED"})
ENDED_BADLY: Final = frozenset({"FAILED", "TIMED_OUT", "CANCELED", "REJECTED"})
NOT_HEARD: Final = "NOT HEARD OF"
_FIRST_POLL_S: Final = 1.0
_POLL_S: Final = 5.0

Say = Callable[[str], None]
Sleep = Callable[[float], None]


@dataclass(frozen=True, slots=True, order=True)
class DeviceOutcome:
    """What one device has made of the deployment."""

    thing: str
    status: str
    reason: str

    @property
    def ended(self) -> bool:
        """Whether nothing more is to come."""
        return self.status in ENDED_WELL | ENDED_BADLY


@dataclass(frozen=True, slots=True)
class Standing:
    """A deployment on all devices of its group."""

    deployment: str
    devices: tuple[DeviceOutcome, ...]

    @property
    def ended(self) -> bool:
        """Whether every device has come to an end."""
        return all(device.ended for device in self.devices)

    @property
    def succeeded(self) -> bool:
        """Whether every device has taken it, and there is one at all."""
        return bool(self.devices) and all(device.status in ENDED_WELL for device in self.devices)

    @property
    def failed(self) -> bool:
        """Whether some device has ended badly."""
        return any(device.status in ENDED_BADLY for device in self.devices)

    def lines(self) -> list[str]:
        """A table for people."""
        width = max((len(device.thing) for device in self.devices), default=0)
        return [f"{device.thing:{width}}  {device.status:12}  {device.reason}".rstrip() for device in self.devices]


def look(deployment: str, target: str, things: Sequence[str], aws: Aws) -> Standing:
    """How the deployment fares now. `target` is the group's ARN, `things` are its members."""
    core = set(aws.core_devices(target))
    return Standing(deployment, tuple(_of(thing, deployment, aws, known=thing in core) for thing in sorted(things)))


def _of(thing: str, deployment: str, aws: Aws, *, known: bool) -> DeviceOutcome:
    if not known:
        return DeviceOutcome(thing, NOT_HEARD, "has never reported as a core device; is its nucleus running?")
    for each in aws.effective(thing):
        if each["deploymentId"] == deployment:
            details = each.get("statusDetails", {}).get("errorStack", ())
            reason = " ".join(filter(None, (each.get("reason", ""), ", ".join(details))))
            return DeviceOutcome(thing, each["coreDeviceExecutionStatus"], reason)
    return DeviceOutcome(thing, NOT_HEARD, "has not seen this deployment yet")


def wait(again: Callable[[], Standing], limit_s: float, say: Say, sleep: Sleep) -> Standing:
    """Look until every device has come to an end or the time is over; changes are said."""
    standing, waited = again(), 0.0
    said: set[DeviceOutcome] = set()
    while True:
        for device, line in zip(standing.devices, standing.lines(), strict=True):
            if device not in said:
                say(line)
        said = set(standing.devices)
        if standing.ended or waited >= limit_s:
            return standing
        pause = min(_POLL_S, max(_FIRST_POLL_S, waited / 4))
        sleep(pause)
        waited += pause
        standing = again()
