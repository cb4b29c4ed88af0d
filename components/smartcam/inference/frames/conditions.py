"""Which cameras there are and how each one is, as the device reports it to the cloud."""

import threading
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from itertools import count

from smartcam.contract.health import CameraCondition, CameraHealth, SceneHealth
from smartcam.contract.ids import CameraId
from smartcam.contract.reading import LARGEST_INTEGER
from smartcam.contract.wish import CurvePoint
from smartcam.edge.release import RunningRelease


@dataclass(slots=True)
class _Known:
    """What is known of one camera: how it is, None if only its frames were told of; frames read and announced."""

    health: CameraHealth | None = None
    read: int = 0
    announced: int = 0
    collects_footage: bool = False
    release: RunningRelease | None = None
    clip_key: str = ""
    scene: SceneHealth | None = None
    curve: Callable[[], tuple[CurvePoint, ...]] = tuple
    told: int = 0
    """When its release was last told of, in the order of telling."""


class CameraConditions:
    """Every camera that is configured or has been heard of. Safe to use from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._configured: frozenset[CameraId] = frozenset()
        self._known: defaultdict[CameraId, _Known] = defaultdict(_Known)
        self._telling = count(1)

    def configure(self, cameras: Iterable[CameraId]) -> None:
        """These are expected, whether or not they have been heard of."""
        with self._lock:
            self._configured = frozenset(cameras)

    def report(self, camera: CameraId, condition: CameraCondition, frames_per_second: float | None = None) -> None:
        """How the camera is; for one that runs, its last rate stands if none is given."""
        with self._lock:
            known = self._known[camera]
            if frames_per_second is None and condition is CameraCondition.RUNNING and known.health is not None:
                frames_per_second = known.health.frames_per_second
            known.health = CameraHealth(camera, condition, frames_per_second or 0.0)

    def counted(self, camera: CameraId, read: int, announced: int) -> None:
        """Frames that capture has read and announced since it started."""
        with self._lock:
            known = self._known[camera]
            known.read, known.announced = read, announced

    def collects(self, camera: CameraId, *, footage: bool) -> None:
        """Whether capture collects the camera's pictures for training."""
        with self._lock:
            self._known[camera].collects_footage = footage

    def learns(
        self, camera: CameraId, scene: SceneHealth | None, curve: Callable[[], tuple[CurvePoint, ...]] = tuple
    ) -> None:
        """How far the camera has learnt its scene; None where it does not. `curve`: what its thresholds are worth."""
        with self._lock:
            known = self._known[camera]
            known.scene, known.curve = scene, curve

    def curve(self, camera: CameraId) -> tuple[CurvePoint, ...]:
        """What its learned scene's thresholds are worth; empty where none is learnt. For the thread of `learns`."""
        with self._lock:
            curve = self._known[camera].curve if camera in self._known else tuple
        return curve()

    def runs(self, camera: CameraId, release: RunningRelease | None, clip_key: str = "") -> None:
        """Which release of capture reads the camera, and with which key it seals clips.

        None where nothing is heard of it any more.
        """
        with self._lock:
            known = self._known[camera]
            known.release, known.clip_key, known.told = release, clip_key, next(self._telling)
            known.collects_footage &= release is not None

    def forget(self, camera: CameraId) -> None:
        """The camera is none of ours any more."""
        with self._lock:
            self._known.pop(camera, None)

    def capture(self) -> RunningRelease | None:
        """The release of capture that was heard from last; None if nothing is heard."""
        return self._last_told().release

    def clip_key(self) -> str:
        """The key with which it seals clips; empty if unknown."""
        return self._last_told().clip_key

    def _last_told(self) -> _Known:
        with self._lock:
            running = (known for known in self._known.values() if known.release is not None)
            return max(running, key=lambda known: known.told, default=_Known())

    def frames(self) -> tuple[int, int]:
        """Frames read and announced, of all cameras; no more than a health message can say."""
        with self._lock:
            read = sum(known.read for known in self._known.values())
            announced = sum(known.announced for known in self._known.values())
        return min(read, LARGEST_INTEGER), min(announced, LARGEST_INTEGER)

    def cameras(self) -> tuple[CameraHealth, ...]:
        """All of them by name."""
        with self._lock:
            heard = {
                name: replace(known.health, collects_footage=known.collects_footage, scene=known.scene)
                for name, known in self._known.items()
                if known.health is not None
            }
            awaited = {name: CameraHealth(name, CameraCondition.AWAITED) for name in self._configured - heard.keys()}
            return tuple(sorted((awaited | heard).values(), key=lambda one: one.camera_id))
