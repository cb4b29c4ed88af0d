"""Pictures of events on their way to the cloud: they wait in a folder, and the newest goes first. Off by default."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from smartcam.contract.errors import UploadFailed
from smartcam.contract.ids import CameraId, EventId, ThingName
from smartcam.contract.snapshot import CONTENT_TYPE, NO_UPLOADS, UploadKeys, clip_object_key, snapshot_key
from smartcam.edge.backoff import Backoff
from smartcam.edge.lifecycle import Bell, StopToken
from smartcam.edge.logs import log
from smartcam.edge.pictures.folder import EventPicture, PictureFolder, PictureSettings
from smartcam.edge.pictures.s3 import ObjectStore

logger = logging.getLogger(__name__)

_LONGEST_REST_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class SnapshotSettings:
    """Whether pictures leave the device, where they go, and how much of the disk may wait for the network.

    `clips`: whether clips leave it too.
    """

    enabled: bool = False
    bucket: str = ""
    max_files: int = 200
    max_mb: int = 50
    clips: bool = False

    @property
    def waiting(self) -> PictureSettings:
        """The same settings, for the folder of pictures that wait."""
        return PictureSettings(self.enabled, self.max_files, self.max_mb)


class SnapshotUploader:
    """Keeps pictures until they are uploaded. A `Service`; the other methods may be called from any thread."""

    def __init__(self, folder: Path, thing: ThingName, cloud: ObjectStore, random: Callable[[], float]) -> None:
        self._settings = SnapshotSettings()
        self._waiting = PictureFolder(folder, self._settings.waiting, word="snapshot", drop_level=logging.WARNING)
        self._thing = thing
        self._cloud = cloud
        self._backoff = Backoff(5.0, 600.0, random)
        self._bell = Bell()
        self._is_down = False

    def configure(self, settings: SnapshotSettings) -> None:
        """Go on with other settings. Where pictures are switched off, those that wait are deleted."""
        self._settings = settings
        self._waiting.configure(settings.waiting)

    def keep(self, camera: CameraId, event: EventId, jpeg: bytes) -> None:
        """Take the picture of an event, where that is wanted; an event never waits for its picture."""
        if self._waiting.keep(camera, event, jpeg):
            self._bell.set()

    def keys_of(self, camera: CameraId, event: EventId) -> UploadKeys:
        """Where an event's picture and its clip will be in the cloud."""
        settings = self._settings
        if not settings.enabled:
            return NO_UPLOADS
        clip = clip_object_key(self._thing, camera, event) if settings.clips else None
        return UploadKeys(snapshot_key(self._thing, camera, event), clip)

    def waiting(self) -> list[EventPicture]:
        """What is not in the cloud yet, newest first."""
        return self._waiting.pictures()

    def run(self, stop: StopToken) -> None:
        """Upload until `stop` is set."""
        upload_until(stop, self._bell, lambda: self.step(stop))

    def step(self, stop: StopToken | None = None) -> float:
        """Upload all that waits, newest first; the seconds to wait after a failure, else 0.

        That is when nothing is left, or `stop` is set.
        """
        while not (stop and stop.is_set()) and (settings := self._settings).enabled and (waiting := self.waiting()):
            picture = waiting[0]
            key = snapshot_key(self._thing, picture.camera, picture.event)
            try:
                self._cloud.put(settings.bucket, key, self._read(picture), CONTENT_TYPE)
            except UploadFailed as error:
                return self._failed(error, len(waiting))
            self._waiting.delete(picture)
            self._succeeded(picture)
        return 0.0

    def _read(self, picture: EventPicture) -> bytes:
        try:
            return picture.path.read_bytes()
        except OSError as error:
            self._waiting.delete(picture)
            raise UploadFailed(f"{picture.path} cannot be read ({error})") from error

    def _succeeded(self, picture: EventPicture) -> None:
        self._backoff.reset()
        level = logging.INFO if self._is_down else logging.DEBUG
        self._is_down = False
        log(logger, level, "snapshot_uploaded", event_id=picture.event, bytes=picture.size)

    def _failed(self, error: UploadFailed, waiting: int) -> float:
        wait_s = self._backoff.next()
        level = logging.DEBUG if self._is_down else logging.WARNING
        self._is_down = True
        log(logger, level, "snapshot_not_uploaded", waiting=waiting, error=error, again_s=wait_s)
        return wait_s


def upload_until(stop: StopToken, bell: Bell, step: Callable[[], float]) -> None:
    """Take a `step` whenever the bell rings, or when the seconds that the last one gave have passed, until `stop`."""
    while not stop.is_set():
        bell.clear()
        wait_s = step()
        if wait_s:
            stop.wait(wait_s)  # not for the bell: what is new does not fix the network
        else:
            bell.rest(stop, _LONGEST_REST_S)
