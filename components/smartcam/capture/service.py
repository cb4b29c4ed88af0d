"""One camera: read, look for motion, announce; and start again when the source fails."""

import logging
from collections.abc import Callable
from typing import Final

from smartcam.capture.frame_selector import FrameSelector
from smartcam.capture.recording.port import NoRecording, Recording
from smartcam.capture.report import STATUS_S, Report
from smartcam.capture.schedule import RateLimit
from smartcam.capture.settings import AtEnd, SourceSettings
from smartcam.capture.sources.source import FrameSource, TimedPicture
from smartcam.capture.transport.frame_transports import new_transport
from smartcam.capture.transport.inline_requests import InlineRequestListener
from smartcam.capture.transport.publisher import Publisher
from smartcam.contract.errors import CameraEnded, CameraLost
from smartcam.contract.notice import CameraState, PixelBox
from smartcam.contract.times import NS_PER_S, UtcNs
from smartcam.edge.backoff import Backoff
from smartcam.edge.bus.port import LocalBus
from smartcam.edge.clock import Clock
from smartcam.edge.heap import give_back
from smartcam.edge.lifecycle import StopToken
from smartcam.edge.logs import log, log_exception
from smartcam.edge.memory_file import MemoryFile
from smartcam.edge.release import THIS_RELEASE, RunningRelease
from smartcam.edge.ring.frame_ring import RingWriter
from smartcam.vision.frame import Frame
from smartcam.vision.picture import Picture

logger = logging.getLogger(__name__)

OpenSource = Callable[[StopToken], FrameSource]

_FIRST_RETRY_S: Final = 1.0
_LONGEST_RETRY_S: Final = 30.0
_GOOD_SPELL_S: Final = 3.0
"""A camera that gave pictures for this long is reopened without the long waits of one that is gone."""
_USUAL_RATE: Final = 10.0
_STORE_S: Final = 600.0
"""How often what was learnt is stored while all is well; it is stored at the end anyway. Memory cards wear out."""


