"""Records all that one camera sends, from its ring of packets into segments of five minutes."""

import logging
from typing import Final

from smartcam.capture.recording.continuous_folder import ContinuousFolder
from smartcam.capture.recording.open_film import OpenFilm
from smartcam.capture.recording.segment_name import SegmentName
from smartcam.contract.errors import PacketOverwritten
from smartcam.contract.ids import CameraId
from smartcam.contract.times import NS_PER_S
from smartcam.edge.clock import Clock
from smartcam.edge.logs import log
from smartcam.edge.ring.packet_ring import PacketRingReader, VideoPacket

logger = logging.getLogger(__name__)

_LONGEST_NS: Final = 300 * NS_PER_S
_IDLE_NS: Final = 60 * NS_PER_S
"""A camera that sends nothing for so long is lost: what there is of it is finished."""
_AGAIN_NS: Final = 10 * NS_PER_S


class ContinuousRecorder:
    """For one thread."""

    def __init__(self, camera: CameraId, reader: PacketRingReader, folder: ContinuousFolder, clock: Clock) -> None:
        self.fault = ""
        """Why nothing can be recorded now; empty if it can."""
        self._camera = camera
        self._reader = reader
        self._folder = folder
        self._clock = clock
        self._film: OpenFilm[SegmentName] | None = None
        self._next_seq = 0
        self._grew_at = self._write_at = 0

    def step(self) -> None:
        """Write what has come since the last step."""
        now = self._clock.monotonic()
        if now < self._write_at:
            return
        try:
            self._advance()
            if self._film is not None:
                self._film.file.sync()
                if now - self._grew_at > _IDLE_NS:
                    self._finish()
        except OSError as error:
            self._give_up(error)

    def close(self) -> None:
        """Finish what is being written."""
        try:
            self._finish()
        except OSError as error:  # the next process tries again
            log(logger, logging.ERROR, "recording_not_finished", camera=self._camera, error=error)
        self._reader.close()

    def _advance(self) -> None:
        """Raises OSError."""
        numbers = self._reader.numbers
        if self._next_seq < numbers.start:
            if self._film is not None:
                gap = numbers.start - self._next_seq
                log(logger, logging.WARNING, "recording_has_gap", camera=self._camera, packets=gap)
            self._finish()
            self._next_seq = numbers.start
        for seq in range(self._next_seq, numbers.stop):
            try:
                packet = self._reader.read(seq)
            except PacketOverwritten:
                return  # the next step knows what is still there
            try:
                self._write(packet)
            except ValueError as error:
                log(logger, logging.DEBUG, "packet_left_out", camera=self._camera, seq=seq, error=error)
            self._next_seq = seq + 1

    def _write(self, packet: VideoPacket) -> None:
        """Raises OSError, or ValueError for what is no packet of its codec."""
        if self._film is not None and not self._film.takes(packet, _LONGEST_NS):
            self._finish()
        if self._film is not None:
            self._film.write(packet)
        elif packet.is_key:
            self._film = self._begin(packet)
        self._grew_at = self._clock.monotonic()

    def _begin(self, packet: VideoPacket) -> OpenFilm[SegmentName]:
        """Raises what `_write` does; then there is no file."""
        name = SegmentName.of(self._camera, packet.captured_at, packet.captured_mono, self._clock)
        facts = {"camera": self._camera, "clock_synced": bool(name.utc)}
        film = OpenFilm(self._folder.grow(name), packet, self._camera, facts)
        if self.fault:
            log(logger, logging.INFO, "recorded_again", camera=self._camera)
            self.fault = ""
        return film

    def _finish(self) -> None:
        """Raises OSError."""
        film, self._film = self._film, None
        if film is not None:
            film.finish()

    def _give_up(self, error: OSError) -> None:
        """Keep what can be played, and try again a little later: events and clips go on meanwhile."""
        if not self.fault:
            log(logger, logging.ERROR, "not_recorded", camera=self._camera, error=error)
        self.fault = f"nothing is recorded: {error.strerror or error}"
        self._write_at = self._clock.monotonic() + _AGAIN_NS
        try:
            self._finish()
        except OSError as fault:
            log(logger, logging.DEBUG, "recording_not_finished", camera=self._camera, error=fault)
