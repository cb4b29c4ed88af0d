"""The folder of what is recorded all the time, whether or not anything happens."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from smartcam.capture.recording.bounded_folder import BoundedFolder, FolderBounds, free_bytes_of
from smartcam.capture.recording.segment_name import SegmentName
from smartcam.capture.settings import RecordingSettings
from smartcam.edge.clock import Clock

RESERVE_BYTES: Final = 500_000_000
"""More than clips leave: evidence of events goes on when there is no room for the rest of the day any more."""


class ContinuousFolder(BoundedFolder[SegmentName]):
    """The recordings of all cameras. Safe to use from any thread."""

    def __init__(self, folder: Path, clock: Clock, free_bytes: Callable[[Path], int] = free_bytes_of) -> None:
        super().__init__(folder, clock, _limits(RecordingSettings()), SegmentName.read, free_bytes)

    def configure(self, settings: RecordingSettings) -> None:
        """Go on with other settings. Where nothing is to be recorded any more, what is there is deleted."""
        with self.lock:
            self.limit(_limits(settings))
            if not settings.keep:
                for name in list(self.known()):
                    self.delete(name, "not_wanted")


def _limits(settings: RecordingSettings) -> FolderBounds:
    return FolderBounds("recording", settings.most_mb, settings.hours, RESERVE_BYTES)