class CaptureService:
    """The loop of one camera. It goes on until it is stopped, whatever its source, the bus or shared memory do."""

    def __init__(  # noqa: PLR0913, PLR0917  all that one camera is wired to
        self,
        settings: SourceSettings,
        open_source: OpenSource,
        open_ring: Callable[[], RingWriter],
        bus: LocalBus,
        clock: Clock,
        random: Callable[[], float],
        memory: MemoryFile | None = None,
        release: RunningRelease = THIS_RELEASE,
        recording: Recording | None = None,
        clip_key: str = "",
    ) -> None:
        """`memory` keeps what the motion gate has learnt across a restart.

        `release` and `clip_key`, the public key of the clips' seals, are reported with the state. `recording` keeps
        clips and footage; what may be wrong with it is reported and stops nothing.
        """
        self._settings = settings
        self._open_source = open_source
        self._clock = clock
        publisher = Publisher(settings.camera, bus)
        self._inline_requests = InlineRequestListener(settings, bus, clock)
        self._transport = new_transport(settings, publisher, clock, open_ring, random, self._inline_requests)
        footage = settings.collect_footage
        self._report = Report(settings.camera, publisher, clock, release, collects_footage=footage, clip_key=clip_key)
        self._recording = recording or NoRecording()
        self._seq = 0
        self._backoff = Backoff(_FIRST_RETRY_S, _LONGEST_RETRY_S, random)
        self._played_ns = 0
        self._memory = memory
        self._learnt = b"" if memory is None else memory.load()
        self._store_at = clock.monotonic() + round(_STORE_S * NS_PER_S)

    def run(self, stop: StopToken) -> None:
        """Play the source until `stop` is set; a source that fails or ends is reported and opened again."""
        try:
            with self._inline_requests.listening(), self._recording.running(stop):
                if stop.wait(self._settings.start_delay_s):
                    return
                while not stop.is_set():
                    self._spell(stop)
        finally:
            self._transport.close()

    def _spell(self, stop: StopToken) -> None:
        """The source from its opening to its end, and the wait after it."""
        self._played_ns = 0
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
        give_back()  # the decoder: another 8 MiB with each outage would stay for minutes, and 50 for good
        self._report.change(state, reason)
        if self._played_ns >= _GOOD_SPELL_S * NS_PER_S:
            self._backoff.reset()
        self._pause(self._backoff.next(), stop)

    def _play(self, stop: StopToken) -> None:
        """Returns when stopped. Raises CameraLost or CameraEnded."""
        source = self._open_source(stop)
        selector: FrameSelector | None = None
        try:
            limit = RateLimit(self._settings.max_fps)
            rate = source.frames_per_second or _USUAL_RATE
            rate = min(rate, self._settings.max_fps or rate)
            selector = FrameSelector(self._settings, rate, self._learnt)
            last_mono = self._clock.monotonic()
            first_mono: int | None = None
            while not stop.is_set():
                timed = source.read()
                if timed is None:
                    self._check_stall(last_mono, source.waiting_for)
                elif not stop.is_set():
                    last_mono = timed.captured_mono
                    if first_mono is None:
                        # A clip that is resumed after a restart began earlier.
                        self._report.opened(UtcNs(timed.captured_at - timed.position_ns))
                        first_mono = last_mono
                    self._played_ns = last_mono - first_mono
                    self._report.read += 1
                    if limit.takes(timed.timeline_ns):
                        self._take(timed, selector)
                self._report.tick()
        finally:
            source.close()
            if selector is not None:
                self._keep(selector)
            if source.late:
                log(logger, logging.WARNING, "pictures_late", camera=self._settings.camera, count=source.late)

    def _take(self, timed: TimedPicture, selector: FrameSelector) -> None:
        selected = selector.select(timed.picture, timed.timeline_ns)
        if selected.picture is not None:
            self._announce(timed, selected.picture, selected.motion)
            self._recording.picture(timed, selected.picture)
        if self._clock.monotonic() >= self._store_at:
            self._keep(selector)
        fault = self._transport.fault
        remark = "; ".join(filter(None, (self._transport.remark, self._recording.fault)))
        self._report.change(CameraState.LOST if fault else CameraState.RUNNING, fault or remark)

    def _announce(self, timed: TimedPicture, picture: Picture, motion: tuple[PixelBox, ...]) -> None:
        """Number the frame and send it; if that fails it is dropped."""
        self._seq += 1
        clocks = timed.captured_at, timed.captured_mono, timed.position_ns
        frame = Frame(self._settings.camera, self._seq, *clocks, picture, motion)
        self._report.announced += self._transport.send(frame)

    def _keep(self, selector: FrameSelector) -> None:
        """Keep what was learnt: in memory for the source's next opening, on disk for the next process."""
        self._store_at = self._clock.monotonic() + round(_STORE_S * NS_PER_S)
        self._learnt = selector.remember() or self._learnt
        if self._memory is None or not self._learnt:
            return
        try:
            self._memory.store(self._learnt)
        except OSError as error:
            log(logger, logging.WARNING, "background_not_stored", camera=self._settings.camera, error=error)

    def _check_stall(self, last_mono: int, waiting_for: str) -> None:
        """Raises CameraLost after a stall. A camera that sends what no picture can begin with is only reported.

        It is not opened again, which would only begin in the middle once more.
        """
        silent_s = (self._clock.monotonic() - last_mono) / NS_PER_S
        if silent_s < self._settings.stall_s:
            return
        if not waiting_for:
            raise CameraLost(f"no picture for {silent_s:.0f} s")
        self._report.change(CameraState.LOST, waiting_for)

    def _idle(self, reason: str, stop: StopToken) -> None:
        self._report.change(CameraState.ENDED, reason)
        while not stop.wait(STATUS_S):
            self._report.tick()

    def _pause(self, seconds: float, stop: StopToken) -> None:
        until = self._clock.monotonic() + round(seconds * NS_PER_S)
        while (left_s := (until - self._clock.monotonic()) / NS_PER_S) > 0:
            if stop.wait(min(left_s, STATUS_S)):
                return
            self._report.tick()
