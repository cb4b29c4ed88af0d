"""A clip played as a camera: at its own pace, or as fast as it can be read."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Final

from smartcam.capture.settings import AtEnd, Pacing, SourceSettings
from smartcam.capture.sources.clip import Clip, ClipPicture, NothingMoves, checked_path
from smartcam.capture.sources.elapsed import ElapsedFile
from smartcam.capture.sources.opencv_clip import OpenCvClip
from smartcam.capture.sources.source import TimedPicture
from smartcam.contract.errors import CameraEnded, CameraLost
from smartcam.contract.times import NS_PER_MS, NS_PER_S, MonotonicNs
from smartcam.edge.clock import Clock
from smartcam.edge.lifecycle import StopToken
from smartcam.edge.logs import log

if TYPE_CHECKING:
    from smartcam.capture.sources.packets import PacketTap

logger = logging.getLogger(__name__)

_LATE_NS: Final = 50 * NS_PER_MS


class FileSource:
    """See `FrameSource`. Positions are paced by the monotonic clock; a wait ends at once when `stop` is set.

    A clip at its own pace that began earlier (see `elapsed`) goes on where it would be by now, as a camera does.
    """

    def __init__(
        self,
        clip: Clip,
        pacing: Pacing,
        clock: Clock,
        stop: StopToken,
        elapsed: ElapsedFile | None = None,
        at_end: AtEnd = AtEnd.STOP,
    ) -> None:
        self.frames_per_second = clip.frames_per_second
        self.late = 0
        """Pictures that came more than 50 ms after their time: the machine is too slow for the clip."""
        self.waiting_for = ""
        self._clip = clip
        self._is_paced = pacing is Pacing.REALTIME
        self._clock = clock
        self._stop = stop
        self._elapsed = elapsed if self._is_paced else None
        self._at_end = at_end
        self._began: MonotonicNs | None = None

    def read(self) -> TimedPicture:
        """See `FrameSource`; a clip always has a picture or an end. When stopped it does not wait."""
        try:
            taken = self._clip.next()
            if self._is_paced:
                taken = self._at_its_time(taken)
        except CameraEnded:
            if self._elapsed is not None and self._at_end is AtEnd.REOPEN:
                self._elapsed.forget()
            raise
        return TimedPicture(
            picture=taken.picture,
            position_ns=taken.position_ns,
            timeline_ns=taken.position_ns,
            captured_at=self._clock.utc(),
            captured_mono=self._clock.monotonic(),
        )

    def close(self) -> None:
        """See `FrameSource`."""
        self._clip.close()

    def _at_its_time(self, taken: ClipPicture) -> ClipPicture:
        if self._began is None:
            self._began, taken = self._begin(taken)
        early_ns = self._began + taken.position_ns - self._clock.monotonic()
        if early_ns > 0:
            self._stop.wait(early_ns / NS_PER_S)
        elif early_ns < -_LATE_NS:
            self.late += 1
        return taken

    def _begin(self, taken: ClipPicture) -> tuple[MonotonicNs, ClipPicture]:
        """When the clip began, and the first picture to give."""
        before = None if self._elapsed is None else self._elapsed.since()
        if before is None:
            began = MonotonicNs(self._clock.monotonic() - taken.position_ns)
            if self._elapsed is not None:
                self._elapsed.begin(began)
            return began, taken
        while before + taken.position_ns < self._clock.monotonic() and not self._stop.is_set():
            taken = self._clip.next()
        log(logger, logging.INFO, "clip_goes_on", position_s=round(taken.position_ns / NS_PER_S, 1))
        return before, taken


def open_file(
    settings: SourceSettings,
    clock: Clock,
    stop: StopToken,
    memory: Path | None = None,
    tap: "PacketTap | None" = None,
) -> FileSource:
    """The source of a camera whose kind is `file`.

    `memory`: the folder in which the start of a clip is kept, so that a restarted process goes on with it.
    `tap` is told of the clip's packets.

    Raises:
        CameraLost: the clip cannot be opened; the message names the path and the cause.
    """
    elapsed = None if memory is None else ElapsedFile(memory, settings.camera, settings.path, clock)
    return FileSource(open_clip(settings.path, tap), settings.pacing, clock, stop, elapsed, settings.at_end)


def open_clip(path: Path, tap: "PacketTap | None" = None) -> Clip:
    """The clip, decoded by PyAV where that is installed and can read it, else by OpenCV.

    Raises:
        CameraLost: neither can open it; the message names the path and the cause.
    """
    checked_path(path)
    try:
        from smartcam.capture.sources.pyav_clip import PyAvClip  # noqa: PLC0415  PyAV may be missing
    except ImportError as error:
        log(logger, logging.WARNING, "pyav_missing", path=path, instead="opencv", error=error)
        return OpenCvClip(path)
    try:
        return PyAvClip(path, tap)
    except NothingMoves:
        raise
    except CameraLost as refusal:
        try:
            clip = OpenCvClip(path)
        except CameraLost:
            raise refusal from refusal.__cause__
        log(logger, logging.WARNING, "pyav_cannot_open", path=path, instead="opencv", error=refusal)
        return clip
