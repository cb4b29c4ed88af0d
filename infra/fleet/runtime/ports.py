"""What the watch over the devices asks of the world; the AWS side is in `aws.py`."""

from collections.abc import Sequence
from typing import Protocol

from infra.fleet.runtime.device import Device, Fleet
from smartcam.contract.errors import SmartcamError
from smartcam.contract.event import Event
from smartcam.contract.ids import ThingName
from smartcam.contract.times import UtcNs
from smartcam.contract.wanted import Wanted


class ChangedMeanwhile(SmartcamError):
    """Another invocation has changed what was to be saved: read it again."""


class Registry(Protocol):
    """The stored state of the devices."""

    def device(self, thing: ThingName) -> Device | None:
        """The device, as far as it can be read (`damage`); None where it was never heard from."""

    def devices(self) -> Sequence[Device]:
        """All of them, as far as they can be read."""

    def fleet(self) -> Fleet:
        """What is known of all of them together, as far as it can be read."""

    def save(self, device: Device) -> Device:
        """Keep the device under the next revision.

        Raises:
            ChangedMeanwhile: where others have changed it.
            ContractError: where it could not be read again.
        """

    def save_fleet(self, fleet: Fleet) -> Fleet:
        """Keep it under the next revision. Raises ChangedMeanwhile."""

    def may_refuse(self, thing: ThingName, now: UtcNs) -> bool:
        """Count one more unreadable message of a thing; False where so many are kept that one more shows nothing."""


class NotAnswered(SmartcamError):
    """The broker did not take the answer: the device's next health message asks for it again."""


class Answers(Protocol):
    """The way to a device."""

    def send(self, thing: ThingName, wanted: Wanted) -> None:
        """Tell a device what is wanted of it. Raises NotAnswered."""


class Alerts(Protocol):
    """The way to the people: the same function that takes the devices' events."""

    def hand_over(self, event: Event) -> None:
        """Raises what AWS raises; an event that is handed over twice alerts once."""
