"""Says on this device what is seen right now, as long as somebody looks: nobody who looks costs nothing."""

import logging
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from smartcam.contract.errors import BusError, ContractError
from smartcam.contract.ids import CameraId
from smartcam.contract.times import NS_PER_S, MonotonicNs
from smartcam.contract.topics import views_topic
from smartcam.contract.view import (
    WATCHED_S,
    CameraView,
    ViewedObject,
    ViewWatch,
    decode_view_message,
    encode_view_message,
    is_view,
)
from smartcam.edge.bus.port import LocalBus
from smartcam.edge.clock import Clock
from smartcam.edge.logs import log
from smartcam.inference.analysis.shared import SharedKnowledge
from smartcam.vision.frame import Frame
from smartcam.vision.journal import JournalRow

logger = logging.getLogger(__name__)

MOST_A_SECOND: Final = 5
"""Views of one camera."""
_REST_S: Final = 5.0
"""After a view that could not be sent: each of them may have to wait for an answer, and the analysis waits with it."""
_LOG_EVERY: Final = 100


@dataclass(slots=True)
class _LookedAt:
    """A camera at which somebody looks, until when, and when its last views were sent."""

    until: MonotonicNs
    sent: deque[MonotonicNs] = field(default_factory=lambda: deque(maxlen=MOST_A_SECOND))


class LiveViews:
    """Publishes what each frame shows of the cameras that are watched. `hear` may be called from any thread.

    Whoever may publish on this device may watch, so that a watch buys little: some small messages for some seconds.
    `has_place` says whether a camera is one that is analysed; of others nothing is remembered.
    """

    def __init__(self, bus: LocalBus, clock: Clock, has_place: Callable[[CameraId], bool]) -> None:
        self.refused = 0
        """Messages that could not be read."""
        self._bus = bus
        self._clock = clock
        self._has_place = has_place
        self._lock = threading.Lock()
        self._watched: dict[CameraId, _LookedAt] = {}
        self._rest_until = MonotonicNs(0)
        self._is_failing = False

    def hear(self, topic: str, payload: bytes) -> None:
        """Take a message of the topic; the views on it are our own."""
        if is_view(payload):
            return
        try:
            message = decode_view_message(payload)
            if topic != views_topic(message.camera_id):
                raise ContractError("camera_id", f"is not the camera of the topic {topic}")
        except ContractError as error:
            self.refused += 1
            if self.refused % _LOG_EVERY == 1:
                log(logger, logging.WARNING, "watch_refused", topic=topic, error=error, refused=self.refused)
            return
        if isinstance(message, ViewWatch) and self._has_place(message.camera_id):
            self._watch(message.camera_id)

    def show(self, frame: Frame, known: SharedKnowledge) -> None:
        """What a frame that has been analysed shows, if anybody looks at its camera and has not had enough."""
        if not self._watched:
            return
        now = self._clock.monotonic()
        if now < self._rest_until or not self._is_due(frame.camera_id, now):
            return
        view = CameraView(frame.camera_id, frame.captured_mono, tuple(map(_viewed, known.seen)), known.look)
        try:
            self._bus.publish_local(views_topic(frame.camera_id), encode_view_message(view))
        except BusError as error:
            self._rest_until = MonotonicNs(now + round(_REST_S * NS_PER_S))
            level = logging.DEBUG if self._is_failing else logging.WARNING
            self._is_failing = True
            log(logger, level, "view_not_sent", camera=frame.camera_id, error=error)
            return
        self._is_failing = False

    def _watch(self, camera: CameraId) -> None:
        until = MonotonicNs(self._clock.monotonic() + round(WATCHED_S * NS_PER_S))
        with self._lock:
            self._watched.setdefault(camera, _LookedAt(until)).until = until

    def _is_due(self, camera: CameraId, now: MonotonicNs) -> bool:
        with self._lock:
            watched = self._watched.get(camera)
            if watched is None:
                return False
            if now >= watched.until:
                del self._watched[camera]
                return False
            if len(watched.sent) == MOST_A_SECOND and now - watched.sent[0] < NS_PER_S:
                return False
            watched.sent.append(now)
            return True


def _viewed(row: JournalRow) -> ViewedObject:
    return ViewedObject(row.box, row.kind, row.label, row.score, row.is_on, row.number)
