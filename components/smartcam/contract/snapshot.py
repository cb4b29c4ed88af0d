"""Where an event's picture and its clip lie in the cloud: their names follow from the event."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from smartcam.contract.ids import CameraId, EventId, ThingName
from smartcam.contract.times import EPOCH

SNAPSHOTS_PREFIX: Final = "snapshots/"
CLIPS_PREFIX: Final = "clips/"
LARGEST_SNAPSHOT_BYTES: Final = 2_000_000
CONTENT_TYPE: Final = "image/jpeg"
CLIP_CONTENT_TYPE: Final = "video/mp4"


@dataclass(frozen=True, slots=True)
class UploadKeys:
    """Where an event's picture and the first part of its clip will be; None for what does not leave the device."""

    picture: str | None = None
    clip: str | None = None


NO_UPLOADS: Final = UploadKeys()


def snapshot_key(thing: ThingName, camera: CameraId, event: EventId) -> str:
    """`snapshots/<thing>/<camera>/<day>/<event>.jpg`, where the day is the one in the event's id."""
    return f"{snapshots_of(thing)}{camera}/{_day(event)}/{event}.jpg"


def snapshots_of(thing: ThingName) -> str:
    """The prefix that a device may write, and no other device may."""
    return f"{SNAPSHOTS_PREFIX}{thing}/"


def clip_object_key(thing: ThingName, camera: CameraId, event: EventId, part: int = 1) -> str:
    """`clips/<thing>/<camera>/<day>/<event>.<part>.mp4`."""
    return f"{clip_objects_of(thing)}{camera}/{_day(event)}/{event}.{part:03d}.mp4"


def clip_objects_of(thing: ThingName) -> str:
    """The other prefix that this device alone may write."""
    return f"{CLIPS_PREFIX}{thing}/"


def _day(event: EventId) -> str:
    milliseconds = int(event[:8] + event[9:13], 16)
    try:
        return f"{EPOCH + timedelta(milliseconds=milliseconds):%Y-%m-%d}"
    except OverflowError:  # an id may name a time after the year 9999
        return "9999-12-31"
