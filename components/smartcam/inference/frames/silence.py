"""Which cameras are silent."""

from dataclasses import dataclass, field
from typing import Final

from smartcam.contract.ids import CameraId
from smartcam.contract.times import NS_PER_S, MonotonicNs

_OTHERS_NS: Final = 20 * NS_PER_S
"""Capture pauses for ten seconds at most before it connects again, and takes as long to start on a small device."""
_CATCH_UP_NS: Final = 2 * NS_PER_S


@dataclass(slots=True)
class SilenceWatch:
    """Detects a camera that has gone quiet, once per outage. Times are monotonic."""

    lost_after_s: float
    _heard_at: dict[CameraId, MonotonicNs] = field(default_factory=dict)
    _lost: set[CameraId] = field(default_factory=set)
    _asked_at: MonotonicNs | None = None
    _judge_from: int = 0

    def heard(self, camera: CameraId, at: MonotonicNs) -> bool:
        """The camera has given a sign of life; True when that ends an outage."""
        self._heard_at[camera] = at
        was_lost = camera in self._lost
        self._lost.discard(camera)
        return was_lost

    def expect(self, camera: CameraId, at: MonotonicNs) -> None:
        """The camera was there before; its capture may just be starting."""
        self._heard_at[camera] = MonotonicNs(at + _OTHERS_NS)

    def deaf(self, at: MonotonicNs) -> None:
        """Nothing can be heard now, so that nobody is silent."""
        for camera in self._heard_at:
            self.expect(camera, at)

    def lost(self, camera: CameraId) -> bool:
        """The camera is known to be gone; True if that is new."""
        is_new = camera not in self._lost
        self._lost.add(camera)
        self._heard_at.pop(camera, None)
        return is_new

    def ended(self, camera: CameraId) -> None:
        """The camera's clip is over: silence is what is expected."""
        self._heard_at.pop(camera, None)

    def forget(self, camera: CameraId) -> None:
        """Nobody waits for the camera any more."""
        self._heard_at.pop(camera, None)
        self._lost.discard(camera)

    def overdue(self, at: MonotonicNs) -> list[CameraId]:
        """The cameras that have been quiet for too long; each counts as lost from now on. To be called often."""
        limit_ns = self.lost_after_s * NS_PER_S
        if self._asked_at is not None and at - self._asked_at > limit_ns / 2:
            # The caller was held up, and has not yet seen what came meanwhile.
            self._judge_from = at + _CATCH_UP_NS
        self._asked_at = at
        if at < self._judge_from:
            return []
        late = [camera for camera, heard in self._heard_at.items() if at - heard >= limit_ns]
        return [camera for camera in late if self.lost(camera)]
