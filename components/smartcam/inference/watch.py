"""Which cameras are silent."""

from dataclasses import dataclass, field

from smartcam.contract.ids import CameraId
from smartcam.contract.times import NS_PER_S, MonotonicNs


@dataclass(slots=True)
class CameraWatch:
    """Notices a camera that has gone quiet, once for each outage. Times are monotonic."""

    lost_after_s: float
    _heard_at: dict[CameraId, MonotonicNs] = field(default_factory=dict)
    _lost: set[CameraId] = field(default_factory=set)

    def heard(self, camera: CameraId, at: MonotonicNs) -> bool:
        """The camera has given a sign of life; True when that ends an outage."""
        self._heard_at[camera] = at
        was_lost = camera in self._lost
        self._lost.discard(camera)
        return was_lost

    def lost(self, camera: CameraId) -> bool:
        """The camera is known to be gone; True when that is news."""
        news = camera not in self._lost
        self._lost.add(camera)
        self._heard_at.pop(camera, None)
        return news

    def ended(self, camera: CameraId) -> None:
        """The camera's clip is over: silence is what is expected."""
        self._heard_at.pop(camera, None)

    def overdue(self, at: MonotonicNs) -> list[CameraId]:
        """The cameras that have been quiet for too long; each counts as lost from now on."""
        late = [camera for camera, heard in self._heard_at.items() if at - heard >= self.lost_after_s * NS_PER_S]
        return [camera for camera in late if self.lost(camera)]
