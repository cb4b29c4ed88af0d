"""Where an event's picture lies in the cloud: its name follows from the event, so nothing has to announce it."""

from datetime import timedelta
from typing import Final

from smartcam.contract.ids import CameraId, EventId, ThingName
from smartcam.contract.times import EPOCH

SNAPSHOTS_PREFIX: Final = "snapshots/"
LARGEST_SNAPSHOT_BYTES: Final = 2_000_000
CONTENT_TYPE: Final = "image/jpeg"


def snapshot_key(thing: ThingName, camera: CameraId, event: EventId) -> str:
    """`snapshots/<thing>/<camera>/<day>/<event>.jpg`, where the day is the one in the event's id."""
    return f"{snapshots_of(thing)}{camera}/{_day(event)}/{event}.jpg"


def snapshots_of(thing: ThingName) -> str:
    """The prefix that a device may write, and no other device may."""
    return f"{SNAPSHOTS_PREFIX}{thing}/"


def _day(event: EventId) -> str:
    milliseconds = int(event[:8] + event[9:13], 16)
    try:
        return f"{EPOCH + timedelta(milliseconds=milliseconds):%Y-%m-%d}"
    except OverflowError:  # an id may name a time after the year 9999
        return "9999-12-31"
