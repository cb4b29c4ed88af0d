"""Says which cameras somebody looks at, so that inference says what it sees there, and keeps the day's minutes."""

import threading
from collections import Counter
from typing import Final

from smartcam.console.heard import HeardDevice
from smartcam.contract.errors import BusError
from smartcam.contract.ids import CameraId
from smartcam.contract.times import NS_PER_S, MonotonicNs
from smartcam.contract.topics import views_topic
from smartcam.contract.view import ViewWatch, encode_view_message
from smartcam.edge.bus.port import LocalBus
from smartcam.edge.clock import Clock
from smartcam.edge.lifecycle import Bell, StopToken

_EVERY_NS: Final = 5 * NS_PER_S
_REST_S: Final = 1.0


class ViewWatching:
    """Counts the viewers of each camera. Safe to use from any thread."""

    def __init__(self, bus: LocalBus, heard: HeardDevice, clock: Clock) -> None:
        self._bus = bus
        self._heard = heard
        self._clock = clock
        self._lock = threading.Lock()
        self._viewers: Counter[CameraId] = Counter()
        self._due: dict[CameraId, MonotonicNs] = {}
        self._bell = Bell()

    def begin(self, camera: CameraId) -> None:
        """One more looks at a camera."""
        with self._lock:
            self._viewers[camera] += 1
        self._bell.set()

    def end(self, camera: CameraId) -> bool:
        """One has gone; whether it was the last one of this camera."""
        with self._lock:
            self._viewers[camera] -= 1
            if self._viewers[camera]:
                return False
            del self._viewers[camera]
            self._due.pop(camera, None)
            return True

    @property
    def viewers(self) -> int:
        """Of all cameras."""
        with self._lock:
            return self._viewers.total()

    def run(self, stop: StopToken) -> None:
        """Until `stop` is set."""
        while not stop.is_set():
            self._bell.clear()
            self.step()
            self._bell.rest(stop, _REST_S)

    def step(self) -> None:
        """Say what is due."""
        self._heard.tick()
        now = self._clock.monotonic()
        with self._lock:
            due = [camera for camera in self._viewers if now >= self._due.get(camera, 0)]
            self._due |= dict.fromkeys(due, MonotonicNs(now + _EVERY_NS))
        for camera in due:
            try:
                self._bus.publish_local(views_topic(camera), encode_view_message(ViewWatch(camera)))
            except BusError:  # boxes are missing for as long as the nucleus is
                return
