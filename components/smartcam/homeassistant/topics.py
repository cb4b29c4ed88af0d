"""By which names a device and its cameras are found at a broker."""

import hashlib
from dataclasses import dataclass
from typing import Final

from smartcam.contract.ids import CameraId, ThingName

COMMAND: Final = "set"
_ARMED: Final = "armed"
_DIGITS: Final = 20


@dataclass(frozen=True, slots=True)
class HomeTopics:
    """The topics below `prefix` and the thing's name, and those where Home Assistant looks for devices.

    None in a camera's place is the device itself.
    """

    thing: ThingName
    prefix: str
    discovery_prefix: str

    def status(self) -> str:
        """Whether the device says anything: `online` or `offline`."""
        return f"{self.prefix}/{self.thing}/status"

    def of(self, camera: CameraId | None, what: str) -> str:
        """Something of a camera or of the device."""
        place = "" if camera is None else f"camera/{camera}/"
        return f"{self.prefix}/{self.thing}/{place}{what}"

    def armed(self, camera: CameraId | None) -> str:
        """Whether it is armed."""
        return self.of(camera, _ARMED)

    def command(self, camera: CameraId | None) -> str:
        """Where somebody arms or disarms it."""
        return f"{self.armed(camera)}/{COMMAND}"

    def commands(self) -> tuple[str, ...]:
        """Filters for all of these."""
        return self.command(None), f"{self.prefix}/{self.thing}/camera/+/{_ARMED}/{COMMAND}"

    def config(self, camera: CameraId | None) -> str:
        """Where its discovery document is."""
        return f"{self.discovery_prefix}/device/{self.identity(camera)}/config"

    def identity(self, camera: CameraId | None) -> str:
        """A name that no other camera or device has, of letters, digits and `_`.

        A hash, because put together the names would be ambiguous: `a` and `b_c`, `a_b` and `c`.
        """
        digest = hashlib.sha256(f"{self.thing}/{camera or ''}".encode()).hexdigest()
        return f"smartcam_{digest[:_DIGITS]}"
