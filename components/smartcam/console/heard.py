"""What the console has heard from the other components: each camera's newest notice and state, and the health."""

import logging
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import Final

from smartcam.contract.errors import ContractError
from smartcam.contract.health import Health
from smartcam.contract.ids import MOST_CAMERAS_OF_A_DEVICE, CameraId
from smartcam.contract.notice import CameraState, FrameNotice, StatusNotice, decode_notice
from smartcam.contract.times import NS_PER_MS, NS_PER_S, MonotonicNs, UtcNs, format_utc
from smartcam.contract.topics import frames_topic, views_topic
from smartcam.contract.view import CameraView, decode_view_message
from smartcam.edge.clock import Clock
from smartcam.edge.logs import log

logger = logging.getLogger(__name__)

_SILENT_NS: Final = 30 * NS_PER_S
"""Capture says every few seconds how a camera is."""
_GONE_NS: Final = 600 * NS_PER_S
_MINUTE_NS: Final = 60 * NS_PER_S
_MINUTES_OF_A_DAY: Final = 1440
_OLD_HEALTH_NS: Final = 600 * NS_PER_S
"""It is said every minute here, and every five to the cloud."""
_NEVER: Final = MonotonicNs(0)
_MOST_LATENCIES: Final = 1000


@dataclass(frozen=True, slots=True)
class HeardCamera:
    """A camera as its notices tell. `state` None: nothing has been heard for a while."""

    state: CameraState | None
    reason: str
    frames_per_second: float
    size: tuple[int, int] | None
    """Width and height of the analysed frames, None before the first one."""


@dataclass(slots=True)
class _Camera:
    heard_at: MonotonicNs
    status: StatusNotice | None = None
    status_at: MonotonicNs = _NEVER
    notice: FrameNotice | None = None
    view: bytes | None = None
    latencies: deque[float] = field(default_factory=lambda: deque(maxlen=_MOST_LATENCIES))


@dataclass(frozen=True, slots=True)
class _Minute:
    """`cameras`: frames per second, and milliseconds from a picture to its notice. None: unknown."""

    at: UtcNs
    dropped: int | None
    waiting: int | None
    cameras: Mapping[CameraId, tuple[float | None, float | None]]


class HeardDevice:
    """Hears, and answers what there was. Safe to use from any thread; nothing that is said makes it fail or grow."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._cameras: dict[CameraId, _Camera] = {}
        self._health: Health | None = None
        self._health_at = UtcNs(0)
        self._dropped: int | None = None
        """Of the health before this minute's."""
        self._minutes: deque[_Minute] = deque(maxlen=_MINUTES_OF_A_DAY)
        self._next_minute = MonotonicNs(clock.monotonic() + _MINUTE_NS)

    def notice(self, topic: str, payload: bytes) -> None:
        """A message on a camera's topic of frames; what is no notice of that camera is nobody's."""
        try:
            notice = decode_notice(payload)
        except ContractError:  # pieces of pictures travel here too
            return
        if topic != frames_topic(notice.camera_id):
            return
        now = self._clock.monotonic()
        with self._lock:
            camera = self._camera(notice.camera_id, now)
            if camera is None:
                return
            if isinstance(notice, StatusNotice):
                camera.status, camera.status_at = notice, now
            else:
                camera.notice = notice
                camera.latencies.append((now - notice.captured_mono) / NS_PER_MS)

    def health(self, _topic: str, payload: bytes) -> None:
        """The health document as the cloud gets it."""
        try:
            health = Health.from_json(payload)
        except ContractError as error:
            log(logger, logging.WARNING, "health_not_understood", error=error)
            return
        with self._lock:
            self._health, self._health_at = health, self._clock.utc()

    def hear_view(self, topic: str, payload: bytes) -> None:
        """What inference sees on a camera, while somebody looks."""
        try:
            message = decode_view_message(payload)
        except ContractError:
            return
        if isinstance(message, CameraView) and topic == views_topic(message.camera_id):
            with self._lock:
                camera = self._cameras.get(message.camera_id)
                if camera is not None:
                    camera.view = payload

    def view(self, camera: CameraId) -> bytes | None:
        """The newest of these, as JSON; the same object until there is another."""
        with self._lock:
            found = self._cameras.get(camera)
            return None if found is None else found.view

    def tick(self) -> None:
        """Remember the last minute, once it is over."""
        now = self._clock.monotonic()
        with self._lock:
            if now < self._next_minute:
                return
            self._next_minute = MonotonicNs(now + _MINUTE_NS)
            self._minutes.append(self._minute(now))
            # A camera that nobody has heard of for long is configured no more.
            self._cameras = {name: one for name, one in self._cameras.items() if now - one.heard_at < _GONE_NS}

    @property
    def cameras(self) -> dict[CameraId, HeardCamera]:
        """All that have been heard of, by their ids in order."""
        now = self._clock.monotonic()
        with self._lock:
            return {name: _heard(self._cameras[name], now) for name in sorted(self._cameras)}

    def newest(self, camera: CameraId) -> FrameNotice | None:
        """A camera's newest frame."""
        with self._lock:
            found = self._cameras.get(camera)
            return None if found is None else found.notice

    @property
    def last_health(self) -> tuple[Health | None, UtcNs]:
        """What the device said of itself last, and when it was heard."""
        with self._lock:
            return self._health, self._health_at

    def day(self) -> dict[str, object]:
        """The last day, a point a minute, as a JSON object."""
        with self._lock:
            minutes = list(self._minutes)
        names = sorted({name for minute in minutes for name in minute.cameras})
        unknown = None, None
        cameras = {}
        for name in names:
            points = [minute.cameras.get(name, unknown) for minute in minutes]
            cameras[name] = {"frames_per_second": [fps for fps, _ in points], "latency_ms": [ms for _, ms in points]}
        return {
            "times": [format_utc(minute.at) for minute in minutes],
            "cameras": cameras,
            "dropped": [minute.dropped for minute in minutes],
            "outbox": [minute.waiting for minute in minutes],
        }

    def _camera(self, name: CameraId, now: MonotonicNs) -> "_Camera | None":
        camera = self._cameras.get(name)
        if camera is None and len(self._cameras) < MOST_CAMERAS_OF_A_DEVICE:
            camera = self._cameras[name] = _Camera(now)
        if camera is not None:
            camera.heard_at = now
        return camera

    def _minute(self, now: MonotonicNs) -> _Minute:
        cameras = {}
        for name, camera in self._cameras.items():
            latency = round(median(camera.latencies), 1) if camera.latencies else None
            camera.latencies.clear()
            heard = _heard(camera, now)
            cameras[name] = (None if heard.state is None else heard.frames_per_second, latency)
        health, age = self._health, self._clock.utc() - self._health_at
        if health is None or not 0 <= age < _OLD_HEALTH_NS:
            return _Minute(self._clock.utc(), None, None, cameras)
        before, self._dropped = self._dropped, health.frames.dropped
        # A process that has started anew counts from nothing.
        since = before if before is not None and before <= self._dropped else 0
        dropped = None if before is None else self._dropped - since
        return _Minute(self._clock.utc(), dropped, health.outbox.waiting, cameras)


def _heard(camera: _Camera, now: MonotonicNs) -> HeardCamera:
    size = None if camera.notice is None else (camera.notice.width, camera.notice.height)
    status = camera.status
    if status is None or now - camera.status_at > _SILENT_NS:
        return HeardCamera(None, "", 0.0, size)
    return HeardCamera(status.state, status.reason, status.frames_per_second, size)
