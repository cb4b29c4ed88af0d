"""A folder of events' pictures: bounded, the newest are kept, and only their owner can read them."""

import logging
import os
import re
import stat
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from smartcam.contract.ids import CameraId, EventId
from smartcam.contract.snapshot import LARGEST_SNAPSHOT_BYTES
from smartcam.edge.files import BYTES_OF_MB, replace_file
from smartcam.edge.logs import log

logger = logging.getLogger(__name__)

ALBUM_FOLDER: Final = "pictures"
"""Where the pictures of events are in the work folder of smartcam.Inference."""
_NAME: Final = re.compile(r"([0-9a-f-]{36})\.([A-Za-z0-9_-]{1,64})\.jpg", re.ASCII)


@dataclass(frozen=True, slots=True)
class PictureSettings:
    """Whether pictures of events are kept on the device, and how much of its disk they may take."""

    keep: bool = True
    max_files: int = 1000
    max_mb: int = 100


@dataclass(frozen=True, slots=True)
class EventPicture:
    """One picture in the folder."""

    path: Path
    camera: CameraId
    event: EventId
    size: int


class PictureFolder:
    """One file for each event, named after the camera and the event. Safe to use from any thread; raises nothing.

    The names of its log events begin with `word`. A picture that makes room for a newer one is logged at `drop_level`.
    """

    def __init__(
        self,
        folder: Path,
        settings: PictureSettings | None = None,
        *,
        word: str = "picture",
        drop_level: int = logging.DEBUG,
    ) -> None:
        self._folder = folder
        self._settings = settings or PictureSettings()
        self._word = word
        self._drop_level = drop_level
        self._lock = threading.Lock()
        self._is_failing = False
        self.dropped = 0

    def configure(self, settings: PictureSettings) -> None:
        """Go on with other settings. Where pictures are no longer to be kept, those that are there are deleted."""
        with self._lock:
            self._settings = settings
            if not settings.keep:
                for picture in self.pictures():
                    self.delete(picture)

    def keep(self, camera: CameraId, event: EventId, jpeg: bytes) -> bool:
        """Keep an event's picture in place of an earlier one; False where it could not be, or is not wanted.

        No fsync: a power cut may lose a picture, but its event is safe in the outbox.
        """
        if not self._settings.keep:
            return False
        if not 0 < len(jpeg) <= LARGEST_SNAPSHOT_BYTES:
            log(logger, logging.WARNING, f"{self._word}_refused", camera=camera, event_id=event, bytes=len(jpeg))
            return False
        try:
            with self._lock:
                self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                replace_file(picture_path(self._folder, camera, event), jpeg)
                self._make_room()
        except OSError as error:
            level = logging.DEBUG if self._is_failing else logging.WARNING
            log(logger, level, f"{self._word}_not_kept", camera=camera, event_id=event, error=error)
            self._is_failing = True
            return False
        self._is_failing = False
        return True

    def pictures(self) -> list[EventPicture]:
        """What there is, newest first: a person looks at the latest alert."""
        try:
            # An event's id begins with its time.
            paths = sorted(self._folder.iterdir(), reverse=True)
        except OSError:
            return []
        found = []
        for path in paths:
            name, size = _NAME.fullmatch(path.name), _size(path)
            if name is not None and size is not None:
                found.append(EventPicture(path, CameraId(name[2]), EventId(name[1]), size))
        return found

    def delete(self, picture: EventPicture) -> None:
        """Nobody needs it any more."""
        try:
            picture.path.unlink(missing_ok=True)
        except OSError as error:
            log(logger, logging.WARNING, f"{self._word}_not_deleted", path=picture.path, error=error)

    def _make_room(self) -> None:
        total = 0
        for place, picture in enumerate(self.pictures()):
            total += picture.size
            if place >= self._settings.max_files or total > self._settings.max_mb * BYTES_OF_MB:
                self.delete(picture)
                self.dropped += 1
                log(logger, self._drop_level, f"{self._word}_dropped", event_id=picture.event, dropped=self.dropped)


def picture_path(folder: Path, camera: CameraId, event: EventId) -> Path:
    """Where the picture of an event is, if it is there."""
    return folder / f"{event}.{camera}.jpg"


def has_picture(folder: Path, camera: CameraId, event: EventId) -> bool:
    """Whether there is a picture of an event."""
    try:
        return stat.S_ISREG(picture_path(folder, camera, event).lstat().st_mode)
    except OSError:
        return False


def read_picture(folder: Path, camera: CameraId, event: EventId) -> bytes | None:
    """The picture of an event, a JPEG; None if there is none, or something else lies there."""
    try:
        how = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        with os.fdopen(os.open(picture_path(folder, camera, event), how), "rb") as file:
            jpeg = file.read(LARGEST_SNAPSHOT_BYTES + 1)
    except OSError:
        return None
    return jpeg if 0 < len(jpeg) <= LARGEST_SNAPSHOT_BYTES else None


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None
