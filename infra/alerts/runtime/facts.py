"""The facts of a message to people, before they are put into words: the same for every language."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Final

from infra.alerts.runtime.timing import Occasion
from smartcam.contract.event import WHOLE_DEVICE, WHOLE_FLEET, Event, EventKind, Severity
from smartcam.contract.ids import CameraId, EventId, ThingName
from smartcam.contract.times import EPOCH, NS_PER_MS, UtcNs

MOST_COUNTED: Final = 999
"""From here on the count reads 'at least'."""
MOST_LISTED: Final = 40
"""Event ids in an e-mail at most; machines get all of them."""
MOST_PLACES: Final = 100
"""Cameras in a digest at most, the busiest: SNS takes 256 kB, and would refuse a longer one again and again."""
RECOGNISED: Final = "detected"
"""The cause that needs no words: the model has a name for what it saw."""
SIGHTINGS: Final = frozenset(
    {EventKind.PERSON, EventKind.VEHICLE, EventKind.ANIMAL, EventKind.ANOMALY, EventKind.MOTION, EventKind.TAMPER}
)
"""What a camera sees itself. Such an event has a score, and all of them share one cooldown."""


@dataclass(frozen=True, slots=True)
class PictureLink:
    """Where an event's picture or clip can be seen for `valid_s` seconds without a sign-in; it may not be there yet."""

    url: str
    arrived: bool
    valid_s: int


@dataclass(frozen=True, slots=True)
class HeldEvent:
    """An event that no message has reported yet."""

    thing: ThingName
    camera: CameraId
    event_id: EventId
    kind: EventKind
    severity: Severity

    @classmethod
    def of(cls, event: Event) -> "HeldEvent":
        """What is kept of an event."""
        return cls(event.thing, event.camera_id, event.event_id, event.kind, event.severity)


@dataclass(frozen=True, slots=True)
class AlertFacts:
    """One event, and what was held back before it."""

    event: Event
    number: str
    when: Occasion
    zone: tzinfo
    held_back: tuple[HeldEvent, ...] = ()
    picture: PictureLink | None = None
    clip: PictureLink | None = None
    sms_withheld: bool = False

    @property
    def at(self) -> datetime:
        """The local time at the camera."""
        return local(self.when.at, self.zone)

    @property
    def where(self) -> str:
        """The name of the place."""
        event = self.event
        if event.thing == WHOLE_FLEET and event.label:
            return event.label
        return place_name(event.thing, event.camera_id)

    @property
    def event_ids(self) -> tuple[EventId, ...]:
        """Every event that this alert reports."""
        return self.event.event_id, *(one.event_id for one in self.held_back)


@dataclass(frozen=True, slots=True)
class ClosingFacts:
    """What followed an alert; `number` and `since` are the alert's, where it is known."""

    thing: ThingName
    camera: CameraId
    held_back: tuple[HeldEvent, ...]
    number: str
    since: UtcNs | None
    zone: tzinfo

    @property
    def where(self) -> str:
        """The name of the place."""
        return place_name(self.thing, self.camera)

    @property
    def at(self) -> datetime | None:
        """When the alert was sent, in local time at the camera."""
        return None if self.since is None else local(self.since, self.zone)


@dataclass(frozen=True, slots=True)
class DigestFacts:
    """What quiet hours held, once they have ended."""

    held: tuple[HeldEvent, ...]
    number: str
    ended: UtcNs
    zone: tzinfo

    @property
    def at(self) -> datetime:
        """When they ended, in the group's local time."""
        return local(self.ended, self.zone)

    def by_place(self) -> list[tuple[str, tuple[HeldEvent, ...]]]:
        """The cameras with their events, the busiest first."""
        places: dict[str, list[HeldEvent]] = {}
        for one in self.held:
            places.setdefault(f"{place_name(one.thing, one.camera)}", []).append(one)
        return sorted(((name, tuple(held)) for name, held in places.items()), key=lambda each: -len(each[1]))


def place_name(thing: ThingName, camera: CameraId) -> str:
    """The camera, or the device where it is about all of it."""
    return thing if camera == WHOLE_DEVICE else camera


def counted(held: Iterable[HeldEvent]) -> list[tuple[EventKind, int]]:
    """How many of each kind, the most frequent first."""
    return Counter(one.kind for one in held).most_common()


def count_text(held: Sequence[object]) -> str:
    """How many, up to the most that is counted."""
    return f"{MOST_COUNTED}+" if len(held) >= MOST_COUNTED else str(len(held))


def local(at: UtcNs, zone: tzinfo) -> datetime:
    """A time in a zone; in UTC where it is out of range, because a device's clock may name any year."""
    moment = EPOCH + timedelta(milliseconds=at // NS_PER_MS)
    try:
        return moment.astimezone(zone)
    except OverflowError:
        return moment


def zone_name(moment: datetime) -> str:
    """The zone's abbreviation or offset, at most six characters."""
    return (moment.tzname() or "UTC")[:6]
