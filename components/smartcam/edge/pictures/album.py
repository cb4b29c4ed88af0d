"""The album: pictures of events on the device itself. They stay there; only the oldest make room."""

import logging
import re
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from smartcam.contract.ids import CameraId, EventId
from smartcam.edge.logs import log
from smartcam.edge.pictures.picture_file import write_picture

logger = logging.getLogger(__name__)

LARGEST_BYTES: Final = 1_000_000
_NAME: Final = re.compile(r"([0-9a-f-]{36})\.([A-Za-z0-9_-]{1,64})\.jpg", re.ASCII)
_BYTES_OF_MB: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class AlbumSettings:
    """Whether pictures of events are kept on the device, and how much of its disk they may take."""

    keep: bool = True
    max_files: int = 1000
    max_mb: int = 100


@dataclass(frozen=True, slots=True)
class AlbumPicture:
    """One picture in the album."""

    path: Path
    camera: CameraId
    event: EventId
    size: int


class Album:
    """Pictures of events in a folder, one file each, mode 0600. Safe to use from any thread; raises nothing."""

    def __init__(self, folder: Path, settings: AlbumSettings | None = None) -> None:
        self._folder = folder
        self._settings = AlbumSettings() if settings is None else settings
        self._lock = threading.Lock()
        self._is_failing = False

    def configure(self, settings: AlbumSettings) -> None:
        """Go on with other settings. Who wants none kept finds none: what is there is deleted."""
        with self._lock:
            self._settings = settings
            if not settings.keep:
                for picture in self._pictures():
                    self._delete(picture)

    def keep(self, camera: CameraId, event: EventId, jpeg: bytes) -> bool:
        """Keep an event's picture in place of an earlier one; False where it could not be, or is not wanted."""
        if not self._settings.keep or not 0 < len(jpeg) <= LARGEST_BYTES:
            return False
        try:
            with self._lock:
                write_picture(self._folder / f"{event}.{camera}.jpg", jpeg)
                self._make_room()
        except OSError as error:
            level = logging.DEBUG if self._is_failing else logging.WARNING
            log(logger, level, "picture_not_kept", camera=camera, event_id=event, error=error)
            self._is_failing = True
            return False
        self._is_failing = False
        return True

    def pictures(self) -> list[AlbumPicture]:
        """What there is, newest first."""
        with self._lock:
            return self._pictures()

    def picture(self, event: EventId) -> bytes | None:
        """The JPEG of an event; None where there is none, or none any more."""
        for picture in self.pictures():
            if picture.event == event:
                try:
                    return picture.path.read_bytes()
                except OSError:
                    return None
        return None

    def _pictures(self) -> list[AlbumPicture]:
        try:
            # An event's id begins with its time.
            paths = sorted(self._folder.iterdir(), reverse=True)
        except OSError:
            return []
        found = []
        for path in paths:
            parts = _NAME.fullmatch(path.name)
            if parts is not None:
                try:
                    size = path.stat().st_size
                except OSError:
                    continue
                found.append(AlbumPicture(path, CameraId(parts[2]), EventId(parts[1]), size))
        return found

    def _make_room(self) -> None:
        total = 0
        for place, picture in enumerate(self._pictures()):
            total += picture.size
            if place >= self._settings.max_files or total > self._settings.max_mb * _BYTES_OF_MB:
                self._delete(picture)

    @staticmethod
    def _delete(picture: AlbumPicture) -> None:
        try:
            picture.path.unlink(missing_ok=True)
        except OSError as error:
            log(logger, logging.WARNING, "picture_not_deleted", path=picture.path, error=error)
