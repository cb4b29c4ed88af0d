"""Writes the clips of one camera's events, from its ring of packets into the folder of clips."""

import logging
from collections import deque
from dataclasses import dataclass
from typing import Final

from smartcam.capture.recording.captions import EventTimes, webvtt
from smartcam.capture.recording.clip_folder import ClipFolder
from smartcam.capture.recording.kept_clips import KeptClips
from smartcam.capture.recording.open_film import OpenFilm
from smartcam.capture.settings import ClipSettings
from smartcam.contract.clip import ClipHeard, ClipMessage, ClipRequest, ClipWorth
from smartcam.contract.errors import PacketOverwritten
from smartcam.contract.event import Event
from smartcam.contract.ids import CameraId, EventId
from smartcam.contract.reading import parse_object
from smartcam.contract.times import NS_PER_S
from smartcam.edge.clip_name import ClipName
from smartcam.edge.clock import Clock
from smartcam.edge.logs import log
from smartcam.edge.ring.packet_ring import PacketRingReader, VideoPacket

logger = logging.getLogger(__name__)

_MOST_AT_ONCE: Final = 16
_MOST_REMEMBERED: Final = 256
_AGAIN_NS: Final = 10 * NS_PER_S
_MOST_AHEAD_NS: Final = 120 * NS_PER_S
"""What goes on for longer is requested again: one message, whoever sent it, must not fill the disk for good."""
_GRACE_NS: Final = 2 * NS_PER_S
"""How long after its end a clip waits for a packet that shows that nothing is missing."""


@dataclass(slots=True)
class _Part:
    """A film that grows, and the captions that were put beside it last."""

    film: OpenFilm[ClipName]
    captions: bytes = b""


@dataclass(slots=True)
class _Clip:
    """An event's clip: what is wanted of it, and how far it has got. `next_seq` None: it has not begun."""

    event: Event
    from_ns: int
    to_ns: int
    next_seq: int | None = None
    part: _Part | None = None
    is_shortened: bool = False


@dataclass(slots=True)
class _Done:
    """Until when, and up to which packet, an event has been recorded."""

    to_ns: int
    next_seq: int


