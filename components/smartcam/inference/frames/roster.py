"""Which cameras inference works for: whatever it keeps for each camera is bounded by this."""

import logging
import threading
from collections.abc import Collection
from typing import Final

from smartcam.contract.ids import MOST_CAMERAS_OF_A_DEVICE, CameraId
from smartcam.contract.times import NS_PER_S, MonotonicNs
from smartcam.edge.clock import Clock
from smartcam.edge.logs import log

logger = logging.getLogger(__name__)

MOST_UNCONFIGURED: Final = 16
"""Places for cameras that only capture knows."""
ABSENT_S: Final = 86_400.0
"""Whoever has not been heard of for this long gives its place to a newcomer, if it is not configured."""
_REMEMBERED_S: Final = 3600.0
_MOST_LEFT_OUT: Final = 256
_LOG_EVERY_S: Final = 60.0


class CameraRoster:
    """The cameras of the configuration, and the first few others that are announced. Safe to use from any thread."""

    def __init__(self, clock: Clock) -> None:
        self.turned_away = 0
        """Messages of cameras that have no place."""
        self._clock = clock
        self._lock = threading.Lock()
        self._configured: frozenset[CameraId] = frozenset()
        self._others: dict[CameraId, MonotonicNs] = {}
        self._released: list[CameraId] = []
        self._left_out: set[CameraId] = set()
        self._left_out_at = MonotonicNs(0)
        self._log_at = MonotonicNs(0)

    @property
    def left_out(self) -> int:
        """How many cameras have been heard of lately that have no place; of very many, no more than 256 are counted."""
        with self._lock:
            return len(self._left_out) if self._has_lately(self._clock.monotonic()) else 0

    def configure(self, cameras: Collection[CameraId]) -> None:
        """These have a place, whatever is announced. One that is not configured any more loses its place."""
        with self._lock:
            new = frozenset(cameras)
            self._released += self._configured - new
            self._configured = new
            self._left_out.clear()
            self._others = {camera: heard for camera, heard in self._others.items() if camera not in new}
            while len(self._others) > self._room():
                self._released.append(self._others.popitem()[0])

    def takes(self, camera: CameraId) -> bool:
        """Whether a message of this camera is for us; the first one of a camera takes a place if there is one."""
        now = self._clock.monotonic()
        with self._lock:
            if camera in self._configured:
                return True
            if camera not in self._others and len(self._others) >= self._room() and not self._make_room(now):
                self._turn_away(camera, now)
                return False
            self._others[camera] = now
            self._left_out.discard(camera)
            return True

    def holds(self, camera: CameraId) -> bool:
        """Whether the camera has a place."""
        with self._lock:
            return camera in self._configured or camera in self._others

    def released(self) -> list[CameraId]:
        """The cameras that have lost their places since this was last asked."""
        with self._lock:
            released, self._released = self._released, []
        return released

    def _room(self) -> int:
        return max(0, min(MOST_UNCONFIGURED, MOST_CAMERAS_OF_A_DEVICE - len(self._configured)))

    def _make_room(self, now: MonotonicNs) -> bool:
        quietest = min(self._others, key=lambda camera: self._others[camera], default=None)
        if quietest is None or now - self._others[quietest] < ABSENT_S * NS_PER_S:
            return False
        del self._others[quietest]
        self._released.append(quietest)
        return True

    def _turn_away(self, camera: CameraId, now: MonotonicNs) -> None:
        self.turned_away += 1
        if not self._has_lately(now):
            self._left_out.clear()
        self._left_out_at = now
        if len(self._left_out) < _MOST_LEFT_OUT:
            self._left_out.add(camera)
        if now >= self._log_at:
            self._log_at = MonotonicNs(now + round(_LOG_EVERY_S * NS_PER_S))
            remedy = f"name it in `cameras`: besides those only {MOST_UNCONFIGURED} are analysed"
            log(logger, logging.WARNING, "camera_left_out", camera=camera, left_out=len(self._left_out), remedy=remedy)

    def _has_lately(self, now: MonotonicNs) -> bool:
        return now - self._left_out_at < _REMEMBERED_S * NS_PER_S
