"""When a clip began to play, kept in a small file so that a restarted process goes on as a camera would."""

import json
import logging
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from smartcam.contract.ids import CameraId
from smartcam.contract.times import MonotonicNs
from smartcam.edge.clock import Clock
from smartcam.edge.logs import log

logger = logging.getLogger(__name__)

_LARGEST_RECORD: Final = 65_536


@dataclass(frozen=True, slots=True)
class _Record:
    """Which clip began when; another clip or another boot starts afresh."""

    path: str
    size: int
    changed_ns: int
    boot_id: str
    began_mono_ns: int


class ElapsedFile:
    """Remembers in `<folder>/clip-<camera>.json` when a clip began to play.

    If the file cannot be read or written, that is logged and nothing is remembered.
    """

    def __init__(self, folder: Path, camera: CameraId, path: Path, clock: Clock) -> None:
        self._file = folder / f"clip-{camera}.json"
        self._camera = camera
        self._path = path
        self._clock = clock

    def since(self) -> MonotonicNs | None:
        """When the clip began to play; None if it begins now."""
        try:
            with self._file.open("rb") as opened:
                document = json.loads(opened.read(_LARGEST_RECORD))
            began = document["began_mono_ns"]
            is_this = isinstance(began, int) and document == asdict(self._record(began))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError, KeyError) as error:
            log(logger, logging.WARNING, "clip_position_unreadable", camera=self._camera, file=self._file, error=error)
            return None
        return MonotonicNs(began) if is_this and began <= self._clock.monotonic() else None

    def begin(self, at: MonotonicNs) -> None:
        """The clip's first picture was due at this time."""
        fresh = self._file.with_suffix(".new")
        try:
            record = self._record(at)
            fresh.write_text(json.dumps(asdict(record)), encoding="utf-8")
            fresh.replace(self._file)
        except OSError as error:
            log(logger, logging.WARNING, "clip_position_not_kept", camera=self._camera, file=self._file, error=error)

    def forget(self) -> None:
        """The next opening starts afresh."""
        try:
            self._file.unlink(missing_ok=True)
        except OSError as error:
            log(logger, logging.WARNING, "clip_position_not_forgotten", camera=self._camera, error=error)

    def _record(self, at: int) -> _Record:
        status = self._path.stat()
        place = os.path.realpath(self._path)
        return _Record(place, status.st_size, status.st_mtime_ns, self._clock.boot_id(), at)