class ClipRecorder:
    """Follows requests. For one thread, but for `hear`."""

    def __init__(
        self,
        camera: CameraId,
        settings: ClipSettings,
        reader: PacketRingReader,
        folder: ClipFolder,
        clock: Clock,
        kept: KeptClips,
    ) -> None:
        """`kept` is told of the clips that there are."""
        self.fault = ""
        """Why clips cannot be written now; empty if they can."""
        self._camera = camera
        self._settings = settings
        self._reader = reader
        self._folder = folder
        self._clock = clock
        self._kept = kept
        self._heard: deque[ClipMessage] = deque(maxlen=_MOST_REMEMBERED)
        self._clips: dict[EventId, _Clip] = {}
        self._done: dict[EventId, _Done] = {}
        self._times = EventTimes()
        self._write_at = 0

    def hear(self, message: ClipMessage) -> None:
        """Take note of a message; from any thread."""
        self._heard.append(message)

    def step(self) -> None:
        """Write what has come since the last step."""
        if self._listen():
            for clip in self._clips.values():
                self._caption(clip)
        now = self._clock.monotonic()
        if now < self._write_at:
            return
        for clip in list(self._clips.values()):
            try:
                is_over = self._advance(clip)
                if clip.part is not None:
                    clip.part.film.file.sync()
                if is_over or now > clip.to_ns + _GRACE_NS:
                    self._end(clip)
            except OSError as error:
                self._give_up(clip, error)
                return
        try:
            self._kept.step()
        except OSError as error:
            log(logger, logging.WARNING, "clip_not_read", camera=self._camera, error=error)

    def _listen(self) -> bool:
        """Take what was heard; whether anything was said of events."""
        has_requests = False
        while self._heard:
            message = self._heard.popleft()
            if isinstance(message, ClipRequest):
                self._take(message)
                has_requests = True
            elif isinstance(message, ClipHeard):
                self._kept.heard(message)
            elif isinstance(message, ClipWorth):
                self._folder.weigh(message.false, message.waiting)
        return has_requests

    def close(self) -> None:
        """Finish what is being written."""
        for clip in list(self._clips.values()):
            try:
                self._finish(clip)
            except OSError as error:
                log(logger, logging.ERROR, "clip_not_finished", camera=self._camera, error=error)
        self._reader.close()

    def _take(self, request: ClipRequest) -> None:
        now = self._clock.monotonic()
        self._times.hear(request, now)
        from_ns = request.from_mono - round(self._settings.before_s * NS_PER_S)
        latest = min(request.to_mono, now + _MOST_AHEAD_NS)
        to_ns = latest + round(self._settings.after_s * NS_PER_S)
        event_id = request.event.event_id
        done = self._done.get(event_id)
        if event_id in self._clips:
            self._clips[event_id].to_ns = to_ns
            self._clips[event_id].event = request.event
        elif done is None or done.to_ns < to_ns:
            if len(self._clips) >= _MOST_AT_ONCE:
                log(logger, logging.WARNING, "clip_refused", event_id=event_id, at_once=_MOST_AT_ONCE)
                return
            # What has been recorded of it already is not recorded again.
            next_seq = None if done is None else done.next_seq
            self._clips[event_id] = _Clip(request.event, from_ns, to_ns, next_seq)

    def _advance(self, clip: _Clip) -> bool:
        """Write the packets that have come; whether the clip's end has come with them. Raises OSError."""
        numbers = self._reader.numbers
        if clip.next_seq is None:
            clip.next_seq = self._beginning(clip, numbers)
            if clip.next_seq is None:
                return False
        if clip.next_seq < numbers.start:
            log(logger, logging.WARNING, "clip_has_gap", camera=self._camera, packets=numbers.start - clip.next_seq)
            self._finish(clip)
            clip.next_seq = numbers.start
        for seq in range(clip.next_seq, numbers.stop):
            try:
                packet = self._reader.read(seq)
            except PacketOverwritten:
                return False  # the next step knows what is still there
            if packet.captured_mono > clip.to_ns and not (clip.part and clip.part.film.lacks(packet)):
                return True
            try:
                self._write(clip, packet)
            except ValueError as error:
                log(logger, logging.DEBUG, "packet_left_out", camera=self._camera, seq=seq, error=error)
            clip.next_seq = seq + 1
        return False

    def _beginning(self, clip: _Clip, numbers: range) -> int | None:
        """The last key frame that is not after the wanted beginning, else the first that is there."""
        found = None
        for seq in numbers:
            try:
                packet = self._reader.read(seq)
            except PacketOverwritten:
                found = None
                continue
            if packet.captured_mono > clip.from_ns and found is not None:
                break
            if packet.is_key:
                found = seq
                clip.is_shortened = numbers.start > 0 and packet.captured_mono > clip.from_ns
        return found

    def _write(self, clip: _Clip, packet: VideoPacket) -> None:
        """Raises OSError, or ValueError for what is no packet of its codec."""
        part = clip.part
        if part is not None and not part.film.takes(packet, round(self._settings.longest_s * NS_PER_S)):
            self._finish(clip)
            part = None
        if part is not None:
            part.film.write(packet)
        elif packet.is_key:
            clip.part = self._begin(clip, packet)
            self._kept.begun(clip.event)
            self._recovered()
            self._caption(clip)

    def _begin(self, clip: _Clip, packet: VideoPacket) -> _Part:
        """A new part, which begins with this packet. Raises what `_write` does; then there is none."""
        event = parse_object(clip.event.to_json(), "event")
        file = self._folder.begin(self._camera, clip.event.event_id)
        facts = {
            "part": file.name.part,
            "shortened": clip.is_shortened and file.name.part == 1,
            "event": event,
        }
        return _Part(OpenFilm(file, packet, self._camera, facts))

    def _caption(self, clip: _Clip, *, is_done: bool = False) -> None:
        """Say beside the part that is being written which events were on. Where that cannot be, the clip goes on."""
        part = clip.part
        if part is None:
            return
        film = part.film
        cues = self._times.cues(film.began, film.length_ns if is_done else clip.to_ns - film.began)
        content = webvtt(cues)
        if content == part.captions and not is_done:
            return
        part.captions = content
        try:
            self._folder.put_beside(film.file.name, content, durable=is_done)
        except OSError as error:
            log(logger, logging.WARNING, "clip_without_captions", clip=film.file.name, error=error)

    def _end(self, clip: _Clip) -> None:
        """Raises OSError."""
        self._finish(clip)
        self._clips.pop(clip.event.event_id, None)
        if clip.next_seq is not None:
            self._done[clip.event.event_id] = _Done(clip.to_ns, clip.next_seq)
            if len(self._done) > _MOST_REMEMBERED:
                del self._done[next(iter(self._done))]

    def _finish(self, clip: _Clip) -> None:
        """Finish the part that is being written, even if its last fragment cannot be. Raises OSError."""
        if clip.part is None:
            return
        self._caption(clip, is_done=True)
        part, clip.part = clip.part, None
        try:
            part.film.finish()
        finally:
            self._kept.finished(clip.event)
        log(logger, logging.INFO, "clip_kept", clip=part.film.file.name)

    def _give_up(self, clip: _Clip, error: OSError) -> None:
        """Keep what can be played, and try again a little later: the events go on without clips meanwhile."""
        reason = error.strerror or str(error)
        if not self.fault:
            log(logger, logging.ERROR, "clips_not_kept", camera=self._camera, error=error)
        self.fault = f"clips are not kept: {reason}"
        self._write_at = self._clock.monotonic() + _AGAIN_NS
        for each in (clip, *self._clips.values()):
            try:
                self._finish(each)
            except OSError as fault:
                log(logger, logging.DEBUG, "clip_not_finished", camera=self._camera, error=fault)

    def _recovered(self) -> None:
        if self.fault:
            log(logger, logging.INFO, "clips_kept_again", camera=self._camera)
            self.fault = ""
