"""Pictures of events on their way to the cloud: kept on disk, bounded, the newest first. Off unless switched on."""

import logging
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from smartcam.contract.errors import UploadFailed
from smartcam.contract.ids import CameraId, EventId, ThingName
from smartcam.contract.snapshot import CONTENT_TYPE, LARGEST_SNAPSHOT_BYTES, snapshot_key
from smartcam.edge.backoff import Backoff
from smartcam.edge.lifecycle import StopToken
from smartcam.edge.logs import log
from smartcam.edge.pictures.picture_file import write_picture
from smartcam.edge.pictures.upload import ObjectStore

logger = logging.getLogger(__name__)

_NAME: Final = re.compile(r"([0-9a-f-]{36})\.([A-Za-z0-9_-]{1,64})\.jpg", re.ASCII)
_STOP_S: Final = 0.5
"""How long a stop may go unnoticed."""
_LONGEST_REST_S: Final = 60.0
_BYTES_OF_MB: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class SnapshotSettings:
    """Whether pictures leave the device, where they go, and how much of the disk may wait for the network."""

    enabled: bool = False
    bucket: str = ""
    max_files: int = 200
    max_mb: int = 50


class SnapshotSink(Protocol):
    """Takes the picture of an event."""

    def keep(self, camera: CameraId, event: EventId, jpeg: bytes) -> str | None:
        """The key under which the picture will be in the cloud; None where pictures are off or it could not be kept.

        Returns at once and raises nothing: an event never waits for its picture.
        """
        ...


class NoSnapshots:
    """A `SnapshotSink` that keeps nothing."""

    def keep(self, camera: CameraId, event: EventId, jpeg: bytes) -> str | None:  # noqa: ARG002
        """See SnapshotSink."""
        return None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A picture that waits."""

    path: Path
    camera: CameraId
    event: EventId
    size: int


class SnapshotStore:
    """The pictures that wait, one file each. A `SnapshotSink`; safe to use from any thread."""

    def __init__(self, folder: Path, thing: ThingName, on_kept: Callable[[], None] = lambda: None) -> None:
        self._folder = folder
        self.thing = thing
        self._on_kept = on_kept
        self._settings = SnapshotSettings()
        self._lock = threading.Lock()
        self.dropped = 0

    @property
    def settings(self) -> SnapshotSettings:
        """What is in force now."""
        return self._settings

    def on_kept(self, call: Callable[[], None]) -> None:
        """Tell of each picture that was kept, from now on."""
        self._on_kept = call

    def configure(self, settings: SnapshotSettings) -> None:
        """Go on with other settings. Who switches pictures off wants none to leave: what waits is deleted."""
        self._settings = settings
        if not settings.enabled:
            for snapshot in self.waiting():
                self.forget(snapshot)

    def keep(self, camera: CameraId, event: EventId, jpeg: bytes) -> str | None:
        """See SnapshotSink."""
        if not self._settings.enabled:
            return None
        if not 0 < len(jpeg) <= LARGEST_SNAPSHOT_BYTES:
            log(logger, logging.WARNING, "snapshot_refused", camera=camera, event_id=event, bytes=len(jpeg))
            return None
        try:
            with self._lock:
                write_picture(self._folder / f"{event}.{camera}.jpg", jpeg)
                self._make_room()
        except OSError as error:
            log(logger, logging.WARNING, "snapshot_not_kept", camera=camera, event_id=event, error=error)
            return None
        self._on_kept()
        return self.key_of(camera, event)

    def key_of(self, camera: CameraId, event: EventId) -> str | None:
        """Where an event's picture will be in the cloud; None where pictures are off."""
        return snapshot_key(self.thing, camera, event) if self._settings.enabled else None

    def waiting(self) -> list[Snapshot]:
        """What waits, newest first: a person looks at the latest alert."""
        found = []
        try:
            entries = sorted(self._folder.iterdir(), reverse=True)
        except OSError:
            return []
        for path in entries:
            name = _NAME.fullmatch(path.name)
            size = _size(path)
            if name is not None and size is not None:
                found.append(Snapshot(path, CameraId(name[2]), EventId(name[1]), size))
        return found

    def forget(self, snapshot: Snapshot) -> None:
        """It is in the cloud, or never will be."""
        try:
            snapshot.path.unlink(missing_ok=True)
        except OSError as error:
            log(logger, logging.WARNING, "snapshot_not_deleted", path=snapshot.path, error=error)

    def _make_room(self) -> None:
        total = 0
        for place, snapshot in enumerate(self.waiting()):
            total += snapshot.size
            if place >= self._settings.max_files or total > self._settings.max_mb * _BYTES_OF_MB:
                self.forget(snapshot)
                self.dropped += 1
                log(logger, logging.WARNING, "snapshot_dropped", event_id=snapshot.event, dropped=self.dropped)


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None


class SnapshotUploader:
    """Uploads what waits. A `Service`; `wake` may be called from any thread."""

    def __init__(self, store: SnapshotStore, cloud: ObjectStore, random: Callable[[], float]) -> None:
        self._store = store
        self._cloud = cloud
        self._backoff = Backoff(5.0, 600.0, random)
        self._bell = threading.Event()
        self._is_down = False
        self.uploaded = 0

    def wake(self) -> None:
        """A picture waits."""
        self._bell.set()

    def run(self, stop: StopToken) -> None:
        """Upload until `stop` is set."""
        while not stop.is_set():
            self._bell.clear()
            wait_s = self.step()
            # After a failure a new picture is no reason to hurry: the network is as it was.
            self._rest(stop, wait_s or _LONGEST_REST_S, is_patient=wait_s > 0)

    def step(self) -> float:
        """Upload all that waits, newest first; the seconds to wait after a failure, 0 when nothing is left."""
        settings = self._store.settings
        while settings.enabled and (waiting := self._store.waiting()):
            snapshot = waiting[0]
            try:
                body = snapshot.path.read_bytes()
            except OSError as error:
                self._store.forget(snapshot)
                return self._failed(UploadFailed(f"{snapshot.path} cannot be read ({error})"), len(waiting))
            key = snapshot_key(self._store.thing, snapshot.camera, snapshot.event)
            try:
                self._cloud.put(settings.bucket, key, body, CONTENT_TYPE)
            except UploadFailed as error:
                return self._failed(error, len(waiting))
            self._store.forget(snapshot)
            self._succeeded(snapshot)
            settings = self._store.settings
        return 0.0

    def _succeeded(self, snapshot: Snapshot) -> None:
        self.uploaded += 1
        self._backoff.reset()
        level = logging.INFO if self._is_down else logging.DEBUG
        self._is_down = False
        log(logger, level, "snapshot_uploaded", event_id=snapshot.event, bytes=snapshot.size)

    def _failed(self, error: UploadFailed, waiting: int) -> float:
        wait_s = self._backoff.next()
        level = logging.DEBUG if self._is_down else logging.WARNING
        self._is_down = True
        log(logger, level, "snapshot_not_uploaded", waiting=waiting, error=error, again_s=wait_s)
        return wait_s

    def _rest(self, stop: StopToken, seconds: float, *, is_patient: bool) -> None:
        while seconds > 0 and not stop.is_set():
            if is_patient:
                stop.wait(min(seconds, _STOP_S))
            elif self._bell.wait(min(seconds, _STOP_S)):
                return
            seconds -= _STOP_S
