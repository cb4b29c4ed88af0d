"""A live camera: a thread of its own takes pictures as they come, and the newest one wins."""

import logging
import threading
import time
from collections.abc import Callable
from typing import Final, Protocol

from smartcam.capture.sources.source import TimedPicture
from smartcam.contract.errors import CameraLost
from smartcam.edge.clock import Clock
from smartcam.edge.lifecycle import StopToken
from smartcam.edge.logs import log_exception
from smartcam.vision.picture import Picture

logger = logging.getLogger(__name__)

READ_S: Final = 1.0
"""A source's `read` returns at least this often."""
_OPEN_LIMIT_S: Final = 30.0
"""Streams give up earlier by themselves; a device's driver may hang."""
_LOOK_S: Final = 0.1
_PATIENCE_S: Final = 2 * READ_S


class LiveStream(Protocol):
    """An open camera. For one thread."""

    @property
    def frames_per_second(self) -> float:
        """Pictures a second as stated by the camera; 0 if it states none."""

    @property
    def waiting_for(self) -> str:
        """See `FrameSource`; asked from another thread than `next` is."""

    def next(self) -> Picture | None:
        """The next picture, whose memory stays untouched; None when none has come for a while, ten seconds at most.

        Raises:
            CameraLost: there will be no more pictures.
        """

    def close(self) -> None:
        """Close the camera; closing twice is allowed."""


OpenStream = Callable[[], LiveStream]


class LiveSource:
    """See `FrameSource`. Decoding goes on while a picture is analysed, so no delay builds up in the network.

    The thread is a daemon: a system call that hangs on a camera must not keep the component from ending.
    """

    def __init__(self, camera: str, open_stream: OpenStream, clock: Clock, stop: StopToken) -> None:
        """Returns when the camera is open.

        Raises:
            CameraLost: it cannot be opened, or `stop` was set meanwhile.
        """
        self.frames_per_second = 0.0
        self._open_stream = open_stream
        self._clock = clock
        self._stop = stop
        self._changed = threading.Condition()
        self._is_open = False
        self._closed = stop.branch()
        self._newest: TimedPicture | None = None
        self._stream: LiveStream | None = None
        # Only the text: a raised error holds the stack, and the stack holds this source with its decoder.
        self._loss = ""
        self.late = 0
        """Pictures that a newer one replaced before they were read: the machine is too slow for the camera."""
        name = f"live-{camera}"
        self._wait_for_the_one_before(name)
        loop = name, self._follow
        self._thread = threading.Thread(target=self._closed.follow, args=loop, name=name, daemon=True)
        self._thread.start()
        self._wait_until_open()

    @property
    def waiting_for(self) -> str:
        """See `FrameSource`. Asked of the stream, whose own thread may sit in a read of a silent camera."""
        stream = self._stream
        return "" if stream is None else stream.waiting_for

    def read(self) -> TimedPicture | None:
        """See `FrameSource`. When stopped it does not wait."""
        with self._changed:
            for _ in range(round(READ_S / _LOOK_S)):
                if self._newest is not None or self._loss or self._stop.is_set():
                    break
                self._changed.wait(_LOOK_S)
            newest, self._newest = self._newest, None
            if newest is None and self._loss:
                raise CameraLost(self._loss)
            return newest

    def close(self) -> None:
        """See `FrameSource`. A thread that hangs in a system call is left alone: it closes the camera later."""
        with self._changed:
            self._closed.set()
            self._newest = None
        self._thread.join(_PATIENCE_S)

    def _wait_for_the_one_before(self, name: str) -> None:
        """A thread that hangs must end first, or each attempt would leave a thread and a handle behind."""
        until = time.monotonic() + _OPEN_LIMIT_S
        while any(thread.name == name for thread in threading.enumerate()):
            if time.monotonic() > until:
                raise CameraLost("the previous attempt still hangs in a system call")
            if self._stop.wait(_LOOK_S):
                raise CameraLost("stopped while the previous attempt still hung in a system call")

    def _wait_until_open(self) -> None:
        until = time.monotonic() + _OPEN_LIMIT_S
        with self._changed:
            while not (self._is_open or self._loss):
                if time.monotonic() > until:
                    self._closed.set()
                    raise CameraLost(f"did not open within {_OPEN_LIMIT_S:g} s")
                if self._stop.is_set():
                    self._closed.set()
                    raise CameraLost("stopped while the camera was being opened")
                self._changed.wait(_LOOK_S)
            if not self._is_open:
                raise CameraLost(self._loss)

    def _follow(self) -> None:
        try:
            stream = self._open_stream()
            try:
                self.frames_per_second = stream.frames_per_second
                self._stream = stream
                self._opened()
                while not self._closed.is_set():
                    picture = stream.next()
                    if picture is not None:
                        self._offer(picture)
            finally:
                self._stream = None
                stream.close()
        except CameraLost as loss:
            self._lose(str(loss))
        except Exception as error:  # noqa: BLE001  the edge of the thread
            log_exception(logger, "live_source_failed", error)
            self._lose(f"{type(error).__name__}: {error}")

    def _opened(self) -> None:
        with self._changed:
            self._is_open = True
            self._changed.notify_all()

    def _offer(self, picture: Picture) -> None:
        now = self._clock.monotonic()
        timed = TimedPicture(picture, 0, now, self._clock.utc(), now)
        with self._changed:
            if self._closed.is_set():
                return
            self.late += self._newest is not None
            self._newest = timed
            self._changed.notify_all()

    def _lose(self, reason: str) -> None:
        with self._changed:
            self._loss = reason or "lost for no stated reason"
            self._changed.notify_all()
