"""One camera: read, look for motion, announce; and begin again when the source fails."""

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from smartcam.capture.announcer import Announcer
from smartcam.capture.eye import Eye
from smartcam.capture.report import STATUS_S, Report
from smartcam.capture.schedule import RateLimit
from smartcam.capture.settings import AtEnd, CameraSettings
from smartcam.capture.sources.source import FrameSource, TimedPicture
from smartcam.capture.transport.choice import Wish, new_transport
from smartcam.capture.transport.transports import Publisher
from smartcam.contract.errors import CameraEnded, CameraLost
from smartcam.contract.notice import CameraState
from smartcam.contract.times import NS_PER_S, UtcNs
from smartcam.edge.backoff import Backoff
from smartcam.edge.bus.port import LocalBus
from smartcam.edge.clock import Clock
from smartcam.edge.lifecycle import StopToken
from smartcam.edge.logs import log, log_exception
from smartcam.edge.memory_file import MemoryFile
from smartcam.edge.ring.frame_ring import RingWriter

logger = logging.getLogger(__name__)

OpenSource = Callable[[StopToken], FrameSource]

_FIRST_RETRY_S: Final = 1.0
_LONGEST_RETRY_S: Final = 30.0
_GOOD_SPELL_S: Final = 3.0
"""A camera that gave pictures for so long is opened again without the long waits of one that is gone."""
_USUAL_RATE: Final = 10.0
_STORE_S: Final = 600.0
"""How often what was learnt is stored while all is well; at the end it is stored anyway. Memory cards wear out."""


class CaptureService:
    """The loop of one camera. Whatever its source, the bus or shared memory do, it goes on until it is stopped."""

    def __init__(
        self,
        settings: CameraSettings,
        open_source: OpenSource,
        open_ring: Callable[[], RingWriter],
        bus: LocalBus,
        clock: Clock,
        random: Callable[[], float],
        memory: MemoryFile | None = None,
    ) -> None:
        """`memory` keeps what the motion gate has learnt across a restart."""
        self._settings = settings
        self._open_source = open_source
        self._clock = clock
        publisher = Publisher(settings.camera, bus)
        self._wish = Wish(settings, bus)
        transport = new_transport(settings, publisher, clock, open_ring, random, self._wish)
        self._announcer = Announcer(settings.camera, transport)
        self._report = Report(settings.camera, publisher, self._announcer, clock)
        self._backoff = Backoff(_FIRST_RETRY_S, _LONGEST_RETRY_S, random)
        self._seen_ns = 0
        self._memory = memory
        self._learnt = b"" if memory is None else memory.load()
        self._store_at = clock.monotonic() + round(_STORE_S * NS_PER_S)

    def run(self, stop: StopToken) -> None:
        """Play the source until `stop` is set; a source that fails or ends is reported and opened again."""
        try:
            with self._wish.heard():
                if stop.wait(self._settings.start_delay_s):
                    return
                while not stop.is_set():
                    self._spell(stop)
        finally:
            self._announcer.close()

    def _spell(self, stop: StopToken) -> None:
        """The source from its opening to its end, and the wait after it."""
        self._seen_ns = 0
        state = CameraState.LOST
        try:
            self._play(stop)
        except CameraEnded as end:
            if self._settings.at_end is AtEnd.STOP:
                self._idle(str(end), stop)
                return
            state, reason = CameraState.ENDED, str(end)
        except CameraLost as loss:
            reason = str(loss)
        except Exception as error:  # noqa: BLE001  the edge of the loop: no source may end capture
            log_exception(logger, "capture_failed", error, camera=self._settings.camera)
            reason = f"{type(error).__name__}: {error}"
        if stop.is_set():
            return
        self._report.tell(state, reason)
        if self._seen_ns >= _GOOD_SPELL_S * NS_PER_S:
            self._backoff.reset()
        self._pause(self._backoff.next(), stop)

    def _play(self, stop: StopToken) -> None:
        """Returns when stopped. Raises CameraLost or CameraEnded."""
        source = self._open_source(stop)
        eye: Eye | None = None
        try:
            limit = RateLimit(self._settings.max_fps)
            rate = source.frames_per_second or _USUAL_RATE
            rate = min(rate, self._settings.max_fps or rate)
            eye = Eye(self._settings, rate, self._learnt)
            last_mono = self._clock.monotonic()
            first_mono: int | None = None
            while not stop.is_set():
                timed = source.read()
                if timed is None:
                    self._check_stall(last_mono)
                elif not stop.is_set():
                    last_mono = timed.captured_mono
                    if first_mono is None:
                        # A clip that goes on after a restart began before.
                        self._report.opened(UtcNs(timed.captured_at - timed.position_ns))
                        first_mono = last_mono
                    self._seen_ns = last_mono - first_mono
                    self._report.read += 1
                    if limit.takes(timed.timeline_ns):
                        self._take(timed, eye)
                self._report.tick()
        finally:
            source.close()
            if eye is not None:
                self._keep(eye)
            if source.late:
                log(logger, logging.WARNING, "pictures_late", camera=self._settings.camera, count=source.late)

    def _take(self, timed: TimedPicture, eye: Eye) -> None:
        seen = eye.look(timed.picture, timed.timeline_ns)
        if seen.picture is not None:
            self._announcer.announce(replace(timed, picture=seen.picture), seen.motion)
        if self._clock.monotonic() >= self._store_at:
            self._keep(eye)
        fault = self._announcer.fault
        self._report.tell(CameraState.LOST if fault else CameraState.RUNNING, fault or self._announcer.remark)

    def _keep(self, eye: Eye) -> None:
        """Hold on to what was learnt, here for the source's next spell and on disk for the next process."""
        self._store_at = self._clock.monotonic() + round(_STORE_S * NS_PER_S)
        self._learnt = eye.remember() or self._learnt
        if self._memory is None or not self._learnt:
            return
        try:
            self._memory.store(self._learnt)
        except OSError as error:
            log(logger, logging.WARNING, "background_not_stored", camera=self._settings.camera, error=error)

    def _check_stall(self, last_mono: int) -> None:
        silent_s = (self._clock.monotonic() - last_mono) / NS_PER_S
        if silent_s >= self._settings.stall_s:
            raise CameraLost(f"no picture for {silent_s:.0f} s")

    def _idle(self, reason: str, stop: StopToken) -> None:
        self._report.tell(CameraState.ENDED, reason)
        while not stop.wait(STATUS_S):
            self._report.tick()

    def _pause(self, seconds: float, stop: StopToken) -> None:
        until = self._clock.monotonic() + round(seconds * NS_PER_S)
        while (left_s := (until - self._clock.monotonic()) / NS_PER_S) > 0:
            if stop.wait(min(left_s, STATUS_S)):
                return
            self._report.tick()
