"""Capture's own state of one camera: published on change, and every few seconds for late listeners."""

import logging
from typing import Final

from smartcam.capture.transport.publisher import Publisher
from smartcam.contract.ids import CameraId
from smartcam.contract.notice import CameraState, StatusNotice
from smartcam.contract.reading import printable
from smartcam.contract.times import NS_PER_S, UtcNs
from smartcam.edge.clock import Clock
from smartcam.edge.logs import log
from smartcam.edge.release import RunningRelease

logger = logging.getLogger(__name__)

STATUS_S: Final = 5.0
_LONGEST_REASON: Final = 256


class Report:
    """Counts frames and publishes the camera's state. Nothing is published before the first `change`."""

    def __init__(
        self,
        camera: CameraId,
        publisher: Publisher,
        clock: Clock,
        release: RunningRelease,
        *,
        collects_footage: bool = False,
        clip_key: str = "",
    ) -> None:
        self.read = self.announced = 0
        self._camera = camera
        self._publisher = publisher
        self._clock = clock
        self._release = release
        self._collects_footage = collects_footage
        self._clip_key = clip_key
        self._state: CameraState | None = None
        self._reason = ""
        self._opened_at = UtcNs(0)
        self._published_ns = 0
        self._read_then = 0

    def opened(self, at: UtcNs) -> None:
        """The source has given its first picture, taken at this time."""
        self._opened_at = at

    def change(self, state: CameraState, reason: str = "") -> None:
        """Set the state; a change is published and logged at once."""
        if (state, reason) == (self._state, self._reason):
            return
        level = logging.WARNING if state is CameraState.LOST else logging.INFO
        log(
            logger,
            level,
            f"camera_{state}",
            camera=self._camera,
            reason=reason or "none",
            read=self.read,
            announced=self.announced,
        )
        self._state, self._reason = state, reason
        self._publish()

    def tick(self) -> None:
        """Publish the state again when it is time."""
        if self._clock.monotonic() - self._published_ns >= STATUS_S * NS_PER_S:
            self._publish()

    def _publish(self) -> None:
        if self._state is None:
            return
        now = self._clock.monotonic()
        elapsed_s = (now - self._published_ns) / NS_PER_S
        fresh = self.read - self._read_then if self._published_ns else 0
        self._published_ns, self._read_then = now, self.read
        self._publisher.publish(
            StatusNotice(
                camera_id=self._camera,
                state=self._state,
                reason=printable(self._reason)[:_LONGEST_REASON],
                frames_per_second=round(fresh / elapsed_s, 3) if elapsed_s > 0 else 0.0,
                frames_read=self.read,
                frames_announced=self.announced,
                opened_at=self._opened_at,
                sent_at=self._clock.utc(),
                version=self._release.version,
                release_refused=self._release.refused,
                collects_footage=self._collects_footage,
                clip_key=self._clip_key,
            )
        )
