"""Films of one camera: what it sends goes into its ring, from there into files, when inference asks or all the time."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final, Protocol

from smartcam.capture.recording.clip_folder import ClipFolder
from smartcam.capture.recording.clip_recorder import ClipRecorder
from smartcam.capture.recording.continuous_folder import ContinuousFolder
from smartcam.capture.recording.continuous_recorder import ContinuousRecorder
from smartcam.capture.recording.kept_clips import KeptClips
from smartcam.capture.settings import ClipSettings, SourceSettings
from smartcam.capture.sources.encoding import PictureEncoder
from smartcam.capture.sources.packets import PacketTap
from smartcam.capture.sources.source import TimedPicture
from smartcam.contract.clip import ClipKept, decode_clip_message, encode_clip_message
from smartcam.contract.errors import BusError, ContractError, RingError
from smartcam.contract.topics import clips_topic
from smartcam.edge.bus.port import LocalBus
from smartcam.edge.clock import Clock
from smartcam.edge.lifecycle import StopToken
from smartcam.edge.logs import log, log_exception
from smartcam.edge.memory_file import MemoryFile
from smartcam.edge.ring.packet_ring import PacketRingReader, PacketRingWriter, VideoPacket
from smartcam.vision.picture import Picture

logger = logging.getLogger(__name__)

_LOOK_S: Final = 0.25
_LONGEST_GROUP_S: Final = 5.0
"""The ring holds this more than what a clip begins with: cameras send a key frame every second, or every fourth."""
_BYTES_OF_A_SECOND: Final = 750_000
"""Six megabits a second, more than most cameras send. One that sends more has clips that begin later."""
_LARGEST_OF_ENCODED: Final = 7_000_000
_PACKETS_OF_A_SECOND: Final = 60


class FilmRecorder(Protocol):
    """Writes films from the ring. For one thread, but for `fault`."""

    @property
    def fault(self) -> str:
        """Why it cannot write now; empty if it can."""

    def step(self) -> None:
        """Write what has come since the last step."""

    def close(self) -> None:
        """Finish what is being written."""


class CameraRecording:
    """See `Recording`. Packets come from the source through `tap`, which is None where they must not be kept.

    Then, and where the source has none, the pictures that others may see are encoded: turned, and with their masks.
    """

    def __init__(
        self,
        settings: SourceSettings,
        ring_folder: Path,
        folder: ClipFolder,
        bus: LocalBus,
        clock: Clock,
        memory: MemoryFile | None = None,
        recordings: ContinuousFolder | None = None,
    ) -> None:
        """`memory` keeps which clips inference has not heard of. `recordings`: where all goes, if that is wanted."""
        self.tap = PacketTap(self._keep, clock) if settings.may_keep_packets else None
        self._camera = settings.camera
        self._clips = settings.clips
        self._size = ring_size(settings.clips, is_encoded=self.tap is None)
        self._recordings = recordings if settings.recording.keep else None
        self._ring_folder = ring_folder
        self._folder = folder
        self._bus = bus
        self._clock = clock
        self._memory = memory
        self._encoder = PictureEncoder()
        self._encoder_fault = self._ring_fault = ""
        self._lock = threading.Lock()
        """The thread of a source that hangs in a system call may come back when the ring is gone."""
        self._ring: PacketRingWriter | None = None
        self._recorders: list[FilmRecorder] = []

    @property
    def fault(self) -> str:
        """See `Recording`."""
        reason = self._ring_fault or self._encoder_fault
        if reason:
            return f"{'clips are not kept' if self._clips.keep else 'nothing is recorded'}: {reason}"
        return "; ".join(filter(None, (each.fault for each in self._recorders)))

    @contextmanager
    def running(self, stop: StopToken) -> Iterator[None]:
        """See `Recording`."""
        try:
            self._ring = PacketRingWriter(self._ring_folder, self._camera, *self._size)
            self._recorders = list(self._open())
        except RingError as error:
            self._ring_fault = str(error)
            log(logger, logging.ERROR, "clips_not_kept", camera=self._camera, error=error)
            self._close_ring()
            yield
            return
        name, stops = f"films-{self._camera}", [stop.branch() for _ in self._recorders]
        threads = [
            threading.Thread(target=its_own.follow, args=(name, partial(_follow, each, its_own)), name=name)
            for each, its_own in zip(self._recorders, stops, strict=True)
        ]
        subscription = self._bus.subscribe_local(clips_topic(self._camera), self._on_message)
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            subscription.close()
            for its_own in stops:
                its_own.set()
            with stop.resting():  # they are watched themselves
                for thread in threads:
                    thread.join()
            self._close_ring()

    def _open(self) -> Iterator[FilmRecorder]:
        """What reads the ring, each with a reader and in a thread of its own. Raises RingError."""
        if self._clips.keep:
            reader = PacketRingReader(self._ring_folder, self._camera)
            kept = KeptClips(self._camera, self._folder, self._say, self._clock, self._memory)
            yield ClipRecorder(self._camera, self._clips, reader, self._folder, self._clock, kept)
        if self._recordings is not None:
            reader = PacketRingReader(self._ring_folder, self._camera)
            yield ContinuousRecorder(self._camera, reader, self._recordings, self._clock)

    def picture(self, timed: TimedPicture, picture: Picture) -> None:
        """See `Recording`."""
        if (self.tap is not None and not self.tap.refused) or self._ring is None:
            return
        try:
            for packet in self._encoder.encode(picture, timed.captured_at, timed.captured_mono):
                self._keep(packet)
            self._encoder_fault = ""
        except OSError as error:
            if not self._encoder_fault:
                log(logger, logging.ERROR, "clips_not_kept", camera=self._camera, error=error)
            self._encoder_fault = str(error)

    def _keep(self, packet: VideoPacket) -> None:
        with self._lock:
            if self._ring is not None:
                self._ring.write(packet)

    def _close_ring(self) -> None:
        with self._lock:
            ring, self._ring = self._ring, None
        if ring is not None:
            ring.close()

    def _say(self, message: ClipKept) -> None:
        try:
            self._bus.publish_local(clips_topic(self._camera), encode_clip_message(message))
        except BusError as error:
            log(logger, logging.DEBUG, "clip_not_said", camera=self._camera, error=error)

    def _on_message(self, topic: str, payload: bytes) -> None:
        try:
            message = decode_clip_message(payload)
            if message.camera_id != self._camera:
                raise ContractError("camera_id", f"is not the camera of the topic {topic}")
        except ContractError as error:
            log(logger, logging.WARNING, "wish_refused", topic=topic, error=error)
            return
        for each in self._recorders:
            if isinstance(each, ClipRecorder):
                each.hear(message)


def ring_size(clips: ClipSettings, *, is_encoded: bool) -> tuple[int, int]:
    """Bytes and entries of a camera's ring: one group of pictures more than what a clip begins with."""
    seconds = clips.keep * clips.before_s + _LONGEST_GROUP_S
    size = round(seconds * _BYTES_OF_A_SECOND)
    return min(size, _LARGEST_OF_ENCODED) if is_encoded else size, round(seconds * _PACKETS_OF_A_SECOND)


def _follow(recorder: FilmRecorder, stop: StopToken) -> None:
    try:
        while not stop.wait(_LOOK_S):
            try:
                recorder.step()
            except Exception as error:  # noqa: BLE001  the edge of the loop: no clip may end the recording of others
                log_exception(logger, "clip_failed", error)
    finally:
        recorder.close()
