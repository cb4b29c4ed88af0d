"""One device as the cloud knows it. Times are arrivals by the cloud's clock; a device's own clock is not trusted."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from infra.alerts.runtime.clip_keys import ClipKeys
from smartcam.contract.errors import ContractError
from smartcam.contract.event import HELD_BACK, Phase
from smartcam.contract.health import HEALTH_EVERY_S, CameraCondition, DeviceState, SceneHealth
from smartcam.contract.ids import RANDOM_BYTES_OF_AN_EVENT_ID, CameraId, EventId, ThingName, new_event_id
from smartcam.contract.times import NS_PER_S, UtcNs
from smartcam.contract.wanted import MOST_VERDICTS, NOTHING_WANTED, Arming, Verdict, Wanted

NEVER: Final = UtcNs(0)
TAKEN: Final = (str(Phase.RECORDED), HELD_BACK)
"""What this cloud takes besides what every cloud takes. A device sends nothing of it before it has been told."""
MOST_CAMERAS_KEPT: Final = 64
"""Of one device: twice what a health message lists, so that a device may exchange all of them."""
MOST_VERDICTS_WAITING: Final = 500
"""Of one device that does not hear them; each is about a hundred bytes of its item."""
_VERDICTS_TOLD_NS: Final = 14 * 86_400 * NS_PER_S
"""How long a device is told of a verdict: it has what it needs to act on it for no longer."""


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

    `armed`, `scene` and `collects_footage`: as the device last said; None where it did not.
    """

    camera_id: CameraId
    condition: CameraCondition
    seen_at: UtcNs = NEVER
    frames_per_second: float = 0.0
    armed: bool | None = None
    collects_footage: bool = False
    scene: SceneHealth | None = None


@dataclass(frozen=True, slots=True)
class GivenVerdict:
    """What a person has said of an event, or taken back, and when."""

    verdict: Verdict
    given_at: UtcNs
    revision: int = 0
    """Of what was wanted with it: a device that has taken it has heard."""
    undone: bool = False
    """Whether it was taken back."""


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
    verdicts: tuple[GivenVerdict, ...] = ()
    """What people say of its events: what it is still told, the newest last."""
    wanted_revision: int | None = None
    """Which revision of that it has taken; None from a device that takes none."""
    cloud_takes: tuple[str, ...] | None = None
    """What it knows that we take; None from a device that does not listen."""
    clip_keys: ClipKeys = field(default_factory=dict)
    """With which keys it has said that it seals clips, and since when."""
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
        """With a wish about it, or one of its cameras; the same object where that is wanted already, and done.

        Raises:
            ContractError: when it would have too many wishes.
        """
        left, wish = self.wanted.at(now), replace(wish, at=now)
        wanted = left.wishing(camera, wish, self.wanted_revision or 0)
        if wanted is left and self._does_otherwise(camera, wish):
            # Somebody there has said otherwise since: said again, it is newer.
            wanted = left.wishing(camera, wish, left.revision + 1)
        return self if wanted is left else replace(self, wanted=wanted)

    def _does_otherwise(self, camera: CameraId | None, wish: Arming) -> bool:
        """Whether it has taken all that is wanted, and yet does not do what this wish says."""
        meant = (one for one in self.cameras if camera in {None, one.camera_id})
        has_taken = (self.wanted_revision or 0) >= self.wanted.revision
        return has_taken and any(one.armed is not None and one.armed is not wish.armed for one in meant)

    def judging(self, event: EventId, now: UtcNs, *, true: bool | None) -> "Device":
        """With a verdict on one of its events, None: without; the same object where it stands so already."""
        lasting = self.lasting_verdicts(now, self.wanted_revision)
        before = next((one for one in lasting if one.verdict.event_id == event), None)
        stands = None if before is None or before.undone else before.verdict.true
        if stands is true:
            return self
        wanted = self.wanted.renewed(self.wanted_revision or 0)
        new = GivenVerdict(Verdict(event, bool(true)), now, wanted.revision, undone=true is None)
        others = tuple(one for one in lasting if one.verdict.event_id != event)
        return replace(self, verdicts=(*others, new)[-MOST_VERDICTS_WAITING:], wanted=wanted)

    def lasting_verdicts(self, now: UtcNs, heard: int | None) -> tuple[GivenVerdict, ...]:
        """What it is still told: all that it has not heard, and the newest of what it has, the newest last."""
        lasting = [one for one in self.verdicts if now - one.given_at < _VERDICTS_TOLD_NS]
        known = [one for one in lasting if heard is None or one.revision <= heard]
        return (*known[-MOST_VERDICTS:], *lasting[len(known) :])

    def answer(self, now: UtcNs) -> Wanted | None:
        """What it has to be told; None where it knows already, or is too old to be told."""
        if self.wanted_revision is None:
            return None
        if self.wanted_revision >= self.wanted.revision and self.cloud_takes in {None, TAKEN}:
            return None
        wanted = replace(self.wanted.at(now), sent_at=now, takes=TAKEN).fitting()
        lasting = self.lasting_verdicts(now, self.wanted_revision)
        unheard = [one for one in lasting if one.revision > self.wanted_revision]
        batch = unheard[:MOST_VERDICTS]
        while batch and not _with_verdicts(wanted, batch).has_room():
            batch = batch[:-1]
        if not batch or len(batch) == len(unheard):
            return _with_verdicts(wanted, lasting[-MOST_VERDICTS:]).fitting()
        # The oldest first: when it has taken these, it is told the next ones.
        return replace(_with_verdicts(wanted, batch), revision=batch[-1].revision)

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


def _with_verdicts(wanted: Wanted, given: Sequence[GivenVerdict]) -> Wanted:
    verdicts = tuple(one.verdict for one in given if not one.undone)
    return replace(wanted, verdicts=verdicts, undone=tuple(one.verdict.event_id for one in given if one.undone))


@dataclass(frozen=True, slots=True)
class Fleet:
    """What is known of all devices together: an outage of many at once, and since when most of them are back."""

    outage: Outage | None = None
    recovering_since: UtcNs | None = None
    damage: str = ""
    """As of a device."""
    revision: int = 0
