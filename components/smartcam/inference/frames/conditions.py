"""Which cameras there are and how each one is, as the device reports it to the cloud."""

import threading
from collections.abc import Iterable

from smartcam.contract.health import CameraCondition, CameraHealth
from smartcam.contract.ids import CameraId
from smartcam.contract.reading import LARGEST_INTEGER
from smartcam.edge.release import RunningRelease


class CameraConditions:
    """Every camera that is configured or has been heard of. Safe to use from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._configured: frozenset[CameraId] = frozenset()
        self._heard: dict[CameraId, CameraHealth] = {}
        self._counts: dict[CameraId, tuple[int, int]] = {}
        self._releases: dict[CameraId, RunningRelease] = {}

    def configure(self, cameras: Iterable[CameraId]) -> None:
        """These are expected, whether or not they have been heard of."""
        with self._lock:
            self._configured = frozenset(cameras)

    def report(self, camera: CameraId, condition: CameraCondition, frames_per_second: float | None = None) -> None:
        """How the camera is; for one that runs, its last rate stands if none is given."""
        with self._lock:
            if frames_per_second is None and condition is CameraCondition.RUNNING and camera in self._heard:
                frames_per_second = self._heard[camera].frames_per_second
            self._heard[camera] = CameraHealth(camera, condition, frames_per_second or 0.0)

    def counted(self, camera: CameraId, read: int, announced: int) -> None:
        """Frames that capture has read and announced since it started."""
        with self._lock:
            self._counts[camera] = read, announced

    def runs(self, camera: CameraId, release: RunningRelease | None) -> None:
        """Which release of capture reads the camera; None where nothing is heard of it any more."""
        with self._lock:
            self._releases.pop(camera, None)
            if release is not None:
                self._releases[camera] = release

    def forget(self, camera: CameraId) -> None:
        """The camera is none of ours any more."""
        with self._lock:
            self._heard.pop(camera, None)
            self._counts.pop(camera, None)
            self._releases.pop(camera, None)

    def capture(self) -> RunningRelease | None:
        """The release of capture that was heard from last; None if nothing is heard."""
        with self._lock:
            return next(reversed(self._releases.values()), None)

    def frames(self) -> tuple[int, int]:
        """Frames read and announced, of all cameras; no more than a health message can say."""
        with self._lock:
            counts = list(self._counts.values())
        read, announced = sum(read for read, _ in counts), sum(announced for _, announced in counts)
        return min(read, LARGEST_INTEGER), min(announced, LARGEST_INTEGER)

    def cameras(self) -> tuple[CameraHealth, ...]:
        """All of them by name."""
        with self._lock:
            awaited = {
                name: CameraHealth(name, CameraCondition.AWAITED) for name in self._configured - self._heard.keys()
            }
            return tuple(sorted((awaited | self._heard).values(), key=lambda one: one.camera_id))
