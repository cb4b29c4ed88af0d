"""The mailbox between the bus and the analysis: one place per camera, and the newest notice wins."""

import threading
from typing import Final

from smartcam.contract.ids import CameraId
from smartcam.contract.inline import InlineFrame
from smartcam.contract.notice import FrameNotice, StatusNotice

Notice = FrameNotice | InlineFrame | StatusNotice
_MOST_SKIPPED: Final = 32
"""Notices of frames that nobody had time to look at, of each camera: six seconds of them."""


class Mailbox:
    """Holds the newest frame notice and the newest status notice of each camera; older frames are dropped.

    Cameras take turns: the one whose notice has waited longest comes first, and a busy camera does not move up
    by sending more. Safe to use from any thread.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: dict[CameraId, list[Notice]] = {}
        self._skipped: dict[CameraId, list[FrameNotice]] = {}
        self.skipped: tuple[FrameNotice, ...] = ()
        """Those that the frame which was taken last has replaced, in order, the newest six seconds of them."""
        self.received = 0
        """Notices of frames that came in."""
        self.dropped = 0
        """Notices of frames that a newer one replaced before anybody took them."""

    def put(self, notice: Notice) -> None:
        """Leave a notice; a waiting one of the same camera and type is dropped."""
        with self._changed:
            waiting = self._waiting.setdefault(notice.camera_id, [])
            is_status = isinstance(notice, StatusNotice)
            older = [place for place, item in enumerate(waiting) if isinstance(item, StatusNotice) is is_status]
            for place in older:
                self._skip(waiting.pop(place))
            waiting.append(notice)
            if not is_status:
                self.received += 1
                self.dropped += len(older)
            self._changed.notify()

    def take(self, timeout_s: float) -> Notice | None:
        """The notice whose turn it is; None when none comes within `timeout_s` seconds."""
        with self._changed:
            if not self._changed.wait_for(lambda: bool(self._waiting), timeout_s):
                return None
            camera = next(iter(self._waiting))
            waiting = self._waiting.pop(camera)
            notice = waiting.pop(0)
            if waiting:
                self._waiting[camera] = waiting
            if not isinstance(notice, StatusNotice):
                self.skipped = tuple(self._skipped.pop(camera, ()))
            return notice

    def _skip(self, notice: Notice) -> None:
        if not isinstance(notice, StatusNotice):
            skipped = self._skipped.setdefault(notice.camera_id, [])
            skipped.append(notice.notice if isinstance(notice, InlineFrame) else notice)
            del skipped[:-_MOST_SKIPPED]
