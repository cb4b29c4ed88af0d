"""One device as the cloud knows it. Times are arrivals by the cloud's clock; a device's own clock is not trusted."""

import hashlib
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from smartcam.contract.errors import ContractError
from smartcam.contract.health import HEALTH_EVERY_S, CameraCondition, DeviceState
from smartcam.contract.ids import RANDOM_BYTES_OF_AN_EVENT_ID, CameraId, EventId, ThingName, new_event_id
from smartcam.contract.times import UtcNs
from smartcam.contract.wanted import NOTHING_WANTED, Arming, Wanted

NEVER: Final = UtcNs(0)
MOST_CAMERAS_KEPT: Final = 64
"""Of one device: twice what a health message lists, so that a device may exchange all of them."""


class OutageKind(StrEnum):
    """Who is silent."""

    DEVICE = "device"
    CAMERAS = "cameras"
    FLEET = "fleet"


def derived_id(at: UtcNs, what: str) -> EventId:
    """An event id that follows from what it is about: reporting it twice reports the same event."""
    digest = hashlib.sha256(what.encode()).digest()
    return new_event_id(at, digest[:RANDOM_BYTES_OF_AN_EVENT_ID])


@dataclass(frozen=True, slots=True)
class Outage:
    """A silence that has lasted too long.

    `since` is the last sign of life and `noticed_at` when it had lasted too long. `told` says that the alert was
    handed over, and `ended_at` when it was over. `cameras`: who is silent, where not all of the device is. In a
    fleet's outage `count` of `total` devices are silent, or back once it has ended.
    """

    event_id: EventId
    kind: OutageKind
    since: UtcNs
    noticed_at: UtcNs
    told: bool = False
    ended_at: UtcNs | None = None
    cameras: tuple[CameraId, ...] = ()
    count: int = 0
    total: int = 0

    @property
    def is_open(self) -> bool:
        """Whether it is still going on."""
        return self.ended_at is None


@dataclass(frozen=True, slots=True)
class KnownCamera:
    """A camera of a device; `seen_at` is when it was last reported to give pictures, NEVER for one that never did.

    `armed`: as the device last said; None where it did not.
    """

    camera_id: CameraId
    condition: CameraCondition
    seen_at: UtcNs = NEVER
    frames_per_second: float = 0.0
    armed: bool | None = None


@dataclass(frozen=True, slots=True)
class Presence:
    """What the broker last said about the device's connection."""

    connected: bool = True
    at: UtcNs = NEVER
    version: int = -1


@dataclass(frozen=True, slots=True)
class Device:
    """Everything that is kept of one device. `revision` counts its changes: no writer may lose another's."""

    thing: ThingName
    first_seen: UtcNs
    heard_at: UtcNs
    state: DeviceState = DeviceState.RUNNING
    every_s: int = HEALTH_EVERY_S
    run: str = ""
    seq: int = 0
    version: str = ""
    capture_version: str = ""
    release_refused: str = ""
    model: str = ""
    bundle_refused: str = ""
    configuration_refused: str = ""
    events_waiting: int | None = 0
    """None where it cannot count them."""
    oldest_waiting_ms: int | None = None
    cameras: tuple[KnownCamera, ...] = ()
    presence: Presence = field(default_factory=Presence)
    paused_until: UtcNs = NEVER
    retired: bool = False
    retired_cameras: frozenset[CameraId] = frozenset()
    outage: Outage | None = None
    camera_outage: Outage | None = None
    back_at: UtcNs = NEVER
    """When its last outage ended."""
    wanted: Wanted = NOTHING_WANTED
    """What people want of it."""
    wanted_revision: int | None = None
    """Which revision of that it has taken; None from a device that takes none."""
    health_until: UtcNs = NEVER
    presence_until: UtcNs = NEVER
    """How far its pace is used up, see `pace.py`."""
    loud_at: UtcNs = NEVER
    """When it last said more than is kept of it; noted seldom."""
    damage: str = ""
    """Why its stored item could not be read whole; itself never stored, because to store it is to mend it."""
    revision: int = 0

    @property
    def is_offline(self) -> bool:
        """Whether the broker has lost it, and nothing has been heard from it since."""
        return not self.presence.connected and self.presence.at > self.heard_at

    def paused(self, until: UtcNs) -> "Device":
        """Expect nothing from it until then."""
        return replace(self, paused_until=until)

    def wanting(self, camera: CameraId | None, wish: Arming, now: UtcNs) -> "Device":
        """With a wish about it, or one of its cameras; the same object where that is wanted already.

        Raises:
            ContractError: when it would have too many wishes.
        """
        left = self.wanted.at(now)
        wanted = left.wishing(camera, wish, self.wanted_revision or 0)
        return self if wanted is left else replace(self, wanted=wanted)

    def answer(self, now: UtcNs) -> Wanted | None:
        """What it has to be told; None where it knows already, or is too old to be told."""
        if self.wanted_revision is None or self.wanted_revision >= self.wanted.revision:
            return None
        return replace(self.wanted.at(now), sent_at=now)

    def with_retirement(self, *, retired: bool, camera: CameraId | None = None) -> "Device":
        """Retire it, or one of its cameras, so that its silence means nothing; or bring it back.

        Raises:
            ContractError: when it would have too many retired cameras.
        """
        if camera is None:
            return replace(self, retired=retired)
        one = frozenset({camera})
        cameras = self.retired_cameras | one if retired else self.retired_cameras - one
        if retired and len(cameras) > MOST_CAMERAS_KEPT:
            raise ContractError("retired_cameras", f"are at most {MOST_CAMERAS_KEPT}: reinstate one that is gone first")
        return replace(self, retired_cameras=cameras)


@dataclass(frozen=True, slots=True)
class Fleet:
    """What is known of all devices together: an outage of many at once, and since when most of them are back."""

    outage: Outage | None = None
    recovering_since: UtcNs | None = None
    damage: str = ""
    """As of a device."""
    revision: int = 0
