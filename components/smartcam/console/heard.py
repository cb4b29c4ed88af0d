"""What the other components say: each camera's newest notice, state and view, and the health."""

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
from smartcam.edge.lifecycle import StopToken
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
_REST_S: Final = 1.0


@dataclass(slots=True)
class HeardCamera:
    """A camera as its notices tell: the newest of each kind."""

    heard_at: MonotonicNs = _NEVER
    status: StatusNotice | None = None
    """None: nothing has been heard of how it is for a while."""
    status_at: MonotonicNs = _NEVER
    notice: FrameNotice | None = None
    view: bytes | None = None
    """What inference sees, as JSON; the same object until there is another."""
    latencies: deque[float] = field(default_factory=lambda: deque(maxlen=_MOST_LATENCIES))

    @property
    def trouble(self) -> str:
        """In words why there is no picture of it now; empty where nobody has said so."""
        if self.status is None or self.status.state not in {CameraState.LOST, CameraState.ENDED}:
            return ""
        return f"the camera is {self.status.state}: {self.status.reason}".removesuffix(": ")

    def document(self) -> dict[str, object]:
        """How it is, and the size of its analysed frames, as the page reads it."""
        size = {"width": self.notice and self.notice.width, "height": self.notice and self.notice.height}
        if (status := self.status) is None:
            return {"state": "unknown", "reason": "", "frames_per_second": 0.0, **size}
        rate = status.frames_per_second
        return {"state": status.state, "reason": status.reason, "frames_per_second": rate, **size}


class HeardDevice:
    """Hears, and answers what there was. Safe to use from any thread; nothing that is said makes it fail or grow."""

    def __init__(self, clock: Clock) -> None:
        self.last_health: tuple[Health | None, UtcNs] = None, UtcNs(0)
        """What the device said of itself last, and when it was heard."""
        self._clock = clock
        self._lock = threading.Lock()
        self._cameras: dict[CameraId, HeardCamera] = {}
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
        name, now = notice.camera_id, self._clock.monotonic()
        with self._lock:
            is_too_many = name not in self._cameras and len(self._cameras) >= MOST_CAMERAS_OF_A_DEVICE
            if is_too_many or topic != frames_topic(name):
                return
            camera = self._cameras.setdefault(name, HeardCamera())
            camera.heard_at = now
            if isinstance(notice, StatusNotice):
                camera.status, camera.status_at = notice, now
            else:
                camera.notice = notice
                camera.latencies.append((now - notice.captured_mono) / NS_PER_MS)

    def health(self, _topic: str, payload: bytes) -> None:
        """The health document as the cloud gets it."""
        try:
            self.last_health = Health.from_json(payload), self._clock.utc()
        except ContractError as error:
            log(logger, logging.WARNING, "health_not_understood", error=error)

    def hear_view(self, topic: str, payload: bytes) -> None:
        """What inference sees on a camera, while somebody looks."""
        try:
            message = decode_view_message(payload)
        except ContractError:
            return
        camera = self.camera(message.camera_id)
        if camera is not None and isinstance(message, CameraView) and topic == views_topic(message.camera_id):
            camera.view = payload

    def run(self, stop: StopToken) -> None:
        """Keep the day's minutes until `stop` is set."""
        while not stop.wait(_REST_S):
            self.tick()

    def tick(self) -> None:
        """Forget what is old; remember the last minute, once it is over."""
        now = self._clock.monotonic()
        with self._lock:
            for camera in self._cameras.values():
                if now - camera.status_at > _SILENT_NS:
                    camera.status = None
            if now < self._next_minute:
                return
            self._next_minute = MonotonicNs(now + _MINUTE_NS)
            self._minutes.append(self._minute())
            # A camera that nobody has heard of for long is configured no more.
            self._cameras = {name: one for name, one in self._cameras.items() if now - one.heard_at < _GONE_NS}

    @property
    def cameras(self) -> dict[CameraId, HeardCamera]:
        """All that have been heard of, by their ids in order."""
        with self._lock:
            return dict(sorted(self._cameras.items()))

    def camera(self, name: CameraId) -> HeardCamera | None:
        """One of them."""
        return self._cameras.get(name)

    def day(self) -> list[Mapping[str, object]]:
        """The last day, a JSON object a minute; null: unknown.

        `cameras`: of each, frames a second and the milliseconds from a picture to its notice.
        """
        with self._lock:
            return list(self._minutes)

    def _minute(self) -> Mapping[str, object]:
        cameras = {}
        for name, camera in self._cameras.items():
            latency = round(median(camera.latencies), 1) if camera.latencies else None
            camera.latencies.clear()
            cameras[name] = (camera.status and camera.status.frames_per_second, latency)
        (health, heard_at), utc = self.last_health, self._clock.utc()
        dropped = waiting = None
        if health is not None and 0 <= utc - heard_at < _OLD_HEALTH_NS:
            before, self._dropped = self._dropped, health.frames.dropped
            # A process that has started anew counts from nothing.
            since = before if before is not None and before <= self._dropped else 0
            dropped = None if before is None else self._dropped - since
            waiting = health.outbox.waiting
        return {"time": format_utc(utc), "dropped": dropped, "outbox": waiting, "cameras": cameras}
