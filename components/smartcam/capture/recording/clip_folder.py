"""The folder of clips: which there are of an event, and which of them go first."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from smartcam.capture.recording.bounded_folder import BoundedFolder, FolderBounds, GrowingFile, free_bytes_of
from smartcam.capture.recording.seal import LARGEST_SEAL_BYTES, ClipStatement, Sealer
from smartcam.capture.settings import ClipSettings
from smartcam.contract.event import ClipPart
from smartcam.contract.ids import CameraId, EventId
from smartcam.contract.times import format_utc
from smartcam.edge.clip_name import CAPTIONS, ClipName
from smartcam.edge.clock import Clock

RESERVE_BYTES: Final = 200_000_000

GrowingClip = GrowingFile[ClipName]


class ClipFolder(BoundedFolder[ClipName]):
    """All clips of the device. Safe to use from any thread."""

    beside = CAPTIONS

    def __init__(
        self,
        folder: Path,
        clock: Clock,
        free_bytes: Callable[[Path], int] = free_bytes_of,
        sealer: Sealer | None = None,
        thing: str | None = None,
    ) -> None:
        """`sealer` seals what is finished, in the name of the device `thing`."""
        super().__init__(folder, clock, _limits(ClipSettings()), ClipName.read, free_bytes)
        self._sealer = sealer
        self._thing = thing
        self.largest_ending = 0 if sealer is None else LARGEST_SEAL_BYTES
        self._false = frozenset[EventId]()
        self._waiting = frozenset[EventId]()

    @property
    def key(self) -> str | None:
        """The public key of the seals, in hexadecimal; None where nothing is sealed."""
        return None if self._sealer is None else self._sealer.key

    def ending(self, name: ClipName, size: int, sha256: str) -> bytes:
        """The clip's seal."""
        if self._sealer is None:
            return b""
        now = format_utc(self._clock.utc()) if self._clock.synced() else None
        return self._sealer.seal(ClipStatement(str(name), self._thing, size, sha256, now))

    def configure(self, settings: ClipSettings) -> None:
        """Go on with other settings. Where clips are no longer to be kept, those that are there are deleted."""
        with self.lock:
            self.limit(_limits(settings))
            if not settings.keep:
                for name in list(self.known()):
                    self.delete(name, "not_wanted")

    def weigh(self, false: Iterable[EventId], waiting: Iterable[EventId]) -> None:
        """Where room is needed, clips of `false` events go first, and those of events that are `waiting` last."""
        with self.lock:
            self._false, self._waiting = frozenset(false), frozenset(waiting)

    def parts(self, camera: CameraId, event: EventId) -> list[ClipPart]:
        """The finished parts of an event's clip, with the hash of each file as it is on the disk.

        Raises:
            OSError: one cannot be read.
        """
        found = []
        for name in self.finished():
            if (name.event, name.camera) == (event, camera):
                try:
                    found.append(ClipPart(name.part, *self.sha256(name)))
                except FileNotFoundError:  # somebody has deleted it
                    self.forget(name)
        return found

    def begin(self, camera: CameraId, event: EventId) -> GrowingClip:
        """A new file for the next part of an event's clip. Raises OSError where it cannot be made."""
        with self.lock:
            parts = [name.part for name in self.known() if (name.event, name.camera) == (event, camera)]
            return self.grow(ClipName(event, camera, max(parts, default=0) + 1))

    def first_to_go(self, finished: list[ClipName]) -> ClipName | None:
        """The oldest of false events; last go those of events that the cloud does not know yet.

        Among equals those that go on with an event go before those with which one begins: somebody who sits in the yard
        for hours must not cost the others their evidence, nor the beginning of his own.
        """
        return min(finished, key=self._worth, default=None)

    def _worth(self, name: ClipName) -> tuple[bool, bool, bool]:
        """Sorts what goes first to the front."""
        return name.event not in self._false, name.event in self._waiting, name.part == 1


def _limits(settings: ClipSettings) -> FolderBounds:
    return FolderBounds("clips", settings.most_mb, settings.days * 24, RESERVE_BYTES)
