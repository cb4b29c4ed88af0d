"""What the other components say: each camera's newest notice, state and view, and the health; views while asked for."""

import logging
import threading
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import Final

from smartcam.contract.errors import BusError, ContractError
from smartcam.contract.health import Health
from smartcam.contract.ids import MOST_CAMERAS_OF_A_DEVICE, CameraId
from smartcam.contract.notice import CameraState, FrameNotice, StatusNotice, decode_notice
from smartcam.contract.times import NS_PER_MS, NS_PER_S, MonotonicNs, UtcNs, format_utc
from smartcam.contract.topics import frames_topic, views_topic
from smartcam.contract.view import CameraView, ViewWatch, decode_view_message, encode_view_message
from smartcam.edge.bus.port import LocalBus
from smartcam.edge.clock import Clock
from smartcam.edge.lifecycle import Bell, StopToken
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
_WATCH_NS: Final = 5 * NS_PER_S
_REST_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class HeardCamera:
    """A camera as its notices tell. `state` None: nothing has been heard for a while."""

    state: CameraState | None
    reason: str
    frames_per_second: float
    width: int | None
    height: int | None
    """Of the analysed frames, None before the first one."""


@dataclass(slots=True)
class _Camera:
    heard_at: MonotonicNs
    status: StatusNotice | None = None
    status_at: MonotonicNs = _NEVER
    notice: FrameNotice | None = None
    view: bytes | None = None
    latencies: deque[float] = field(default_factory=lambda: deque(maxlen=_MOST_LATENCIES))


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
        self._minutes: deque[Mapping[str, object]] = deque(maxlen=_MINUTES_OF_A_DAY)
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

    def day(self) -> list[Mapping[str, object]]:
        """The last day, a JSON object a minute; null: unknown.

        `cameras`: of each, frames a second and the milliseconds from a picture to its notice.
        """
        with self._lock:
            return list(self._minutes)

    def _camera(self, name: CameraId, now: MonotonicNs) -> "_Camera | None":
        camera = self._cameras.get(name)
        if camera is None and len(self._cameras) < MOST_CAMERAS_OF_A_DEVICE:
            camera = self._cameras[name] = _Camera(now)
        if camera is not None:
            camera.heard_at = now
        return camera

    def _minute(self, now: MonotonicNs) -> Mapping[str, object]:
        cameras = {}
        for name, camera in self._cameras.items():
            latency = round(median(camera.latencies), 1) if camera.latencies else None
            camera.latencies.clear()
            heard = _heard(camera, now)
            cameras[name] = (None if heard.state is None else heard.frames_per_second, latency)
        health, utc = self._health, self._clock.utc()
        dropped = waiting = None
        if health is not None and 0 <= utc - self._health_at < _OLD_HEALTH_NS:
            before, self._dropped = self._dropped, health.frames.dropped
            # A process that has started anew counts from nothing.
            since = before if before is not None and before <= self._dropped else 0
            dropped = None if before is None else self._dropped - since
            waiting = health.outbox.waiting
        return {"time": format_utc(utc), "dropped": dropped, "outbox": waiting, "cameras": cameras}


def _heard(camera: _Camera, now: MonotonicNs) -> HeardCamera:
    size = (None, None) if camera.notice is None else (camera.notice.width, camera.notice.height)
    status = camera.status
    if status is None or now - camera.status_at > _SILENT_NS:
        return HeardCamera(None, "", 0.0, *size)
    return HeardCamera(status.state, status.reason, status.frames_per_second, *size)


class ViewWatching:
    """Counts the viewers of each camera, and says so for as long as there are any, so that inference says what it sees.

    Keeps the day's minutes as well. Safe to use from any thread.
    """

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
            self._due |= dict.fromkeys(due, MonotonicNs(now + _WATCH_NS))
        for camera in due:
            try:
                self._bus.publish_local(views_topic(camera), encode_view_message(ViewWatch(camera)))
            except BusError:  # boxes are missing for as long as the nucleus is
                return
