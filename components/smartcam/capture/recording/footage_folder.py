"""The folder of footage: pictures at an even rate for training, in segments that say of which camera and when."""

import logging
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from smartcam.capture.recording.bounded_folder import BoundedFolder, FolderBounds, free_bytes_of
from smartcam.capture.recording.segment_name import SegmentName
from smartcam.capture.settings import FootageSettings
from smartcam.contract.ids import CameraId
from smartcam.contract.times import NS_PER_S
from smartcam.edge.clock import Clock
from smartcam.edge.logs import log

logger = logging.getLogger(__name__)

RESERVE_BYTES: Final = 500_000_000
"""More than clips leave: evidence goes on when there is no room for footage any more."""
_SAY_NS: Final = 86_400 * NS_PER_S


class FootageFolder(BoundedFolder[SegmentName]):
    """All footage of the device. Safe to use from any thread.

    What has been collected stays until it is too old, also where nothing is collected any more: somebody may be about
    to fetch it.
    """

    def __init__(self, folder: Path, clock: Clock, free_bytes: Callable[[Path], int] = free_bytes_of) -> None:
        super().__init__(folder, clock, _limits(FootageSettings()), SegmentName.read, free_bytes)
        self._cameras: tuple[CameraId, ...] = ()
        self._say_at = 0

    def configure(self, settings: FootageSettings, cameras: Iterable[CameraId]) -> None:
        """Go on with other settings; these cameras' pictures are collected."""
        with self.lock:
            self.limit(_limits(settings))
            self._cameras = tuple(cameras)
            self._say_at = 0

    def tend(self) -> None:
        """Delete what is too old, and say in the log what is collected: at first, and once a day."""
        self.expire()
        with self.lock:
            now = self._clock.monotonic()
            if now < self._say_at:
                return
            self._say_at = now + _SAY_NS
            sizes = dict(self.known())
            cameras = self._cameras
        if sizes or cameras:
            collecting = ",".join(cameras) or "nothing"
            log(logger, logging.INFO, "footage", collecting=collecting, files=len(sizes), bytes=sum(sizes.values()))


def _limits(settings: FootageSettings) -> FolderBounds:
    return FolderBounds("footage", settings.most_mb, settings.days * 24, RESERVE_BYTES)
