"""Collects a camera's footage: of the pictures that inference gets, at an even rate, in segments of ten minutes."""

import logging
import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np

from smartcam.capture.recording.footage_folder import FootageFolder
from smartcam.capture.recording.open_film import OpenFilm
from smartcam.capture.recording.segment_name import SegmentName
from smartcam.capture.schedule import RateLimit
from smartcam.capture.settings import SourceSettings
from smartcam.capture.sources.encoding import PictureEncoder
from smartcam.capture.sources.source import TimedPicture
from smartcam.contract.ids import CameraId
from smartcam.contract.times import NS_PER_S, MonotonicNs, UtcNs
from smartcam.edge.clock import Clock
from smartcam.edge.lifecycle import StopToken
from smartcam.edge.logs import log, log_exception
from smartcam.edge.ring.packet_ring import VideoPacket
from smartcam.vision.picture import Picture

logger = logging.getLogger(__name__)

_LONGEST_NS: Final = 600 * NS_PER_S
_KEY_EVERY_S: Final = 30.0
"""A key frame is ten times as large as another; whoever trains reads from the beginning anyway."""
_IDLE_S: Final = 60.0
_AGAIN_NS: Final = 10 * NS_PER_S
_MOST_WAITING: Final = 3
"""A disk that takes longer than these pictures costs footage, never frames."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A picture of its own memory, and when it was taken."""

    picture: Picture
    captured_at: UtcNs
    captured_mono: MonotonicNs


class FootageRecording:
    """See `Recording`. Encodes and writes in a thread of its own."""

    def __init__(self, settings: SourceSettings, folder: FootageFolder, clock: Clock) -> None:
        self._camera = settings.camera
        self._limit = RateLimit(1 / settings.footage.every_s)
        self._recorder = FootageRecorder(settings.camera, folder, clock)
        self._waiting: queue.Queue[Taken | None] | None = None

    @property
    def fault(self) -> str:
        """See `Recording`."""
        return self._recorder.fault

    @contextmanager
    def running(self, stop: StopToken) -> Iterator[None]:
        """See `Recording`."""
        waiting = self._waiting = queue.Queue(_MOST_WAITING)
        name, its_own = f"footage-{self._camera}", stop.branch()
        loop = partial(_follow, self._recorder, waiting, its_own)
        thread = threading.Thread(target=its_own.follow, args=(name, loop), name=name)
        thread.start()
        try:
            yield
        finally:
            self._waiting = None
            with stop.resting():  # it is watched itself
                waiting.put(None)
                thread.join()

    def picture(self, timed: TimedPicture, picture: Picture) -> None:
        """See `Recording`."""
        waiting = self._waiting
        if waiting is None or waiting.full() or not self._limit.takes(timed.captured_mono):
            return
        flat = np.empty(picture.nbytes, np.uint8)
        picture.write_i420(flat)
        own = Picture.from_i420(flat, picture.width, picture.height)
        waiting.put_nowait(Taken(own, timed.captured_at, timed.captured_mono))


class FootageRecorder:
    """Writes the segments of one camera. For one thread."""

    def __init__(self, camera: CameraId, folder: FootageFolder, clock: Clock) -> None:
        self.fault = ""
        """Why nothing can be collected now; empty if it can."""
        self.camera = camera
        self._folder = folder
        self._clock = clock
        self._encoder = PictureEncoder(_KEY_EVERY_S)
        self._segment: OpenFilm[SegmentName] | None = None
        self._write_at = 0

    def take(self, taken: Taken) -> None:
        """Add a picture. What keeps it from the disk is a fault; ten seconds later it is tried again."""
        if taken.captured_mono < self._write_at:
            return
        try:
            self._add(taken)
        except (OSError, ValueError) as error:
            self._give_up(taken, error)

    def finish(self) -> None:
        """End the segment that is being written, even if its last picture cannot be."""
        segment, self._segment = self._segment, None
        if segment is None:
            return
        try:
            segment.finish()
        except OSError as error:  # the next process tries again
            log(logger, logging.ERROR, "footage_not_finished", camera=self.camera, error=error)

    def _add(self, taken: Taken) -> None:
        """Raises OSError, or ValueError for what the encoder gives and no file takes."""
        if self._segment is not None and taken.captured_mono - self._segment.began >= _LONGEST_NS:
            self.finish()
        if self._segment is None:
            self._encoder.begin_anew()
        for packet in self._encoder.encode(taken.picture, taken.captured_at, taken.captured_mono):
            if self._segment is not None and not self._segment.takes(packet, _LONGEST_NS):
                self.finish()
            if self._segment is not None:
                self._segment.write(packet)
            elif packet.is_key:
                self._segment = self._begin(packet)

    def _begin(self, packet: VideoPacket) -> OpenFilm[SegmentName]:
        """Raises what `_add` does; then there is no file."""
        name = SegmentName.of(self.camera, packet.captured_at, packet.captured_mono, self._clock)
        facts = {"camera": self.camera, "clock_synced": bool(name.utc)}
        film = OpenFilm(self._folder.grow(name), packet, self.camera, facts)
        if self.fault:
            log(logger, logging.INFO, "footage_collected_again", camera=self.camera)
            self.fault = ""
        return film

    def _give_up(self, taken: Taken, error: OSError | ValueError) -> None:
        """Keep what can be played; frames and events go on without footage meanwhile."""
        if not self.fault:
            log(logger, logging.ERROR, "footage_not_collected", camera=self.camera, error=error)
        reason = error.strerror if isinstance(error, OSError) else None
        self.fault = f"footage is not collected: {reason or error}"
        self._write_at = taken.captured_mono + _AGAIN_NS
        self.finish()


def _follow(recorder: FootageRecorder, waiting: "queue.Queue[Taken | None]", stop: StopToken) -> None:
    try:
        while True:
            try:
                with stop.resting():
                    taken = waiting.get(timeout=_IDLE_S)
            except queue.Empty:  # the camera is lost: what there is can be fetched
                recorder.finish()
                continue
            if taken is None:
                return
            try:
                recorder.take(taken)
            except Exception as error:  # noqa: BLE001  the edge of the loop: no picture may end the collecting of others
                log_exception(logger, "footage_failed", error, camera=recorder.camera)
                recorder.finish()
    finally:
        recorder.finish()
