"""What inference says of the device: its cameras, and whether it says anything at all."""

import logging
import threading
from typing import Final

from smartcam.contract.errors import ContractError
from smartcam.contract.health import CameraHealth, DeviceState, Health
from smartcam.contract.ids import CameraId
from smartcam.contract.times import NS_PER_S, MonotonicNs
from smartcam.edge.clock import Clock
from smartcam.edge.logs import log

logger = logging.getLogger(__name__)

_SILENT_NS: Final = 180 * NS_PER_S
"""It is said every minute, and on every change."""


class HeardHealth:
    """Hears, and answers what there was. Safe to use from any thread."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._cameras: dict[CameraId, CameraHealth] | None = None
        self._heard_at = MonotonicNs(0)
        self._is_running = False

    def hear(self, _topic: str, payload: bytes) -> None:
        """The health document as the cloud gets it."""
        try:
            health = Health.from_json(payload)
        except ContractError as error:
            log(logger, logging.WARNING, "health_not_understood", error=error)
            return
        cameras = {one.camera_id: one for one in health.cameras}
        with self._lock:
            if health.cameras_left_out:  # those that are not named may be there all the same
                cameras = (self._cameras or {}) | cameras
            self._cameras = cameras
            self._heard_at = self._clock.monotonic()
            self._is_running = health.state is DeviceState.RUNNING

    @property
    def cameras(self) -> tuple[CameraHealth, ...] | None:
        """All cameras in the order of their ids; None as long as nothing has been heard."""
        with self._lock:
            known = self._cameras
        return None if known is None else tuple(known[name] for name in sorted(known))

    @property
    def is_running(self) -> bool:
        """Whether somebody watches over these cameras: without, nothing that is known of them is true for long."""
        with self._lock:
            return self._is_running and self._clock.monotonic() - self._heard_at < _SILENT_NS
